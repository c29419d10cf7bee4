// The filters that work on texts, numbers and single values, and the table of all; those on sequences stand in
// JinjaSequenceFilters.swift.

extension JinjaMachine {
  static let filterNames = textFilters.union(valueFilters).union(sequenceFilters)

  private static let textFilters: Set = [
    "upper", "lower", "title", "capitalize", "trim", "center", "replace", "indent", "truncate", "wordcount",
    "escape", "e", "forceescape", "safe", "string", "format", "urlencode",
  ]
  private static let slowTextFilters: Set = [
    "upper", "lower", "title", "capitalize", "wordcount", "escape", "e", "forceescape", "urlencode",
  ]
  private static let valueFilters: Set = ["default", "d", "tojson", "int", "float", "abs", "round", "attr"]

  func applyFilter(_ name: String, to value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    try enter()
    defer { leave() }
    if Self.sequenceFilters.contains(name) { return try applySequenceFilter(name, to: value, call) }
    if Self.textFilters.contains(name) { return try applyTextFilter(name, to: value, call) }
    switch name {
    case "default", "d":
      let values = try arguments(call, name, ["default_value", "boolean"])
      let replaces = value.isUndefined || (values[1]?.isTrue ?? false) && !value.isTrue
      return replaces ? values[0] ?? .string("") : value
    case "tojson": return try toJSON(value, call)
    case "int": return try toInt(value, call)
    case "float":
      let standard = try arguments(call, name, ["default"])[0] ?? .double(0)
      return try toFloat(value) ?? standard
    case "abs":
      _ = try arguments(call, name, [])
      if case .undefined(let missing) = value { throw failure(missing.message) }
      if case .double(let number) = value { return .double(number.magnitude) }
      guard let whole = value.wholeNumber else { throw failure("bad operand type for abs(): '\(value.typeName)'") }
      return whole < 0 ? try negate(value) : .int(whole)
    case "round": return try round(value, call)
    case "attr":
      let attribute = try arguments(call, name, ["name"], required: 1)[0] ?? .none
      let wanted = try text(attribute, for: "an attribute's name")
      if case .undefined(let missing) = value { throw failure(missing.message) }
      return try ownAttribute(wanted, of: value) ?? .undefined(JinjaMissing(wanted, of: value.ownerName))
    default: throw failure("no filter named '\(name)'")
    }
  }

  // MARK: Texts

  private func applyTextFilter(
    _ name: String, to value: JinjaValue, _ call: JinjaCall
  ) throws(TextError) -> JinjaValue {
    // The reference asks for the length first: what is short enough passes through, text or not.
    if name == "truncate", try isShort(value, call) { return value }
    if name == "truncate" || name == "indent" {
      let text = try text(value, for: "the input of \(name)")
      return try name == "indent" ? indent(text, call) : truncate(text, call)
    }
    let text = try str(value)
    try allocate(text.utf8.count)
    try scan(text, isSlow: Self.slowTextFilters.contains(name))
    switch name {
    case "trim":
      let characters = try arguments(call, name, ["chars"])[0]
      return try .string(stripped(text, characters))
    case "center":
      let width = try arguments(call, name, ["width"])[0] ?? .int(80)
      return try callStringMethod("center", of: text, JinjaCall(positional: [width]))
    case "replace":
      let values = try arguments(call, name, ["old", "new", "count"], required: 2)
      let limit = try values[2].flatMap { $0.isNone ? nil : $0 }.map { value throws(TextError) in
        try whole(value, for: "a count")
      }
      return try .string(replaced(text, str(values[0] ?? .none), str(values[1] ?? .none), limit: limit ?? -1))
    case "format":
      guard call.positional.isEmpty || call.named.isEmpty else {
        throw failure("can't handle positional and keyword arguments at the same time")
      }
      guard !call.named.isEmpty else { return try string(formatted(text, with: tuple(call.positional))) }
      var pairs: [(JinjaKey, JinjaValue)] = []
      for (name, value) in call.named { pairs.append((.string(ExactText(name)), value)) }
      return try string(formatted(text, with: dict(pairs)))
    default: break
    }
    _ = try arguments(call, name, [])
    switch name {
    case "upper": return .string(text.uppercased())
    case "lower": return .string(JinjaStrings.lowered(text))
    case "title": return .string(JinjaStrings.filterTitled(text))
    case "capitalize": return .string(JinjaStrings.capitalized(text))
    case "wordcount": return .int(text.unicodeScalars.split { !$0.isPythonWord }.count)
    case "escape", "e", "forceescape":
      // An escaped text is at most six times as long.
      try allocate(text.utf8.count * 5)
      return .string(JinjaStrings.escapedHTML(text))
    case "urlencode": return .string(try urlEncoded(value))
    default: return .string(text)
    }
  }

