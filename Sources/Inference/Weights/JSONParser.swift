// A strict JSON (RFC 8259) parser over raw UTF-8 bytes. Input is hostile: nesting is bounded, every byte is checked.

extension JSONValue {
  /// Deepest nesting that any caller can ask for: it bounds the parser's use of the stack.
  public static var depthCeiling: Int { 512 }

  /// Parses one JSON value with nothing but white space around it. Of duplicate keys the last wins.
  ///
  /// - Parameter maximumDepth: arrays and objects may nest this deep, and never deeper than ``depthCeiling``.
  /// - Throws: ``JSONError`` for anything outside RFC 8259: trailing commas, comments, NaN, byte-order marks,
  ///   unpaired surrogates, invalid UTF-8; and for numbers too large for a double.
  public init(parsing bytes: UnsafeRawBufferPointer, maximumDepth: Int = 128) throws(JSONError) {
    var parser = JSONParser(bytes: bytes, depthLimit: min(maximumDepth, Self.depthCeiling))
    self = try parser.parseDocument()
  }

  /// Parses `text`; offsets in errors count its UTF-8 bytes.
  public init(parsing text: String, maximumDepth: Int = 128) throws(JSONError) {
    var text = text
    let result = text.withUTF8 { utf8 in
      Result { () throws(JSONError) in
        try JSONValue(parsing: UnsafeRawBufferPointer(utf8), maximumDepth: maximumDepth)
      }
    }
    self = try result.get()
  }
}

private struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  let depthLimit: Int
  var position = 0
  /// Holds a string with escapes while it is put together; kept to spare an allocation a string.
  var scratch: [UInt8] = []

  init(bytes: UnsafeRawBufferPointer, depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    skipSpace()
    let value = try parseValue(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw unexpected("after the value") }
    return value
  }

  // MARK: Values

  private mutating func parseValue(depth: Int) throws(JSONError) -> JSONValue {
    guard position < bytes.count else { throw error("the text ends where a value should stand") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return .object(try parseObject(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try parseArray(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"):
      try expect("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try expect("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try expect("null")
      return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    default: throw unexpected("where a value should stand")
    }
  }

  private mutating func parseArray(depth: Int) throws(JSONError) -> [JSONValue] {
    try checkDepth(depth)
    position += 1
    var values: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return values }
    while true {
      values.append(try parseValue(depth: depth))
      skipSpace()
      if take(UInt8(ascii: ",")) {
        skipSpace()
      } else if take(UInt8(ascii: "]")) {
        return values
      } else {
        throw unexpected("where ',' or ']' should stand")
      }
    }
  }

  private mutating func parseObject(depth: Int) throws(JSONError) -> JSONObject {
    try checkDepth(depth)
    position += 1
    var object = JSONObject()
    skipSpace()
    if take(UInt8(ascii: "}")) { return object }
    while true {
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw unexpected("where a key should stand")
      }
      let key = try parseString()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw unexpected("where ':' should stand") }
      skipSpace()
      object.set(key, try parseValue(depth: depth))
      skipSpace()
      if take(UInt8(ascii: ",")) {
        skipSpace()
      } else if take(UInt8(ascii: "}")) {
        return object
      } else {
        throw unexpected("where ',' or '}' should stand")
      }
    }
  }

  private func checkDepth(_ depth: Int) throws(JSONError) {
    guard depth <= depthLimit else { throw error("nested deeper than \(depthLimit) levels") }
  }

  // MARK: Numbers

  private mutating func parseNumber() throws(JSONError) -> JSONValue {
    let start = position
    let negative = take(UInt8(ascii: "-"))
    // Accumulated as a negative number, for that is where Int64 reaches further.
    var value: Int64 = 0
    var fits = true
    let digits = position
    while let digit = digit() {
      let (scaled, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, carried) = scaled.subtractingReportingOverflow(Int64(digit))
      fits = fits && !overflowed && !carried
      value = sum
      position += 1
    }
    guard position > digits else { throw unexpected("where a digit should stand") }
    if bytes[digits] == UInt8(ascii: "0"), position > digits + 1 {
      throw JSONError(offset: digits, reason: "a number starts with a superfluous 0")
    }
    var whole = true
    if take(UInt8(ascii: ".")) {
      whole = false
      try skipDigits()
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      whole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try skipDigits()
    }
    if whole, fits {
      if negative { return .int(value) }
      let (positive, overflowed) = Int64(0).subtractingReportingOverflow(value)
      if !overflowed { return .int(positive) }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let double = Double(text), double.isFinite else {
      throw JSONError(offset: start, reason: "a number is too large")
    }
    return .double(double)
  }

  private func digit() -> UInt8? {
    guard position < bytes.count else { return nil }
    let digit = bytes[position] &- UInt8(ascii: "0")
    return digit < 10 ? digit : nil
  }

  private mutating func skipDigits() throws(JSONError) {
    guard digit() != nil else { throw unexpected("where a digit should stand") }
    while digit() != nil { position += 1 }
  }

  // MARK: Strings

  private mutating func parseString() throws(JSONError) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        let text = try string(of: UnsafeRawBufferPointer(rebasing: bytes[start..<position]), at: start)
        position += 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try parseEscapedString(from: start) }
      guard byte >= 0x20 else { throw error("a control character stands unescaped in a string") }
      position += 1
    }
    throw error("the text ends inside a string")
  }

  /// The rest of a string whose first escape is at `position`; its text before that starts at `start`.
  private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
    scratch.removeAll(keepingCapacity: true)
    var run = start
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        let plain = UnsafeRawBufferPointer(rebasing: bytes[run..<position])
        try validate(plain, at: run)
        scratch.append(contentsOf: plain)
        position += 1
        if byte == UInt8(ascii: "\"") { return String(decoding: scratch, as: UTF8.self) }
        try parseEscape()
        run = position
        continue
      }
      guard byte >= 0x20 else { throw error("a control character stands unescaped in a string") }
      position += 1
    }
    throw error("the text ends inside a string")
  }

  /// Appends to `scratch` what the escape whose backslash is just behind stands for.
  private mutating func parseEscape() throws(JSONError) {
    guard position < bytes.count else { throw error("the text ends inside a string") }
    let byte = bytes[position]
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(byte)
    case UInt8(ascii: "b"): scratch.append(0x08)
    case UInt8(ascii: "f"): scratch.append(0x0c)
    case UInt8(ascii: "n"): scratch.append(0x0a)
    case UInt8(ascii: "r"): scratch.append(0x0d)
    case UInt8(ascii: "t"): scratch.append(0x09)
    case UInt8(ascii: "u"): return try parseUnicodeEscape()
    default: throw error("unknown escape in a string")
    }
    position += 1
  }

  private mutating func parseUnicodeEscape() throws(JSONError) {
    let start = position - 1
    var code = try parseHex4()
    if (0xd800...0xdbff).contains(code), position + 1 < bytes.count,
      bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
    {
      position += 1
      let low = try parseHex4()
      guard (0xdc00...0xdfff).contains(low) else {
        throw JSONError(offset: start, reason: "a surrogate without its other half")
      }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw JSONError(offset: start, reason: "a surrogate without its other half")
    }
    scratch.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  /// Four hexadecimal digits behind the 'u' at `position`.
  private mutating func parseHex4() throws(JSONError) -> UInt32 {
    position += 1
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue,
        bytes[position] < 0x80
      else { throw unexpected("where a hexadecimal digit should stand") }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private func string(of run: UnsafeRawBufferPointer, at offset: Int) throws(JSONError) -> String {
    if let text = String(validating: run, as: UTF8.self) { return text }
    try validate(run, at: offset)
    return ""
  }

  private func validate(_ run: UnsafeRawBufferPointer, at offset: Int) throws(JSONError) {
    do throws(UTF8.ValidationError) {
      _ = try run.withMemoryRebound(to: UInt8.self) { utf8 throws(UTF8.ValidationError) in
        try UTF8Span(validating: utf8.span).count
      }
    } catch {
      throw JSONError(offset: offset + error.byteOffsets.lowerBound, reason: "invalid UTF-8 in a string")
    }
  }

  // MARK: Bytes

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0a, 0x0d, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ word: StaticString) throws(JSONError) {
    let start = position
    for index in 0..<word.utf8CodeUnitCount where !take(word.utf8Start[index]) {
      throw JSONError(offset: start, reason: "unknown word; did you mean \(word)?")
    }
  }

  private func error(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }

  private func unexpected(_ place: String) -> JSONError {
    guard position < bytes.count else { return error("the text ends \(place)") }
    let byte = bytes[position]
    let shown =
      (0x21...0x7e).contains(byte)
      ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
    return error("unexpected \(shown) \(place)")
  }
}
