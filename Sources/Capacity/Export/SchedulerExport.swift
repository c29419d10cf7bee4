// What schedulers place work by: the roofs of all threads, as labels. Only VALID figures have a value there; of the
// others the verdict is told in its place, for a scheduler does not read a mark beside a number.
import Foundation

enum SchedulerExport {
  /// Lines of name=value. Kubernetes takes 63 letters, digits, dots, dashes and underscores for each.
  static func featureFile(_ report: CapacityReport) -> String {
    var lines = [
      "gobi.fit=\(report.failures.isEmpty)", "gobi.level=\(report.level.rawValue)",
      "gobi.measured=\(clean(String(report.started.prefix(10))))", "gobi.version=\(clean(report.node.build.version))",
    ]
    for named in roofs(report) {
      let name = clean("gobi." + short(named))
      if let amount = amount(named.figure) {
        lines.append("\(name).\(prefixed(named.figure.unit))=\(number(amount))")
      } else {
        lines.append("\(name).validity=\(clean(verdict(named.figure)))")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Jobs ask for features by equality, so of each VALID roof the three largest powers of two that it reaches are there:
  /// "gobi_R_pk.s8_ge512GOPs,gobi_R_pk.s8_ge256GOPs".
  static func features(_ report: CapacityReport) -> String {
    var features = [report.failures.isEmpty ? "gobi_fit" : "gobi_unfit", "gobi_\(report.level.rawValue)"]
    for named in roofs(report) {
      let name = clean("gobi_" + short(named))
      guard let amount = amount(named.figure) else {
        features.append("\(name)_\(clean(verdict(named.figure)))")
        continue
      }
      guard amount >= 1 else { continue }
      let exponent = min(Int(log2(amount)), 60)
      for power in (max(0, exponent - 2)...exponent).reversed() {
        features.append("\(name)_ge\(1 << power)\(prefixed(named.figure.unit))")
      }
    }
    return features.joined(separator: ",") + "\n"
  }

  private static func roofs(_ report: CapacityReport) -> [NamedFigure] {
    report.namedFigures.filter { named in
      let of = { (key: String) in named.labels.first { $0.key == key }?.value }
      return named.layer == .roof && of("threads") == "all" && named.figure.unit != "s"
        && (named.symbol == "R_pk" || named.symbol == "B_pk" && of("level") == "DRAM" && of("pages") == nil)
    }
  }

  private static func short(_ named: NamedFigure) -> String {
    ([named.symbol] + named.labels.filter { $0.key != "threads" }.map(\.value)).joined(separator: ".")
  }

  /// In 1e9 of its unit; nil unless it is VALID.
  private static func amount(_ figure: Figure) -> Double? {
    figure.validity == .valid && figure.value.isFinite && figure.value > 0 ? figure.value / 1e9 : nil
  }

  private static func prefixed(_ unit: String) -> String { "G" + clean(unit.replacing("/s", with: "s")) }

  private static func verdict(_ figure: Figure) -> String {
    ([figure.validity.rawValue] + figure.reasons.map(\.rawValue)).joined(separator: ".")
  }

  private static func number(_ value: Double) -> String { String(format: "%.1f", min(value, 1e15)) }

  /// At most 50 characters that all schedulers take, with a letter or digit at both ends.
  private static func clean(_ text: String) -> String {
    let allowed = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" }.prefix(50)
    let trimmed = allowed.drop { !($0.isLetter || $0.isNumber) }.reversed().drop { !($0.isLetter || $0.isNumber) }
    return trimmed.isEmpty ? "unknown" : String(trimmed.reversed())
  }
}
