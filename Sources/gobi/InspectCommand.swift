// `gobi inspect`: what a weight file holds, from its headers alone.
import ArgumentParser
import Capacity
import Inference

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Print metadata, tensors, formats and the memory plan of a model without loading its weights.")

  @Argument(help: "A GGUF file, a .safetensors file or a folder that holds one.")
  var file: String

  @Flag(help: "Print one JSON object.")
  var json = false

  @Flag(help: "List every tensor.")
  var tensors = false

  func run() throws {
    let inspection = try FileInspection(path: file)
    let plan = memoryPlan()
    if json {
      var object = inspection.json.object ?? JSONObject([])
      object["memory_plan"] = plan.map(Self.object) ?? .null
      Console.out(JSONValue.object(object).serialized(pretty: true))
      return
    }
    let width = Console.outIsTerminal ? Console.width() : .max
    printHead(inspection)
    printMetadata(inspection, width: width)
    printFormats(inspection, width: width)
    if let plan { printPlan(plan) }
    if tensors { printTensors(inspection, width: width) }
  }

  /// Nil for a file that is no model which the library runs: the rest of it can still be shown.
  private func memoryPlan() -> MemoryPlan? {
    guard let runtime = try? Runtime(threads: 1) else { return nil }
    return try? Model.memoryPlan(path: file, runtime: runtime)
  }

  private static func object(_ plan: MemoryPlan) -> JSONValue {
    let fields = [
      ("weights", plan.weights), ("kv", plan.kv), ("workspace", plan.workspace), ("logits", plan.logits),
      ("total", plan.total), ("context", plan.context), ("batch", plan.batch), ("chunk", plan.chunk),
    ]
    return .object(JSONObject(fields.map { ($0.0, .int(Int64($0.1))) }))
  }

  private func printPlan(_ plan: MemoryPlan) {
    Console.out("")
    Console.out(
      "memory: weights \(Quantity.bytes(plan.weights)), KV cache \(Quantity.bytes(plan.kv)) if all of a context of "
        + "\(plan.context) fills (F16), workspace \(Quantity.bytes(plan.workspace)), logits "
        + "\(Quantity.bytes(plan.logits)); together \(Quantity.bytes(plan.total))")
  }

  private func printHead(_ inspection: FileInspection) {
    let version = inspection.version.map { " version \($0)" } ?? ""
    Console.out("\(inspection.path): \(inspection.kind)\(version), \(inspection.files.count) file(s)")
    let bits = inspection.bitsPerWeight.map { ", \(Self.fixed($0)) bits per weight" } ?? ""
    Console.out(
      "\(Quantity.text(Double(inspection.parameterCount), "")) parameters, \(Quantity.bytes(inspection.tensorBytes)) "
        + "in \(inspection.tensors.count) tensors\(bits)")
  }

  private func printMetadata(_ inspection: FileInspection, width: Int) {
    guard !inspection.metadata.isEmpty else { return }
    var table = TextTable(columns: [("key", .left), ("type", .left), ("value", .left)])
    for entry in inspection.metadata {
      var value = entry.value.serialized()
      if let count = entry.count { value = "\(count) × \(value)" }
      table.rows.append([entry.key, entry.type, value])
    }
    Console.out("")
    table.lines(width: max(width == .max ? 120 : width, 40)).forEach { Console.out($0) }
  }

  private func printFormats(_ inspection: FileInspection, width: Int) {
    var table = TextTable(columns: [
      ("format", .left), ("tensors", .right), ("parameters", .right), ("bytes", .right), ("bits/weight", .right),
      ("", .left),
    ])
    for share in inspection.formats {
      table.rows.append([
        share.name, "\(share.tensorCount)", "\(share.parameterCount)", share.byteCount.map { "\($0)" } ?? "?",
        share.bitsPerWeight.map(Self.fixed) ?? "?", share.isSupported ? "" : "not supported",
      ])
    }
    Console.out("")
    table.lines(width: width).forEach { Console.out($0) }
  }

  private func printTensors(_ inspection: FileInspection, width: Int) {
    var table = TextTable(columns: [("tensor", .left), ("format", .left), ("bytes", .right), ("shape", .left)])
    for tensor in inspection.tensors {
      table.rows.append([
        tensor.name, tensor.formatName, tensor.byteCount.map { "\($0)" } ?? "?",
        tensor.shape.map(String.init).joined(separator: " × "),
      ])
    }
    Console.out("")
    table.lines(width: width).forEach { Console.out($0) }
  }

  private static func fixed(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }
}
