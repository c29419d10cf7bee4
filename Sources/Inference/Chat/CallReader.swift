// Reading one call that began in an answer, as far as its text is there. The families that write JSON are here, the
// others in CallReader+*.swift.

/// A call that was read.
struct ReadCall: Sendable, Equatable {
  var name: String
  /// A JSON object.
  var arguments: String
  /// What the model calls it, if it says.
  var id: String?
}

/// Follows the text of a call from its opening mark on. What it says depends on the bytes alone, not on how many of
/// them come at once: an answer other than `more` is the same whatever follows.
struct CallReader: Sendable {
  enum Progress: Sendable, Equatable {
    case more
    /// Valid; the text goes on at `end`.
    case calls([ReadCall], end: Int)
    /// Begun as a call, and none: up to `end` it is content.
    case malformed(MalformedCall, end: Int)
    /// Not meant as one.
    case text(end: Int)
  }

  /// Names, and whatever else stands between marks, have at most so many bytes.
  static let longestName = 256

  let style: ChatFormat.Calls
  let tools: [ChatTool]
  /// Bytes of the mark that was found: 0 where a call begins without one.
  let opening: Int
  private var scan = JSONScan()
  private var scanStart = -1
  /// How far a reader of parameters has come, from the call's start.
  var resume = 0
  /// How far a parameter was looked through for its end.
  var searched = 0
  var parameters: [(key: String, value: String)] = []
  var name = ""

  init(_ style: ChatFormat.Calls, tools: [ChatTool], opening: Int) {
    self.style = style
    self.tools = tools
    self.opening = opening
  }

  /// Reads on in `bytes`, where the call's opening mark is at `start`.
  ///
  /// - Parameter isEnd: whether nothing follows; the answer is then never `more`.
  mutating func read(_ bytes: [UInt8], from start: Int, isEnd: Bool) -> Progress {
    let text = GrowingText(bytes: bytes, isEnd: isEnd)
    let progress: Progress
    switch style {
    case .hermes, .phi4: progress = tagged(text, start)
    case .qwen3Coder: progress = functions(text, start)
    case .glm: progress = keyed(text, start)
    case .mistral: progress = mistral(text, start)
    case .deepSeek3, .deepSeek31: progress = deepSeek(text, start)
    case .llama3: progress = llama(text, start)
    case .none, .harmony: progress = .text(end: start + opening)
    }
    if isEnd, progress == .more { return .malformed(.unfinished, end: bytes.count) }
    return progress
  }

  /// The JSON object or list at `index`, its end, or what to answer instead.
  mutating func json(_ text: GrowingText, at index: Int) -> (end: Int?, instead: Progress) {
    if scanStart != index { (scan, scanStart) = (JSONScan(), index) }
    switch scan.advance(text.bytes, from: index) {
    case .more: return (nil, .more)
    case .done(let length): return (index + length, .more)
    case .failed(let error): return (nil, .malformed(.invalidJSON(error), end: index + error.offset))
    }
  }

  /// The first name of the object that ``json(_:at:)`` looks at, once it is there.
  func firstName(_ text: GrowingText) -> String? {
    scan.firstName.map {
      String(decoding: text.bytes[scanStart + $0.lowerBound..<scanStart + $0.upperBound], as: UTF8.self)
    }
  }

  // MARK: Tags around JSON