  private func indent(_ text: String, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "indent", ["width", "first", "blank"])
    let margin: String
    if case .string(let text)? = values[0] {
      margin = text
    } else {
      let width = max(0, try whole(values[0] ?? .int(4), for: "a width"))
      try allocate(width)
      margin = String(repeating: " ", count: width)
    }
    try allocate(text.utf8.count * 2)
    let lines = JinjaStrings.lines(text + "\n")
    var result = values[1]?.isTrue == true ? margin : ""
    for (position, line) in lines.enumerated() {
      if position > 0 {
        try allocate(margin.utf8.count + 1)
        result += "\n"
        if !line.isEmpty || values[2]?.isTrue == true { result += margin }
      }
      result += line
    }
    return .string(result)
  }

  /// Whether `truncate` leaves a value that is no string alone.
  private func isShort(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> Bool {
    if case .string = value { return false }
    let values = try arguments(call, "truncate", ["length", "killwords", "end", "leeway"])
    let longest = Double(values[0]?.wholeNumber ?? 255) + Double(values[3]?.wholeNumber ?? 5)
    return try Double(self.length(of: value) ?? .max) <= longest
  }

  private func truncate(_ text: String, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "truncate", ["length", "killwords", "end", "leeway"])
    let length = try whole(values[0] ?? .int(255), for: "a length")
    let end = try self.text(values[2] ?? .string("..."), for: "an end")
    let leeway =
      try values[3].flatMap { $0.isNone ? nil : $0 }.map { value throws(TextError) in
        try whole(value, for: "a leeway")
      } ?? 5
    let (kept, isBelow) = length.subtractingReportingOverflow(end.unicodeScalars.count)
    guard kept >= 0, leeway >= 0, !isBelow else { throw failure("expected a length of at least that of the end") }
    try allocate(text.utf8.count + end.utf8.count)
    let (longest, overflowed) = length.addingReportingOverflow(leeway)
    guard !overflowed, text.unicodeScalars.count > longest else { return .string(text) }
    var head = text.unicodeScalars.prefix(kept)
    if values[1]?.isTrue != true, let blank = head.lastIndex(of: " ") { head = head[..<blank] }
    return .string(String(head) + end)
  }

  private func urlEncoded(_ value: JinjaValue) throws(TextError) -> String {
    var pairs: [[JinjaValue]] = []
    switch value {
    case .dict(let dict): pairs = zip(dict.keys, dict.values).map { [$0.value, $1] }
    case .list, .generator:
      for item in try items(of: value) { pairs.append(try items(of: item)) }
    default:
      let text = try str(value)
      try allocate(text.utf8.count * 3)
      return JinjaStrings.percentEncoded(text, inQuery: false)
    }
    var result = ""
    for pair in pairs {
      guard pair.count == 2 else { throw failure("urlencode needs pairs") }
      let (key, value) = (try str(pair[0]), try str(pair[1]))
      try allocate((key.utf8.count + value.utf8.count) * 3)
      result += result.isEmpty ? "" : "&"
      result += JinjaStrings.percentEncoded(key, inQuery: true) + "="
      result += JinjaStrings.percentEncoded(value, inQuery: true)
    }
    return result
  }

  // MARK: Values

  private func toJSON(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
    var style = JinjaJSONStyle()
    style.escapesNonASCII = values[0]?.isTrue ?? false
    style.sortsKeys = values[3]?.isTrue ?? false
    switch values[1] {
    case nil, .some(.none): break
    case .string(let text): style.indent = text
    case .some(let width):
      let width = max(0, try whole(width, for: "an indent"))
      try allocate(width)
      style.indent = String(repeating: " ", count: width)
    }
    if style.indent != nil { style.itemSeparator = "," }
    if let separators = values[2], !separators.isNone {
      let parts = try items(of: separators)
      guard parts.count == 2 else { throw failure("separators are a pair") }
      style.itemSeparator = try text(parts[0], for: "a separator")
      style.keySeparator = try text(parts[1], for: "a separator")
    }
    return .string(try json(value, style: style))
  }

  private func toInt(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "int", ["default", "base"])
    let standard = values[0] ?? .int(0)
    switch value {
    case .undefined(let missing): throw failure(missing.message)
    case .string(let text):
      try scan(text, isSlow: true)
      let radix = try whole(values[1] ?? .int(10), for: "a base")
      if (2...36).contains(radix) || radix == 0, let whole = JinjaNumbers.int(text, radix: radix) {
        return .int(whole)
      }
      guard let number = JinjaNumbers.double(text), number.isFinite else { return standard }
      return .int(try whole(number))
    case .double(let number):
      guard !number.isNaN else { return standard }
      return .int(try whole(number))
    default: return value.wholeNumber.map { .int($0) } ?? standard
    }
  }

  private func whole(_ number: Double) throws(TextError) -> Int {
    guard let whole = Int(exactly: number.rounded(.towardZero)) else {
      throw failure("a whole number does not fit 64 bits")
    }
    return whole
  }

  /// `float(value)`, nil where it has none.
  private func toFloat(_ value: JinjaValue) throws(TextError) -> JinjaValue? {
    switch value {
    case .undefined(let missing): throw failure(missing.message)
    case .string(let text):
      try scan(text, isSlow: true)
      return JinjaNumbers.double(text).map { .double($0) }
    default: return value.number.map { .double($0) }
    }
  }

  private func round(_ value: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "round", ["precision", "method"])
    let places = try whole(values[0] ?? .int(0), for: "a precision")
    let method = try text(values[1] ?? .string("common"), for: "a method")
    if case .undefined(let missing) = value { throw failure(missing.message) }
    guard let number = value.number else { throw failure("type \(value.typeName) doesn't define round") }
    switch method {
    case "common":
      if let whole = value.wholeNumber, places >= 0 { return .int(whole) }
      let rounded = JinjaNumbers.rounded(number, places: places)
      return value.wholeNumber == nil ? .double(rounded) : .int(try whole(rounded))
    case "ceil", "floor":
      guard (-300...300).contains(places) else { throw failure("a precision is out of range") }
      let scale = JinjaNumbers.powerOfTen(places)
      let scaled = (number * scale).rounded(method == "ceil" ? .up : .down)
      return .double(scaled / scale)
    default: throw failure("method must be common, ceil or floor")
    }
  }
}
