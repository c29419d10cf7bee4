// A comparison for a terminal. What did not change is counted and not listed.

public struct ComparisonText {
  private let comparison: ReportComparison
  private let all: Bool

  /// `all`: figures that did not change too.
  public init(_ comparison: ReportComparison, all: Bool = false) {
    self.comparison = comparison
    self.all = all
  }

  public func text() -> String {
    (figures() + layers() + left() + environment()).joined(separator: "\n") + "\n"
  }

  private func figures() -> [String] {
    let shown = comparison.changes.filter { all || $0.verdict != .same }
    let same = comparison.changes.count { $0.verdict == .same }
    var lines = ["before: \(comparison.before)", "after:  \(comparison.after)", ""]
    for change in shown {
      lines.append("\(change.verdict.rawValue)\(change.isUnproven ? ", or another launch" : ""): \(change.name)")
      var parts = ["\(side(change.before, change.unit)) -> \(side(change.after, change.unit))"]
      if let shift = change.shift, let p = change.p {
        parts.append("shift \(Self.percent(shift))")
        parts.append("p \(p < 0.0001 ? "< 0.0001" : TextReport.small(p))")
      }
      if let spread = change.launchSpread, let p = change.launchP {
        parts.append(
          "launches \(change.before.launches) and \(change.after.launches), spread by "
            + "\(Quantity.text(spread, "1")), p \(p < 0.0001 ? "< 0.0001" : TextReport.small(p))")
      }
      if change.isWithinLaunches { parts.append("no more than launches differ by") }
      if change.followsRoof { parts.append("as its roof") }
      if let why = change.why { parts.append(why) }
      lines.append("    " + parts.joined(separator: ", "))
    }
    lines.append("\(same) of \(comparison.changes.count) figures did not change (p < 0.01 and more than 2 %)")
    let within = comparison.changes.count(where: \.isWithinLaunches)
    if within > 0 { lines.append("\(within) of these differ, by no more than launches of one side do") }
    let unknown = comparison.changes.filter { $0.p != nil && $0.launchSpread == nil }
    if let first = unknown.first {
      let rule = first.assumedSpread.map { "changes of up to \(Quantity.text($0, "1")) do" } ?? "their changes do"
      lines.append(
        "\(unknown.count) figures have one launch a side: how far launches differ is not known, and \(rule) not count")
    }
    return lines + [""]
  }

  private func side(_ side: FigureChange.Side, _ unit: String) -> String {
    let mark: String =
      switch side.validity {
      case .valid: ""
      case .inconclusive: " (inconclusive)"
      case .invalid: " (INVALID: " + side.reasons.map(\.rawValue).joined(separator: ", ") + ")"
      }
    return Quantity.text(side.value, unit) + mark
  }

  static func percent(_ share: Double) -> String { (share > 0 ? "+" : "") + Quantity.number(share * 100) + " %" }

  private func layers() -> [String] {
    var lines: [String] = []
    for layer in comparison.layers where layer.compared > 0 {
      let unproven = layer.unproven > 0 ? ", \(layer.unproven) perhaps another launch" : ""
      let follow = layer.followRoof > 0 ? ", \(layer.followRoof) of these as their roofs" : ""
      lines.append(
        "\(layer.layer.rawValue) (\(layer.cause)): \(layer.worse) worse, \(layer.better) better of \(layer.compared)"
          + follow + unproven)
    }
    let moved = comparison.moved
    if let first = moved.first {
      let above = moved.dropFirst().map(\.cause)
      lines.append(
        "moved: \(first.cause)" + (above.isEmpty ? "" : ", and above it " + above.joined(separator: ", ")))
    } else {
      lines.append("moved: nothing")
    }
    let invalid = comparison.changes.count(where: \.isInvalid)
    if invalid > 0 { lines.append("\(invalid) figures are INVALID on a side: shown, and not counted") }
    return lines + [""]
  }

  private func left() -> [String] {
    let lines =
      comparison.onlyBefore.map { "only before: \($0)" } + comparison.onlyAfter.map { "only after: \($0)" }
    return lines.isEmpty ? [] : lines + [""]
  }

  private func environment() -> [String] {
    guard !comparison.environment.isEmpty else { return ["node, build and models are described alike"] }
    return ["differences in what was measured on:"]
      + comparison.environment.map { "  \($0.what): \(Self.short($0.before)) -> \(Self.short($0.after))" }
  }

  private static func short(_ text: String?) -> String {
    guard let text else { return "none" }
    return text.count > 60 ? text.prefix(59) + "…" : text
  }
}
