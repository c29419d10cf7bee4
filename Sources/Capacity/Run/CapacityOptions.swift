// What a run is asked for: level, options, progress. Budget says for how long each figure is measured, CapacityRun
// carries it out.

public enum CapacityLevel: String, Codable, Sendable, CaseIterable {
  /// At most 25 seconds: a scheduler's health check.
  case quick
  /// At most 10 minutes.
  case standard
  /// An hour or more, at most two.
  case full

  /// Of a whole run, unless it is told otherwise.
  public var secondsAllowed: Double {
    switch self {
    case .quick: 25
    case .standard: 590
    case .full: 7200
    }
  }

  /// Launches of a process that each figure is measured in, where the time is enough. Launches differ by more than
  /// samples within one do, so many short ones say more than few long ones.
  public var launches: Int { self == .quick ? 1 : 5 }
}

public struct CapacityOptions: Sendable {
  public var level: CapacityLevel
  /// 0: as many as the node gives.
  public var threads = 0
  public var isa: String?
  public var seed: UInt64 = 1
  /// Of the tool; stands in the report.
  public var version: String
  /// The published models whose layers the kernels are measured on; nil: the level's.
  public var kernelShapes: [String]?
  /// Weight formats to measure by name; nil: the level's.
  public var formats: [String]?
  /// Order of LINPACK's system; nil: the level's, or less where a quarter of the free memory does not hold it.
  public var linpackSize: Int?
  public var files = NodeFiles()
  public var power = PowerOptions()
  /// What measured roofs are held against.
  public var nominal: NominalFigures?
  /// What a model serves within, from `standard` on.
  public var serving = ServingOptions()
  /// What the caller leaves out, and why: listed in the report.
  public var omitted: [CapacityReport.Omission] = []
  /// Of the whole run; nil: the level's. Figures get less time each where it is short.
  public var seconds: Double?
  /// Starts a process of its own for each launch; nil: everything is measured in this process, in one launch.
  public var launcher: (any Launcher)?
  /// Where packed weights are kept from one launch to the next; nil: they are packed each time.
  public var panelCache: String?
  /// Also takes the first model's curve under these caps: about 2 minutes, from `standard` on.
  public var flex: FlexCurve.Kind?

  var secondsAllowed: Double { seconds ?? level.secondsAllowed }

  public init(level: CapacityLevel, version: String) {
    self.level = level
    self.version = version
  }
}

public struct CapacityProgress: Sendable, Equatable {
  /// What is being measured, in words.
  public var phase: String
  /// Of the whole run, 0 to 1; never falls.
  public var fraction: Double
  public var secondsLeft: Double
}
