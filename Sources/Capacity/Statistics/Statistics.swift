// Medians, quantiles and bootstrap intervals. Comparisons of two sets are in Comparison.swift.
import Foundation

public enum Statistics {
  /// The middle of `samples`, or the mean of the two middle ones. NaN if there are none.
  public static func median(_ samples: [Double]) -> Double { median(sorted: samples.sorted()) }

  static func median(sorted: [Double]) -> Double {
    guard let last = sorted.last else { return .nan }
    let middle = sorted.count / 2
    if sorted.count == 1 { return last }
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// The `fraction` quantile by linear interpolation between order statistics (Hyndman and Fan's type 7).
  public static func quantile(_ samples: [Double], _ fraction: Double) -> Double {
    let sorted = samples.sorted()
    guard !sorted.isEmpty else { return .nan }
    let position = min(max(fraction, 0), 1) * Double(sorted.count - 1)
    let below = Int(position)
    guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
    return sorted[below] + (position - Double(below)) * (sorted[below + 1] - sorted[below])
  }

  /// The percentile bootstrap's interval for the median. One sample gives an interval of no width, which says
  /// nothing: StoppingRule asks for more.
  public static func bootstrapMedian(
    _ samples: [Double], confidence: Double = 0.95, resamples: Int = 2000, seed: UInt64 = 1
  ) -> ClosedRange<Double> {
    guard let first = samples.first, samples.count > 1 else {
      let only = samples.first ?? .nan
      return only.isNaN ? 0...0 : only...only
    }
    var random = RandomSource(seed: seed)
    var drawn = [Double](repeating: first, count: samples.count)
    let medians = (0..<resamples).map { _ in
      for i in drawn.indices { drawn[i] = samples[random.index(below: samples.count)] }
      return median(drawn)
    }
    let tail = (1 - confidence) / 2
    let (low, high) = (quantile(medians, tail), quantile(medians, 1 - tail))
    // Samples that overflow a double give no interval.
    return low <= high ? low...high : 0...0
  }

  /// Samples are outliers beyond so many robust deviations (1.4826 MAD) of the median, and this share of it. Twenty
  /// normal values have one beyond 6 such deviations in 4 of 1,000 cases, beyond 5 in 11.
  public static let outlierDeviations = 6.0
  public static let outlierShare = 0.1

  /// Indices of samples that are further from the median than both: flagged, never dropped. Distances are ratios
  /// (differences of logarithms), so that a rate and the time it comes from have the same outliers: a sample that took
  /// three times as long is two thirds of the median away as a rate. Differences where a sample is not above 0.
  public static func outliers(_ samples: [Double]) -> [Int] {
    let areRatios = samples.allSatisfy { $0 > 0 }
    let values = areRatios ? samples.map { log($0) } : samples
    let middle = median(values)
    let deviation = 1.4826 * median(values.map { abs($0 - middle) })
    let least = areRatios ? log(1 + outlierShare) : outlierShare * abs(middle)
    let limit = max(outlierDeviations * deviation, least)
    return values.indices.filter { abs(values[$0] - middle) > limit }
  }
}
