// Injects faults into the code that guards real figures, a hundred times each, and counts what is caught. The kinds take
// turns, so that a run that is stopped has counted each of them about as often.
import Foundation

public final class SelfTest {
  private let trials: Int
  private let seed: UInt64
  private let kinds: [FaultKind]

  /// `trials` of each of `kinds`, with the fault and without it.
  public init(trials: Int = 100, seed: UInt64 = 1, kinds: [FaultKind] = FaultKind.allCases) {
    self.trials = trials
    self.seed = seed
    self.kinds = kinds
  }

  /// Four minutes for a hundred trials; a run that is not through by then ends with what it has counted.
  public var secondsAllowed: Double { max(20, 2.4 * Double(trials)) }

  /// `progress` is told before each trial which kind is next, and the share that is done.
  public func run(
    progress: (FaultKind, Double) -> Void = { _, _ in }, isCancelled: @escaping () -> Bool = { false }
  ) throws(CapacityError) -> SelfTestResult {
    let began = FigureSampler.now()
    var result = SelfTestResult(rows: kinds.map(SelfTestResult.Row.init), seed: seed, asked: trials)
    do {
      try count(into: &result, began: began, progress, isCancelled)
    } catch {
      guard error == .cancelled else { throw error }
    }
    result.seconds = FigureSampler.now() - began
    return result
  }

  private func count(
    into result: inout SelfTestResult, began: Double, _ progress: (FaultKind, Double) -> Void,
    _ isCancelled: @escaping () -> Bool
  ) throws(CapacityError) {
    var random = RandomSource(seed: seed)
    var tests: [any FaultTrials] = []
    for kind in kinds { tests.append(try Self.make(kind, seed: seed, isCancelled)) }
    for i in tests.indices { result.rows[i].notTestable = tests[i].obstacle }
    for round in 0..<trials {
      for i in tests.indices where tests[i].obstacle == nil {
        let place = Double(round * tests.count + i) / Double(trials * tests.count)
        progress(kinds[i], place)
        // Cancelled or late between the two halves, neither counts: rows stay balanced.
        if isCancelled() || FigureSampler.now() - began > secondsAllowed { return }
        let isCaught = try tests[i].faulty(&random)
        let isAlarm = try tests[i].clean(&random)
        result.rows[i].trials += 1
        result.rows[i].caught += isCaught ? 1 : 0
        if let isAlarm {
          result.rows[i].cleanTrials += 1
          result.rows[i].falseAlarms += isAlarm ? 1 : 0
        }
        result.rows[i].notes = tests[i].notes
      }
    }
    result.isComplete = true
  }

  private static func make(_ kind: FaultKind, seed: UInt64, _ isCancelled: @escaping () -> Bool)
    throws(CapacityError) -> any FaultTrials
  {
    let sampler = FigureSampler(watch: Guard(NodeFiles()), seed: seed) { () throws(CapacityError) in
      if isCancelled() { throw .cancelled }
    }
    return switch kind {
    case .weightBit: try FlippedBits(inWeights: true, sampler)
    case .resultBit: try FlippedBits(inWeights: false, sampler)
    case .slowDown: try SlowDowns(seed: seed)
    case .stall: try Stalls(sampler, seed: seed)
    case .powerGap: PowerGaps()
    case .stolenTime: try StolenTime()
    case .foreignProcess: try ForeignProcess()
    }
  }
}
