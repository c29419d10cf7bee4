// Prometheus' text format: VALID figures under one name, all others under another and with their verdict, so that a sum
// or an alarm over the first never takes in a figure that does not count.
import Foundation

enum PrometheusExport {
  static func text(_ report: CapacityReport) -> String {
    let figures = report.namedFigures + report.namedShares
    let valid = figures.filter { $0.figure.validity == .valid && $0.figure.value.isFinite }
    let other = figures.filter { $0.figure.validity != .valid && $0.figure.value.isFinite }
    var lines: [String] = []
    metric("gobi_figure", "A measured figure that is VALID, in its unit.", valid, &lines) { $0.value }
    metric("gobi_figure_low", "Low end of a VALID figure's 95 % interval.", valid, &lines) { $0.ci95.first ?? $0.value }
    metric("gobi_figure_high", "High end of a VALID figure's 95 % interval.", valid, &lines) {
      $0.ci95.last ?? $0.value
    }
    metric("gobi_unconfirmed_figure", "A figure that is not VALID, with its verdict.", other, &lines) { $0.value }
    let node = report.node
    let info = [
      ("processor", node.processor.model), ("version", node.build.version), ("isa", node.build.isa),
      ("level", report.level.rawValue), ("complete", String(report.isComplete)),
    ]
    head("gobi_report_info", "The report these figures are from.", &lines)
    lines.append("gobi_report_info\(labels(info)) 1")
    head("gobi_report_failures", "Reasons that make the node or the build unfit.", &lines)
    lines.append("gobi_report_failures \(report.failures.count)")
    if let date = ISO8601DateFormatter().date(from: report.started) {
      head("gobi_report_started_seconds", "When the measurement began, in seconds since 1970.", &lines)
      lines.append("gobi_report_started_seconds \(Int(date.timeIntervalSince1970))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func head(_ name: String, _ help: String, _ lines: inout [String]) {
    lines += ["# HELP \(name) \(help)", "# TYPE \(name) gauge"]
  }

  private static func metric(
    _ name: String, _ help: String, _ figures: [NamedFigure], _ lines: inout [String], _ value: (Figure) -> Double
  ) {
    guard !figures.isEmpty else { return }
    head(name, help, &lines)
    for named in figures {
      var pairs = [("symbol", named.symbol), ("unit", named.figure.unit)]
      if let precision = named.figure.precision { pairs.append(("precision", precision)) }
      pairs += named.labels.map { ($0.key, $0.value) }
      if named.figure.validity != .valid {
        pairs.append(("validity", named.figure.validity.rawValue))
        pairs.append(("reasons", named.figure.reasons.map(\.rawValue).joined(separator: " ")))
      }
      lines.append("\(name)\(labels(pairs)) \(value(named.figure))")
    }
  }

  /// {a="b",c="d"}; backslash, quote and line feed escaped.
  private static func labels(_ pairs: [(String, String)]) -> String {
    let texts = pairs.map { key, value in
      let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
      return "\(key)=\"\(escaped)\""
    }
    return "{" + texts.joined(separator: ",") + "}"
  }
}