  /// An opening mark, JSON, a closing mark.
  private mutating func tagged(_ text: GrowingText, _ start: Int) -> Progress {
    let body = text.skippingBlanks(start + opening)
    guard let first = text[body] else { return .more }
    guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
      return .malformed(.unexpectedText, end: body)
    }
    let (end, instead) = json(text, at: body)
    guard let end else { return instead }
    return closed(text, body..<end)
  }

  /// The calls in `range`, if what closes them follows, or the text ends, or the next call begins.
  func closed(_ text: GrowingText, _ range: Range<Int>) -> Progress {
    var end = text.skippingBlanks(range.upperBound)
    if let closing = style.closing {
      switch text.has(closing, at: end) {
      case .more: return .more
      case .yes: end += closing.utf8.count
      case .no:
        let begins = style.openings.map { text.has($0, at: end) }
        if begins.contains(.more) { return .more }
        guard begins.contains(.yes) else { return .malformed(.unexpectedText, end: range.upperBound) }
      case .ended: end = text.bytes.count
      }
    }
    do throws(MalformedCall) {
      return .calls(try Self.calls(in: text.bytes[range]), end: end)
    } catch { return .malformed(error, end: end) }
  }

  // MARK: Mistral

  private mutating func mistral(_ text: GrowingText, _ start: Int) -> Progress {
    let body = text.skippingBlanks(start + opening)
    guard let first = text[body] else { return .more }
    if first == UInt8(ascii: "[") {
      let (end, instead) = json(text, at: body)
      return end.map { closed(text, body..<$0) } ?? instead
    }
    var index = body
    while let byte = text[index], byte.isNamePart { index += 1 }
    guard index > body, index - body <= Self.longestName else { return .malformed(.noName, end: body) }
    let name = text.string(body..<index)
    var id: String?
    switch text.has("[CALL_ID]", at: index) {
    case .more: return .more
    case .yes:
      let idStart = index + "[CALL_ID]".utf8.count
      index = idStart
      while let byte = text[index], byte.isNamePart { index += 1 }
      id = index > idStart && index - idStart <= Self.longestName ? text.string(idStart..<index) : nil
    case .no, .ended: break
    }
    switch text.has("[ARGS]", at: index) {
    case .more: return .more
    case .yes: index += "[ARGS]".utf8.count
    case .no, .ended: break
    }
    let arguments = text.skippingBlanks(index)
    guard let brace = text[arguments] else { return .more }
    guard brace == UInt8(ascii: "{") else { return .malformed(.unexpectedText, end: index) }
    let (end, instead) = json(text, at: arguments)
    guard let end else { return instead }
    return Self.call(name, text.bytes[arguments..<end], id: id, end: end)
  }

  // MARK: DeepSeek

  private mutating func deepSeek(_ text: GrowingText, _ start: Int) -> Progress {
    let separator = "<｜tool▁sep｜>"
    let body = start + opening
    guard let sign = text.find(separator, from: body, within: Self.longestName) else {
      return text.bytes.count - body > Self.longestName + separator.utf8.count
        ? .malformed(.unexpectedText, end: body) : .more
    }
    var name = text.bytes[body..<sign].trimmingBlanks
    var arguments = text.skippingBlanks(sign + separator.utf8.count)
    guard let first = text[arguments] else { return .more }
    if first != UInt8(ascii: "{") {
      // V3 has "function" before the sign, and the name on the line behind it.
      guard name.elementsEqual("function".utf8) else { return .malformed(.unexpectedText, end: body) }
      guard let line = text.find("\n", from: arguments, within: Self.longestName) else {
        return text.bytes.count - arguments > Self.longestName + 1 ? .malformed(.noName, end: arguments) : .more
      }
      name = text.bytes[arguments..<line].trimmingBlanks
      arguments = text.skippingBlanks(line)
      switch text.has("```json", at: arguments) {
      case .more: return .more
      case .yes: arguments = text.skippingBlanks(arguments + "```json".utf8.count)
      case .no, .ended: break
      }
    }
    guard let brace = text[arguments] else { return .more }
    guard brace == UInt8(ascii: "{") else { return .malformed(.unexpectedText, end: arguments) }
    let (jsonEnd, instead) = json(text, at: arguments)
    guard let jsonEnd else { return instead }
    var end = text.skippingBlanks(jsonEnd)
    switch text.has("```", at: end) {
    case .more: return .more
    case .yes: end = text.skippingBlanks(end + 3)
    case .no, .ended: break
    }
    let closing = style.closing ?? ""
    switch text.has(closing, at: end) {
    case .more: return .more
    case .yes: end += closing.utf8.count
    case .no: return .malformed(.unexpectedText, end: end)
    case .ended: end = text.bytes.count
    }
    return Self.call(String(decoding: name, as: UTF8.self), text.bytes[arguments..<jsonEnd], end: end)
  }

  // MARK: Calls of JSON

  /// The calls that an object, or a list of objects, stands for.
  static func calls(in json: ArraySlice<UInt8>) throws(MalformedCall) -> [ReadCall] {
    if json.first == UInt8(ascii: "[") {
      var calls: [ReadCall] = []
      try check(json)
      for part in JSONParts.of(json) { calls.append(try call(in: part.value)) }
      guard !calls.isEmpty else { throw .noName }
      return calls
    }
    return [try call(in: json)]
  }

  private static func call(in json: ArraySlice<UInt8>) throws(MalformedCall) -> ReadCall {
    guard let value = try check(json).object, let name = value["name"]?.string, !name.isEmpty else { throw .noName }
    guard let part = JSONParts.of(json).last(where: { $0.name == "arguments" || $0.name == "parameters" }) else {
      return ReadCall(name: name, arguments: "{}", id: value["id"]?.string)
    }
    var arguments = part.value
    // Some write the object as a string.
    if arguments.first == UInt8(ascii: "\""), let inner = try check(arguments).string {
      arguments = Array(inner.utf8)[...]
    }
    guard try check(arguments).object != nil else { throw .argumentsAreNoObject }
    return ReadCall(
      name: name, arguments: String(decoding: arguments.trimmingBlanks, as: UTF8.self), id: value["id"]?.string)
  }

  /// The call of `name` with these arguments.
  static func call(_ name: String, _ arguments: ArraySlice<UInt8>, id: String? = nil, end: Int) -> Progress {
    guard !name.isEmpty else { return .malformed(.noName, end: end) }
    do throws(MalformedCall) {
      guard try check(arguments).object != nil else { return .malformed(.argumentsAreNoObject, end: end) }
    } catch { return .malformed(error, end: end) }
    return .calls([ReadCall(name: name, arguments: String(decoding: arguments, as: UTF8.self), id: id)], end: end)
  }

  @discardableResult
  static func check(_ json: ArraySlice<UInt8>) throws(MalformedCall) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: String(decoding: json, as: UTF8.self))
    } catch { throw .invalidJSON(error) }
  }
}

