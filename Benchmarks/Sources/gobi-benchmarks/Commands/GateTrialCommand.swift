// `gobi-benchmarks gate-trial`: how often the gate sees a planted slow-down, and how often it passes an unchanged build.
import ArgumentParser
import Capacity
import Foundation

struct GateTrialCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate-trial", abstract: "Try the gate on planted slow-downs and on an unchanged build.",
    discussion: """
      Each trial is a whole gate run of this build against itself. Planted trials slow one row of the set, another each \
      time, by work inside its timed window. Status 1 if fewer than 95 % of the trials of either kind end as they should.
      """)

  enum Kind: String, ExpressibleByArgument, CaseIterable { case planted, unchanged, both }

  @OptionGroup var pair: PairArguments
  @Option(help: "Trials of each kind.") var trials = 20
  @Option(help: "Which kind: \(Kind.allCases.map(\.rawValue).joined(separator: ", ")).") var kind = Kind.both
  @Option(help: "The planted slow-down, as a share.") var slowdown = 0.05
  @Option(help: "Seed of the choice of rows and of all orders.") var seed: UInt64 = 1

  func validate() throws {
    guard trials > 0, trials <= 1000 else { throw ValidationError("--trials must be between 1 and 1000") }
    guard slowdown > 0, slowdown <= 1 else { throw ValidationError("--slowdown must be above 0 and at most 1") }
  }

  func run() throws { runCommand { try tried() } }

  private func tried() throws -> Int32 {
    var pair = self.pair
    pair.base = pair.base ?? PairArguments.thisProgram
    let run = try pair.run(threads: 1)
    let rows = try pair.rows(run, usual: Gate.rows)
    var random = RandomSource(seed: seed)
    var isGood = true
    for isPlanted in [true, false] where kind == .both || (kind == .planted) == isPlanted {
      var right = 0
      for trial in 1...trials {
        var one = run
        one.random = RandomSource(seed: random.next())
        let row = rows[random.index(below: rows.count)]
        if isPlanted { one.plant = PairedRun.Plant(row: row, share: slowdown) }
        let verdict = try Gate().judge(one, rows) { Console.progress("trial \(trial): \($0)") }
        Console.progress("")
        let slower = Set(verdict.slower.map(\.id))
        // A planted trial is right if the gate fails because of that row.
        let isRight = isPlanted ? slower.contains(row) : slower.isEmpty
        if isRight { right += 1 }
        Console.line(Self.text(trial, isPlanted ? row : nil, verdict, isRight))
      }
      Console.line("\(isPlanted ? "planted, caught" : "unchanged, passed"): \(right) of \(trials)")
      isGood = isGood && Double(right) >= 0.95 * Double(trials)
    }
    return isGood ? 0 : 1
  }

  private static func text(_ trial: Int, _ planted: String?, _ verdict: Gate.Verdict, _ isRight: Bool) -> String {
    let shown = planted.map { id in verdict.confirmed.filter { $0.id == id } } ?? verdict.slower
    let figures = shown.map { String(format: "%@ %+.1f %% p %.1g", $0.id, $0.change * 100, $0.pSlower) }
    return String(
      format: "%3d %@ %3.0f s, %d suspected", trial, isRight ? "ok   " : "WRONG", verdict.seconds,
      verdict.suspected.count)
      + (planted.map { "; planted in \($0)" } ?? "") + figures.map { "; " + $0 }.joined()
  }
}
