// Did a paired quantity shift: Wilcoxon's signed ranks, and the shift that belongs to them. Two independent sets are
// compared in Comparison.swift.
//
// Samples that were taken in pairs are not independent, so Mann-Whitney's table does not hold for them: with every pair
// aligned to its own mean, U counts the same Walsh averages as the signed ranks do, and its variance is twice what the
// table assumes.
import Foundation

/// Wilcoxon's signed-rank test of differences against a median of 0.
public struct SignedRank: Sendable, Equatable {
  /// Differences that are not 0; the others say nothing and are left out (Wilcoxon's own rule).
  public let n: Int
  /// Sum of the ranks of the differences above 0.
  public let v: Double
  /// Of a shift in either direction.
  public let p: Double
  /// Of a shift above 0.
  public let pAbove: Double
  /// By counting all signs; else by the normal approximation with tie and continuity correction.
  public let isExact: Bool

  /// Exact where no more than 50 differences are left and no size is repeated.
  public init(_ differences: [Double]) {
    let kept = differences.filter { $0 != 0 }
    n = kept.count
    let ranks = Ranks(kept.map(abs))
    v = zip(kept, ranks.of).reduce(0) { $1.0 > 0 ? $0 + $1.1 : $0 }
    isExact = ranks.tieTerm == 0 && kept.count <= 50
    guard n > 0 else {
      (p, pAbove) = (1, 1)
      return
    }
    let total = Double(n * (n + 1)) / 2
    let above: Double
    let below: Double
    if isExact {
      let counts = Self.counts(n)
      let all = counts.reduce(0, +)
      above = counts[Int(v)...].reduce(0, +) / all
      below = counts[...Int(v)].reduce(0, +) / all
    } else {
      let deviation = (Double(n * (n + 1) * (2 * n + 1)) / 24 - ranks.tieTerm / 48).squareRoot()
      above = deviation > 0 ? erfc((v - 0.5 - total / 2) / deviation / 2.0.squareRoot()) / 2 : 1
      below = deviation > 0 ? erfc((total / 2 - v - 0.5) / deviation / 2.0.squareRoot()) / 2 : 1
    }
    pAbove = min(1, above)
    p = min(1, 2 * min(above, below))
  }

  /// How many of the 2ⁿ choices of signs give each sum of ranks.
  static func counts(_ n: Int) -> [Double] {
    var counts = [Double](repeating: 0, count: n * (n + 1) / 2 + 1)
    counts[0] = 1
    for rank in stride(from: 1, through: n, by: 1) {
      for sum in stride(from: counts.count - 1, through: rank, by: -1) { counts[sum] += counts[sum - rank] }
    }
    return counts
  }
}

/// How far paired differences lie from 0 (Hodges and Lehmann, 1963).
public struct PairedShift: Sendable, Equatable {
  /// The median of all Walsh averages (dᵢ + dⱼ) / 2, i ≤ j.
  public let value: Double
  /// Tukey's interval of the order statistics of the Walsh averages. Few differences cannot give a high confidence:
  /// then it is the widest there is, and `coverage` says what it covers.
  public let interval: ClosedRange<Double>
  public let coverage: Double

  /// `differences` must not be empty.
  public init(_ differences: [Double], confidence: Double = 0.95) {
    precondition(!differences.isEmpty, "a shift needs differences")
    var averages: [Double] = []
    for i in differences.indices {
      for j in i..<differences.count { averages.append((differences[i] + differences[j]) / 2) }
    }
    averages.sort()
    value = Statistics.median(sorted: averages)
    let n = differences.count
    let counts = SignedRank.counts(min(n, 50))
    // Above 50 differences the ranks of 50 would not do: the normal approximation's order statistic.
    var cut = 0
    if n <= 50 {
      let all = counts.reduce(0, +)
      var tail = counts[0]
      while 2 * (tail + counts[cut + 1]) / all <= 1 - confidence, cut + 1 < averages.count / 2 {
        cut += 1
        tail += counts[cut]
      }
      coverage = 1 - 2 * tail / all
    } else {
      let deviation = (Double(n * (n + 1) * (2 * n + 1)) / 24).squareRoot()
      cut = max(0, Int(Double(n * (n + 1)) / 4 - Self.normalQuantile((1 + confidence) / 2) * deviation))
      coverage = confidence
    }
    interval = averages[cut]...averages[averages.count - 1 - cut]
  }

  // By bisection of erfc: called once a shift, and never near a tail where it would lose digits.
  static func normalQuantile(_ p: Double) -> Double {
    var (low, high) = (-10.0, 10.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if erfc(-middle / 2.0.squareRoot()) / 2 < p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

/// Many tests at once.
public enum Holm {
  /// Holm's step-down adjustment (1979): what is below 0.01 afterwards is a false alarm in at most one family of a
  /// hundred, however many tests it holds and however they depend on each other. In the order of `p`.
  public static func adjusted(_ p: [Double]) -> [Double] {
    var adjusted = p
    var largest = 0.0
    for (place, i) in p.indices.sorted(by: { p[$0] < p[$1] }).enumerated() {
      largest = max(largest, min(1, p[i] * Double(p.count - place)))
      adjusted[i] = largest
    }
    return adjusted
  }
}
