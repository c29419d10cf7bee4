// `gobi ledger trend`: a node's figures through time.
import ArgumentParser
import Capacity
import Foundation

struct LedgerTrend: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trend",
    abstract: "A node's figures through time, with robust deviations from their past and cumulative sums.",
    usage: "gobi ledger trend <node> <options>",
    discussion: "Sums start anew where a version (gobi, kernel, microcode, BLAS) changes. Exit code 1 for a drift.")

  struct Row: Encodable {
    var node: String
    var name: String
    var unit: String
    var started: String
    var value: Double
    var validity: Validity
    var zOfPast: Double?
    var sumAbove: Double?
    var sumBelow: Double?
  }

  @OptionGroup var at: LedgerArguments

  @Argument(help: "The node.")
  var node: String

  @Option(help: "Figures whose names begin so: \"R_pk s8\".")
  var figure = ""

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let records = try at.open().records(of: node)
    guard !records.isEmpty else { throw Failure("the ledger has no report of node '\(node)'") }
    let series = FigureSeries.all(records).filter { $0.name.hasPrefix(figure) }
    guard !series.isEmpty else { throw Failure("no figure's name begins with '\(figure)'") }
    if json {
      try LedgerArguments.print(json: series.flatMap(Self.rows))
    } else {
      for one in series { show(one) }
    }
    if series.contains(where: { $0.drift != nil }) { throw ExitCode(ExitStatus.checkFailed.rawValue) }
  }

  private static func rows(_ series: FigureSeries) -> [Row] {
    let current = series.current
    let sums = CUSUM(current.map(\.entry.value))
    var past: [Double] = []
    return series.points.map { point in
      let isSound = point.entry.validity != .invalid
      var row = Row(
        node: series.node, name: series.name, unit: series.unit, started: point.started, value: point.entry.value,
        validity: point.entry.validity, zOfPast: isSound ? RobustScore.z(point.entry.value, among: past) : nil)
      if isSound { past.append(point.entry.value) }
      if let place = current.firstIndex(of: point), place >= CUSUM.baseline {
        row.sumAbove = sums.above[place - CUSUM.baseline]
        row.sumBelow = sums.below[place - CUSUM.baseline]
      }
      return row
    }
  }

  private func show(_ series: FigureSeries) {
    Console.out(series.name + (series.precision.map { " [\($0)]" } ?? ""))
    var table = TextTable(columns: [
      ("measured", .left), ("value", .right), ("z of past", .right), ("sum above", .right), ("below", .right),
      ("verdict", .left),
    ])
    let number = { (value: Double?) in value.map(Quantity.number) ?? "" }
    for row in Self.rows(series) {
      table.rows.append([
        row.started, Quantity.text(row.value, row.unit), number(row.zOfPast), number(row.sumAbove),
        number(row.sumBelow), row.validity.rawValue,
      ])
    }
    for line in table.lines() { Console.out("  " + line) }
    if let drift = series.drift {
      Console.out("  drift: \(drift.isRise ? "rises" : "falls") since \(drift.since), alarm at \(drift.alarm)")
    }
  }
}
