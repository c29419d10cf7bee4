// Does a series rise or fall? Mann (1945), Kendall (1975), with the correction for ties.
import Foundation

public struct Trend: Sendable, Equatable {
  /// Pairs in which the later value is the larger one, less those in which it is the smaller.
  public let statistic: Int
  /// Standard normal deviate of the statistic, with the correction for continuity; 0 for fewer than 3 values.
  public let z: Double

  public init(_ series: [Double]) {
    var s = 0
    for later in series.indices {
      for earlier in 0..<later { s += series[later] > series[earlier] ? 1 : series[later] < series[earlier] ? -1 : 0 }
    }
    statistic = s
    let n = Double(series.count)
    var ties: [Double: Double] = [:]
    for x in series { ties[x, default: 0] += 1 }
    let tied = ties.values.reduce(0) { $0 + $1 * ($1 - 1) * (2 * $1 + 5) }
    let variance = (n * (n - 1) * (2 * n + 5) - tied) / 18
    z = series.count < 3 || variance <= 0 ? 0 : Double(s - s.signum()) / variance.squareRoot()
  }

  /// One-sided p of a rise.
  public var p: Double { 0.5 * erfc(z / 2.0.squareRoot()) }

  public func isRising(level: Double) -> Bool { p < level }
}
