// `gobi generate`: a model of a published shape with random weights.
import ArgumentParser
import Capacity
import Inference

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Write a model of a published shape with random weights, to measure with.",
    usage: "gobi generate [<shape>] [<type>] [<output>] <options>",
    discussion: """
      The file has the tensors, formats, metadata and vocabulary size of the real model, and depends on SHAPE, TYPE \
      and the seed alone. --list shows the shapes; gobi quantize --help explains the types.
      """)

  @Argument(help: "The shape, such as llama-3.2-1b.")
  var shape: String?

  @Argument(help: "The file type, such as Q4_0.", transform: FileType.init(argument:))
  var type: FileType?

  @Argument(help: "The GGUF file to write.")
  var output: String?

  @Flag(help: "Store every matrix in the type's base format.")
  var pure = false

  @Option(help: "Only so many layers: for shapes that do not fit this machine, which are measured by the layer.")
  var layers: Int?

  @OptionGroup var writing: WritingOptions

  @Option(help: "The seed of the weights.")
  var seed: UInt64 = 0

  @Flag(help: "List the shapes.")
  var list = false

  func validate() throws {
    guard !list else { return }
    guard shape != nil, type != nil, output != nil else {
      throw ValidationError("SHAPE, TYPE and OUTPUT are needed, or --list.")
    }
  }

  func run() throws {
    guard !list, let shape, let type, let output else { return printShapes() }
    guard var shape = SyntheticShape(name: shape) else {
      throw Failure(
        "no shape is called '\(shape)'",
        hint: "Shapes: \(SyntheticShape.all.map(\.name).joined(separator: ", ")).")
    }
    if let layers {
      guard (1...shape.layers).contains(layers) else {
        throw Failure("--layers \(layers): '\(shape.name)' has 1 to \(shape.layers)")
      }
      shape.layers = layers
    }
    let start = ContinuousClock.now
    try writing.check(output)
    Interrupt.watch()
    let model = SyntheticModel(shape: shape, type: pure ? FileType(pure: type.base) : type, seed: seed)
    try writing.write("generating") { try model.write(to: output, progress: $0) }
    let summary = WritingSummary(
      path: output, type: model.type, tensors: model.tensors, parameters: model.parameterCount, notes: [],
      seconds: (ContinuousClock.now - start).seconds)
    try summary.print(json: writing.json)
  }

  private func printShapes() {
    if writing.json {
      let shapes = SyntheticShape.all.map { shape in
        JSONValue.object(
          JSONObject([
            ("name", .string(shape.name)), ("architecture", .string(shape.architecture.rawValue)),
            ("parameters", .int(Int64(shape.parameterCount))), ("layers", .int(Int64(shape.layers))),
            ("width", .int(Int64(shape.width))), ("vocabulary", .int(Int64(shape.vocabulary))),
          ]))
      }
      Console.out(JSONValue.array(shapes).serialized(pretty: true))
      return
    }
    var table = TextTable(columns: [
      ("shape", .left), ("architecture", .left), ("parameters", .right), ("layers", .right), ("width", .right),
      ("vocabulary", .right),
    ])
    for shape in SyntheticShape.all {
      table.rows.append([
        shape.name, shape.architecture.rawValue, Quantity.text(Double(shape.parameterCount), ""), "\(shape.layers)",
        "\(shape.width)", "\(shape.vocabulary)",
      ])
    }
    table.lines(width: Console.outIsTerminal ? Console.width() : .max).forEach { Console.out($0) }
  }
}
