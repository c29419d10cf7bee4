// A histogram of times with a bounded relative error, in the manner of HdrHistogram: as many requests as come, in
// constant memory.

/// Counts of times from 1 µs to 36 minutes. A quantile is off by at most 1 part in 256 of its value.
public struct LatencyHistogram: Sendable, Equatable, Codable {
  /// Times are counted in microseconds. Each power of two is cut into `parts` equal parts; below `parts` each
  /// microsecond has a place of its own.
  private static let parts = 256
  private static let powers = 24

  private var counts: [Int]
  public private(set) var count = 0
  /// Exact, in seconds; 0 where nothing was recorded.
  public private(set) var largest = 0.0

  public init() { counts = Array(repeating: 0, count: Self.parts * Self.powers) }

  /// The places that are not empty, in order, and how many times each holds.
  var occupied: (places: [Int], counts: [Int]) {
    let places = counts.indices.filter { counts[$0] > 0 }
    return (places, places.map { counts[$0] })
  }

  /// The histogram that `occupied` and `largest` were of; nil where no histogram is like that.
  init?(places: [Int], counts held: [Int], largest: Double) {
    self.init()
    guard places.count == held.count, largest >= 0, zip(places, places.dropFirst()).allSatisfy({ $0 < $1 }),
      places.allSatisfy(counts.indices.contains), held.allSatisfy({ (1...1 << 32).contains($0) })
    else { return nil }
    for (place, number) in zip(places, held) { counts[place] = number }
    count = held.reduce(0, +)
    self.largest = largest
  }

  /// Records one time in seconds. What is negative or not finite counts as 0, what is beyond the end as the end.
  public mutating func record(_ seconds: Double) {
    let time = seconds.isFinite ? max(seconds, 0) : 0
    counts[Self.place(time)] += 1
    count += 1
    largest = max(largest, time)
  }

  public mutating func merge(_ other: LatencyHistogram) {
    for place in counts.indices { counts[place] += other.counts[place] }
    count += other.count
    largest = max(largest, other.largest)
  }

  /// The time that `fraction` of the recorded ones do not exceed, in seconds; nil where nothing was recorded.
  public func quantile(_ fraction: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = max(1, Int((min(max(fraction, 0), 1) * Double(count)).rounded(.up)))
    if rank == count { return largest }
    var seen = 0
    for (place, n) in counts.enumerated() {
      seen += n
      if seen >= rank { return min(Self.middle(place), largest) }
    }
    return largest
  }

  private static func place(_ seconds: Double) -> Int {
    let most = parts << (powers - 1)
    let micros = Int(min(seconds * 1e6, Double(most - 1)))
    guard micros >= parts else { return micros }
    // micros has `bits` bits: the leading 9 of them say the place.
    let bits = Int.bitWidth - micros.leadingZeroBitCount, shift = bits - 9
    return parts * shift + parts + ((micros >> shift) - parts)
  }

  private static func middle(_ place: Int) -> Double {
    guard place >= parts else { return Double(place) * 1e-6 + 0.5e-6 }
    let shift = (place - parts) / parts, low = (parts + (place - parts) % parts) << shift
    return (Double(low) + Double(1 << shift) / 2) * 1e-6
  }
}
