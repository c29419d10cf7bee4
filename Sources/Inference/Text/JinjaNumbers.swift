// Numbers as Python reads, writes and rounds them. Templates are written against Python's rules.
import Glibc

enum JinjaNumbers {
  /// The value of a digit in `radix`, up to 36.
  static func digit(_ scalar: Unicode.Scalar, radix: Int) -> Int? {
    let value: Int
    switch scalar {
    case "0"..."9": value = Int(scalar.value) - 0x30
    case "a"..."z": value = Int(scalar.value) - 0x61 + 10
    case "A"..."Z": value = Int(scalar.value) - 0x41 + 10
    default: return nil
    }
    return value < radix ? value : nil
  }

  /// A double as `repr` writes it: the shortest digits that read back equal, with an exponent below 1e-4 and from
  /// 1e16 on.
  static func repr(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let sign = value.sign == .minus ? "-" : ""
    let (digits, point) = shortestDigits(value.magnitude)
    if point > -4, point <= 16 {
      if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
      if digits.utf8.count <= point {
        return sign + digits + String(repeating: "0", count: point - digits.utf8.count) + ".0"
      }
      return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }
    let exponent = point - 1
    let tail = digits.utf8.count > 1 ? "." + digits.dropFirst() : ""
    let size = String(exponent.magnitude)
    return sign + digits.prefix(1) + tail + (exponent < 0 ? "e-" : "e+") + (size.utf8.count < 2 ? "0" : "") + size
  }

  /// The shortest decimal digits of a finite number ≥ 0, and where its point stands: 0.`digits` × 10^`point`.
  private static func shortestDigits(_ value: Double) -> (digits: String, point: Int) {
    guard value != 0 else { return ("0", 1) }
    let parts = value.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = mantissa[0]
    let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    var digits = Substring(String(whole) + fraction)
    var point = whole.utf8.count + exponent
    while digits.utf8.count > 1, digits.first == "0" {
      digits.removeFirst()
      point -= 1
    }
    while digits.utf8.count > 1, digits.last == "0" { digits.removeLast() }
    return (String(digits), point)
  }

  /// A whole number as `int(text, base)` reads it, nil where that would fail or not fit.
  static func int(_ text: String, radix: Int = 10) -> Int? {
    var digits = Array(text.strippedPythonSpace.unicodeScalars)[...]
    let negative = digits.first == "-"
    if negative || digits.first == "+" { digits.removeFirst() }
    var radix = radix
    if digits.count > 1, digits.first == "0",
      let prefixed = ["b": 2, "o": 8, "x": 16][Character(digits[digits.startIndex + 1]).lowercased()],
      radix == 0 || radix == prefixed
    {
      digits.removeFirst(2)
      if digits.first == "_" { digits.removeFirst() }
      radix = prefixed
    }
    if radix == 0 { radix = 10 }
    var value = 0
    var afterDigit = false
    for scalar in digits {
      if scalar == "_", afterDigit {
        afterDigit = false
        continue
      }
      guard let digit = digit(scalar, radix: radix) else { return nil }
      let (scaled, overflowed) = value.multipliedReportingOverflow(by: radix)
      let (sum, carried) = scaled.subtractingReportingOverflow(digit)
      guard !overflowed, !carried else { return nil }
      value = sum
      afterDigit = true
    }
    guard afterDigit else { return nil }
    if negative { return value }
    return value == .min ? nil : -value
  }

  /// A number as `float(text)` reads it.
  static func double(_ text: String) -> Double? {
    let text = text.strippedPythonSpace.lowercased()
    let unsigned = text.hasPrefix("-") || text.hasPrefix("+") ? String(text.dropFirst()) : text
    let sign = text.hasPrefix("-") ? -1.0 : 1.0
    switch unsigned {
    case "inf", "infinity": return sign * .infinity
    case "nan": return .nan
    default: break
    }
    guard let first = unsigned.utf8.first, first == UInt8(ascii: ".") || (0x30...0x39).contains(first),
      unsigned.utf8.allSatisfy({ (0x30...0x39).contains($0) || [0x2e, 0x65, 0x2b, 0x2d, 0x5f].contains($0) })
    else { return nil }
    // An underscore stands between two digits or nowhere.
    let bytes = Array(unsigned.utf8)
    for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "_") {
      guard index > 0, index + 1 < bytes.count, (0x30...0x39).contains(bytes[index - 1]),
        (0x30...0x39).contains(bytes[index + 1])
      else { return nil }
    }
    guard let value = Double(unsigned.filter { $0 != "_" }) else { return nil }
    return sign * value
  }

  /// `value` with `places` decimals behind the point, ties to even as the binary value has them.
  static func fixed(_ value: Double, places: Int) -> String {
    guard value.isFinite else { return repr(value) }
    return printed("%.\(max(0, min(places, 300)))f", value)
  }

  /// A finite double through one printf conversion, with '.' for a point whatever the locale.
  static func printed(_ format: String, _ value: Double) -> String {
    withVaList([value]) { arguments in
      var buffer = [CChar](repeating: 0, count: 768)
      let length = Int(vsnprintf(&buffer, buffer.count, format, arguments))
      let bytes = buffer.prefix(max(0, min(length, buffer.count - 1))).map { UInt8(bitPattern: $0) }
      return String(decoding: bytes.map { $0 == UInt8(ascii: ",") ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
    }
  }

  static func powerOfTen(_ exponent: Int) -> Double { pow(10, Double(exponent)) }

  /// `round(value, places)` of a double.
  static func rounded(_ value: Double, places: Int) -> Double {
    guard value.isFinite, places < 300 else { return value }
    if places >= 0 { return Double(fixed(value, places: places)) ?? value }
    guard places > -309 else { return 0 }
    let scale = powerOfTen(-places)
    return (value / scale).rounded(.toNearestOrEven) * scale
  }
}

extension Unicode.Scalar {
  /// What `str.isspace` and a regular expression's `\s` call white space.
  var isPythonSpace: Bool {
    switch value {
    case 0x09...0x0d, 0x1c...0x1f, 0x20: true
    case 0...0x7f: false
    default: properties.isWhitespace
    }
  }

  /// What a regular expression's `\w` matches.
  var isPythonWord: Bool {
    switch self {
    case "a"..."z", "A"..."Z", "0"..."9", "_": true
    case "\0"..."\u{7f}": false
    default: properties.isAlphabetic || properties.numericType != nil
    }
  }
}

extension String {
  var strippedPythonSpace: String { stripped { $0.isPythonSpace } }

  func stripped(
    start: Bool = true, end: Bool = true, _ isStripped: (Unicode.Scalar) -> Bool
  ) -> String {
    var rest = unicodeScalars[...]
    while start, let first = rest.first, isStripped(first) { rest.removeFirst() }
    while end, let last = rest.last, isStripped(last) { rest.removeLast() }
    return String(rest)
  }
}
