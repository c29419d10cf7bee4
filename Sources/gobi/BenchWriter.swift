// The rows of `gobi bench` as Markdown, CSV, JSON or JSON lines, with llama-bench's field names.
import Capacity
import Foundation
import Inference

final class BenchWriter {
  private let format: BenchCommand.Format
  private let showsRoof: Bool
  private var table = TextTable(columns: [])
  private var isFirst = true

  init(format: BenchCommand.Format, showsRoof: Bool) {
    self.format = format
    self.showsRoof = showsRoof
  }

  func begin() {
    if format == .json { Console.out("[") }
    if format == .md {
      Console.out("| model | size | params | backend | threads | test | t/s |" + (showsRoof ? " % of roof |" : ""))
      Console.out("|---|---:|---:|---|---:|---|---:|" + (showsRoof ? "---:|" : ""))
    }
  }

  func row(_ result: BenchResult) {
    switch format {
    case .md: Console.out(markdown(result))
    case .jsonl: Console.out(object(result).serialized())
    case .json:
      Console.out((isFirst ? "" : ",\n") + object(result).serialized(pretty: true), terminator: "")
    case .csv:
      let fields = scalars(result)
      if isFirst { Console.out(fields.map(\.0).joined(separator: ",")) }
      Console.out(fields.map { Self.cell($0.1) }.joined(separator: ","))
    }
    isFirst = false
  }

  func end() {
    if format == .json { Console.out("\n]") }
  }

  private func markdown(_ result: BenchResult) -> String {
    let rates = result.rates
    let speed = "\(fixed(BenchResult.mean(rates), 2)) ± \(fixed(BenchResult.deviation(rates), 2))"
    var cells = [
      Self.name(result.model), Quantity.bytes(result.model.weightBytes),
      Quantity.text(Double(result.model.parameters), ""), result.model.runtime.isa.name,
      "\(result.model.runtime.threads)", result.test.name, speed,
    ]
    if showsRoof { cells.append(result.share.map { "\(fixed($0.fraction * 100, 1)) \($0.kind)" } ?? "") }
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func name(_ model: Model) -> String {
    model.configuration.name ?? (model.path as NSString).lastPathComponent
  }

  private func scalars(_ result: BenchResult) -> [(String, JSONValue)] {
    let rates = result.rates, model = result.model, test = result.test
    var fields: [(String, JSONValue)] = [
      ("build_number", .string(gobiVersion)),
      ("cpu_info", .string(HardwareFacts.processor)),
      ("backends", .string("gobi \(model.runtime.isa.name)")),
      ("model_filename", .string(model.path)),
      ("model_type", .string(Self.name(model))),
      ("model_size", .int(Int64(model.weightBytes))),
      ("model_n_params", .int(Int64(model.parameters))),
      ("n_batch", .int(Int64(test.batch))),
      ("n_ubatch", .int(Int64(test.batch))),
      ("n_threads", .int(Int64(model.runtime.threads))),
      ("n_prompt", .int(Int64(test.prompt))),
      ("n_gen", .int(Int64(test.generate))),
      ("n_depth", .int(Int64(test.depth))),
      ("n_parallel", .int(Int64(test.parallel))),
      ("test_time", .string(ISO8601DateFormatter().string(from: result.time))),
      ("avg_ns", .int(Int64(BenchResult.mean(result.samples)))),
      ("stddev_ns", .int(Int64(BenchResult.deviation(result.samples)))),
      ("avg_ts", .double(BenchResult.mean(rates))),
      ("stddev_ts", .double(BenchResult.deviation(rates))),
    ]
    if let share = result.share {
      fields.append(("roof", .string(share.kind)))
      fields.append(("roof_share", .double(share.fraction)))
      fields.append(("roof_value", .double(share.roof)))
      fields.append(("roof_unit", .string(share.unit)))
    }
    return fields
  }

  private func object(_ result: BenchResult) -> JSONValue {
    let samples: [(String, JSONValue)] = [
      ("samples_ns", .array(result.samples.map { .int(Int64($0)) })),
      ("samples_ts", .array(result.rates.map { .double($0) })),
    ]
    return .object(JSONObject(scalars(result) + samples))
  }

  /// RFC 4180: quoted where it must be.
  private static func cell(_ value: JSONValue) -> String {
    guard let text = value.string else { return value.serialized() }
    guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
