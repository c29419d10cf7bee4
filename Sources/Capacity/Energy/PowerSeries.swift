// The raw readings of one channel, as a report keeps them: everything about energy is worked out from these.

public struct PowerSeries: Codable, Sendable, Equatable {
  public var channel: PowerChannel
  /// Of the monotonic clock, rising.
  public var seconds: [Double] = []
  /// Beside `seconds`; nil for a counter alone.
  public var watts: [Double]?
  /// Beside `seconds`, as read, with wraps and resets in them; nil where there is no counter.
  public var joules: [Double]?
  /// Where the sensor has a clock of its own: its times, in seconds since 1970, beside `seconds`.
  public var stamps: [Double]?
  /// How the sensor's clock was brought to ours; nil where `seconds` is when this process read it.
  public var offset: ClockOffset?
  /// Reads that gave nothing, and what the first of them said.
  public var failures = 0
  public var firstFailure: String?

  public init(_ channel: PowerChannel) { self.channel = channel }

  /// A reading that has not what the others have, or is not later than the last, is dropped: false.
  @discardableResult
  public mutating func append(seconds time: Double, watts: Double?, joules: Double?, stamp: Double? = nil) -> Bool {
    guard time.isFinite, watts?.isFinite ?? true, joules?.isFinite ?? true else { return false }
    if seconds.isEmpty {
      self.watts = watts.map { _ in [] }
      self.joules = joules.map { _ in [] }
      stamps = stamp.map { _ in [] }
    } else if let last = seconds.last, time <= last {
      return false
    }
    guard (watts == nil) == (self.watts == nil), (joules == nil) == (self.joules == nil),
      (stamp == nil) == (stamps == nil), watts != nil || joules != nil
    else { return false }
    seconds.append(time)
    if let watts { self.watts?.append(watts) }
    if let joules { self.joules?.append(joules) }
    if let stamp { stamps?.append(stamp) }
    return true
  }

  public mutating func fail(_ why: String) {
    failures += 1
    if firstFailure == nil { firstFailure = why }
  }

  /// How finely the series tells two moments apart, in seconds. A counter is read at the very ends of the work; what
  /// sensors call power is a mean over about a second, or over what they take between two readings.
  public var resolution: Double {
    if joules != nil || channel.group == "stated" { return 0 }
    let gaps = zip(seconds.dropFirst(), seconds).map { $0 - $1 }
    return min(max(gaps.isEmpty ? 1 : Statistics.median(gaps), 1), 3)
  }

  /// Why three readings or more say nothing: virtual machines show counters that stand still, and boards sensors that
  /// are not wired. nil for a series that may be believed.
  public var deadness: String? {
    guard seconds.count >= 3 else { return nil }
    if let joules, watts == nil, joules.allSatisfy({ $0 == joules[0] }) { return "its counter does not move" }
    if let watts, watts.allSatisfy({ $0 == 0 }) { return "it always reads 0 W" }
    return nil
  }

  /// Whether the arrays agree: false for a series that was not written by this library.
  public var isConsistent: Bool {
    let n = seconds.count
    return zip(seconds, seconds.dropFirst()).allSatisfy { $0 < $1 } && watts?.count ?? n == n
      && joules?.count ?? n == n && stamps?.count ?? n == n && (n == 0 || watts != nil || joules != nil)
  }
}
