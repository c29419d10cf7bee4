// Where a JSON value ends in a text that is still growing: byte by byte, each looked at once. Makes no values.

/// Reads one JSON object or list, and fails at the first byte that can't belong to one. What it finds complete may
/// still break a rule that ``JSONValue/init(parsing:maximumDepth:)-(String,_)`` knows: unpaired surrogates, numbers out
/// of range.
struct JSONScan: Sendable {
  enum Outcome: Sendable, Equatable {
    case more
    /// Complete; so many bytes.
    case done(length: Int)
    case failed(JSONError)
  }

  private enum State: Sendable, Equatable {
    case value
    /// Behind `[`: a value or the end.
    case firstValue
    /// Behind `{`: a name or the end.
    case firstName
    case name
    case colon
    case comma
    case string(isName: Bool)
    case escape(isName: Bool)
    case hex(Int, isName: Bool)
    /// The rest of a word.
    case word([UInt8])
    case minus, zero, whole, point, fraction, exponent, exponentSign, exponentDigits
  }

  static let depthLimit = 128

  /// Whether each open bracket is an object's.
  private var stack: [Bool] = []
  private var state = State.value
  private var position = 0
  private var outcome = Outcome.more
  private var nameStart = 0
  /// The first name of the outermost object, without its quotation marks, by offsets from the start.
  private(set) var firstName: Range<Int>?

  /// Reads on in `bytes`, in which the value begins at `start`.
  mutating func advance(_ bytes: [UInt8], from start: Int) -> Outcome {
    while outcome == .more, start + position < bytes.count {
      step(bytes[start + position])
      if outcome == .more { position += 1 }
    }
    return outcome
  }

  private mutating func fail(_ reason: String) { outcome = .failed(JSONError(offset: position, reason: reason)) }

  private mutating func step(_ byte: UInt8) {
    switch state {
    case .string(let isName): string(byte, isName: isName)
    case .escape(let isName):
      switch byte {
      case UInt8(ascii: "u"): state = .hex(4, isName: isName)
      case let byte where "\"\\/bfnrt".utf8.contains(byte): state = .string(isName: isName)
      default: fail("no such escape")
      }
    case .hex(let count, let isName):
      guard byte.isHexDigit else { return fail("expected a hexadecimal digit") }
      state = count == 1 ? .string(isName: isName) : .hex(count - 1, isName: isName)
    case .word(let rest):
      guard byte == rest.first else { return fail("no such word") }
      state = rest.count == 1 ? .comma : .word(Array(rest.dropFirst()))
    case .minus, .zero, .whole, .point, .fraction, .exponent, .exponentSign, .exponentDigits: number(byte)
    case .value, .firstValue, .firstName, .name, .colon, .comma:
      if !byte.isBlank { structure(byte) } else if stack.isEmpty { fail("expected an object or a list") }
    }
  }

  private mutating func structure(_ byte: UInt8) {
    switch (state, byte) {
    case (.firstName, UInt8(ascii: "}")), (.firstValue, UInt8(ascii: "]")): close()
    case (.firstName, UInt8(ascii: "\"")), (.name, UInt8(ascii: "\"")):
      nameStart = position + 1
      state = .string(isName: true)
    case (.firstName, _), (.name, _): fail("expected a name")
    case (.colon, UInt8(ascii: ":")): state = .value
    case (.colon, _): fail("expected ':'")
    case (.comma, UInt8(ascii: ",")): state = stack.last == true ? .name : .value
    case (.comma, UInt8(ascii: "}")) where stack.last == true: close()
    case (.comma, UInt8(ascii: "]")) where stack.last == false: close()
    case (.comma, _): fail("expected ',' or a closing bracket")
    default: value(byte)
    }
  }

