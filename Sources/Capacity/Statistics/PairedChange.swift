// METRICS' rule for what was measured in pairs: bench-gate judges builds by it, and the self-test a planted slow-down.
import Foundation

public struct PairedChange: Sendable, Equatable {
  /// METRICS: what is smaller is no change.
  public static let smallestChange = 0.02
  public static let significance = 0.01

  /// Hodges-Lehmann over the pairs: 0.05 is 5 % more.
  public let change: Double
  /// Low and high end of its 95 % interval.
  public let interval: ClosedRange<Double>
  /// Wilcoxon's signed ranks, either direction; and of more.
  public let p: Double
  public let pAbove: Double

  /// `differences` are logarithms of ratios, one a pair; there must be some.
  public init(logRatios differences: [Double]) {
    let shift = PairedShift(differences)
    let ranks = SignedRank(differences)
    change = exp(shift.value) - 1
    interval = exp(shift.interval.lowerBound) - 1...exp(shift.interval.upperBound) - 1
    (p, pAbove) = (ranks.p, ranks.pAbove)
  }

  /// p < 0.01 and a change of more than 2 %.
  public var isChange: Bool { p < Self.significance && abs(change) > Self.smallestChange }
}
