// Figures as people read them: SI prefixes, three to four digits, verdicts in words. No layout.
import Foundation

/// Numbers with units, as people read them.
public enum Quantity {
  /// "467 GOP/s", "53.2 GB/s", "98.1 ns", "62.4 %" for shares.
  public static func text(_ value: Double, _ unit: String) -> String {
    guard value.isFinite else { return "not a number" }
    switch unit {
    case "1": return number(value * 100) + " %"
    case "token/s": return number(value) + " token/s"
    case "J/token", "J", "W":
      return scaled(value, [(1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ")].map { ($0.0, $0.1 + unit) })
    case "s": return scaled(value, [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"), (1e-12, "ps")])
    default:
      return scaled(
        value, [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")].map { ($0.0, $0.1 + unit) })
    }
  }

  static func text(_ figure: Figure) -> String { text(figure.value, figure.unit) }

  private static func scaled(_ value: Double, _ units: [(Double, String)]) -> String {
    let unit = units.first { abs(value) >= $0.0 } ?? units[units.count - 1]
    let text = number(value / unit.0)
    return unit.1.isEmpty ? text : text + " " + unit.1
  }

  /// Three digits that count, four from 1,000 on.
  public static func number(_ value: Double) -> String {
    let size = abs(value)
    let digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
    let text = String(format: "%.\(digits)f", value)
    return size >= 10_000 ? grouped(text) : text
  }

  private static func grouped(_ digits: String) -> String {
    var out: [Character] = []
    for (i, digit) in digits.reversed().enumerated() {
      if i > 0, i % 3 == 0, digit != "-" { out.append(",") }
      out.append(digit)
    }
    return String(out.reversed())
  }

  /// For axes, whose unit stands in their name: "0.02", "150", "20k", "5G".
  static func tick(_ value: Double) -> String {
    let steps = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")]
    let (size, prefix) = steps.first { abs(value) >= $0.0 * (1 - 1e-9) } ?? (1, "")
    return String(format: "%.4g", value / size) + prefix
  }

  /// The interval's ends, with the unit once where both have the same: "466 – 471 GOP/s".
  package static func interval(_ figure: Figure) -> String {
    guard figure.ci95.count == 2, figure.ci95.allSatisfy(\.isFinite) else { return "" }
    let ends = figure.ci95.map { text($0, figure.unit).split(separator: " ", maxSplits: 1) }
    guard let low = ends[0].first, let high = ends[1].first else { return "" }
    let units = ends.map { $0.count > 1 ? " \($0[1])" : "" }
    return units[0] == units[1] ? "\(low) – \(high)\(units[1])" : "\(low)\(units[0]) – \(high)\(units[1])"
  }

  /// SI: "33.6 MB".
  public static func bytes(_ count: Int) -> String { text(Double(count), "B") }

  /// Caches come in powers of two: "32 KiB", "1 MiB".
  static func binary(_ bytes: Int) -> String {
    bytes >= 1 << 20 ? number(Double(bytes) / 1_048_576) + " MiB" : number(Double(bytes) / 1024) + " KiB"
  }

  /// "±0.4 %": half of the interval, of the median.
  public static func spread(_ figure: Figure) -> String {
    guard figure.ci95.count == 2, figure.value != 0 else { return "" }
    guard figure.n > 1 else { return "1 sample" }
    return "±" + number((figure.ci95[1] - figure.ci95[0]) / 2 / abs(figure.value) * 100) + " %"
  }

  /// "valid", "inconclusive", or the reasons' names.
  public static func verdict(_ figure: Figure) -> String {
    switch figure.validity {
    case .valid: "valid"
    case .inconclusive: "inconclusive"
    case .invalid: figure.reasons.map(\.rawValue).joined(separator: ", ")
    }
  }

  /// The verdict, and how many samples are outliers if any are: "valid, 2 outliers".
  static func fullVerdict(_ figure: Figure) -> String {
    let count = figure.outliers ?? 0
    return verdict(figure) + (count == 0 ? "" : count == 1 ? ", 1 outlier" : ", \(count) outliers")
  }

  static let inconclusiveExplanation =
    "the 95 % interval is wider than ±2 % of the median after the time there was"

  static func precision(_ precision: Precision) -> String {
    switch precision {
    case .f64: "FP64"
    case .f32: "FP32"
    case .bf16: "BF16"
    case .s8: "INT8"
    }
  }
}
