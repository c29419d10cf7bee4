// Kernels written in Swift over SIMD types: passes over a vocabulary, softmax, RMSNorm. Their C twins, where there
// are any, are in CKernels; docs/KERNELS.md says which of the two serves and by how much.
//
// What makes Swift emit good code here, without compiler flags (baseline x86-64, Swift 6.3, measured on Zen 4): whole
// vectors of Float; a * b + c rather than addingProduct, which calls fmaf a lane where the target has no FMA; bit
// patterns in place of conversions between Float and Int32 vectors, which are a call a lane; masks used as bits, since
// replacing(with:where:) and pointwiseMax cost 8 times as much; several scalar accumulators for a maximum; raw
// pointers in the loop.

/// Kernels in SIMD Swift. Each sum has one fixed order: results depend on the input alone.
public enum SIMDKernels {
  typealias Vector = SIMD16<Float>
  typealias Bits = SIMD16<Int32>
  static let width = Vector.scalarCount

  /// The largest value and its lowest index. NaN never wins; of an empty or all-NaN input the index is nil.
  public static func maximum(_ x: UnsafeBufferPointer<Float>) -> (value: Float, index: Int?) {
    let best = largest(x)
    // A second pass for the index costs less than carrying indices through the first.
    return (best, firstIndex(of: best, in: x))
  }

  /// The lowest index of a value, or nil.
  private static func firstIndex(of value: Float, in x: UnsafeBufferPointer<Float>) -> Int? {
    guard let base = x.baseAddress else { return nil }
    var i = 0
    while i + width <= x.count {
      let hits = bits(load(base + i) .== value)
      if anySet(hits) { break }
      i += width
    }
    while i < x.count {
      if base[i] == value { return i }
      i += 1
    }
    return nil
  }

  /// The sum of exp(scale * (x - offset)) over finite x; NaN and -infinity add nothing.
  public static func exponentialSum(_ x: UnsafeBufferPointer<Float>, scale: Float, offset: Float) -> Double {
    var total = 0.0
    var partial = Vector.zero
    var count = 0
    forEachVector(x, padding: -.infinity) { vector in
      partial += exponential((vector - offset) * scale)
      count += 1
      // A float sum of 1,024 vectors loses at most ten bits; the rest is summed in double.
      if count == 1_024 {
        total += Double(partial.sum())
        (partial, count) = (.zero, 0)
      }
    }
    return total + Double(partial.sum())
  }

  /// Writes the indices of all x >= threshold in ascending order and returns how many there are. `indices` must have
  /// room for as many as x has values.
  public static func compress(
    _ x: UnsafeBufferPointer<Float>, threshold: Float, into indices: UnsafeMutableBufferPointer<Int32>
  ) -> Int {
    var found = 0
    var start = 0
    forEachVector(x, padding: -.infinity) { vector in
      let hits = bits(vector .>= threshold)
      if anySet(hits) {
        for lane in 0..<min(width, x.count - start) where hits[lane] != 0 {
          indices[found] = Int32(truncatingIfNeeded: start + lane)
          found += 1
        }
      }
      start += width
    }
    return found
  }

  /// Row-wise softmax of scale * x, in place. A row without a finite value becomes zeros.
  public static func softmax(_ x: UnsafeMutableBufferPointer<Float>, scale: Float) {
    // With a negative scale the smallest value is the one that must not overflow.
    guard scale != 0, let base = x.baseAddress else {
      let even = 1 / Float(max(1, x.count))
      for i in x.indices { x[i] = even }
      return
    }
    let extreme = scale > 0 ? largest(UnsafeBufferPointer(x)) : -largest(UnsafeBufferPointer(x), negated: true)
    let peak = extreme * scale
    guard peak > -.infinity else {
      for i in x.indices { x[i] = 0 }
      return
    }
    var sum = Vector.zero
    transform(base, count: x.count, padding: scale > 0 ? -.infinity : .infinity) { vector in
      let value = exponential(vector * scale - peak)
      sum += value
      return value
    }
    let factor = 1 / sum.sum()
    transform(base, count: x.count, padding: 0) { $0 * factor }
  }

  /// y = x / sqrt(mean(x²) + epsilon) * weight. `y` may be `x`; all three have the same count.
  public static func rmsNorm(
    _ x: UnsafeBufferPointer<Float>, weight: UnsafeBufferPointer<Float>, epsilon: Float,
    into y: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(weight.count == x.count && y.count == x.count)
    guard let input = x.baseAddress, let weights = weight.baseAddress, let output = y.baseAddress else { return }
    var sum = Vector.zero
    forEachVector(x, padding: 0) { sum += $0 * $0 }
    let scale = 1 / (sum.sum() / Float(x.count) + epsilon).squareRoot()
    var i = 0
    while i + width <= x.count {
      store(load(input + i) * scale * load(weights + i), to: output + i)
      i += width
    }
    while i < x.count {
      output[i] = input[i] * scale * weights[i]
      i += 1
    }
  }

  // MARK: vectors