/// A text of which more may come, and what can be said about it now.
struct GrowingText {
  enum Answer: Equatable {
    case yes, no
    /// The text is a beginning of it so far, and may be empty.
    case more
    /// As `more`, and nothing follows.
    case ended
  }

  let bytes: [UInt8]
  let isEnd: Bool

  /// The byte at `index`, nil where the text does not reach.
  subscript(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

  func skippingBlanks(_ index: Int) -> Int {
    var index = index
    while index < bytes.count, bytes[index].isBlank { index += 1 }
    return index
  }

  func has(_ mark: String, at index: Int) -> Answer {
    var index = index
    for byte in mark.utf8 {
      guard index < bytes.count else { return isEnd ? .ended : .more }
      guard bytes[index] == byte else { return .no }
      index += 1
    }
    return .yes
  }

  /// Where `mark` comes first, at most `limit` bytes behind `start`.
  func find(_ mark: String, from start: Int, within limit: Int = .max) -> Int? {
    let mark = Array(mark.utf8)
    let last = min(bytes.count - mark.count, limit == .max ? .max : start + limit)
    guard let first = mark.first, start <= last else { return nil }
    for index in start...last where bytes[index] == first {
      if bytes[index..<index + mark.count].elementsEqual(mark) { return index }
    }
    return nil
  }

  func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}

extension UInt8 {
  /// Whether a function's name may hold it: no white space, brackets, braces or angle brackets.
  var isNamePart: Bool { self > 0x20 && !"[]{}<>\"".utf8.contains(self) && self != 0x7F }
}
