// Small changes that stay, summed up until they show: Page's cumulative sums (1954), two-sided and tabular as in
// Montgomery, Introduction to Statistical Quality Control.
import Foundation

public struct CUSUM: Sendable, Equatable {
  /// The first values say what is usual.
  public static let baseline = 8
  /// In deviations: what is forgiven of each value, and the sum that is an alarm. For a known mean and deviation of
  /// normal values, one false alarm in 465 values.
  public static let slack = 0.5
  public static let limit = 5.0
  /// The smallest deviation, of the median: a quarter of the 2 % that METRICS calls a change.
  public static let smallestDeviation = 0.005

  /// The sums above and below, one each a value after the baseline.
  public let above: [Double]
  public let below: [Double]
  /// The place in `series` of the value with which a sum first passed the limit, and to which side.
  public let alarm: Int?
  public let isRise: Bool
  /// Since when, by the sum's last zero before the alarm: the place in `series` of the first value that differs.
  public let since: Int?

  /// With fewer values than the baseline and one more there is no alarm.
  public init(_ series: [Double]) {
    let usual = Array(series.prefix(Self.baseline))
    let middle = Statistics.median(usual)
    let deviation = max(RobustScore.deviation(usual), Self.smallestDeviation * abs(middle))
    var (above, below): ([Double], [Double]) = ([], [])
    var (high, low) = (0.0, 0.0)
    var (highSince, lowSince) = (Self.baseline, Self.baseline)
    var found: (place: Int, isRise: Bool, since: Int)?
    for (place, value) in series.enumerated().dropFirst(Self.baseline) {
      let z = deviation > 0 ? (value - middle) / deviation : 0
      if high == 0 { highSince = place }
      if low == 0 { lowSince = place }
      high = max(0, high + z - Self.slack)
      low = max(0, low - z - Self.slack)
      above.append(high)
      below.append(low)
      guard found == nil, max(high, low) > Self.limit else { continue }
      found = (place, high > low, high > low ? highSince : lowSince)
    }
    self.above = above
    self.below = below
    alarm = found?.place
    isRise = found?.isRise ?? false
    since = found?.since
  }
}
