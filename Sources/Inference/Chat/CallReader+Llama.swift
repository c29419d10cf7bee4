// Llama 3's calls: bare JSON, JSON or name.call(…) behind <|python_tag|>, or code for the interpreter.

extension CallReader {
  /// Names that an offered code interpreter may have.
  private static let interpreters = ["code_interpreter", "python", "ipython"]

  /// A bare object; several follow one another with `;` between them.
  mutating func llama(_ text: GrowingText, _ start: Int) -> Progress {
    if opening > 0 { return behindTag(text, start) }
    var index = start
    // The separator belongs to the call that follows.
    if text[index] == UInt8(ascii: ";") { index = text.skippingBlanks(index + 1) }
    guard let first = text[index] else { return text.isEnd ? .text(end: index) : .more }
    guard first == UInt8(ascii: "{") else { return .text(end: index) }
    let (end, instead) = json(text, at: index)
    // An answer may be JSON of another kind: that shows at its first name.
    if let name = firstName(text), !["name", "parameters", "arguments", "type", "id"].contains(name) {
      return .text(end: index + 1)
    }
    guard let end else {
      if case .malformed(let reason, let end) = instead {
        return firstName(text) == nil ? .text(end: end) : .malformed(reason, end: end)
      }
      return text.isEnd && firstName(text) == nil ? .text(end: text.bytes.count) : instead
    }
    return offered(text, index..<end)
  }

  /// The calls in `range`, if they are of functions that the request offers.
  private func offered(_ text: GrowingText, _ range: Range<Int>) -> Progress {
    let progress = closed(text, range)
    switch progress {
    case .calls(let calls, let end):
      let isOffered = tools.isEmpty || calls.allSatisfy { call in tools.contains { $0.name.isSameText(as: call.name) } }
      return isOffered ? progress : .text(end: end)
    case .malformed(.noName, let end): return .text(end: end)
    default: return progress
    }
  }

  private mutating func behindTag(_ text: GrowingText, _ start: Int) -> Progress {
    let body = text.skippingBlanks(start + opening)
    guard let first = text[body] else { return .more }
    if first == UInt8(ascii: "{") {
      let (end, instead) = json(text, at: body)
      if let end { return closed(text, body..<end) }
      // Code may begin with a bracket too.
      return instead == .more ? .more : code(text, body, otherwise: instead)
    }
    var index = body
    while let byte = text[index], byte.isWordPart || byte == UInt8(ascii: ".") { index += 1 }
    guard text[index] != nil else { return code(text, body, otherwise: .more) }
    let path = text.bytes[body..<index]
    let suffix = Array(".call".utf8)
    guard text[index] == UInt8(ascii: "("), path.count > suffix.count, path.suffix(suffix.count).elementsEqual(suffix)
    else { return code(text, body, otherwise: .malformed(.unexpectedText, end: body)) }
    return keywords(
      text, index + 1, name: String(decoding: path.dropLast(suffix.count), as: UTF8.self), body: body)
  }

  /// `name="value", name="value")`; values have no escapes, so that one ends where `"` and then `,` or `)` stand.
  private func keywords(_ text: GrowingText, _ start: Int, name: String, body: Int) -> Progress {
    let bad = Progress.malformed(.unexpectedText, end: body)
    var arguments = JSONObject()
    var index = text.skippingBlanks(start)
    while true {
      guard let byte = text[index] else { return .more }
      if byte == UInt8(ascii: ")") {
        let call = ReadCall(name: name, arguments: JSONValue.object(arguments).serialized(), id: nil)
        return .calls([call], end: index + 1)
      }
      let nameStart = index
      while let byte = text[index], byte.isWordPart { index += 1 }
      let key = text.string(nameStart..<index)
      switch text.has("=\"", at: index) {
      case .more, .ended: return .more
      case .no: return bad
      case .yes: index += 2
      }
      guard !key.isEmpty else { return bad }
      let valueStart = index
      while true {
        guard let quote = text.find("\"", from: index) else { return .more }
        let next = text.skippingBlanks(quote + 1)
        guard let after = text[next] else { return .more }
        index = quote + 1
        if after == UInt8(ascii: ",") || after == UInt8(ascii: ")") {
          arguments.set(key, .string(text.string(valueStart..<quote)))
          index = after == UInt8(ascii: ",") ? text.skippingBlanks(next + 1) : next
          break
        }
      }
    }
  }

  /// All that follows is code, if an interpreter is offered.
  private func code(_ text: GrowingText, _ body: Int, otherwise: Progress) -> Progress {
    guard let tool = tools.first(where: { Self.interpreters.contains($0.name) }) else { return otherwise }
    guard text.isEnd else { return .more }
    let code = String(decoding: text.bytes[body...].trimmingBlanks, as: UTF8.self)
    let arguments = JSONValue.object(JSONObject([("code", .string(code))])).serialized()
    return .calls([ReadCall(name: tool.name, arguments: arguments, id: nil)], end: text.bytes.count)
  }
}

extension UInt8 {
  fileprivate var isWordPart: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
