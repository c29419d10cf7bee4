// Decimal numbers of any length, as bounds in schemas are compared and spelled.

/// A number as its decimal digits.
struct DecimalNumber: Comparable, Sendable {
  var isNegative: Bool
  /// Digits before the point, without leading zeros; "0" for none.
  var whole: [UInt8]
  /// Digits behind the point, without trailing zeros.
  var fraction: [UInt8]

  init(isNegative: Bool = false, whole: [UInt8], fraction: [UInt8] = []) {
    self.whole = Array(whole.drop { $0 == 0 })
    if self.whole.isEmpty { self.whole = [0] }
    self.fraction = fraction
    while self.fraction.last == 0 { self.fraction.removeLast() }
    self.isNegative = isNegative && !(self.whole == [0] && self.fraction.isEmpty)
  }

  /// The number that a JSON value is, nil for what is no number.
  init?(_ value: JSONValue) {
    let text: String
    switch value {
    case .int(let int): text = String(int)
    case .double(let double): text = double.description
    default: return nil
    }
    var digits: [UInt8] = [], point: Int?, exponent = 0, index = text.utf8.startIndex
    while index < text.utf8.endIndex {
      let byte = text.utf8[index]
      switch byte {
      case 0x30...0x39: digits.append(byte - 0x30)
      case UInt8(ascii: "."): point = digits.count
      case UInt8(ascii: "e"):
        exponent = Int(text[text.utf8.index(after: index)...].drop { $0 == "+" }) ?? 0
        index = text.utf8.index(before: text.utf8.endIndex)
      default: break
      }
      index = text.utf8.index(after: index)
    }
    var place = (point ?? digits.count) + exponent
    if place < 0 {
      digits.insert(contentsOf: repeatElement(0, count: -place), at: 0)
      place = 0
    }
    if place > digits.count { digits += repeatElement(0, count: place - digits.count) }
    self.init(
      isNegative: text.first == "-", whole: Array(digits[..<place]), fraction: Array(digits[place...]))
  }

  static let zero = DecimalNumber(whole: [0])

  var isWhole: Bool { fraction.isEmpty }
  var isZero: Bool { whole == [0] && fraction.isEmpty }

  var negated: DecimalNumber { DecimalNumber(isNegative: !isNegative, whole: whole, fraction: fraction) }

  static func < (a: DecimalNumber, b: DecimalNumber) -> Bool {
    if a.isNegative != b.isNegative { return a.isNegative }
    return a.isNegative ? b.isSmallerInSize(than: a) : a.isSmallerInSize(than: b)
  }

  private func isSmallerInSize(than other: DecimalNumber) -> Bool {
    if whole.count != other.whole.count { return whole.count < other.whole.count }
    if whole != other.whole { return whole.lexicographicallyPrecedes(other.whole) }
    return fraction.lexicographicallyPrecedes(other.fraction)
  }

  /// The least whole number that is at least this, or more than this.
  func wholeAbove(strictly: Bool) -> DecimalNumber {
    if isNegative { return negated.wholeBelow(strictly: strictly, ofSize: true).negated }
    return isWhole && !strictly ? self : DecimalNumber(whole: Self.increased(whole))
  }

  /// The largest whole number that is at most this, or less than this.
  func wholeBelow(strictly: Bool) -> DecimalNumber { negated.wholeAbove(strictly: strictly).negated }

  /// The same for a number that is not negative, whose result may be -1.
  private func wholeBelow(strictly: Bool, ofSize: Bool) -> DecimalNumber {
    guard isWhole, strictly else { return DecimalNumber(whole: whole) }
    return isZero ? DecimalNumber(isNegative: true, whole: [1]) : DecimalNumber(whole: Self.decreased(whole))
  }

  private static func increased(_ digits: [UInt8]) -> [UInt8] {
    var result = digits
    for index in result.indices.reversed() {
      if result[index] < 9 {
        result[index] += 1
        return result
      }
      result[index] = 0
    }
    return [1] + result
  }

  private static func decreased(_ digits: [UInt8]) -> [UInt8] {
    var result = digits
    for index in result.indices.reversed() {
      if result[index] > 0 {
        result[index] -= 1
        return result
      }
      result[index] = 9
    }
    return result
  }
}
