// Is one set of samples larger than another, and by how much: rank tests, which assume no distribution.
import Foundation

/// The Mann-Whitney U test of two independent sets, two-sided.
public struct MannWhitney: Sendable, Equatable {
  /// Pairs (a, b) with a > b, ties counting one half.
  public let u: Double
  public let p: Double
  /// How many pairs (a, b) there are.
  public let pairs: Double
  /// By counting all orders; else by the normal approximation with tie and continuity correction.
  public let isExact: Bool

  /// Both sets must hold at least one sample. Exact where neither is larger than 20 and no value is repeated.
  public init(_ a: [Double], _ b: [Double]) {
    precondition(!a.isEmpty && !b.isEmpty, "a rank test needs samples on both sides")
    pairs = Double(a.count * b.count)
    let ranks = Ranks(a + b)
    let rankSum = ranks.of.prefix(a.count).reduce(0, +)
    u = rankSum - Double(a.count * (a.count + 1)) / 2
    isExact = ranks.tieTerm == 0 && a.count <= 20 && b.count <= 20
    p =
      isExact
      ? Self.exactP(u: Int(u), a.count, b.count)
      : Self.normalP(u: u, a.count, b.count, tieTerm: ranks.tieTerm)
  }

  /// The smallest p that `n` and `m` samples can give: two of the C(n + m, n) orders.
  static func smallestP(_ n: Int, _ m: Int) -> Double {
    var orders = 1.0
    for i in 0..<min(n, m) { orders *= Double(n + m - i) / Double(i + 1) }
    return min(1, 2 / orders)
  }

  // How many orders of n + m values give each U: f(n, m, u) = f(n - 1, m, u - m) + f(n, m - 1, u).
  private static func exactP(u: Int, _ n: Int, _ m: Int) -> Double {
    var rows = [[Double]](repeating: [1], count: m + 1)
    for i in 1...n {
      var current: [[Double]] = [[1]]
      for j in 1...m {
        var counts = [Double](repeating: 0, count: i * j + 1)
        for (k, count) in rows[j].enumerated() { counts[k + j] += count }
        for (k, count) in current[j - 1].enumerated() { counts[k] += count }
        current.append(counts)
      }
      rows = current
    }
    let counts = rows[m]
    let tail = min(u, n * m - u)
    return min(1, 2 * counts.prefix(tail + 1).reduce(0, +) / counts.reduce(0, +))
  }

  private static func normalP(u: Double, _ n: Int, _ m: Int, tieTerm: Double) -> Double {
    let (n, m) = (Double(n), Double(m))
    let total = n + m
    let variance = n * m / 12 * (total + 1 - tieTerm / (total * (total - 1)))
    guard variance > 0 else { return 1 }  // all values are the same
    let z = max(0, abs(u - n * m / 2) - 0.5) / variance.squareRoot()
    return min(1, erfc(z / 2.0.squareRoot()))
  }
}

/// Ranks from 1, ties sharing the mean of their ranks.
struct Ranks {
  let of: [Double]
  /// Σ (t³ - t) over the groups of equal values.
  let tieTerm: Double

  init(_ values: [Double]) {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var ties = 0.0
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for i in start..<end { ranks[order[i]] = Double(start + end + 1) / 2 }
      let size = Double(end - start)
      ties += size * size * size - size
      start = end
    }
    of = ranks
    tieTerm = ties
  }
}

/// Two builds, two days, two nodes: what METRICS calls a change.
public struct Comparison: Sendable, Equatable {
  public let test: MannWhitney
  /// Hodges-Lehmann: the median of all differences after - before.
  public let shift: Double
  /// `shift` as a fraction of the median before.
  public let relativeShift: Double

  public init(before: [Double], after: [Double]) {
    test = MannWhitney(after, before)
    shift = Self.hodgesLehmann(after, before)
    relativeShift = shift / Statistics.median(before)
  }

  /// p < 0.01 and a shift of more than 2 %.
  public var isChange: Bool { test.p < 0.01 && abs(relativeShift) > 0.02 }

  /// Cliff's delta: how much more often a value after is above one before than below it, from -1 to 1.
  public var cliffsDelta: Double { 2 * test.u / test.pairs - 1 }

  /// The 95 % interval of `relativeShift`: order statistics of the differences (Moses), by the normal approximation of
  /// U. The medians' own uncertainty, which is smaller by the size of the shift, is not in it.
  public static func relativeInterval(before: [Double], after: [Double]) -> ClosedRange<Double> {
    let differences = after.flatMap { x in before.map { x - $0 } }.sorted()
    let (n, m) = (Double(before.count), Double(after.count))
    let deviation = (n * m * (n + m + 1) / 12).squareRoot()
    let cut = min(max(Int(n * m / 2 - 1.959964 * deviation), 0), (differences.count - 1) / 2)
    let middle = abs(Statistics.median(before))
    return differences[cut] / middle...differences[differences.count - 1 - cut] / middle
  }

  /// The median of all differences a - b.
  public static func hodgesLehmann(_ a: [Double], _ b: [Double]) -> Double {
    Statistics.median(a.flatMap { x in b.map { x - $0 } })
  }
}