  /// exp(x) for x <= 88; below -87 and for NaN the result is 0. At most 2 ULP from the exact value.
  ///
  /// x = n ln 2 + r with |r| <= ln 2 / 2: a polynomial of degree 6 for exp(r), and n added to the exponent's bits.
  /// n comes out of the low bits of a float that was made too large to have a fraction.
  @inline(__always)
  static func exponential(_ x: Vector) -> Vector {
    let shifter: Float = 12_582_912  // 1.5 * 2^23
    let inRange = bits(x .>= -87)
    let clamped = masked(x, inRange)
    let shifted = clamped * 1.442_695_04 + shifter
    let n = shifted - shifter
    // ln 2 in two parts, the first with few bits, so that n * part is exact.
    let r = (clamped - n * 0.693_145_75) - n * 1.428_606_8e-6
    var p = r * 0.001_388_888_9 + 0.008_333_333_3
    p = p * r + 0.041_666_667
    p = p * r + 0.166_666_67
    p = p * r + 0.5
    p = p * r + 1
    p = p * r + 1
    let exponent = unsafeBitCast(shifted, to: Bits.self) &<< 23
    let scaled = unsafeBitCast(unsafeBitCast(p, to: Bits.self) &+ exponent, to: Vector.self)
    return masked(scaled, inRange)
  }

  /// All ones in the lanes where the mask holds. The bits of a mask are at hand; its `replacing(with:where:)` and
  /// `pointwiseMax` are calls a lane in Swift 6.3, 8 times as slow.
  @inline(__always)
  static func bits(_ mask: SIMDMask<Bits>) -> Bits { unsafeBitCast(mask, to: Bits.self) }

  @inline(__always)
  static func anySet(_ bits: Bits) -> Bool {
    let eight = bits.lowHalf | bits.highHalf
    let four = eight.lowHalf | eight.highHalf
    let two = unsafeBitCast(four, to: SIMD2<UInt64>.self)
    return two[0] | two[1] != 0
  }

  /// x where the bits are ones, else 0.
  @inline(__always)
  static func masked(_ x: Vector, _ bits: Bits) -> Vector {
    unsafeBitCast(unsafeBitCast(x, to: Bits.self) & bits, to: Vector.self)
  }

  /// The largest value, or the largest of -x; NaN never wins.
  ///
  /// Eight scalar accumulators: each comparison becomes one maxss, where a lane-wise select over SIMD masks is eight
  /// instructions a lane (8 times as slow on Zen 4).
  @inline(__always)
  private static func largest(_ x: UnsafeBufferPointer<Float>, negated: Bool = false) -> Float {
    guard let base = x.baseAddress else { return -.infinity }
    let sign: Float = negated ? -1 : 1
    var a = (-Float.infinity, -Float.infinity, -Float.infinity, -Float.infinity)
    var b = a
    var i = 0
    while i &+ 8 <= x.count {
      let p = base + i
      a.0 = sign * p[0] > a.0 ? sign * p[0] : a.0
      a.1 = sign * p[1] > a.1 ? sign * p[1] : a.1
      a.2 = sign * p[2] > a.2 ? sign * p[2] : a.2
      a.3 = sign * p[3] > a.3 ? sign * p[3] : a.3
      b.0 = sign * p[4] > b.0 ? sign * p[4] : b.0
      b.1 = sign * p[5] > b.1 ? sign * p[5] : b.1
      b.2 = sign * p[6] > b.2 ? sign * p[6] : b.2
      b.3 = sign * p[7] > b.3 ? sign * p[7] : b.3
      i = i &+ 8
    }
    var best = max(max(max(a.0, a.1), max(a.2, a.3)), max(max(b.0, b.1), max(b.2, b.3)))
    while i < x.count {
      if sign * base[i] > best { best = sign * base[i] }
      i = i &+ 1
    }
    return best
  }

  @inline(__always)
  static func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
  }

  @inline(__always)
  static func store(_ value: Vector, to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: Vector.self)
  }

  @inline(__always)
  private static func part(_ pointer: UnsafePointer<Float>, count: Int, padding: Float) -> Vector {
    var vector = Vector(repeating: padding)
    for lane in 0..<count { vector[lane] = pointer[lane] }
    return vector
  }

  /// Calls `body` with 16 values at a time; the last vector is filled up with `padding`.
  @inline(__always)
  private static func forEachVector(
    _ x: UnsafeBufferPointer<Float>, padding: Float, _ body: (Vector) -> Void
  ) {
    guard let base = x.baseAddress else { return }
    var i = 0
    while i + width <= x.count {
      body(load(base + i))
      i += width
    }
    if i < x.count { body(part(base + i, count: x.count - i, padding: padding)) }
  }

  @inline(__always)
  private static func transform(
    _ x: UnsafeMutablePointer<Float>, count: Int, padding: Float, _ body: (Vector) -> Vector
  ) {
    var i = 0
    while i + width <= count {
      store(body(load(x + i)), to: x + i)
      i += width
    }
    guard i < count else { return }
    let result = body(part(x + i, count: count - i, padding: padding))
    for lane in 0..<(count - i) { x[i + lane] = result[lane] }
  }
}
