// Python's two ways to fill values into a text: `'%s' % value` and `'{}'.format(value)`. Fields within a field's
// specification are left out.

/// How one value is laid out.
private struct JinjaFieldStyle {
  var fill: Unicode.Scalar = " "
  /// One of < > ^ =, nil for the standard of the value's type.
  var alignment: Unicode.Scalar?
  var sign: Unicode.Scalar = "-"
  var isAlternate = false
  var grouping: Unicode.Scalar?
  var width = 0
  var precision: Int?
  var type: Unicode.Scalar?
}

extension JinjaMachine {
  // MARK: Percent

  /// `format % values`: a tuple fills the places in order, a dict those with names, else there is one value.
  func formatted(_ format: String, with values: JinjaValue) throws(TextError) -> String {
    var rest = format.unicodeScalars[...]
    var out = ""
    var list = [values]
    if case .list(let tuple) = values, tuple.kind == .tuple { list = tuple.items }
    var next = list[...]
    func take() throws(TextError) -> JinjaValue {
      guard let value = next.popFirst() else { throw failure("not enough arguments for format string") }
      return value
    }
    while let scalar = rest.popFirst() {
      guard scalar == "%" else {
        out.unicodeScalars.append(scalar)
        continue
      }
      var named: JinjaValue?
      if rest.first == "(" {
        let key = String(rest.dropFirst().prefix { $0 != ")" })
        rest = rest.dropFirst(key.unicodeScalars.count + 2)
        guard case .dict(let dict) = values else { throw failure("format requires a mapping") }
        guard let value = dict[key] else { throw failure("no value for '\(key)'") }
        named = value
        next = []
      }
      var style = JinjaFieldStyle()
      try takePercentStyle(&rest, &style, take)
      guard style.type != "%" else {
        out += "%"
        continue
      }
      let value: JinjaValue = if let named { named } else { try take() }
      out += try filled(value, style, isPercent: true)
      try allocate(out.utf8.count / 64)
    }
    switch values {
    // What can be indexed is taken for a mapping, of which a format may leave things unused.
    case .dict, .undefined: return out
    case .list(let list) where list.kind != .tuple: return out
    default: break
    }
    guard next.isEmpty else { throw failure("not all arguments converted during string formatting") }
    return out
  }

  private func takePercentStyle(
    _ rest: inout Substring.UnicodeScalarView, _ style: inout JinjaFieldStyle,
    _ take: () throws(TextError) -> JinjaValue
  ) throws(TextError) {
    style.alignment = ">"
    while let flag = rest.first, ["-", "+", " ", "#", "0"].contains(flag) {
      rest.removeFirst()
      switch flag {
      case "-": style.alignment = "<"
      case "+": style.sign = "+"
      case " ": if style.sign != "+" { style.sign = " " }
      case "#": style.isAlternate = true
      default: style.fill = "0"
      }
    }
    if style.alignment == "<" { style.fill = " " }
    style.width = try takeNumber(&rest, take) ?? 0
    if rest.first == "." {
      rest.removeFirst()
      style.precision = try takeNumber(&rest, take) ?? 0
    }
    while let modifier = rest.first, ["h", "l", "L"].contains(modifier) { rest.removeFirst() }
    guard let type = rest.popFirst() else { throw failure("incomplete format") }
    style.type = type
    if style.fill == "0", ["s", "r", "a", "c"].contains(type) { style.fill = " " }
    if style.fill == "0" { style.alignment = "=" }
  }

  private func takeNumber(
    _ rest: inout Substring.UnicodeScalarView, _ take: () throws(TextError) -> JinjaValue
  ) throws(TextError) -> Int? {
    if rest.first == "*" {
      rest.removeFirst()
      return max(0, try whole(take(), for: "a width"))
    }
    let digits = String(rest.prefix { ("0"..."9").contains($0) })
    rest = rest.dropFirst(digits.utf8.count)
    guard !digits.isEmpty else { return nil }
    guard let value = Int(digits) else { throw limit("bytes of values", limits.allocatedBytes) }
    return value
  }

  // MARK: Braces

