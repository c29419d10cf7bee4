// What share of the injected faults was caught, and how often something was said of nothing.
import Foundation

public struct SelfTestResult: Codable, Sendable, Equatable {
  public struct Row: Codable, Sendable, Equatable {
    public var kind: FaultKind
    /// What must be said of the fault.
    public var verdict: String
    /// Trials with the fault, and those of them in which it was caught.
    public var trials = 0
    public var caught = 0
    /// Trials without it, and those of them in which it was seen all the same. No trials: the kind has none.
    public var cleanTrials = 0
    public var falseAlarms = 0
    public var notes: [String] = []
    /// Why the fault could not be injected here.
    public var notTestable: String?

    package init(_ kind: FaultKind) {
      self.kind = kind
      verdict = kind.verdict
    }

    /// At least 95 of 100 caught, and no false alarm. What cannot be injected neither passes nor fails.
    public var passes: Bool {
      notTestable != nil || trials > 0 && caught * 100 >= trials * SelfTestResult.leastPercent && falseAlarms == 0
    }
  }

  public static let leastPercent = 95

  public var schema = "gobi.selftest/1"
  public var rows: [Row]
  public var seed: UInt64
  /// Trials of each kind that were asked for.
  public var asked: Int
  public var seconds = 0.0
  /// False if the run was cancelled or its time was over: what was counted counts.
  public var isComplete = false

  package init(rows: [Row], seed: UInt64, asked: Int) {
    self.rows = rows
    self.seed = seed
    self.asked = asked
  }

  public var passes: Bool { rows.allSatisfy(\.passes) }

  public func json() throws(CapacityError) -> Data { try ReportJSON.data(self) }
}
