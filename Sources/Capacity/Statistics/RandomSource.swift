// A seeded stream of numbers: the same seed gives the same stimulus and interval on every machine. Not for secrets.

/// SplitMix64 (Steele, Lea and Flood, 2014).
public struct RandomSource: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform in [0, bound); `bound` must be above 0. Multiply and shift: the bias is below bound / 2^64.
  public mutating func index(below bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Uniform in [-1, 1).
  public mutating func signedUnit() -> Float { Float(Int64(bitPattern: next()) >> 40) * 0x1p-23 }
}