  func formatted(_ format: String, _ call: JinjaCall) throws(TextError) -> String {
    var rest = format.unicodeScalars[...]
    var out = ""
    var automatic = 0
    while let scalar = rest.popFirst() {
      if scalar == "}" {
        guard rest.popFirst() == "}" else { throw failure("Single '}' encountered in format string") }
        out += "}"
      } else if scalar != "{" {
        out.unicodeScalars.append(scalar)
      } else if rest.first == "{" {
        rest.removeFirst()
        out += "{"
      } else {
        let field = String(rest.prefix { $0 != "}" && $0 != "{" })
        rest = rest.dropFirst(field.unicodeScalars.count)
        guard rest.popFirst() == "}" else { throw failure("a field in a format string cannot be read") }
        out += try filled(field, call, &automatic)
      }
      try allocate(1)
    }
    return out
  }

  private func filled(_ field: String, _ call: JinjaCall, _ automatic: inout Int) throws(TextError) -> String {
    let scalars = field.unicodeScalars
    let head = scalars.prefix { $0 != ":" }
    let specification = scalars[head.endIndex...].dropFirst()
    let name = head.prefix { $0 != "!" }
    let conversion = String(head.dropFirst(name.count + 1))
    var value = try fieldValue(name, call, &automatic)
    switch conversion {
    case "": break
    case "s": value = .string(try str(value))
    case "r", "a": value = .string(try repr(value))
    default: throw failure("unknown conversion '\(conversion)' in a format string")
    }
    var style = JinjaFieldStyle()
    guard !specification.isEmpty else { return try str(value) }
    try readSpecification(specification, &style)
    return try filled(value, style, isPercent: false)
  }

  /// The value that `0.name[key]` stands for.
  private func fieldValue(
    _ name: Substring.UnicodeScalarView, _ call: JinjaCall, _ automatic: inout Int
  ) throws(TextError) -> JinjaValue {
    let first = name.prefix { $0 != "." && $0 != "[" }
    var rest = name[first.endIndex...]
    var value: JinjaValue
    if first.isEmpty || Int(String(first)) != nil {
      let index = Int(String(first)) ?? automatic
      if first.isEmpty { automatic += 1 }
      guard call.positional.indices.contains(index) else {
        throw failure("Replacement index \(index) out of range for positional args tuple")
      }
      value = call.positional[index]
    } else {
      let wanted = String(first)
      guard let argument = call.named.last(where: { $0.name.isSameText(as: wanted) }) else {
        throw failure("no value for '\(wanted)'")
      }
      value = argument.value
    }
    while let mark = rest.popFirst() {
      if mark == "." {
        let key = rest.prefix { $0 != "." && $0 != "[" }
        rest = rest[key.endIndex...]
        value = try attribute(String(key), of: value)
      } else {
        let key = String(rest.prefix { $0 != "]" })
        rest = rest.dropFirst(key.unicodeScalars.count + 1)
        value = try element(Int(key).map { .int($0) } ?? .string(key), of: value)
      }
    }
    return value
  }

  /// Reads `[[fill]align][sign][#][0][width][,][.precision][type]`.
  private func readSpecification(
    _ specification: Substring.UnicodeScalarView, _ style: inout JinjaFieldStyle
  ) throws(TextError) {
    var rest = specification
    let alignments: [Unicode.Scalar] = ["<", ">", "^", "="]
    if let second = rest.dropFirst().first, alignments.contains(second), let fill = rest.first {
      (style.fill, style.alignment) = (fill, second)
      rest = rest.dropFirst(2)
    } else if let first = rest.first, alignments.contains(first) {
      style.alignment = first
      rest = rest.dropFirst()
    }
    if let sign = rest.first, sign == "+" || sign == "-" || sign == " " {
      style.sign = sign
      rest.removeFirst()
    }
    if rest.first == "#" {
      style.isAlternate = true
      rest.removeFirst()
    }
    if rest.first == "0" {
      if style.alignment == nil { (style.fill, style.alignment) = ("0", "=") }
      rest.removeFirst()
    }
    func none() throws(TextError) -> JinjaValue { throw failure("Invalid format specifier") }
    style.width = try takeNumber(&rest, none) ?? 0
    if let grouping = rest.first, grouping == "," || grouping == "_" {
      style.grouping = grouping
      rest.removeFirst()
    }
    if rest.first == "." {
      rest.removeFirst()
      guard let precision = try takeNumber(&rest, none) else { throw failure("Format specifier missing precision") }
      style.precision = precision
    }
    style.type = rest.popFirst()
    guard rest.isEmpty else { throw failure("Invalid format specifier") }
  }

  // MARK: Fields

