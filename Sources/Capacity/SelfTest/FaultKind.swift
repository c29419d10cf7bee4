// The faults that the self-test injects, and what must be said of each.

public enum FaultKind: String, Codable, Sendable, CaseIterable {
  case weightBit, resultBit, slowDown, stall, powerGap, stolenTime, foreignProcess

  public var title: String {
    switch self {
    case .weightBit: "flipped bit in a weight panel"
    case .resultBit: "flipped bit in a result"
    case .slowDown: "5 % slow-down"
    case .stall: "stalled samples"
    case .powerGap: "gap in power readings"
    case .stolenTime: "stolen CPU, recorded"
    case .foreignProcess: "stolen CPU, live"
    }
  }

  /// What the product must say of it.
  public var verdict: String {
    switch self {
    case .weightBit, .resultBit: Reason.numericFail.rawValue
    case .slowDown: "a change"
    case .stall: "outliers"
    case .powerGap: Reason.powerGap.rawValue
    case .stolenTime, .foreignProcess: Reason.contended.rawValue
    }
  }
}

/// One kind of fault: trials with it and without it, through the code that judges real figures.
protocol FaultTrials: AnyObject {
  /// Injects the fault. True if it was caught.
  func faulty(_ random: inout RandomSource) throws(CapacityError) -> Bool
  /// Injects nothing. True for a false alarm; nil where this machine cannot be known to be free of the fault.
  func clean(_ random: inout RandomSource) throws(CapacityError) -> Bool?
  /// What else is worth knowing, after all trials.
  var notes: [String] { get }
  /// Why this machine cannot have the fault injected; nil where it can.
  var obstacle: String? { get }
}

extension FaultTrials {
  var obstacle: String? { nil }
}
