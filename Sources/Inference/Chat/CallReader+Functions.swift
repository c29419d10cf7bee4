// Qwen3-Coder's calls: a function and its parameters as marks, values as plain text whose type the schema says.

extension CallReader {
  /// `<tool_call>`, which may be missing, and a function; or JSON, which these models write now and then.
  mutating func functions(_ text: GrowingText, _ start: Int) -> Progress {
    let wrapper = "<tool_call>", head = "<function="
    var index = start
    let isWrapped = text.has(wrapper, at: start) == .yes
    if resume == 0 {
      if isWrapped {
        index = text.skippingBlanks(start + wrapper.utf8.count)
        if text[index] == UInt8(ascii: "{") {
          let (end, instead) = json(text, at: index)
          return end.map { closed(text, index..<$0) } ?? instead
        }
      }
      switch text.has(head, at: index) {
      case .more, .ended: return .more
      case .no: return .malformed(.unexpectedText, end: index)
      case .yes: index += head.utf8.count
      }
      switch key(text, index) {
      case .more: return .more
      case .bad: return .malformed(.noName, end: index)
      case .key(let key, let end):
        name = key
        resume = end - start
      }
    }
    while true {
      index = text.skippingBlanks(start + resume)
      switch text.has("</function>", at: index) {
      case .yes: return ended(text, index + "</function>".utf8.count, isWrapped: isWrapped)
      case .more, .ended: return .more
      case .no: break
      }
      switch text.has("<parameter=", at: index) {
      case .more, .ended: return .more
      case .no: return .malformed(.unexpectedText, end: index)
      case .yes: index += "<parameter=".utf8.count
      }
      switch key(text, index) {
      case .more: return .more
      case .bad: return .malformed(.unexpectedText, end: index)
      case .key(let key, let valueStart):
        guard !parameters.contains(where: { $0.key.isSameText(as: key) }) else {
          return .malformed(.unexpectedText, end: index)
        }
        let closing = "</parameter>"
        // What was searched before is not searched again.
        let from = max(valueStart, start + searched)
        guard let close = text.find(closing, from: from) else {
          searched = max(text.bytes.count - closing.utf8.count, valueStart) - start
          return .more
        }
        parameters.append((key, Self.withoutLineEnds(text.string(valueStart..<close))))
        resume = close + closing.utf8.count - start
      }
    }
  }

  private enum Key {
    case more, bad
    case key(String, end: Int)
  }

  /// A name up to `>`.
  private func key(_ text: GrowingText, _ start: Int) -> Key {
    guard let end = text.find(">", from: start, within: Self.longestName) else {
      return text.bytes.count - start > Self.longestName ? .bad : .more
    }
    let name = text.string(start..<end)
    guard !name.isEmpty, name.utf8.allSatisfy({ $0.isNamePart }) else { return .bad }
    return .key(name, end: end + 1)
  }

  private func ended(_ text: GrowingText, _ index: Int, isWrapped: Bool) -> Progress {
    var end = index
    if isWrapped {
      end = text.skippingBlanks(index)
      switch text.has("</tool_call>", at: end) {
      case .yes: end += "</tool_call>".utf8.count
      case .more: return .more
      case .no: return .malformed(.unexpectedText, end: end)
      case .ended: end = text.bytes.count
      }
    }
    return .calls([callOfParameters()], end: end)
  }

  /// The call of `name` with the parameters read so far.
  func callOfParameters() -> ReadCall {
    let tool = tools.first { $0.name.isSameText(as: name) }
    let members = parameters.map { ($0.key, Self.value($0.value, schema: tool?.schema(of: $0.key))) }
    return ReadCall(name: name, arguments: JSONValue.object(JSONObject(members)).serialized(), id: nil)
  }

  /// Text stays text where the schema wants a string, or nothing else can be made of it; else it is read as JSON.
  private static func value(_ text: String, schema: JSONValue?) -> JSONValue {
    let types = schema?["type"]?.array?.compactMap(\.string) ?? schema?["type"]?.string.map { [$0] } ?? []
    guard let value = try? JSONValue(parsing: text), value.string == nil else { return .string(text) }
    if types.isEmpty { return value }
    let fits =
      switch value {
      case .null: types.contains("null") || !types.contains("string")
      case .bool: types.contains("boolean")
      case .int: types.contains("integer") || types.contains("number")
      case .double: types.contains("number") || types.contains("integer")
      case .array: types.contains("array")
      case .object: types.contains("object")
      case .string: false
      }
    // Where the type says neither this nor a string, the caller learns what the model wrote.
    return fits || !types.contains("string") ? value : .string(text)
  }

  /// Without the line end behind the opening mark and the one before the closing mark.
  private static func withoutLineEnds(_ text: String) -> String {
    var bytes = Array(text.utf8)[...]
    if bytes.first == 0x0A { bytes.removeFirst() }
    if bytes.last == 0x0A { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
