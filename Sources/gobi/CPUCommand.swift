// `gobi cpu`: what this processor is, what it runs, and which kernel serves each operation.
import ArgumentParser
import Inference

struct CPUCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cpu",
    abstract: "Print features, topology, quota, and which kernels serve.")

  @OptionGroup var options: RuntimeOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let runtime = try options.runtime()
    if json {
      Console.out(object(runtime).serialized(pretty: true))
      return
    }
    let node = HardwareFacts.manifest(isa: runtime.isa.name, threads: runtime.threads)
    for (name, value) in HardwareFacts.lines(node) { Console.out("\(name): \(value)") }
    Console.out("instruction sets: \(ISA.available.map(\.name).joined(separator: ", ")); serving: \(runtime.isa.name)")
    Console.out("threads: \(runtime.threads)")
    Console.out("")
    var table = TextTable(columns: [
      ("operation", .left), ("format", .left), ("ISA", .left), ("kernel", .left), ("why", .left),
    ])
    for row in runtime.kernels { table.rows.append([row.operation, row.format, row.isa, row.kernel, row.reason]) }
    table.lines(width: Console.outIsTerminal ? Console.width() : .max).forEach { Console.out($0) }
  }

  private func object(_ runtime: Runtime) -> JSONValue {
    let kernels = runtime.kernels.map { row in
      JSONValue.object(
        JSONObject([
          ("operation", .string(row.operation)), ("format", .string(row.format)), ("isa", .string(row.isa)),
          ("kernel", .string(row.kernel)), ("reason", .string(row.reason)),
        ]))
    }
    let facts = HardwareFacts.lines(HardwareFacts.manifest(isa: runtime.isa.name, threads: runtime.threads))
    return .object(
      JSONObject([
        ("hardware", .object(JSONObject(facts.map { ($0.0, JSONValue.string($0.1)) }))),
        ("available", .array(ISA.available.map { .string($0.name) })),
        ("isa", .string(runtime.isa.name)),
        ("threads", .int(Int64(runtime.threads))),
        ("kernels", .array(kernels)),
      ]))
  }
}
