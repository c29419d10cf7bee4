// Where warm-up ends: a change-point test on the samples in the order they were taken.
import Foundation

/// Pettitt's test (1979): is there one point at which the level of a series changes?
public struct ChangePoint: Sendable, Equatable {
  /// The first index of the later part: where the two parts differ least from their own medians. The rank statistic
  /// itself peaks late when the later part begins with its smaller values.
  public let index: Int
  public let statistic: Double
  public let p: Double

  /// nil for fewer than 4 samples: no split of them can be significant.
  public init?(_ samples: [Double]) {
    guard samples.count >= 4 else { return nil }
    let ranks = Ranks(samples).of
    let n = Double(samples.count)
    var sum = 0.0
    var largest = 0.0
    for t in 1..<samples.count {
      sum += ranks[t - 1]
      largest = max(largest, abs(2 * sum - Double(t) * (n + 1)))
    }
    statistic = largest
    p = min(1, 2 * exp(-6 * largest * largest / (n * n * n + n * n)))
    index = Self.split(samples)
  }

  private static func split(_ samples: [Double]) -> Int {
    let spread = { (part: ArraySlice<Double>) -> Double in
      let middle = Statistics.median(Array(part))
      return part.reduce(0) { $0 + abs($1 - middle) }
    }
    var best = (index: 1, spread: Double.infinity)
    for t in 1..<samples.count {
      let both = spread(samples[..<t]) + spread(samples[t...])
      if both < best.spread { best = (t, both) }
    }
    return best.index
  }
}

public enum WarmUp {
  /// How many leading samples are warm-up: the series is cut at its change point as long as that is significant
  /// (p < 0.05), larger than `smallestShift` of the level, and leaves half of the samples. The rest may still not be
  /// steady: `isSteady` tells.
  public static func length(_ samples: [Double], smallestShift: Double = 0.02) -> Int {
    var start = 0
    while let change = significantChange(Array(samples[start...]), smallestShift) {
      guard start + change <= samples.count / 2 else { break }
      start += change
    }
    return start
  }

  /// False if the level still changes within `samples`.
  public static func isSteady(_ samples: [Double], smallestShift: Double = 0.02) -> Bool {
    significantChange(samples, smallestShift) == nil
  }

  private static func significantChange(_ samples: [Double], _ smallestShift: Double) -> Int? {
    guard let change = ChangePoint(samples), change.p < 0.05 else { return nil }
    let before = Statistics.median(Array(samples[..<change.index]))
    let after = Statistics.median(Array(samples[change.index...]))
    return abs(after - before) > smallestShift * abs(after) ? change.index : nil
  }
}
