// VALID, INVALID with a reason out of a closed list, or INCONCLUSIVE: what a figure is worth, and in plain words why.

public enum Validity: String, Codable, Sendable, CaseIterable {
  case valid = "VALID"
  case invalid = "INVALID"
  /// The interval did not become narrow enough in the time there was.
  case inconclusive = "INCONCLUSIVE"
}

/// Why a figure is INVALID. The list is closed: a report holds no other.
public enum Reason: String, Codable, Sendable, CaseIterable, Comparable {
  case numericFail = "NUMERIC_FAIL"
  case qualityFloor = "QUALITY_FLOOR"
  case tooShort = "TOO_SHORT"
  case notSteady = "NOT_STEADY"
  case throttled = "THROTTLED"
  case frequencyDrift = "FREQ_DRIFT"
  case contended = "CONTENDED"
  case numaRemote = "NUMA_REMOTE"
  case swapped = "SWAPPED"
  case clockSync = "CLOCK_SYNC"
  case powerGap = "POWER_GAP"
  case stimulus = "STIMULUS"
  case oversaturated = "OVERSATURATED"
  case outputLength = "OUTPUT_LENGTH"
  case cacheSuspect = "CACHE_SUSPECT"
  case environmentChanged = "ENV_CHANGED"
  case seedReused = "SEED_REUSED"
  case impossible = "IMPOSSIBLE"

  public static func < (a: Reason, b: Reason) -> Bool { a.rawValue < b.rawValue }

  /// One sentence for people who do not know the list.
  public var explanation: String {
    switch self {
    case .numericFail: "a result differed from the reference by more than its bound"
    case .qualityFloor: "the model's answers are too far from those of exact arithmetic"
    case .tooShort: "the work was too short for the clock to time it"
    case .notSteady: "the speed still changed while it was measured"
    case .throttled: "the processor or the container's quota was throttled meanwhile"
    case .frequencyDrift: "the processor's clock changed by more than 2 % meanwhile"
    case .contended: "other work ran on these processors meanwhile: this machine is shared"
    case .numaRemote: "memory of another NUMA node was used"
    case .swapped: "memory was swapped meanwhile"
    case .clockSync: "clocks disagree: the system's own about how long it took, or a meter's with them"
    case .powerGap: "power readings are missing for longer than 3 seconds, or disagree with an energy counter by 5 %"
    case .stimulus: "the load that arrived is not the load that was asked for"
    case .oversaturated: "the queue kept growing: the load was beyond the knee"
    case .outputLength: "the output's length differs by more than 10 %"
    case .cacheSuspect: "a repeated prompt was faster: something was cached"
    case .environmentChanged: "the machine's settings changed meanwhile"
    case .seedReused: "the same stimulus was used twice"
    case .impossible: "faster than the roof allows: one of the two is wrong"
    }
  }
}