  private func filled(_ value: JinjaValue, _ style: JinjaFieldStyle, isPercent: Bool) throws(TextError) -> String {
    var body: String
    var alignment = style.alignment
    switch style.type {
    case "s", "r", "a":
      body = style.type == "s" ? try str(value) : try repr(value)
      if !isPercent, value.number != nil {
        throw failure("Unknown format code 's' for object of type '\(value.typeName)'")
      }
      if let precision = style.precision { body = String(body.unicodeScalars.prefix(precision)) }
      alignment = alignment ?? "<"
    case "c" where isPercent:
      body = try character(value)
    case nil where value.number == nil:
      guard case .string(let text) = value else {
        throw failure("unsupported format string passed to \(value.typeName)")
      }
      body = style.precision.map { String(text.unicodeScalars.prefix($0)) } ?? text
      alignment = alignment ?? "<"
    default:
      body = try number(value, style, isPercent: isPercent)
      alignment = alignment ?? ">"
    }
    try allocate(body.utf8.count)
    try allocate(min(style.width, Int.max / 4) * 4)
    switch alignment {
    case "<": return JinjaStrings.padded(body, width: style.width, fill: style.fill, .left)
    case "^":
      // Unlike `center`, a field puts the odd blank to the right.
      let missing = max(0, style.width - body.unicodeScalars.count)
      let left = body.unicodeScalars.count + missing / 2
      return JinjaStrings.padded(
        JinjaStrings.padded(body, width: left, fill: style.fill, .right), width: style.width, fill: style.fill, .left)
    case "=":
      let sign = body.unicodeScalars.first.map { ["+", "-", " "].contains($0) } == true ? 1 : 0
      let digits = String(body.unicodeScalars.dropFirst(sign))
      return String(body.unicodeScalars.prefix(sign))
        + JinjaStrings.padded(digits, width: style.width - sign, fill: style.fill, .right)
    default: return JinjaStrings.padded(body, width: style.width, fill: style.fill, .right)
    }
  }

  private func character(_ value: JinjaValue) throws(TextError) -> String {
    if case .string(let text) = value, text.unicodeScalars.count == 1 { return text }
    guard let code = value.wholeNumber, let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else {
      throw failure("%c requires int or char")
    }
    return String(scalar)
  }

  private func number(_ value: JinjaValue, _ style: JinjaFieldStyle, isPercent: Bool) throws(TextError) -> String {
    if case .undefined(let missing) = value { throw failure(missing.message) }
    guard let real = value.number else {
      throw failure("a number is required, not \(value.typeName)")
    }
    let type = style.type ?? (value.wholeNumber == nil ? "g" : "d")
    let places = min(style.precision ?? 6, 300)
    let magnitude = real.magnitude
    var digits: String
    switch type {
    case "d", "i", "u", "x", "X", "o", "b":
      guard let whole = value.wholeNumber ?? (isPercent ? Int(exactly: real.rounded(.towardZero)) : nil) else {
        throw failure("Unknown format code '\(type)' for object of type '\(value.typeName)'")
      }
      let radix = ["x": 16, "X": 16, "o": 8, "b": 2][type] ?? 10
      digits = String(whole.magnitude, radix: radix, uppercase: type == "X")
      if style.isAlternate, radix != 10 { digits = "0\(type)" + digits }
      if isPercent, let precision = style.precision { digits = JinjaStrings.zeroFilled(digits, width: precision) }
    case "f", "F": digits = JinjaNumbers.fixed(magnitude, places: places)
    case "%": digits = JinjaNumbers.fixed(magnitude * 100, places: places) + "%"
    case "e", "E", "g", "G":
      digits =
        style.type == nil && style.precision == nil
        ? JinjaNumbers.repr(magnitude)
        : real.isFinite ? JinjaNumbers.printed("%.\(places)\(type)", magnitude) : JinjaNumbers.repr(magnitude)
    default: throw failure("Unknown format code '\(type)' for object of type '\(value.typeName)'")
    }
    if let grouping = style.grouping { digits = Self.grouped(digits, by: grouping) }
    let isNegative = real < 0 || (real == 0 && real.sign == .minus)
    return (isNegative ? "-" : style.sign == "-" ? "" : String(style.sign)) + digits
  }

  private static func grouped(_ digits: String, by mark: Unicode.Scalar) -> String {
    let whole = digits.unicodeScalars.prefix { ("0"..."9").contains($0) }
    var result = ""
    for (position, scalar) in whole.enumerated() {
      if position > 0, (whole.count - position) % 3 == 0 { result.unicodeScalars.append(mark) }
      result.unicodeScalars.append(scalar)
    }
    return result + String(digits.unicodeScalars[whole.endIndex...])
  }
}
