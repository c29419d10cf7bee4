// What a reader of power does: tell its channels and read them. It interprets nothing: counters are given as read.

/// One attempt to read a channel.
public enum PowerOutcome: Sendable, Equatable {
  /// `seconds` on the monotonic clock; `watts` now, or over the sensor's own interval; `joules` of a counter, as read;
  /// `stamp` the sensor's own time, in seconds since 1970.
  case reading(seconds: Double, watts: Double?, joules: Double?, stamp: Double? = nil)
  /// The reason in words.
  case failed(String)
}

public protocol PowerSource: Sendable {
  var channels: [PowerChannel] { get }
  /// True if a read takes long (another process, a line that has to come): it then has a thread of its own.
  var isSlow: Bool { get }
  /// True if it gives counters, or what does not vary: a sample of any length has its energy. Sensors of power are means
  /// over a second or so, and need work that lasts.
  var isFine: Bool { get }
  /// Seconds between two reads of a slow source, for whom it would be a burden.
  var pause: Double { get }
  /// Of a sensor with a clock of its own: its clock less ours in seconds, where the operator gave it.
  var clockOffset: Double? { get }
  /// Reads once. `channel` is an index into `channels`. A slow source returns within 3 s; nothing is no failure.
  func read(_ clock: PowerClock) -> [(channel: Int, outcome: PowerOutcome)]
  /// Ends what the source has running. Called once, from another thread perhaps; reads after it return at once.
  func stop()
}

extension PowerSource {
  public var isSlow: Bool { false }
  public var isFine: Bool { !isSlow }
  public var pause: Double { 0 }
  public var clockOffset: Double? { nil }
  public func stop() {}
}

/// What a search for sensors found, and what it could not use and why.
public struct PowerDiscovery: Sendable {
  public var sources: [any PowerSource]
  public var notMeasured: [CapacityReport.Omission]

  public init(sources: [any PowerSource] = [], notMeasured: [CapacityReport.Omission] = []) {
    self.sources = sources
    self.notMeasured = notMeasured
  }

  static func + (a: PowerDiscovery, b: PowerDiscovery) -> PowerDiscovery {
    PowerDiscovery(sources: a.sources + b.sources, notMeasured: a.notMeasured + b.notMeasured)
  }
}
