// The methods that strings have behind a dot, with Python's arguments and errors.

extension JinjaMachine {
  static let stringMethods: Set = [
    "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "upper", "lower",
    "casefold", "title", "capitalize", "swapcase", "replace", "find", "rfind", "index", "rindex", "count", "join",
    "format", "isdigit", "isdecimal", "isnumeric", "isalpha", "isalnum", "isspace", "isupper", "islower", "isascii",
    "removeprefix", "removesuffix", "zfill", "ljust", "rjust", "center", "partition", "rpartition",
  ]

  func callStringMethod(_ name: String, of text: String, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    // What a method makes of a text is at most a few times as long.
    try allocate(text.utf8.count)
    try scan(text)
    switch name {
    case "upper", "lower", "casefold", "title", "capitalize", "swapcase":
      _ = try arguments(call, name, [])
      try scan(text, isSlow: true)
      return .string(Self.recased(text, name))
    case "strip", "lstrip", "rstrip":
      let characters = try arguments(call, name, ["chars"])[0]
      return try .string(
        stripped(text, characters, start: name != "rstrip", end: name != "lstrip"))
    case "split", "rsplit": return try split(text, fromEnd: name == "rsplit", call)
    case "splitlines":
      let keepsEnds = try arguments(call, name, ["keepends"])[0]?.isTrue ?? false
      return try list(JinjaStrings.lines(text, keepsEnds: keepsEnds).map { .string($0) })
    case "startswith", "endswith": return try hasAffix(text, atEnd: name == "endswith", call)
    case "find", "rfind", "index", "rindex", "count": return try search(text, name, call)
    case "replace":
      let values = try arguments(call, name, ["old", "new", "count"], required: 2)
      let old = try self.text(values[0] ?? .none, for: "replace() argument 1")
      let new = try self.text(values[1] ?? .none, for: "replace() argument 2")
      return try .string(
        replaced(
          text, old, new,
          limit: values[2].map { value throws(TextError) in
            try whole(value, for: "a count")
          } ?? -1))
    case "join":
      let parts = try arguments(call, name, ["iterable"], required: 1)[0] ?? .none
      return try join(items(of: parts), with: text)
    case "format": return try string(formatted(text, call))
    case "removeprefix", "removesuffix", "partition", "rpartition":
      let argument = try arguments(call, name, ["value"], required: 1)[0] ?? .none
      return try cut(text, name, at: self.text(argument, for: "the argument of \(name)"))
    case "zfill", "ljust", "rjust", "center": return try padded(text, name, call)
    default:
      _ = try arguments(call, name, [])
      try scan(text, isSlow: true)
      return .bool(Self.isOfClass(text, name))
    }
  }

  private static func recased(_ text: String, _ name: String) -> String {
    switch name {
    case "upper": text.uppercased()
    case "title": JinjaStrings.titled(text)
    case "capitalize": JinjaStrings.capitalized(text)
    case "swapcase": JinjaStrings.swappedCase(text)
    default: JinjaStrings.lowered(text)
    }
  }

  private static func isOfClass(_ text: String, _ name: String) -> Bool {
    switch name {
    case "isdigit": JinjaStrings.all(text, JinjaStrings.isDigit)
    case "isdecimal": JinjaStrings.all(text) { $0.properties.numericType == .decimal }
    case "isnumeric": JinjaStrings.all(text) { $0.properties.numericType != nil }
    case "isalpha": JinjaStrings.all(text, JinjaStrings.isLetter)
    case "isalnum": JinjaStrings.all(text) { JinjaStrings.isLetter($0) || $0.properties.numericType != nil }
    case "isspace": JinjaStrings.all(text) { $0.isPythonSpace }
    case "isascii": text.utf8.allSatisfy { $0 < 0x80 }
    default: isCase(text, upper: name == "isupper")
    }
  }

  func stripped(
    _ text: String, _ characters: JinjaValue?, start: Bool = true, end: Bool = true
  ) throws(TextError) -> String {
    guard let characters, !characters.isNone else {
      return text.stripped(start: start, end: end) { $0.isPythonSpace }
    }
    let set = Set(try self.text(characters, for: "what to strip").unicodeScalars)
    return text.stripped(start: start, end: end) { set.contains($0) }
  }

  // MARK: Splitting and joining

