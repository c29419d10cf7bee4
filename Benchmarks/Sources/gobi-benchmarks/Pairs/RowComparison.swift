// What the launches of a row say: how much slower the tested build is, and how sure that is.
import Capacity
import Foundation

struct RowComparison: Codable, Sendable {
  var id: String
  /// Median seconds of a run, over the launches.
  var base: Double
  var test: Double
  /// Hodges-Lehmann over the launches' differences: 0.05 is 5 % slower.
  var change: Double
  /// Low and high end of its 95 % interval.
  var interval: [Double]
  /// Wilcoxon's signed ranks over the launches, either direction; and of a slow-down.
  var p: Double
  var pSlower: Double
  /// Mann-Whitney over the launches' medians as if they were not paired: what drifts between launches is in it.
  var pUnpaired: Double
  var cliffsDelta: Double
  var launches: [LaunchPair]

  /// METRICS: what is smaller is no change.
  static let smallestChange = PairedChange.smallestChange
  static let significance = PairedChange.significance

  init(_ pairs: RowPairs) {
    let differences = pairs.launches.map(\.difference)
    let paired = PairedChange(logRatios: differences)
    let unpaired = Comparison(before: pairs.launches.map(\.base), after: pairs.launches.map(\.test))
    id = pairs.id
    base = Statistics.median(pairs.launches.map(\.base))
    test = Statistics.median(pairs.launches.map(\.test))
    change = paired.change
    interval = [paired.interval.lowerBound, paired.interval.upperBound]
    (p, pSlower) = (paired.p, paired.pAbove)
    pUnpaired = unpaired.test.p
    cliffsDelta = unpaired.cliffsDelta
    launches = pairs.launches
  }

  var isChange: Bool { p < Self.significance && abs(change) > Self.smallestChange }

  /// Two lines of at most 80 columns.
  var text: [String] {
    let verdict = isChange ? (change > 0 ? "SLOWER" : "FASTER") : ""
    let numbers = String(
      format: "%+6.2f %% [%+.2f, %+.2f]  p %.2g  U p %.2g  delta %+.2f", change * 100, interval[0] * 100,
      interval[1] * 100, p, pUnpaired, cliffsDelta)
    return [
      verdict.isEmpty ? id : id.padded(70) + "  " + verdict,
      "  " + Quantity.text(base, "s").right(8) + " " + numbers,
    ]
  }
}
