// `gobi-benchmarks gate`: status 1 if a row of the gate's set is slower than in the base build. `make bench-gate`.
import ArgumentParser

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate", abstract: "Fail if a row is slower than in the base build; `make bench-gate` builds both.",
    discussion: """
      Every row is measured in 6 launches; those that seem more than 1 % slower are measured again in 24 launches of \
      their own. Status 1 if there one is slower by more than 2 % with p < 0.01, corrected for their number by Holm.
      """)

  @OptionGroup var pair: PairArguments

  func run() throws {
    runCommand {
      let run = try pair.run(threads: 1)
      let rows = try pair.rows(run, usual: Gate.rows)
      Console.line("gate: \(rows.count) rows")
      let verdict = try Gate().judge(run, rows) { Console.progress($0) }
      Console.progress("")
      if !verdict.confirmed.isEmpty {
        Console.line("suspected, and measured again (change, interval, p):")
        for row in verdict.confirmed { row.text.forEach { Console.line($0) } }
      }
      let seconds = Int(verdict.seconds.rounded())
      guard verdict.slower.isEmpty else {
        Console.line("FAILED in \(seconds) s: slower by more than 2 %:")
        for row in verdict.slower { Console.line("  " + row.id) }
        return 1
      }
      Console.line("passed in \(seconds) s: no row is slower by more than 2 %")
      return 0
    }
  }
}
