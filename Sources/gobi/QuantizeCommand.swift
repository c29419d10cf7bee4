// `gobi quantize`: a model in another format.
import ArgumentParser
import Capacity
import Foundation
import Inference

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Write a model as a GGUF file of another type.",
    usage: "gobi quantize <source> <type> <output> <options>",
    discussion: """
      SOURCE is a GGUF file, or a folder with safetensors, config.json and tokenizer.json.

      TYPE is a format (\(FileType.all.filter(\.isPure).map(\.name).joined(separator: " "))), in which every matrix \
      is stored, or a mix of formats (\(FileType.all.filter { !$0.isPure }.map(\.name).joined(separator: " "))), \
      which gives the output and the most sensitive layers more bits. Vectors stay in F32.
      """)

  @Argument(help: "The model to read.")
  var source: String

  @Argument(help: "The file type to write.", transform: FileType.init(argument:))
  var type: FileType

  @Argument(help: "The GGUF file to write.")
  var output: String

  @Flag(help: "Store every matrix in the type's base format.")
  var pure = false

  @OptionGroup var writing: WritingOptions

  @Option(name: .shortAndLong, help: "Threads to encode with (default: all processors).")
  var threads: Int?

  @Flag(help: "Round a model again that is quantised already.")
  var allowRequantize = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads needs a number from 1 on.") }
  }

  func run() throws {
    let start = ContinuousClock.now
    try writing.check(output, sources: [source])
    Interrupt.watch()
    let file = try WeightFiles.open(path: source)
    let quantizer: Quantizer
    do {
      quantizer = try Quantizer(
        source: file, type: pure ? FileType(pure: type.base) : type,
        options: .init(allowsRequantization: allowRequantize, workers: .threads(threads)))
    } catch ConversionError.alreadyQuantised(let tensor, let format, let path) {
      throw Failure(
        "\(ConversionError.alreadyQuantised(tensor: tensor, format: format, path: path))",
        hint: "Use the unquantised model as the source, or --allow-requantize.")
    }
    try writing.write("quantizing") { try quantizer.write(to: output, progress: $0) }
    let summary = WritingSummary(
      path: output, type: quantizer.type, tensors: quantizer.tensors, parameters: quantizer.parameterCount,
      notes: quantizer.notes, sourceBytes: file.tensorBytes, seconds: (ContinuousClock.now - start).seconds)
    try summary.print(json: writing.json)
  }
}

extension FileType {
  /// For the argument parser.
  init(argument: String) throws {
    guard let type = FileType(name: argument) else {
      throw ValidationError("'\(argument)' is not one of \(FileType.all.map(\.name).joined(separator: " ")).")
    }
    self = type
  }
}

/// What the commands that write a model file share.
struct WritingOptions: ParsableArguments {
  @Flag(help: "Replace OUTPUT if it is there.")
  var force = false

  @Flag(help: "Print one JSON object.")
  var json = false

  /// Throws if the output is there already, or is one of the sources.
  func check(_ output: String, sources: [String] = []) throws {
    var status = stat()
    guard stat(output, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Failure("\(output): is not a regular file") }
    for source in sources {
      var other = stat()
      if stat(source, &other) == 0, other.st_dev == status.st_dev, other.st_ino == status.st_ino {
        throw Failure("\(output): is the source", hint: "Write to another path.")
      }
    }
    if !force { throw Failure("\(output): is there already", hint: "Use --force to replace it.") }
  }

  /// Runs `body` with a progress bar; Ctrl-C stops it.
  func write(_ title: String, _ body: ((Double) -> Bool) throws -> Void) throws {
    let bar = ProgressBar(title)
    defer { bar.finish() }
    do {
      try body { fraction in
        bar.update(fraction)
        return !Interrupt.isRequested
      }
    } catch ConversionError.cancelled {
      throw Interrupt.failure
    }
  }
}

/// What was written, as a table or as JSON.
struct WritingSummary {
  let path: String
  let type: FileType
  let tensors: [QuantizedTensor]
  let parameters: Int
  let notes: [String]
  var sourceBytes: Int?
  let seconds: Double

  private struct Share {
    var tensors = 0, values = 0, bytes = 0
  }

  /// The formats, those with the most bytes first.
  private var shares: [(format: Format, share: Share)] {
    var shares: [Format: Share] = [:]
    for tensor in tensors {
      shares[tensor.format, default: Share()].tensors += 1
      shares[tensor.format, default: Share()].values += tensor.shape.reduce(1, *)
      shares[tensor.format, default: Share()].bytes += tensor.byteCount
    }
    return shares.map { ($0.key, $0.value) }.sorted { ($0.1.bytes, $0.0.name) > ($1.1.bytes, $1.0.name) }
  }

  private var bytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }
  private var bitsPerWeight: Double { Double(bytes) * 8 / Double(max(1, parameters)) }

  func print(json: Bool) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
    let size = Int(status.st_size)
    if json {
      Console.out(object(size: size).serialized(pretty: true))
      return
    }
    var table = TextTable(columns: [
      ("format", .left), ("tensors", .right), ("parameters", .right), ("bytes", .right), ("bits/weight", .right),
    ])
    for (format, share) in shares {
      table.rows.append([
        format.name, "\(share.tensors)", "\(share.values)", "\(share.bytes)",
        String(format: "%.2f", format.bitsPerValue),
      ])
    }
    table.lines(width: Console.outIsTerminal ? Console.width() : .max).forEach { Console.out($0) }
    for note in notes { Console.out("note: \(note)") }
    let before = sourceBytes.map { ", from \(Quantity.bytes($0))" } ?? ""
    Console.out(
      "\(path): \(type), \(Quantity.bytes(size))\(before), "
        + String(format: "%.2f bits per weight, %.1f s", bitsPerWeight, seconds))
  }

  private func object(size: Int) -> JSONValue {
    .object(
      JSONObject([
        ("path", .string(path)), ("type", .string(type.name)), ("bytes", .int(Int64(size))),
        ("parameters", .int(Int64(parameters))), ("bits_per_weight", .double(bitsPerWeight)),
        ("source_bytes", sourceBytes.map { .int(Int64($0)) } ?? .null), ("seconds", .double(seconds)),
        (
          "formats",
          .array(
            shares.map { format, share in
              .object(
                JSONObject([
                  ("format", .string(format.name)), ("tensors", .int(Int64(share.tensors))),
                  ("parameters", .int(Int64(share.values))), ("bytes", .int(Int64(share.bytes))),
                ]))
            })
        ),
        ("notes", .array(notes.map { .string($0) })),
      ]))
  }
}
