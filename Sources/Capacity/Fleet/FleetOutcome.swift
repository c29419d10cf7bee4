// What became of each node of a fleet's run.

public struct FleetOutcome: Codable, Sendable, Equatable {
  public enum State: String, Codable, Sendable {
    case measured
    /// A report came, with wrong arithmetic or a figure that cannot be.
    case unfit
    case failed
    case timedOut = "timed_out"
  }

  public struct Node: Codable, Sendable, Equatable {
    public var node: String
    public var state: State
    /// In words, where it is not measured.
    public var why: String?
    public var seconds: Double
    /// The report's file; nil where there is none.
    public var report: String?
    /// VALID figures, and all.
    public var valid: Int?
    public var figures: Int?
  }

  public var schema = "gobi.fleet/1"
  public var level: CapacityLevel
  public var launcher: String
  /// In the order they were asked for.
  public var nodes: [Node]

  public var isWhole: Bool { nodes.allSatisfy { $0.state == .measured } }
}
