// Is one set of samples larger than another, where samples of one launch of a program are more alike than those of two: a
// process keeps its luck (pages, places, neighbours) for life, so a rank test of samples alone calls two launches of one
// build different.
import Foundation

public struct LaunchComparison: Sendable, Equatable {
  /// Of all samples, as if they were of one launch.
  public let samples: Comparison
  /// Launches of each side.
  public let before: Int
  public let after: Int
  /// Standard deviation of launches' medians about their own side's mean, as a fraction of the median before. nil with one
  /// launch on either side: how far launches differ is then not known.
  public let spread: Double?
  /// Of Student's t on the launches' medians, two-sided, their spread taken from both sides together; nil as `spread`.
  public let p: Double?
  /// The launches' medians differ by their ranks, p < 0.01; where there are too few of them for any order to have that p
  /// (fewer than 5 by 5), all of one side lie beyond all of the other. A launch of bad luck among many is forgiven.
  public let isApart: Bool

  /// The samples of each launch; there must be at least one on each side. Launches without samples are left out.
  public init(before: [[Double]], after: [[Double]]) {
    samples = Comparison(before: before.flatMap { $0 }, after: after.flatMap { $0 })
    let a = before.filter { !$0.isEmpty }.map { Statistics.median($0) }
    let b = after.filter { !$0.isEmpty }.map { Statistics.median($0) }
    (self.before, self.after) = (a.count, b.count)
    // Only the least p of all falls under its own value.
    let ranks: Double = MannWhitney(b, a).p
    isApart = ranks <= max(0.01, 1.000001 * MannWhitney.smallestP(a.count, b.count))
    let degrees = a.count + b.count - 2
    guard degrees > 0 else {
      (spread, p) = (nil, nil)
      return
    }
    let variance: Double = (Self.squares(a) + Self.squares(b)) / Double(degrees)
    let shares: Double = 1 / Double(a.count) + 1 / Double(b.count)
    let difference = Self.mean(b) - Self.mean(a)
    spread = variance.squareRoot() / abs(Statistics.median(before.flatMap { $0 }))
    p = difference == 0 ? 1 : StudentT.p(difference / (variance * shares).squareRoot(), degrees: degrees)
  }

  private static func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }

  private static func squares(_ x: [Double]) -> Double {
    let middle = mean(x)
    return x.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
  }

  /// Whether launches of one side are known to differ by less than the sides do. nil: not known.
  public var exceedsLaunches: Bool? { p.map { isApart && $0 < 0.01 } }
}
