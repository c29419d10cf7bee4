// Watches the machine while a figure is measured: foreign work, steal, throttling, swapping, clocks and settings.
import CKernels
import Foundation

/// What the kernel's counters said at one moment.
public struct GuardReading: Sendable, Equatable {
  public struct Ticks: Sendable, Equatable {
    public var busy = 0
    public var steal = 0
    public var total = 0
  }

  public var ticks: Ticks
  public var processors: Int
  /// Of this process, in the kernel's ticks.
  public var ownTicks: Int
  public var swappedPages: Int
  public var throttledPeriods: Int
  /// Times a core was slowed for its temperature, over all cores.
  public var thermalEvents: Int
  /// What a run must not change: governor, quota, processors on line.
  public var settings: [String]
  public var monotonicSeconds: Double
  public var wallSeconds: Double
  /// Measured on the calling thread; nil on a recorded tree.
  public var hertz: Double?
}

public struct Guard: Sendable {
  let files: NodeFiles

  public init(_ files: NodeFiles) { self.files = files }

  /// Reads all counters. Takes about 3 ms on a live machine, most of it to measure the clock.
  public func read() -> GuardReading {
    let (ticks, processors) = processorTicks()
    let swap = files.pairs("proc/vmstat")
    return GuardReading(
      ticks: ticks, processors: processors, ownTicks: ownTicks(),
      swappedPages: (Int(swap["pswpin"] ?? "") ?? 0) + (Int(swap["pswpout"] ?? "") ?? 0),
      throttledPeriods: Cgroup(files).throttledPeriods, thermalEvents: thermalEvents(), settings: settings(),
      monotonicSeconds: files.isLive ? Self.seconds(CLOCK_MONOTONIC) : 0,
      wallSeconds: files.isLive ? Self.seconds(CLOCK_REALTIME) : 0, hertz: files.isLive ? Self.clock() : nil)
  }

  private func processorTicks() -> (GuardReading.Ticks, Int) {
    var ticks = GuardReading.Ticks()
    var processors = 0
    for line in files.lines("proc/stat") where line.hasPrefix("cpu") {
      let fields = line.split(separator: " ").dropFirst().compactMap { Int($0) }
      // user nice system idle iowait irq softirq steal guest guest_nice; guest time is part of user time.
      guard fields.count >= 8 else { continue }
      if line.hasPrefix("cpu ") {
        ticks.steal = fields[7]
        ticks.busy = fields[0] + fields[1] + fields[2] + fields[5] + fields[6]
        ticks.total = fields[0..<8].reduce(0, +)
      } else {
        processors += 1
      }
    }
    return (ticks, max(processors, 1))
  }

  private func ownTicks() -> Int {
    // The second field, the command's name in parentheses, may hold spaces and parentheses itself.
    guard let text = files.text("proc/self/stat"), let end = text.lastIndex(of: ")") else { return 0 }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 14 else { return 0 }
    // utime, stime, and those of children that were waited for: fields 14 to 17 of proc(5).
    return fields[11...14].compactMap { Int($0) }.reduce(0, +)
  }

  private func thermalEvents() -> Int {
    files.names(in: "sys/devices/system/cpu").filter { $0.hasPrefix("cpu") && Int($0.dropFirst(3)) != nil }.reduce(0) {
      $0 + (files.int("sys/devices/system/cpu/\($1)/thermal_throttle/core_throttle_count") ?? 0)
    }
  }

  private func settings() -> [String] {
    [
      files.text("sys/devices/system/cpu/online") ?? "",
      files.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") ?? "",
      Cgroup(files).quota.map { "\($0)" } ?? "", files.pairs("proc/self/status")["Cpus_allowed_list"] ?? "",
    ]
  }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  // The best of five: an interrupted run of additions looks like a slow clock.
  private static func clock() -> Double? {
    var best: Double?
    for _ in 0..<5 {
      var result = ck_roof_result()
      guard ck_roof_clock(1_500_000, &result) == CK_OK, result.wrong == 0, result.seconds > 0 else { continue }
      best = max(best ?? 0, Double(result.operations) / result.seconds)
    }
    return best
  }
}

/// What went on between two readings.
public struct GuardWindow: Codable, Sendable, Equatable {
  public var seconds: Double
  /// Of all processor time in the window.
  public var stealShare: Double
  /// Processor time of others, as a share of all processor time in the window.
  public var foreignShare: Double
  public var throttledPeriods: Int
  public var thermalEvents: Int
  public var swappedPages: Int
  public var clockChange: Double?
  public var reasons: [Reason]
  /// What all of this follows from; nil in reports of versions that did not keep it.
  public var counts: GuardCounts?

  /// Largest share of steal, of foreign work, and largest change of the clock that a figure survives.
  public static let stealLimit = 0.005
  public static let foreignLimit = 0.01
  public static let clockLimit = 0.02

  /// All that a window can find.
  static let findings: Set<Reason> = [
    .contended, .throttled, .swapped, .environmentChanged, .frequencyDrift, .clockSync,
  ]

  public init(from start: GuardReading, to end: GuardReading) { self.init(GuardCounts(from: start, to: end)) }

  public init(_ counts: GuardCounts) {
    // In floating point: a report may hold any number, and none of them may end the process.
    let total = max(Double(counts.ticks), 0)
    let share = { (ticks: Double) in total > 0 ? max(ticks, 0) / total : 0 }
    seconds = counts.seconds
    stealShare = share(Double(counts.stolenTicks))
    foreignShare = share(max(Double(counts.busyTicks), 0) - max(Double(counts.ownTicks), 0))
    throttledPeriods = counts.throttledPeriods
    thermalEvents = counts.thermalEvents
    swappedPages = counts.swappedPages
    clockChange = counts.startHertz.flatMap { a in counts.endHertz.map { $0 / a - 1 } }
    self.counts = counts

    // Ticks are whole: in a short window one of them is more than the limit. One a processor is rounding.
    let slack = share(Double(counts.processors))
    var found: Set<Reason> = []
    if stealShare > max(Self.stealLimit, slack) { found.insert(.contended) }
    if foreignShare > Self.foreignLimit + slack { found.insert(.contended) }
    if throttledPeriods > 0 || thermalEvents > 0 { found.insert(.throttled) }
    if swappedPages > 0 { found.insert(.swapped) }
    if !counts.changedSettings.isEmpty { found.insert(.environmentChanged) }
    if abs(clockChange ?? 0) > Self.clockLimit { found.insert(.frequencyDrift) }
    // A disciplined clock is slewed by at most 500 parts in a million; a step is a jump.
    if abs(counts.wallSeconds - seconds) > 0.001 + 0.0005 * seconds { found.insert(.clockSync) }
    reasons = found.sorted()
  }
}
