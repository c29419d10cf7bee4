// A channel's power over time, from its readings: counters without their wraps and resets, trapezoids over windows.

/// What a channel took in a window.
public struct PowerWindow: Sendable, Equatable {
  /// By trapezoid over power; by the counter where there is no power.
  public var joules: Double
  /// By the counter, where there is power too.
  public var counterJoules: Double?
  /// The longest time in the window without a reading.
  public var largestGap: Double
}

public struct PowerTrace: Sendable {
  private let times: [Double]
  private let watts: [Double]?
  /// Joules since the first reading, wraps added and resets bridged.
  private let counted: [Double]?
  /// Intervals (between reading i - 1 and i) over which the counter said nothing: it was reset.
  public let resets: [Int]

  public init(_ series: PowerSeries) {
    times = series.seconds
    watts = series.watts
    let counter = series.joules.map { Self.counted($0, at: series.seconds, series.channel) }
    counted = counter?.joules
    resets = counter?.resets ?? []
  }

  // MARK: Counters

  /// A counter that falls has wrapped, if that leaves a power the channel can have, and was reset if not. Over a reset
  /// the power of the intervals beside it is assumed, which a gap of at most 3 s allows.
  private static func counted(_ raw: [Double], at times: [Double], _ channel: PowerChannel)
    -> (joules: [Double], resets: [Int])
  {
    var steps: [Double?] = []
    for i in raw.indices.dropFirst() {
      let most = channel.largestWatts * (times[i] - times[i - 1])
      var step = raw[i] - raw[i - 1]
      if step < 0, let range = channel.counterRange { step += range }
      steps.append(step >= 0 && step <= most ? step : nil)
    }
    var sums = [0.0]
    var resets: [Int] = []
    for (i, step) in steps.enumerated() {
      let length = times[i + 1] - times[i]
      if step == nil { resets.append(i + 1) }
      sums.append(sums[i] + (step ?? length * neighbouringPower(steps, times, i)))
    }
    return (raw.isEmpty ? [] : sums, resets)
  }

  private static func neighbouringPower(_ steps: [Double?], _ times: [Double], _ i: Int) -> Double {
    let power = { (j: Int) -> Double? in steps[j].map { $0 / (times[j + 1] - times[j]) } }
    let before = steps[..<i].lastIndex { $0 != nil }.flatMap(power)
    let after = steps[i...].firstIndex { $0 != nil }.flatMap(power)
    let known = [before, after].compactMap { $0 }
    return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
  }

  // MARK: Windows

  /// What was taken in `range`. nil without a reading in reach of it: none within it and none beside it.
  public func window(_ range: ClosedRange<Double>) -> PowerWindow? {
    guard !times.isEmpty, range.upperBound > range.lowerBound else { return nil }
    let gap = largestGap(range)
    guard gap < range.upperBound - range.lowerBound || isBracketed(range) else { return nil }
    let byCounter = counted.map { sum($0, range.upperBound) - sum($0, range.lowerBound) }
    guard let watts else {
      return byCounter.map { PowerWindow(joules: $0, counterJoules: nil, largestGap: gap) }
    }
    return PowerWindow(joules: trapezoid(watts, range), counterJoules: byCounter, largestGap: gap)
  }

  private func isBracketed(_ range: ClosedRange<Double>) -> Bool {
    times[0] <= range.lowerBound && times[times.count - 1] >= range.upperBound
  }

  /// The first index whose time is after `time`.
  private func after(_ time: Double) -> Int {
    var (low, high) = (0, times.count)
    while low < high {
      let middle = (low + high) / 2
      if times[middle] <= time { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Where `time` lies between two readings: the later one's index, and how far it is from the earlier one.
  private func place(_ time: Double) -> (index: Int, fraction: Double) {
    let i = min(max(after(time), 1), times.count - 1)
    return (i, (time - times[i - 1]) / (times[i] - times[i - 1]))
  }

  /// Power at `time`, linear between readings; before the first and after the last it stays as it is.
  private func power(_ watts: [Double], _ time: Double) -> Double {
    guard times.count > 1 else { return watts[0] }
    let (i, fraction) = place(time)
    return watts[i - 1] + (watts[i] - watts[i - 1]) * min(max(fraction, 0), 1)
  }

  /// A counter's sum at `time`, linear between readings; beyond them it goes on as it went.
  private func sum(_ joules: [Double], _ time: Double) -> Double {
    guard times.count > 1 else { return joules[0] }
    let (i, fraction) = place(time)
    return joules[i - 1] + (joules[i] - joules[i - 1]) * fraction
  }

  private func trapezoid(_ y: [Double], _ range: ClosedRange<Double>) -> Double {
    var sum = 0.0
    var last = (time: range.lowerBound, value: power(y, range.lowerBound))
    var i = after(range.lowerBound)
    while i < times.count, times[i] < range.upperBound {
      sum += (times[i] - last.time) * (y[i] + last.value) / 2
      last = (times[i], y[i])
      i += 1
    }
    return sum + (range.upperBound - last.time) * (power(y, range.upperBound) + last.value) / 2
  }

  /// Between two readings around or within `range`, or from its ends to the nearest reading where none is beyond. Over a
  /// reset nothing was read: its whole interval is a gap like any other.
  private func largestGap(_ range: ClosedRange<Double>) -> Double {
    var i = after(range.lowerBound)
    var gap = 0.0
    var previous = i > 0 ? times[i - 1] : range.lowerBound
    while i < times.count, previous < range.upperBound {
      gap = max(gap, times[i] - previous)
      previous = times[i]
      i += 1
    }
    return max(gap, range.upperBound - previous)
  }
}
