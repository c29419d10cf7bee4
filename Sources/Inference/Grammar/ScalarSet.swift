// Sets of Unicode scalar values, and the byte sequences of UTF-8 that stand for them.

/// A set of scalar values as sorted ranges that neither touch nor overlap. Holds no surrogates.
struct ScalarSet: Sendable, Equatable {
  private(set) var ranges: [ClosedRange<UInt32>] = []

  init() {}

  init(_ ranges: [ClosedRange<UInt32>]) {
    var sorted: [ClosedRange<UInt32>] = []
    for range in ranges {  // The surrogates' gap is cut out of every range.
      if range.lowerBound < 0xD800 { sorted.append(range.lowerBound...min(range.upperBound, 0xD7FF)) }
      if range.upperBound > 0xDFFF, range.lowerBound <= 0x10FFFF {
        sorted.append(max(range.lowerBound, 0xE000)...min(range.upperBound, 0x10FFFF))
      }
    }
    sorted.sort { $0.lowerBound < $1.lowerBound }
    for range in sorted {
      if let last = self.ranges.last, range.lowerBound <= last.upperBound + 1 {
        self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        self.ranges.append(range)
      }
    }
  }

  init(_ text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

  static let all = ScalarSet([0...0x10FFFF])

  var isEmpty: Bool { ranges.isEmpty }

  func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

  var inverted: ScalarSet {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= 0x10FFFF { result.append(next...0x10FFFF) }
    return ScalarSet(result)
  }

  func subtracting(_ other: ScalarSet) -> ScalarSet { inverted.union(other).inverted }

  /// The set with both cases of its ASCII letters.
  var ignoringASCIICase: ScalarSet {
    var result = ranges
    for range in ranges {
      for letter in range.clamped(to: 0x41...0x5A) where range.overlaps(0x41...0x5A) {
        result.append(letter + 32...letter + 32)
      }
      for letter in range.clamped(to: 0x61...0x7A) where range.overlaps(0x61...0x7A) {
        result.append(letter - 32...letter - 32)
      }
    }
    return ScalarSet(result)
  }

  /// Sequences of byte ranges, one to four long, whose products are together the UTF-8 of the set.
  var byteSequences: [[ClosedRange<UInt8>]] {
    var result: [[ClosedRange<UInt8>]] = []
    for range in ranges {
      for bounds in [0...0x7F, 0x80...0x7FF, 0x800...0xFFFF, 0x10000...0x10FFFF] as [ClosedRange<UInt32>]
      where range.overlaps(bounds) {
        Self.split(range.clamped(to: bounds), into: &result)
      }
    }
    return result
  }

  /// Splits a range whose values are of one length until lower bytes run through all of 80 to BF where higher ones vary.
  private static func split(_ range: ClosedRange<UInt32>, into result: inout [[ClosedRange<UInt8>]]) {
    var pending = [range]
    while let range = pending.popLast() {
      let (low, high) = (range.lowerBound, range.upperBound)
      var cut: UInt32?
      let length = low < 0x80 ? 1 : low < 0x800 ? 2 : low < 0x10000 ? 3 : 4
      for level in 1..<max(length, 1) where cut == nil {
        let mask: UInt32 = 1 << (6 * UInt32(level)) - 1
        guard low & ~mask != high & ~mask else { continue }
        if low & mask != 0 {
          cut = low | mask
        } else if high & mask != mask {
          cut = (high & ~mask) - 1
        }
      }
      if let cut {
        pending.append(cut + 1...high)
        pending.append(low...cut)
      } else {
        result.append(zip(encoded(low), encoded(high)).map { $0...$1 })
      }
    }
  }

  private static func encoded(_ value: UInt32) -> [UInt8] {
    Unicode.Scalar(value).map { Array(UTF8.encode($0) ?? UTF8.encodedReplacementCharacter) } ?? []
  }
}
