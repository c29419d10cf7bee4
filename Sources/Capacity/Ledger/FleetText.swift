// A fleet for a terminal: what needs a look first, then totals, cohorts, and what was stated and reached.

public struct FleetText {
  private let view: FleetView

  public init(_ view: FleetView) { self.view = view }

  public func text() -> String {
    (head() + alarms() + totals() + cohorts() + delivered() + availability()).joined(separator: "\n") + "\n"
  }

  private func head() -> [String] {
    var lines = [
      "\(view.nodes.count) nodes, \(view.nodes.count - view.unmeasured.count) measured, \(view.records) records"
    ]
    if !view.unmeasured.isEmpty { lines.append("unmeasured: " + view.unmeasured.joined(separator: ", ")) }
    return lines + [""]
  }

  private func alarms() -> [String] {
    var lines: [String] = []
    for found in view.suspicions {
      lines.append(
        "NUMERIC_FAIL: \(found.node), record \(found.number) of \(found.started): suspected silent corruption")
      lines.append("    " + found.names.joined(separator: "; "))
      lines.append("    retest the same core three times, then its neighbour")
    }
    for found in view.stragglers {
      lines.append(
        "straggler: \(found.node), \(found.name): \(Quantity.text(found.value, found.unit)), "
          + "cohort's median \(Quantity.text(found.median, found.unit)), twice")
    }
    for found in view.drifts {
      lines.append(
        "drift: \(found.node), \(found.name): \(found.isRise ? "rises" : "falls") since \(found.since), "
          + "alarm at \(found.alarm)")
    }
    for found in view.outliers {
      let scores = [found.zOfPast.map { ("own past", $0) }, found.zOfCohort.map { ("cohort", $0) }].compactMap { $0 }
      lines.append(
        "outlier: \(found.node), \(found.name): \(Quantity.text(found.value, found.unit)), "
          + scores.map { "z \(Quantity.number($0.1)) of its \($0.0)" }.joined(separator: ", "))
    }
    return lines.isEmpty ? ["no straggler, drift, outlier or wrong result", ""] : lines + [""]
  }

  private func totals() -> [String] {
    var lines = ["totals over measured nodes with a VALID latest figure; sums of the intervals' ends"]
    for total in view.totals {
      var line = "\(total.name)" + (total.precision.map { " [\($0)]" } ?? "") + ": "
      line +=
        total.nodes == 0
        ? "no valid figure"
        : "\(Quantity.text(total.sum, total.unit)) [\(Quantity.text(total.low, total.unit)), "
          + "\(Quantity.text(total.high, total.unit))], \(total.nodes) nodes"
      if !total.notValid.isEmpty { line += "; not valid: \(Self.names(total.notValid))" }
      if !total.unmeasured.isEmpty { line += "; unmeasured: \(Self.names(total.unmeasured))" }
      lines.append(line)
    }
    return lines + [""]
  }

  private static func names(_ nodes: [String]) -> String {
    nodes.count <= 4
      ? nodes.joined(separator: ", ") : "\(nodes.prefix(3).joined(separator: ", ")) and \(nodes.count - 3)"
  }

  private func cohorts() -> [String] {
    view.cohorts.map { "cohort: \($0.description): \(Self.names($0.nodes))" } + [""]
  }

  private func delivered() -> [String] {
    guard !view.delivered.isEmpty else {
      return ["nominal: nothing is stated of these nodes (gobi capacity --nominal)"]
    }
    return ["nominal and delivered"]
      + view.delivered.map { row in
        let tag = row.precision.map { " [\($0)]" } ?? ""
        let mark = row.validity == .valid ? "" : ", \(row.validity.rawValue)"
        let product = row.product.map { ", best product \(Quantity.text($0, row.unit))" } ?? ""
        return "\(row.node) \(row.day) \(row.name)\(tag): \(Quantity.text(row.nominal, row.unit)) stated, "
          + "\(Quantity.text(row.roof, row.unit)) reached (\(Quantity.text(row.roof / row.nominal, "1"))\(mark))\(product)"
          + "; \(row.source.prefix(60))"
      }
  }

  private func availability() -> [String] {
    guard !view.availability.isEmpty else { return [] }
    return ["", "availability (a healthy record vouches for \(Int(Availability.hoursVouched)) hours at most)"]
      + view.availability.map { one in
        "\(one.node): A = \(Quantity.text(one.share, "1")), \(Quantity.number(one.healthyHours)) of "
          + "\(Quantity.number(one.hours)) hours"
          + (one.deliveredTokens.map { ", G·A = \(Quantity.text($0, "token/s"))" } ?? "")
      }
  }
}
