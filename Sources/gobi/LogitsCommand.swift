// `gobi logits`: logits, hidden states or pooled output of given token ids, as an .npy file.
import ArgumentParser
import Foundation
import Inference

struct LogitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits",
    abstract: "Evaluate token ids and write the logits, float32 (tokens, vocabulary), as .npy.")

  @OptionGroup var arguments: ModelArguments
  @OptionGroup var lora: AdapterArgument

  @Option(help: "A file with a JSON array of token ids.")
  var ids: String

  @Option(name: [.customShort("o"), .long], help: "The .npy file to write.")
  var output: String

  @Option(help: "Rows that are worked on at once; the result does not depend on it.")
  var chunk = SessionOptions.defaultChunk

  @Option(
    help:
      "Keys and values. Default: f32 with --f32, else bf16 where the processor multiplies it, f16 elsewhere.")
  var kv: KVOption?

  @Flag(help: "Write hidden states (tokens, width) instead.")
  var hidden = false

  @Flag(help: "Write the pooled output (width) of an encoder instead.")
  var pooled = false

  @Flag(help: "Write the mean of an encoder's hidden states, scaled to length 1, instead.")
  var mean = false

  @Option(help: "A file with a JSON array of token types, for encoders.")
  var types: String?

  func validate() throws {
    if chunk < 1 { throw ValidationError("--chunk: expected at least 1") }
    if [hidden, pooled, mean].filter({ $0 }).count > 1 {
      throw ValidationError("--hidden, --pooled and --mean exclude each other")
    }
  }

  func run() throws {
    Interrupt.watch()
    let model = try arguments.load()
    let tokens = try TokenIDs.read(path: ids, vocabularySize: model.configuration.vocabulary)
    guard !tokens.isEmpty else { throw Failure("\(ids): no token ids") }
    let format = kv?.format ?? (arguments.exact ? .f32 : nil)
    let session = try Session(
      model: model, options: SessionOptions(context: max(tokens.count, 1), chunk: chunk, kvFormat: format))
    if model.configuration.isEncoder {
      guard lora.file == nil else { throw Failure("\(model.path): adapters for encoders are not supported") }
      try writeEncoding(session, tokens)
    } else {
      guard !pooled && !mean && types == nil else {
        throw Failure("\(model.path): --pooled, --mean and --types are for encoders")
      }
      try writeRows(session, tokens)
    }
  }

  private func writeRows(_ session: Session, _ tokens: [Int32]) throws {
    let adapter = try lora.open(session.model)
    let sequence = try session.makeSequence(adapter: adapter?.adapter, scale: adapter?.scale ?? 1)
    let batch = Batch(sequence, tokens, output: .all)
    if hidden {
      let states = try session.hiddenStates(batch, cancel: Interrupt.flag)
      try NPYWriter.write([states.rows, states.columns], to: output) { file in try file.write(states.values) }
      return
    }
    try NPYWriter.write([tokens.count, session.model.configuration.vocabulary], to: output) { file in
      var failure: (any Error)?
      try session.evaluate(batch, cancel: Interrupt.flag) { _, row in
        do { if failure == nil { try file.write(Array(row)) } } catch { failure = error }
      }
      if let failure { throw failure }
    }
  }

  private func writeEncoding(_ session: Session, _ tokens: [Int32]) throws {
    guard hidden || pooled || mean else {
      throw Failure("\(session.model.path): an encoder has no logits", hint: "Ask for --hidden, --pooled or --mean.")
    }
    var kinds: [[Int32]]?
    if let types {
      let found = try TokenIDs.read(path: types, vocabularySize: max(1, session.model.configuration.tokenTypes))
      guard found.count == tokens.count else {
        throw Failure("\(types): \(found.count) types for \(tokens.count) tokens")
      }
      kinds = [found]
    }
    let encoding = try session.encode([tokens], types: kinds, cancel: Interrupt.flag)[0]
    let width = encoding.hidden.columns
    if hidden {
      try NPYWriter.write([tokens.count, width], to: output) { try $0.write(encoding.hidden.values) }
    } else if mean {
      try NPYWriter.write([width], to: output) { try $0.write(encoding.mean) }
    } else {
      guard let pooled = encoding.pooled else { throw Failure("\(session.model.path): the model has no pooler") }
      try NPYWriter.write([width], to: output) { try $0.write(pooled) }
    }
  }
}

/// Writes float32 arrays in NumPy's format, version 1: under a temporary name, then renamed.
enum NPYWriter {
  struct File {
    fileprivate let handle: FileHandle
    func write(_ values: [Float]) throws {
      try handle.write(contentsOf: values.withUnsafeBytes { Data($0) })
    }
  }

  static func write(_ shape: [Int], to path: String, _ body: (File) throws -> Void) throws {
    let temporary = "\(path).\(getpid()).tmp"
    guard FileManager.default.createFile(atPath: temporary, contents: nil),
      let handle = FileHandle(forWritingAtPath: temporary)
    else {
      throw Failure("\(path): cannot be written: \(String(cString: strerror(errno)))", status: .wrongInput)
    }
    do {
      let extent = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
      var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(extent)), }"
      // The data starts at a multiple of 64 bytes.
      header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
      var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
      bytes += [UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)]
      try handle.write(contentsOf: Data(bytes + Array(header.utf8)))
      try body(File(handle: handle))
      try handle.synchronize()
      try handle.close()
      guard rename(temporary, path) == 0 else {
        throw Failure("\(path): cannot be written: \(String(cString: strerror(errno)))")
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }
}
