// A 64-bit mix of bytes: tells models and saved states apart, and notices damage. Not for security.

/// A running mix of 64-bit words: each is folded in by xor, rotation and an odd multiplier, and the end is avalanched.
public struct Fingerprint: Sendable, Hashable {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  package init() {}

  public var value: UInt64 {
    var z = state
    z = (z ^ (z >> 32)) &* 0xD6E8_FEB8_6659_FD93
    z = (z ^ (z >> 32)) &* 0xD6E8_FEB8_6659_FD93
    return z ^ (z >> 32)
  }

  package mutating func add(_ word: UInt64) {
    state = (state ^ word) &* 0xFF51_AFD7_ED55_8CCD
    state = (state << 29) | (state >> 35)
  }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    while index + 8 <= bytes.count {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
      index += 8
    }
    var tail = UInt64(bytes.count) << 32
    for (place, byte) in bytes[index...].enumerated() { tail ^= UInt64(byte) << (8 * UInt64(place)) }
    add(tail)
  }

  package mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  /// A mix of many bytes: four running ones, each of every fourth word, so that the processor need not wait for one
  /// multiplication after another (Zen 4: 4 times as fast). Words are folded in one to one, so that a change within one
  /// word never goes unnoticed.
  static func interleaved(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var (a, b, c, d) = (Fingerprint(), Fingerprint(), Fingerprint(), Fingerprint())
    func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    var offset = 0
    while offset + 32 <= bytes.count {
      a.add(word(offset))
      b.add(word(offset + 8))
      c.add(word(offset + 16))
      d.add(word(offset + 24))
      offset += 32
    }
    for part in [b, c, d] { a.add(part.state) }
    a.add(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
    a.add(UInt64(bytes.count))
    return a.value
  }

  /// A tensor's name, shape and format, and the first and last bytes of its data: the whole would take as long as
  /// loading does.
  mutating func add(_ tensor: WeightTensor) {
    add(tensor.name)
    add(tensor.format.name)
    for dimension in tensor.shape { add(UInt64(dimension)) }
    let sample = min(256, tensor.byteCount)
    withExtendedLifetime(tensor.file) {
      add(UnsafeRawBufferPointer(rebasing: tensor.bytes.prefix(sample)))
      add(UnsafeRawBufferPointer(rebasing: tensor.bytes.suffix(sample)))
    }
  }
}
