// RFC 4180: a figure a row, a header line, CRLF, and quotes round what needs them. For spreadsheets and data frames.

enum CSVExport {
  private static let columns = [
    "name", "value", "unit", "precision", "statistic", "ci95_low", "ci95_high", "n", "protocol", "validity", "reasons",
  ]

  static func text(_ report: CapacityReport) -> String {
    var rows = [columns]
    rows += (report.namedFigures + report.namedShares).map { row($0.name, $0.figure) }
    rows += report.serving.flatMap(latencies)
    rows += report.waterfalls.flatMap(steps)
    return rows.map { $0.map(field).joined(separator: ",") + "\r\n" }.joined()
  }

  private static func row(_ name: String, _ figure: Figure) -> [String] {
    [
      name, number(figure.value), figure.unit, figure.precision ?? "", figure.statistic, number(figure.ci95.first),
      number(figure.ci95.last), String(figure.n), figure.protocol, figure.validity.rawValue,
      figure.reasons.map(\.rawValue).joined(separator: " "),
    ]
  }

  /// Quantiles at the largest rate that passed. They are of one load: its requests are n, and an interval there is not.
  private static func latencies(_ result: ServingResult) -> [[String]] {
    guard let best = result.best else { return [] }
    let kinds = [
      ("TTFT", best.timeToFirstToken), ("TPOT", best.timePerOutputToken), ("ITL", best.interTokenLatency),
    ]
    let reasons = result.reasons.map(\.rawValue).joined(separator: " ")
    return kinds.flatMap { name, quantiles -> [[String]] in
      guard let quantiles else { return [] }
      return [("p50", quantiles.p50), ("p90", quantiles.p90), ("p99", quantiles.p99), ("maximum", quantiles.largest)]
        .map { statistic, value in
          [
            "\(name) \(result.model ?? result.system)", number(value), "s", result.precision ?? "", statistic, "", "",
            String(best.requests), "goodput", result.validity.rawValue, reasons,
          ]
        }
    }
  }

  private static func steps(_ fall: Waterfall) -> [[String]] {
    fall.steps.flatMap { step -> [[String]] in
      let name = "waterfall \(fall.kind.rawValue) \(fall.model) \(fall.work.rawValue) batch=\(fall.count)"
      let verdict = [step.validity.rawValue, step.reasons.map(\.rawValue).joined(separator: " ")]
      let value = [
        "\(name) \(step.name.rawValue)", number(step.value), fall.unit, fall.precision, "median",
        number(step.ci95?.first), number(step.ci95?.last), "", "waterfall",
      ]
      guard let factor = step.factor else { return [value + verdict] }
      let share = [
        "\(name) eta \(step.name.rawValue)", number(factor), "1", fall.precision, "median", "", "", "",
        "waterfall",
      ]
      return [value + verdict, share + verdict]
    }
  }

  /// The shortest digits that are read back to the same number; empty where there is none.
  private static func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return "\(value)"
  }

  private static func field(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy { $0 != "," && $0 != "\"" && $0 != "\r" && $0 != "\n" }
    return isPlain ? text : "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
