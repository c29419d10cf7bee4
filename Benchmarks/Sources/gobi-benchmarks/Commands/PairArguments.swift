// What the commands that run two builds have in common: the programs, the threads and the rows.
import ArgumentParser
import Capacity
import Foundation

struct PairArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The benchmark program of the base revision.", valueName: "program")) var base: String?
  @Option(
    help: ArgumentHelp("The benchmark program that is compared with it; this one without it.", valueName: "program"))
  var test: String?
  @Option(
    help: ArgumentHelp("Rows whose id matches this regular expression; may be repeated.", valueName: "regex"))
  var filter: [String] = []
  @Option(help: "An instruction set, as `gobi cpu` names them.") var isa: String?

  static var thisProgram: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }

  func run(threads: Int) throws -> PairedRun {
    guard let base else { throw AskedError("--base is missing: the benchmark program to compare with") }
    return PairedRun(
      base: WorkerProgram(path: base, threads: threads, isa: isa),
      test: WorkerProgram(path: test ?? Self.thisProgram, threads: threads, isa: isa))
  }

  /// Of the rows that both programs have, those that the filter takes, or without one `usual` of them.
  func rows(_ run: PairedRun, usual: ([String]) -> [String]) throws -> [String] {
    let filter = try RowFilter(filter)
    let (old, new) = (try run.base.rows(), try run.test.rows())
    let wanted = filter.isEmpty ? usual(new.sorted()) : new.sorted().filter(filter.takes)
    guard !wanted.isEmpty else {
      throw AskedError(
        "no row matches \(self.filter.joined(separator: " or ")); `kernels --list --all` shows their ids")
    }
    let missing = wanted.filter { !old.contains($0) }
    for id in missing.prefix(5) { Console.error("\(id): the base revision has no such row") }
    if missing.count > 5 { Console.error("and \(missing.count - 5) more") }
    let both = wanted.filter(old.contains)
    guard !both.isEmpty else { throw BenchmarkError("the base revision has none of these rows") }
    return both
  }
}
