// `gobi-benchmarks kernels`: the rows of the table, beside the roofs measured in the same run.
import ArgumentParser
import Capacity
import Foundation
import Inference

struct KernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time the library's kernels on the shapes of real models, beside the roofs of this machine.",
    discussion: """
      Without --all or --filter: every format on one matrix of \(RowList.everydayModel), every model's matrices in \
      \(RowList.everydayFormat), attention and the other operations of \(RowList.everydayModel). Status 1 if an answer \
      is wrong, or if the kernel list holds something that no row runs.
      """)

  @Option(help: ArgumentHelp("Rows whose id matches this regular expression; may be repeated.", valueName: "regex"))
  var filter: [String] = []
  @Flag(help: "All rows: hours.") var all = false
  @Flag(help: "Print the ids of the rows and end.") var list = false
  @Flag(help: "A tenth of the time for each row.") var quick = false
  @Option(help: "Seconds for each row, at most.") var seconds = 0.4
  @Option(help: "Threads; 0: as many as the node gives.") var threads = 0
  @Option(help: "An instruction set, as `gobi cpu` names them.") var isa: String?
  @Option(help: ArgumentHelp("Write figures, samples and roofs to this file.", valueName: "file")) var json: String?
  @Option(help: ArgumentHelp("Compare with a file that --json wrote.", valueName: "file")) var baseline: String?

  func validate() throws {
    guard seconds > 0, seconds <= 600 else { throw ValidationError("--seconds must be above 0 and at most 600") }
    guard threads >= 0 else { throw ValidationError("--threads must not be negative") }
  }

  func run() throws { runCommand { try measured() } }

  private func measured() throws -> Int32 {
    let runtime = try KernelRuntime(threads: threads, isa: isa)
    let list = RowList(runtime)
    let filter = try RowFilter(self.filter)
    let rows = list.rows.filter { filter.isEmpty ? all || $0.isEveryday : filter.takes($0.id) }
    guard !rows.isEmpty else {
      throw AskedError("no row matches \(self.filter.joined(separator: " or ")); --list --all shows their ids")
    }
    if self.list {
      for row in rows where !Interrupt.isRequested { Console.line(row.id) }
      return report(uncovered: list.uncovered)
    }
    let before = try baseline.map(TableReport.read)
    if let before, before.isa != runtime.isa || before.threads != runtime.threads {
      throw AskedError("the baseline was measured with \(before.isa) on \(before.threads) thread(s)")
    }
    let seconds = quick ? self.seconds / 10 : self.seconds
    var table = try KernelTable(
      runtime,
      KernelTable.Options(seconds: seconds, roofSeconds: min(max(2 * seconds, 0.3), 1)))
    Console.progress("")
    let wrong = try measure(rows, &table, before)
    if let json { try table.report.write(to: json) }
    if wrong > 0 { Console.error("\(wrong) row(s) gave a wrong answer or none") }
    let status = report(uncovered: list.uncovered)
    return wrong > 0 ? 1 : status
  }

  /// How many rows had no right answer.
  private func measure(_ rows: [Row], _ table: inout KernelTable, _ before: TableReport?) throws -> Int {
    Console.line("\(table.runtime.isa), \(table.runtime.threads) thread(s); roofs:")
    TableText.roofs(table.report).forEach { Console.line($0) }
    Console.line()
    Console.line(TableText.head)
    let memory = table.memory
    let old = Dictionary((before?.rows ?? []).map { ($0.id, $0) }) { first, _ in first }
    var wrong = 0
    for (i, row) in rows.enumerated() {
      if Interrupt.isRequested { break }
      Console.progress("\(i + 1) of \(rows.count): \(row.id)")
      let result: TableRow
      do { result = try table.measure(row, memory) } catch CapacityError.cancelled { break } catch {
        Console.progress("")
        Console.line("\(row.id)\n  not measured: \(error)")
        wrong += 1
        continue
      }
      Console.progress("")
      TableText.line(result).forEach { Console.line($0) }
      if result.seconds.reasons.contains(.numericFail) { wrong += 1 }
      if let was = old[row.id] { Console.line(Self.change(was, result)) }
    }
    // What was measured until Ctrl-C is written all the same.
    if Interrupt.isRequested {
      if let json { try table.report.write(to: json) }
      throw Interrupted()
    }
    return wrong
  }

  // Two runs, not interleaved: the machine may have changed between them, and the samples of a run lean on each other.
  private static func change(_ was: TableRow, _ now: TableRow) -> String {
    let comparison = Comparison(before: was.seconds.samples, after: now.seconds.samples)
    let interval = Comparison.relativeInterval(before: was.seconds.samples, after: now.seconds.samples)
    let verdict = comparison.isChange ? (comparison.shift > 0 ? "  SLOWER" : "  FASTER") : ""
    return String(
      format: "  baseline %@: %+.1f %% [%+.1f, %+.1f], U p %.2g%@", Quantity.text(was.seconds.value, "s"),
      comparison.relativeShift * 100, interval.lowerBound * 100, interval.upperBound * 100, comparison.test.p, verdict)
  }

  private func report(uncovered: [String]) -> Int32 {
    guard !uncovered.isEmpty else { return 0 }
    Console.error("no row runs these of the kernel list: \(uncovered.joined(separator: " "))")
    return 1
  }
}
