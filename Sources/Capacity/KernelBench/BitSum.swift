// A sum over the bits of a piece of memory: exact, so that one changed bit is seen however little it weighs. Weights are
// summed when they have been packed and again after they were used; results of one product must all have the same sum.

/// Two sums over 64-bit words as Fletcher (1982) has them: of the words, and of that sum after each word, so that words
/// that change places are seen too. One changed bit changes the first sum for certain. Not against an adversary.
public struct BitSum: Sendable, Equatable {
  private var words: UInt64 = 0
  private var places: UInt64 = 0

  public init() {}

  /// Adds memory to what was added before. Its end is filled up with zeros to eight words.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    // Eight lanes of their own: one chain of additions would be the slower part of reading memory.
    var a = SIMD8<UInt64>.zero
    var b = SIMD8<UInt64>.zero
    let whole = bytes.count / 64 * 64
    for place in stride(from: 0, to: whole, by: 64) {
      a &+= bytes.loadUnaligned(fromByteOffset: place, as: SIMD8<UInt64>.self)
      b &+= a
    }
    if whole < bytes.count {
      var rest = SIMD8<UInt64>.zero
      withUnsafeMutableBytes(of: &rest) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[whole...])) }
      a &+= rest
      b &+= a
    }
    // Odd factors: a lane's change cannot vanish, and lanes that change places are seen.
    for lane in 0..<8 {
      words = (words &+ a[lane]) &* 0x9e37_79b9_7f4a_7c15
      places = (places &+ b[lane]) &* 0xbf58_476d_1ce4_e5b9
    }
  }

  public init(_ bytes: UnsafeRawBufferPointer) { add(bytes) }
}
