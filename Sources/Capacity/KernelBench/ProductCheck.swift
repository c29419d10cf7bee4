// Checks a product y = x · Wᵀ against one computed before the clock started: sampled rows element by element, all rows
// by Freivalds' projection. Works on decoded weights; knows no kernel and no packed layout.
//
// Error bounds are probabilistic (Higham and Mary, 2019, "A new approach to probabilistic rounding error analysis"):
// a sum of L rounded terms is off by at most λ √L u Σ|terms| but for a chance of about 2 exp(-λ²/2), λ = 8.

/// What y must be, kept from load time: a check then costs O(n) a sampled row and O(n + k) a row of Freivalds.
public struct ProductCheck: Sendable {
  public static let lambda = 8.0
  static let unitRoundoff = 0x1p-24

  public let n: Int
  public let k: Int
  /// Which rows of x are compared element by element.
  public let sampledRows: [Int]
  /// (sampledRows, n), in double.
  private(set) var expected: [Double]
  /// (sampledRows, n): how far an element may be off.
  private(set) var bounds: [Double]
  /// r (n) of ±1 and Wᵀ r (k).
  private(set) var signs: [Double]
  private(set) var projected: [Double]

  /// `row(j)` gives the decoded row j of W (k values), `x(i)` row i of the exactly representable input.
  /// `roundings` is how many rounded additions make an element.
  public init(
    n: Int, k: Int, sampledRows: [Int], roundings: Int, seed: UInt64, x: (Int) -> [Float],
    row: (Int, UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    self.n = n
    self.k = k
    self.sampledRows = sampledRows
    var random = RandomSource(seed: seed)
    signs = (0..<n).map { _ in random.next() & 1 == 0 ? 1 : -1 }
    let inputs = sampledRows.map { x($0).map(Double.init) }
    let weights = inputs.map(Self.groupSums)
    var expected = [Double](repeating: 0, count: sampledRows.count * n)
    var bounds = expected
    var projected = [Double](repeating: 0, count: k)
    let factor = Self.lambda * Double(max(roundings, 1)).squareRoot() * Self.unitRoundoff
    let signs = self.signs
    withUnsafeTemporaryAllocation(of: Double.self, capacity: k) { w in
      for j in 0..<n {
        row(j, w)
        Self.add(signs[j], w, to: &projected)
        let peaks = Self.groupPeaks(w)
        for i in inputs.indices {
          expected[i * n + j] = Self.dot(inputs[i], w)
          // A format with an offset adds d·q and m of up to twice and once the largest weight of their group.
          bounds[i * n + j] = 3 * factor * zip(weights[i], peaks).reduce(0) { $0 + $1.0 * $1.1 }
        }
      }
    }
    self.expected = expected
    self.bounds = bounds
    self.projected = projected
  }

  /// y (m, n) with rows `ld` apart. Sampled rows at or above m are left out. NaN is an error.
  public func sampledRowsAreRight(_ y: UnsafeBufferPointer<Float>, m: Int, ld: Int) -> Bool {
    for (i, row) in sampledRows.enumerated() where row < m {
      for j in 0..<n where !(abs(Double(y[row * ld + j]) - expected[i * n + j]) <= bounds[i * n + j]) { return false }
    }
    return true
  }

  /// Freivalds: y · r = x · (Wᵀ r) for every row of y. `x` (m, k) is what the product was computed from.
  public func allRowsAreRight(
    _ y: UnsafeBufferPointer<Float>, m: Int, ld: Int, x: UnsafeBufferPointer<Float>, ldx: Int
  ) -> Bool {
    // The bounds of a row scale with the size of its input; errors of its elements are independent, so they add in
    // quadrature.
    let typical = bounds.prefix(n).reduce(0) { $0 + $1 * $1 }.squareRoot()
    let base = sampledRows.first.map { Self.size(x, $0 * ldx, k) } ?? 0
    for row in 0..<m {
      var left = 0.0
      var right = 0.0
      for j in 0..<n { left += Double(y[row * ld + j]) * signs[j] }
      for i in 0..<k { right += Double(x[row * ldx + i]) * projected[i] }
      let bound = typical * max(Self.size(x, row * ldx, k) / max(base, 1e-30), 1) * 2
      if !(abs(left - right) <= bound) { return false }
    }
    return true
  }

  private static func size(_ x: UnsafeBufferPointer<Float>, _ start: Int, _ count: Int) -> Double {
    var sum = 0.0
    for i in start..<start + count { sum += Double(abs(x[i])) }
    return sum
  }

  private static let group = 32

  private static func groupSums(_ x: [Double]) -> [Double] {
    stride(from: 0, to: x.count, by: group).map { start in
      x[start..<min(start + group, x.count)].reduce(0) { $0 + abs($1) }
    }
  }

  private static func groupPeaks(_ w: UnsafeMutableBufferPointer<Double>) -> [Double] {
    stride(from: 0, to: w.count, by: group).map { start in
      var peak = 0.0
      for i in start..<min(start + group, w.count) { peak = max(peak, abs(w[i])) }
      return peak
    }
  }

  private static func add(_ sign: Double, _ w: UnsafeMutableBufferPointer<Double>, to sum: inout [Double]) {
    sum.withUnsafeMutableBufferPointer { sum in
      for i in 0..<w.count { sum[i] += sign * w[i] }
    }
  }

  // Eight partial sums: the optimiser may not reorder a single one.
  private static func dot(_ x: [Double], _ w: UnsafeMutableBufferPointer<Double>) -> Double {
    x.withUnsafeBytes { left in
      let right = UnsafeRawBufferPointer(w)
      var sum = SIMD8<Double>.zero
      let whole = x.count / 8 * 8
      for i in stride(from: 0, to: whole, by: 8) {
        let a = left.loadUnaligned(fromByteOffset: 8 * i, as: SIMD8<Double>.self)
        sum += a * right.loadUnaligned(fromByteOffset: 8 * i, as: SIMD8<Double>.self)
      }
      var rest = 0.0
      for i in whole..<x.count { rest += x[i] * w[i] }
      return sum.sum() + rest
    }
  }
}
