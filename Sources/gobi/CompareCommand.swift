// `gobi compare`: two reports, figure by figure.
import ArgumentParser
import Capacity
import Foundation

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare two reports: what changed, and whether hardware, library, runtime or energy moved.",
    usage: "gobi compare <before> <after> <options>",
    discussion: """
      A change is p < 0.01 (Mann-Whitney) and a Hodges-Lehmann shift of more than 2 %, on the reports' raw samples, and \
      more than launches of one side differ by. Where both sides have one launch that is not known: changes are told and \
      do not count, unless --launch-spread says how far launches differ here. Figures that are INVALID in a report are \
      shown, marked, and not counted. Exit code 1 if something got slower in a way that counts, 2 if a file is no sound \
      report.
      """)

  @Argument(help: "The earlier capacity.json.")
  var before: String

  @Argument(help: "The later one.")
  var after: String

  @Option(help: "With one launch a side: count changes of more than so many percent.")
  var launchSpread: Double?

  @Flag(help: "List figures that did not change too.")
  var all = false

  @Flag(help: "Print JSON to stdout in place of the text.")
  var json = false

  func validate() throws {
    guard launchSpread.map({ (0...1000).contains($0) }) ?? true else {
      throw ValidationError("--launch-spread: expected percent from 0 to 1000")
    }
  }

  func run() throws {
    let comparison = ReportComparison(
      before: try CapacityReport(path: before), named: before, after: try CapacityReport(path: after), named: after,
      assumedSpread: launchSpread.map { $0 / 100 })
    try Self.show(comparison, all: all, json: json)
  }

  /// Prints it, and throws the exit code where something got slower.
  static func show(_ comparison: ReportComparison, all: Bool, json: Bool) throws {
    if json {
      Console.write([UInt8](try comparison.json()))
      Console.out("")
    } else {
      Console.out(ComparisonText(comparison, all: all).text(), terminator: "")
    }
    if comparison.isSlower { throw ExitCode(ExitStatus.checkFailed.rawValue) }
  }
}
