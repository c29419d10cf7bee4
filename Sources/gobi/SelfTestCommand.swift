// `gobi selftest`: injects faults and tells what share of them is caught.
import ArgumentParser
import Capacity
import Foundation

struct SelfTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest",
    abstract: "Inject faults into the checks that guard a report, and tell what share is caught.",
    discussion: """
      Flipped bits, a 5 % slow-down, stalls, gaps in power readings and stolen processor time go through the very code \
      that judges real figures. Exit code 1 if less than 95 % of a kind is caught, or something is said of nothing. \
      Ctrl-C leaves what was counted until then. A hundred trials take at most 4 minutes.
      """)

  @Option(name: [.customShort("n"), .long], help: "Trials of each kind, with the fault and without.")
  var trials = 100

  @Option(help: "Seeds what is drawn at random.")
  var seed: UInt64 = 1

  @Flag(help: "Print JSON to stdout in place of the table.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(trials) else { throw ValidationError("--trials: expected 1 to 100000") }
  }

  func run() throws {
    Interrupt.watch()
    let bar = ProgressBar("self-test")
    let result = try SelfTest(trials: trials, seed: seed).run(
      progress: { kind, share in bar.update(share, detail: kind.title) }, isCancelled: { Interrupt.isRequested })
    bar.finish()
    if json {
      Console.write([UInt8](try result.json()))
      Console.out("")
    } else {
      Console.out(text(result))
    }
    if Interrupt.isRequested { throw ExitCode(ExitStatus.interrupted.rawValue) }
    if !result.passes { throw ExitCode(ExitStatus.checkFailed.rawValue) }
  }

  private func text(_ result: SelfTestResult) -> String {
    var table = TextTable(columns: [
      ("fault", .left), ("must be", .left), ("caught", .right), ("false alarms", .right), ("", .left),
    ])
    for row in result.rows {
      let caught = row.notTestable == nil ? "\(row.caught) of \(row.trials)" : "-"
      let alarms = row.cleanTrials > 0 ? "\(row.falseAlarms) of \(row.cleanTrials)" : "-"
      let verdict = row.notTestable != nil ? "not tested" : row.passes ? "passes" : "FAILS"
      table.rows.append([row.kind.title, row.verdict, caught, alarms, verdict])
    }
    var lines = [table.lines(width: Console.width()).joined(separator: "\n"), ""]
    for row in result.rows {
      lines += (row.notes + [row.notTestable].compactMap { $0 }).map { "\(row.kind.title): \($0)" }
    }
    if !result.isComplete {
      let why = Interrupt.isRequested ? "it was stopped" : "its time was over"
      lines.append("Not all of the \(result.asked) trials of each kind were made: \(why).")
    }
    lines.append("\(fixed(result.seconds, 0)) s: " + (result.passes ? "the self-test passes" : "the self-test FAILS"))
    return lines.joined(separator: "\n")
  }
}
