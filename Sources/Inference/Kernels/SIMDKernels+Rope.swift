// Tables of cosines and sines in Swift. Twin: ck_rope_table, which serves because it runs on all threads.

extension SIMDKernels {
  private typealias Angles = SIMD4<Double>

  /// Cosines and sines (pairs) of position * frequency, times magnitude.
  ///
  /// In double: positions reach 10⁶, and an angle in float would be off by 0.06. The angle is brought to ±π/4 by a
  /// multiple of π/2 in two parts; sine and cosine are Taylor's series to r¹¹ and r¹²: the next terms are below 1e-11.
  package static func ropeTable(
    frequencies: UnsafePointer<Float>, pairs: Int, magnitude: Float, position: Int32,
    cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>
  ) {
    var i = 0
    while i < pairs {
      let count = min(4, pairs - i)
      var angles = Angles.zero
      for lane in 0..<count { angles[lane] = Double(frequencies[i + lane]) }
      angles *= Double(position)
      let magic = Angles(repeating: 6_755_399_441_055_744)  // 1.5 · 2⁵²: leaves the quadrant in the low bits
      let shifted = angles * 0.636_619_772_367_581_343 + magic
      let turns = shifted - magic
      let r = angles - turns * 1.570_796_326_734_125_6 - turns * 6.077_100_506_506_192e-11
      let (sine, cosine) = series(r)
      let quadrant = unsafeBitCast(shifted, to: SIMD4<UInt64>.self)
      let swap = (quadrant & 1) .== 1
      let first = cosine.replacing(with: sine, where: swap)
      let second = sine.replacing(with: cosine, where: swap)
      // cos changes its sign in quadrants 1 and 2, sin in 2 and 3.
      let c = first.replacing(with: -first, where: ((quadrant &+ 1) & 2) .== 2)
      let s = second.replacing(with: -second, where: (quadrant & 2) .== 2)
      for lane in 0..<count {
        cosines[i + lane] = Float(c[lane] * Double(magnitude))
        sines[i + lane] = Float(s[lane] * Double(magnitude))
      }
      i += 4
    }
  }

  /// Sine and cosine of |r| ≤ π/4.
  @inline(__always)
  private static func series(_ r: Angles) -> (sine: Angles, cosine: Angles) {
    let z = r * r
    var s = Angles(repeating: -2.505_210_838_544_172e-8)
    s = s * z + 2.755_731_922_398_589e-6
    s = s * z - 1.984_126_984_126_984e-4
    s = s * z + 8.333_333_333_333_333e-3
    s = s * z - 1.666_666_666_666_667e-1
    var c = Angles(repeating: 2.087_675_698_786_810e-9)
    c = c * z - 2.755_731_922_398_589e-7
    c = c * z + 2.480_158_730_158_730e-5
    c = c * z - 1.388_888_888_888_889e-3
    c = c * z + 4.166_666_666_666_667e-2
    c = c * z - 0.5
    return (r + r * z * s, c * z + 1)
  }
}
