// LINPACK: the rate of solving a dense system through LAPACKE, in FP64 and by an FP32 factorisation refined to FP64,
// counted as 2/3 n³ + 2n² and valid only with a scaled residual of at most 16.
import CKernels

public struct LinpackResult: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable { case f64, mixed }
  public var kind: Kind
  public var n: Int
  /// ‖Ax - b‖∞ / (ε (‖A‖∞ ‖x‖∞ + ‖b‖∞) n), the largest of all samples.
  public var residual: Double
  /// Of the mixed kind: steps of refinement of the last sample.
  public var refinements: Int?
  public var rate: Figure
  /// Of the FP64 roof; the mixed kind may exceed it, so it has none.
  public var share: Figure?

  package init(
    kind: Kind, n: Int, residual: Double, refinements: Int? = nil, rate: Figure, share: Figure? = nil
  ) {
    self.kind = kind
    self.n = n
    self.residual = residual
    self.refinements = refinements
    self.rate = rate
    self.share = share
  }
}

public struct Linpack {
  public static let largestResidual = 16.0

  let sampler: FigureSampler
  let threads: Int
  let seed: UInt64

  public init(sampler: FigureSampler, threads: Int, seed: UInt64) {
    self.sampler = sampler
    self.threads = threads
    self.seed = seed
  }

  /// The FP64 kind's share of the FP64 roof.
  static func share(_ rate: Figure, of peak: Figure) -> Figure {
    rate.share(of: peak.value, measuredAs: peak, protocol: "linpack-share")
  }

  /// nil in a build without LAPACK.
  public func measure(_ kind: LinpackResult.Kind, n: Int, peak: Figure?, seconds: Double) throws(CapacityError)
    -> LinpackResult?
  {
    let status = ck_blas_set_threads(UInt32(clamping: threads))
    if status == CK_UNSUPPORTED { return nil }
    try check(status, "ck_blas_set_threads")
    var system = System(n: n, seed: seed)
    var worst = 0.0
    var refinements: Int?
    let rate = try sampler.figure(
      SampleKind(unit: "FLOP/s", precision: Precision.f64.tag, protocol: "linpack-\(kind.rawValue)"),
      rule: StoppingRule(minimumSamples: 3, maximumSamples: 20, seconds: seconds)
    ) { () throws(CapacityError) -> Sample in
      system.reset()
      let start = FigureSampler.now()
      refinements = try system.solve(kind)
      let end = FigureSampler.now()
      let residual = system.residual()
      worst = max(worst, residual)
      return Sample(amount: System.operations(n), seconds: end - start, isRight: residual <= Self.largestResidual)
    }
    let share = kind == .f64 ? peak.map { Self.share(rate, of: $0) } : nil
    return LinpackResult(kind: kind, n: n, residual: worst, refinements: refinements, rate: rate, share: share)
  }
}

/// A x = b with entries uniform in [-0.5, 0.5), column-major.
private struct System {
  let n: Int
  private let a: [Double]
  private let b: [Double]
  private var work: [Double]
  private var x: [Double]
  private var pivots: [Int32]

  init(n: Int, seed: UInt64) {
    self.n = n
    var random = RandomSource(seed: seed)
    a = (0..<n * n).map { _ in Double(random.signedUnit()) / 2 }
    b = (0..<n).map { _ in Double(random.signedUnit()) / 2 }
    work = a
    x = b
    pivots = [Int32](repeating: 0, count: n)
  }

  static func operations(_ n: Int) -> Double {
    let n = Double(n)
    return 2 / 3 * n * n * n + 2 * n * n
  }

  mutating func reset() {
    work.withUnsafeMutableBufferPointer { work in
      for i in 0..<work.count { work[i] = a[i] }
    }
    x = b
  }

  /// The steps of refinement, for the mixed kind.
  mutating func solve(_ kind: LinpackResult.Kind) throws(CapacityError) -> Int? {
    switch kind {
    case .f64:
      try check(ck_lapack_solve(n, &work, n, &pivots, &x), "ck_lapack_solve")
      return nil
    case .mixed:
      var steps: Int32 = 0
      try check(ck_lapack_solve_mixed(n, &work, n, &pivots, b, &x, &steps), "ck_lapack_solve_mixed")
      return Int(steps)
    }
  }

  func residual() -> Double {
    var difference = b.map { -$0 }
    var rowSums = [Double](repeating: 0, count: n)
    a.withUnsafeBufferPointer { a in
      for j in 0..<n {
        let xj = x[j]
        for i in 0..<n {
          difference[i] += a[j * n + i] * xj
          rowSums[i] += abs(a[j * n + i])
        }
      }
    }
    let norm = { (v: [Double]) in v.reduce(0) { max($0, abs($1)) } }
    let scale = Double.ulpOfOne / 2 * (norm(rowSums) * norm(x) + norm(b)) * Double(n)
    let value = norm(difference) / scale
    return value.isNaN ? .infinity : value
  }
}
