// GLM's calls: a name, then keys and values as marks, values as plain text whose type the schema says.

extension CallReader {
  private static let keyOpening = "<arg_key>", keyClosing = "</arg_key>"
  private static let valueOpening = "<arg_value>", valueClosing = "</arg_value>"

  mutating func keyed(_ text: GrowingText, _ start: Int) -> Progress {
    if resume == 0 {
      let body = text.skippingBlanks(start + opening)
      var index = body
      while let byte = text[index], byte.isNamePart { index += 1 }
      guard index - body <= Self.longestName else { return .malformed(.noName, end: body) }
      guard text[index] != nil else { return .more }
      guard index > body else { return .malformed(.noName, end: body) }
      name = text.string(body..<index)
      resume = index - start
    }
    while true {
      var index = text.skippingBlanks(start + resume)
      switch text.has("</tool_call>", at: index) {
      case .yes: return .calls([callOfParameters()], end: index + "</tool_call>".utf8.count)
      // Without the closing mark nobody knows whether this was all.
      case .more, .ended: return .more
      case .no: break
      }
      switch text.has(Self.keyOpening, at: index) {
      case .more, .ended: return .more
      case .no: return .malformed(.unexpectedText, end: index)
      case .yes: index += Self.keyOpening.utf8.count
      }
      guard let keyEnd = text.find(Self.keyClosing, from: index, within: Self.longestName) else {
        return text.bytes.count - index > Self.longestName + Self.keyClosing.utf8.count
          ? .malformed(.unexpectedText, end: index) : .more
      }
      let key = text.string(index..<keyEnd)
      guard !key.isEmpty, !parameters.contains(where: { $0.key.isSameText(as: key) }) else {
        return .malformed(.unexpectedText, end: index)
      }
      index = text.skippingBlanks(keyEnd + Self.keyClosing.utf8.count)
      switch text.has(Self.valueOpening, at: index) {
      case .more, .ended: return .more
      case .no: return .malformed(.unexpectedText, end: index)
      case .yes: index += Self.valueOpening.utf8.count
      }
      // What was searched before is not searched again.
      guard let close = text.find(Self.valueClosing, from: max(index, start + searched)) else {
        searched = max(text.bytes.count - Self.valueClosing.utf8.count, index) - start
        return .more
      }
      parameters.append((key, text.string(index..<close)))
      resume = close + Self.valueClosing.utf8.count - start
    }
  }
}