  private mutating func value(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard stack.count < Self.depthLimit else { return fail("nested deeper than \(Self.depthLimit) levels") }
      stack.append(byte == UInt8(ascii: "{"))
      state = byte == UInt8(ascii: "{") ? .firstName : .firstValue
    case _ where stack.isEmpty: fail("expected an object or a list")
    case UInt8(ascii: "\""): state = .string(isName: false)
    case UInt8(ascii: "t"): state = .word(Array("rue".utf8))
    case UInt8(ascii: "f"): state = .word(Array("alse".utf8))
    case UInt8(ascii: "n"): state = .word(Array("ull".utf8))
    case UInt8(ascii: "-"): state = .minus
    case UInt8(ascii: "0"): state = .zero
    case UInt8(ascii: "1")...UInt8(ascii: "9"): state = .whole
    default: fail("expected a value")
    }
  }

  private mutating func string(_ byte: UInt8, isName: Bool) {
    switch byte {
    case UInt8(ascii: "\\"): state = .escape(isName: isName)
    case UInt8(ascii: "\""):
      if isName, stack.count == 1, firstName == nil { firstName = nameStart..<position }
      state = isName ? .colon : .comma
    case 0..<0x20: fail("a control character in a string")
    default: break
    }
  }

  private mutating func number(_ byte: UInt8) {
    let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    let isExponent = byte | 0x20 == UInt8(ascii: "e")
    switch state {
    case .minus where isDigit: state = byte == UInt8(ascii: "0") ? .zero : .whole
    case .whole where isDigit, .fraction where isDigit, .exponentDigits where isDigit: break
    case .zero where byte == UInt8(ascii: "."), .whole where byte == UInt8(ascii: "."): state = .point
    case .point where isDigit: state = .fraction
    case .zero where isExponent, .whole where isExponent, .fraction where isExponent: state = .exponent
    case .exponent where byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"): state = .exponentSign
    case .exponent where isDigit, .exponentSign where isDigit: state = .exponentDigits
    case .zero, .whole, .fraction, .exponentDigits:
      // The number ended before this byte.
      state = .comma
      if !byte.isBlank { structure(byte) }
    default: fail("expected a digit")
    }
  }

  private mutating func close() {
    stack.removeLast()
    state = .comma
    if stack.isEmpty { outcome = .done(length: position + 1) }
  }
}

extension UInt8 {
  fileprivate var isHexDigit: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
    default: false
    }
  }
}

/// The parts of JSON that is known to be valid, as they are written.
enum JSONParts {
  /// The elements of a list, or the members of an object with their names; without the white space around them.
  static func of(_ text: ArraySlice<UInt8>) -> [(name: String?, value: ArraySlice<UInt8>)] {
    var parts: [(String?, ArraySlice<UInt8>)] = []
    var name: String?
    var depth = 0, start = text.startIndex, index = text.startIndex
    func add(_ end: Int) {
      let value = text[start..<end].trimmingBlanks
      if !value.isEmpty { parts.append((name, value)) }
      name = nil
    }
    while index < text.endIndex {
      switch text[index] {
      case UInt8(ascii: "\""):
        index += 1
        while index < text.endIndex, text[index] != UInt8(ascii: "\"") {
          index += text[index] == UInt8(ascii: "\\") ? 2 : 1
        }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        if depth == 1 { start = index + 1 }
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 { add(index) }
      case UInt8(ascii: ":") where depth == 1:
        name = (try? JSONValue(parsing: String(decoding: text[start..<index].trimmingBlanks, as: UTF8.self)))?.string
        start = index + 1
      case UInt8(ascii: ",") where depth == 1:
        add(index)
        start = index + 1
      default: break
      }
      index += 1
    }
    return parts
  }
}

extension ArraySlice<UInt8> {
  /// Without the white space at both ends.
  var trimmingBlanks: ArraySlice<UInt8> {
    var slice = self
    while let first = slice.first, first.isBlank { slice.removeFirst() }
    while let last = slice.last, last.isBlank { slice.removeLast() }
    return slice
  }
}
