// What two readings of the guards differ by, as a report keeps it. The reasons of a window follow from these numbers and
// nothing else, so that `gobi verify` can work them out anew.

public struct GuardCounts: Codable, Sendable, Equatable {
  /// Between the readings, by the monotonic and by the wall clock.
  public var seconds: Double
  public var wallSeconds: Double
  public var processors: Int
  /// The kernel's ticks over all processors: all of them, at work, stolen by the hypervisor, and of this process.
  public var ticks: Int
  public var busyTicks: Int
  public var stolenTicks: Int
  public var ownTicks: Int
  public var throttledPeriods: Int
  /// Times a core was slowed for its temperature, over all cores.
  public var thermalEvents: Int
  public var swappedPages: Int
  /// The clock at either end; nil where it was not measured.
  public var startHertz: Double?
  public var endHertz: Double?
  /// "performance -> powersave" for each setting that a run must not change and that did.
  public var changedSettings: [String]

  public init(from start: GuardReading, to end: GuardReading) {
    seconds = end.monotonicSeconds - start.monotonicSeconds
    wallSeconds = end.wallSeconds - start.wallSeconds
    processors = end.processors
    ticks = end.ticks.total - start.ticks.total
    busyTicks = end.ticks.busy - start.ticks.busy
    stolenTicks = end.ticks.steal - start.ticks.steal
    ownTicks = end.ownTicks - start.ownTicks
    throttledPeriods = end.throttledPeriods - start.throttledPeriods
    thermalEvents = end.thermalEvents - start.thermalEvents
    swappedPages = end.swappedPages - start.swappedPages
    (startHertz, endHertz) = (start.hertz, end.hertz)
    changedSettings = zip(start.settings, end.settings).filter { $0 != $1 }.map { "\($0) -> \($1)" }
  }
}