  private func split(_ text: String, fromEnd: Bool, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, "split", ["sep", "maxsplit"])
    let limit = try values[1].map { value throws(TextError) in try whole(value, for: "maxsplit") } ?? -1
    guard let separator = values[0], !separator.isNone else {
      let words =
        fromEnd ? JinjaStrings.wordsFromEnd(text, limit: limit) : JinjaStrings.words(text, limit: limit)
      return try list(words.map { .string($0) })
    }
    let mark = try self.text(separator, for: "a separator")
    guard !mark.isEmpty else { throw failure("empty separator") }
    // All cuts are found from the front; from the end, those that stand too far in front are dropped. The two
    // directions differ only where separators overlap themselves, which are searched mirrored.
    if fromEnd {
      let parts = try parts(of: JinjaStrings.reversed(text), at: JinjaStrings.reversed(mark), limit: limit)
      return try list(parts.reversed().map { .string(JinjaStrings.reversed($0)) })
    }
    return try list(parts(of: text, at: mark, limit: limit).map { .string($0) })
  }

  private func parts(of text: String, at mark: String, limit: Int) throws(TextError) -> [String] {
    let cuts = try offsets(of: mark, in: text, limit: limit)
    try allocate(text.utf8.count + cuts.count * 16)
    let bytes = Array(text.utf8)
    var parts: [String] = []
    var start = 0
    for cut in cuts {
      parts.append(String(decoding: bytes[start..<cut], as: UTF8.self))
      start = cut + mark.utf8.count
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }

  /// Where `mark`, not empty, stands in `text`, without overlaps; at most `limit` places where that is not negative.
  private func offsets(of mark: String, in text: String, limit: Int) throws(TextError) -> [Int] {
    var offsets: [Int] = []
    var start = 0
    var text = text
    text.makeContiguousUTF8()
    while limit < 0 || offsets.count < limit, let found = try nextOffset(of: mark, in: text, from: start) {
      offsets.append(found)
      start = found + mark.utf8.count
    }
    return offsets
  }

  /// As ``find(_:in:from:)``, paying for the bytes gone over only.
  private func nextOffset(of mark: String, in text: String, from start: Int) throws(TextError) -> Int? {
    try step()
    return Self.offset(of: mark, in: text, from: start)
  }

  func replaced(_ text: String, _ old: String, _ new: String, limit: Int) throws(TextError) -> String {
    guard limit != 0 else { return text }
    guard !old.isEmpty else { return try interleaved(text, new, limit: limit) }
    let cuts = try offsets(of: old, in: text, limit: limit)
    guard !cuts.isEmpty else { return text }
    let (added, overflowed) = cuts.count.multipliedReportingOverflow(by: new.utf8.count)
    try allocate(overflowed ? .max : added)
    try allocate(text.utf8.count)
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var start = 0
    for cut in cuts {
      result += bytes[start..<cut]
      result += new.utf8
      start = cut + old.utf8.count
    }
    result += bytes[start...]
    return String(decoding: result, as: UTF8.self)
  }

  /// `new` before each of the first `limit` code points, and at the end where the limit allows.
  private func interleaved(_ text: String, _ new: String, limit: Int) throws(TextError) -> String {
    let count = text.unicodeScalars.count + 1
    let places = limit < 0 ? count : min(limit, count)
    let (bytes, overflowed) = places.multipliedReportingOverflow(by: new.utf8.count)
    try allocate(overflowed ? .max : bytes)
    var result = ""
    var left = places
    for scalar in text.unicodeScalars {
      if left > 0 { result += new }
      left -= 1
      result.unicodeScalars.append(scalar)
    }
    return left > 0 ? result + new : result
  }

  func join(_ items: [JinjaValue], with separator: String) throws(TextError) -> JinjaValue {
    var result = ""
    for (position, item) in items.enumerated() {
      let part = try text(item, for: "sequence item \(position)")
      try allocate(part.utf8.count + separator.utf8.count)
      if position > 0 { result += separator }
      result += part
    }
    return .string(result)
  }

  private func cut(_ text: String, _ name: String, at mark: String) throws(TextError) -> JinjaValue {
    let bytes = Array(text.utf8)
    let length = mark.utf8.count
    func part(_ range: Range<Int>) -> JinjaValue { .string(String(decoding: bytes[range], as: UTF8.self)) }
    switch name {
    case "removeprefix": return bytes.starts(with: mark.utf8) ? part(length..<bytes.count) : .string(text)
    case "removesuffix":
      return bytes.count >= length && bytes.suffix(length).elementsEqual(mark.utf8)
        ? part(0..<bytes.count - length) : .string(text)
    default:
      guard !mark.isEmpty else { throw failure("empty separator") }
      let found = name == "partition" ? try find(mark, in: text) : try offsetFromEnd(of: mark, in: text)
      guard let found else {
        let empty = JinjaValue.string("")
        return try tuple(name == "partition" ? [.string(text), empty, empty] : [empty, empty, .string(text)])
      }
      return try tuple([part(0..<found), .string(mark), part(found + length..<bytes.count)])
    }
  }

  /// Where `mark` stands last in `text`, in bytes.
  private func offsetFromEnd(of mark: String, in text: String) throws(TextError) -> Int? {
    let mirrored = try find(JinjaStrings.reversed(mark), in: JinjaStrings.reversed(text))
    return mirrored.map { text.utf8.count - $0 - mark.utf8.count }
  }

  // MARK: Searching

  /// The part of `text` that the optional bounds of a search leave, and where it starts, in code points.
  private func window(
    _ text: String, _ start: JinjaValue?, _ end: JinjaValue?
  ) throws(TextError) -> (text: String, start: Int, isValid: Bool) {
    if start?.isNone ?? true, end?.isNone ?? true { return (text, 0, true) }
    let scalars = text.unicodeScalars
    let count = scalars.count
    func bound(_ value: JinjaValue?, _ standard: Int) throws(TextError) -> Int {
      guard let value, !value.isNone else { return standard }
      let bound = try whole(value, for: "a bound")
      return bound < 0 ? max(0, bound + count) : bound
    }
    let (first, last) = (try bound(start, 0), min(try bound(end, count), count))
    guard first <= last else { return ("", first, false) }
    let from = scalars.index(scalars.startIndex, offsetBy: first)
    return (String(scalars[from..<scalars.index(from, offsetBy: last - first)]), first, true)
  }

  private func search(_ text: String, _ name: String, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, name, ["sub", "start", "end"], required: 1)
    let wanted = try self.text(values[0] ?? .none, for: "what to find")
    let window = try window(text, values[1], values[2])
    if name == "count" {
      guard window.isValid else { return .int(0) }
      if wanted.isEmpty { return .int(window.text.unicodeScalars.count + 1) }
      return .int(try offsets(of: wanted, in: window.text, limit: -1).count)
    }
    let fromEnd = name == "rfind" || name == "rindex"
    let found =
      window.isValid
      ? fromEnd ? try offsetFromEnd(of: wanted, in: window.text) : try find(wanted, in: window.text) : nil
    guard let found else {
      guard name.utf8.count < 6, name != "index" else { throw failure("substring not found") }
      return .int(-1)
    }
    return .int(window.start + String(decoding: window.text.utf8.prefix(found), as: UTF8.self).unicodeScalars.count)
  }

  private func hasAffix(_ text: String, atEnd: Bool, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, atEnd ? "endswith" : "startswith", ["prefix", "start", "end"], required: 1)
    let window = try window(text, values[1], values[2])
    var affixes = [values[0] ?? .none]
    if case .list(let list)? = values[0], list.kind == .tuple { affixes = list.items }
    for affix in affixes {
      let affix = try self.text(affix, for: "what to look for")
      guard window.isValid, window.text.utf8.count >= affix.utf8.count else { continue }
      let part =
        atEnd ? window.text.utf8.suffix(affix.utf8.count) : window.text.utf8.prefix(affix.utf8.count)
      if part.elementsEqual(affix.utf8) { return .bool(true) }
    }
    return .bool(false)
  }

  private func padded(_ text: String, _ name: String, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let values = try arguments(call, name, name == "zfill" ? ["width"] : ["width", "fillchar"], required: 1)
    let width = try whole(values[0] ?? .none, for: "a width")
    var fill: Unicode.Scalar = " "
    if values.count > 1, let value = values[1] {
      let text = try self.text(value, for: "a fill character")
      guard let only = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
        throw failure("the fill character must be exactly one character long")
      }
      fill = only
    }
    try allocate(max(0, min(width, Int.max / 4)) * 4)
    switch name {
    case "zfill": return .string(JinjaStrings.zeroFilled(text, width: width))
    case "ljust": return .string(JinjaStrings.padded(text, width: width, fill: fill, .left))
    case "rjust": return .string(JinjaStrings.padded(text, width: width, fill: fill, .right))
    default: return .string(JinjaStrings.padded(text, width: width, fill: fill, .center))
    }
  }
}

extension JinjaValue {
  var isNone: Bool {
    if case .none = self { true } else { false }
  }
}
