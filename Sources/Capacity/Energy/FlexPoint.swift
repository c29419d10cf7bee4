// How a node answers to less power: one point of its curve, and the whole of it.

public struct FlexPoint: Codable, Sendable, Equatable {
  /// Watts, hertz or a share of the full load; 0 with `isIdle`.
  public var cap: Double
  /// Left alone, ready to work.
  public var isIdle: Bool
  /// Token/s of decode; nil for the idle node.
  public var rate: Figure?
  /// The time of a step that 99 % of steps do not exceed, in seconds.
  public var stepP99: Double?
  /// When the cap was set, and when was worked, or rested, under it: seconds of the monotonic clock.
  public var setAt: Double
  public var spans: [WorkSpan]
  /// Joules a token, by the best class of readings; nil where power is not read.
  public var energy: TokenEnergy?
  /// Of the idle node, or while working.
  public var power: PowerUse?
  /// The uncapped knee's load under this cap: its `goodRate` is the goodput that is left. nil where nothing was served.
  public var service: LoadTrial?
  /// t90: seconds from setting the cap until power has gone 90 % of its way; nil where power is not read often enough.
  public var settling: Double?

  package init(
    cap: Double, isIdle: Bool, rate: Figure? = nil, stepP99: Double? = nil, setAt: Double, spans: [WorkSpan]
  ) {
    self.cap = cap
    self.isIdle = isIdle
    self.rate = rate
    self.stepP99 = stepP99
    self.setAt = setAt
    self.spans = spans
  }
}

public struct FlexCurve: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable { case power, frequency, load }
  public var kind: Kind
  /// "W", "Hz", or "1" for a share of the load.
  public var unit: String
  /// What was worked on.
  public var model: String
  /// In the order they were measured, which is random.
  public var points: [FlexPoint]
  /// Of the points' order.
  public var seed: UInt64
  /// What the points' loads were to keep; nil where nothing was served.
  public var objective: ServiceObjective?

  package init(kind: Kind, unit: String, model: String, points: [FlexPoint], seed: UInt64) {
    self.kind = kind
    self.unit = unit
    self.model = model
    self.points = points
    self.seed = seed
  }

  public var byCap: [FlexPoint] { points.sorted { ($0.cap, $1.isIdle ? 1 : 0) < ($1.cap, $0.isIdle ? 1 : 0) } }

  /// In words, for a heading.
  public var title: String {
    switch kind {
    case .power: "power limit of each package"
    case .frequency: "clock limit"
    case .load: "share of the full load"
    }
  }
}
