// Reading UTF-8 that may be broken, one scalar value at a time. Nothing here repairs or copies text.

/// Strict decoding of UTF-8 (Unicode 16, table 3-7): no overlong forms, no surrogates, nothing past U+10FFFF.
enum UTF8Scanner {
  /// What a byte that is no part of a character reads as.
  static let replacement: UInt32 = 0xFFFD

  /// The scalar value at `index` and its length in bytes; for a byte that begins no character, U+FFFD of length 1.
  @inline(__always)
  static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> (value: UInt32, length: Int) {
    let lead = bytes[index]
    if lead < 0x80 { return (UInt32(lead), 1) }
    let expected = length(lead)
    guard expected > 1, index + expected <= bytes.count, accepts(lead, bytes[index + 1]) else {
      return (replacement, 1)
    }
    var value = UInt32(lead) & (0x7F >> UInt32(expected))
    for offset in 1..<expected {
      let byte = bytes[index + offset]
      guard byte & 0xC0 == 0x80 else { return (replacement, 1) }
      value = value << 6 | UInt32(byte & 0x3F)
    }
    return (value, expected)
  }

  /// The length that a leading byte announces; 0 if it cannot lead.
  @inline(__always)
  static func length(_ lead: UInt8) -> Int {
    switch lead {
    case 0..<0x80: 1
    case 0xC2..<0xE0: 2
    case 0xE0..<0xF0: 3
    case 0xF0..<0xF5: 4
    default: 0
    }
  }

  /// Whether `second` may follow `lead`.
  @inline(__always)
  private static func accepts(_ lead: UInt8, _ second: UInt8) -> Bool {
    switch lead {
    case 0xE0: 0xA0...0xBF ~= second
    case 0xED: 0x80...0x9F ~= second
    case 0xF0: 0x90...0xBF ~= second
    case 0xF4: 0x80...0x8F ~= second
    default: second & 0xC0 == 0x80
    }
  }

  /// Whether `bytes` are a character without its end.
  static func isBeginning(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let lead = bytes.first else { return false }
    guard length(lead) > bytes.count else { return false }
    guard let second = bytes.dropFirst().first else { return true }
    return accepts(lead, second) && bytes.dropFirst(2).allSatisfy { $0 & 0xC0 == 0x80 }
  }
}

extension [UInt8] {
  /// Appends a scalar value in UTF-8.
  mutating func append(scalar: Unicode.Scalar) {
    if scalar.isASCII {
      append(UInt8(truncatingIfNeeded: scalar.value))
    } else {
      append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }
}
