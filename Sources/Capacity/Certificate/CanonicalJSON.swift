// The one way to write a JSON value as bytes (RFC 8785): what is hashed and signed. Numbers are doubles, written as
// ECMAScript does; keys go by their UTF-16 code units.
import Inference

public enum CanonicalJSON {
  /// The canonical bytes. Throws for a number that is not finite: JSON has none.
  public static func bytes(_ value: JSONValue) throws(CertificateError) -> [UInt8] {
    var out = ""
    try write(value, to: &out)
    return Array(out.utf8)
  }

  private static func write(_ value: JSONValue, to out: inout String) throws(CertificateError) {
    switch value {
    case .null: out += "null"
    case .bool(let bool): out += bool ? "true" : "false"
    case .int(let int): out += number(Double(int))
    case .double(let double):
      guard double.isFinite else { throw .notCanonical(what: "\(double) has no place in JSON") }
      out += number(double)
    case .string(let string): JSONValue.write(string, to: &out)
    case .array(let values):
      out += "["
      for (i, value) in values.enumerated() {
        if i > 0 { out += "," }
        try write(value, to: &out)
      }
      out += "]"
    case .object(let object):
      out += "{"
      let sorted = object.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
      for (i, pair) in sorted.enumerated() {
        if i > 0 { out += "," }
        JSONValue.write(pair.key, to: &out)
        out += ":"
        try write(pair.value, to: &out)
      }
      out += "}"
    }
  }

  /// A finite number as ECMAScript's Number::toString writes it (ECMA-262, 6.1.6.1.20): the fewest digits that read
  /// back equal, a point or an exponent where that says.
  public static func number(_ value: Double) -> String {
    if value == 0 { return "0" }
    let sign = value < 0 ? "-" : ""
    let (digits, point) = shortest(value.magnitude)
    let count = digits.count
    if count <= point, point <= 21 { return sign + digits + String(repeating: "0", count: point - count) }
    if 0 < point, point <= 21 { return sign + digits.prefix(point) + "." + digits.dropFirst(point) }
    if -6 < point, point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    let exponent = point - 1
    let mantissa = count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst()
    return sign + mantissa + "e" + (exponent < 0 ? "-" : "+") + String(abs(exponent))
  }

  /// The digits s and the place n of the point with value = 0.s · 10^n, from Swift's own shortest form, such as
  /// "123.45", "0.00012", "5e-324".
  private static func shortest(_ value: Double) -> (digits: String, point: Int) {
    let parts = value.description.split(separator: "e")
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = String(halves[0])
    let fraction = halves.count > 1 ? String(halves[1]) : ""
    let all = whole + fraction
    let leading = all.prefix { $0 == "0" }.count
    var digits = all.dropFirst(leading)
    while digits.last == "0" { digits.removeLast() }
    return (String(digits), whole.count - leading + exponent)
  }
}
