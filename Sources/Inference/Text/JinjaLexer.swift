// Cuts a Jinja template into tokens, white-space control included: trim_blocks and lstrip_blocks are on and one
// newline at the end is dropped, as chat templates expect. It knows no grammar.

enum JinjaOperator: String {
  case add = "+", subtract = "-", divide = "/", floorDivide = "//", multiply = "*", modulo = "%", power = "**"
  case concatenate = "~", openBracket = "[", closeBracket = "]", openParenthesis = "(", closeParenthesis = ")"
  case openBrace = "{", closeBrace = "}", equal = "==", notEqual = "!=", greater = ">", greaterOrEqual = ">="
  case less = "<", lessOrEqual = "<=", assign = "=", dot = ".", colon = ":", pipe = "|", comma = ",", semicolon = ";"
}

struct JinjaToken {
  enum Kind: Equatable {
    case data(String)
    case blockBegin, blockEnd, variableBegin, variableEnd
    case name(String), string(String), integer(Int), float(Double), op(JinjaOperator)
    case end
  }
  let kind: Kind
  let line: Int
}

struct JinjaLexer {
  private let source: [Unicode.Scalar]
  private var position = 0
  private var line = 1
  private var tokens: [JinjaToken] = []

  static func tokens(of source: String) throws(TextError) -> [JinjaToken] {
    var lexer = JinjaLexer(source: source)
    while lexer.position < lexer.source.count { try lexer.scanText() }
    lexer.emit(.end)
    return lexer.tokens
  }

  /// Takes every kind of line end for a newline, and drops one at the end.
  private init(source text: String) {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(text.utf8.count)
    var afterReturn = false
    for scalar in text.unicodeScalars {
      if scalar == "\r" {
        scalars.append("\n")
      } else if scalar != "\n" || !afterReturn {
        scalars.append(scalar)
      }
      afterReturn = scalar == "\r"
    }
    if scalars.last == "\n" { scalars.removeLast() }
    source = scalars
  }

  // MARK: Text between tags

  private enum Tag { case block, variable, comment }

  /// Scans text up to the next tag, then the tag.
  private mutating func scanText() throws(TextError) {
    let start = position
    let lineStarts = position == 0 || source[position - 1] == "\n"
    var end = position
    var found: Tag?
    while end < source.count {
      if let tag = tag(at: end) {
        found = tag
        break
      }
      end += 1
    }
    guard let found else {
      emitData(start..<end)
      move(to: end)
      return
    }
    var bodyStart = end + 2
    var sign: Unicode.Scalar?
    if bodyStart < source.count, source[bodyStart] == "-" || source[bodyStart] == "+" {
      sign = source[bodyStart]
      bodyStart += 1
    }
    emitData(start..<strippedEnd(of: start..<end, sign: sign, tag: found, lineStarts: lineStarts))
    move(to: end)
    switch found {
    case .comment: try scanComment(from: bodyStart)
    case .variable:
      emit(.variableBegin)
      move(to: bodyStart)
      try scanTag(.variable)
    case .block:
      if let raw = rawBegin(from: bodyStart) {
        move(to: raw)
        try scanRaw()
      } else {
        emit(.blockBegin)
        move(to: bodyStart)
        try scanTag(.block)
      }
    }
  }

  private func tag(at index: Int) -> Tag? {
    guard index + 1 < source.count, source[index] == "{" else { return nil }
    switch source[index + 1] {
    case "%": return .block
    case "{": return .variable
    case "#": return .comment
    default: return nil
    }
  }

  /// Where text ends once the white space that the tag after it takes away is gone.
  private func strippedEnd(of text: Range<Int>, sign: Unicode.Scalar?, tag: Tag, lineStarts: Bool) -> Int {
    var end = text.upperBound
    if sign == "-" {
      while end > text.lowerBound, source[end - 1].isPythonSpace { end -= 1 }
      return end
    }
    guard sign == nil, tag != .variable else { return end }
    while end > text.lowerBound, source[end - 1] != "\n" {
      guard source[end - 1].isPythonSpace else { return text.upperBound }
      end -= 1
    }
    return end > text.lowerBound || lineStarts ? end : text.upperBound
  }

  private mutating func scanComment(from start: Int) throws(TextError) {
    var end = start
    while end + 1 < source.count, source[end] != "#" || source[end + 1] != "}" { end += 1 }
    guard end + 1 < source.count else { throw error("a comment is not closed") }
    let trims = end > start && source[end - 1] == "-"
    let keeps = end > start && source[end - 1] == "+"
    move(to: end + 2)
    skipAfterTag(trims: trims, keeps: keeps)
  }

  private mutating func skipAfterTag(trims: Bool, keeps: Bool) {
    if trims {
      skipSpace()
    } else if !keeps, position < source.count, source[position] == "\n" {
      move(to: position + 1)
    }
  }

  // MARK: Raw blocks

  /// The end of `raw %}` when that is what stands at `start`.
  private func rawBegin(from start: Int) -> Int? {
    guard let word = wordEnd("raw", from: start) else { return nil }
    if matches("%}", at: word) { return word + 2 }
    guard matches("-%}", at: word) else { return nil }
    var end = word + 3
    while end < source.count, source[end].isPythonSpace { end += 1 }
    return end
  }

  /// The index behind `word` and the white space around it.
  private func wordEnd(_ word: String, from start: Int) -> Int? {
    var index = start
    while index < source.count, source[index].isPythonSpace { index += 1 }
    guard matches(word, at: index) else { return nil }
    index += word.unicodeScalars.count
    while index < source.count, source[index].isPythonSpace { index += 1 }
    return index
  }

  private mutating func scanRaw() throws(TextError) {
    let start = position
    let lineStarts = position == 0 || source[position - 1] == "\n"
    var end = start
    while end < source.count {
      defer { end += 1 }
      guard tag(at: end) == .block else { continue }
      var bodyStart = end + 2
      var sign: Unicode.Scalar?
      if bodyStart < source.count, source[bodyStart] == "-" || source[bodyStart] == "+" {
        sign = source[bodyStart]
        bodyStart += 1
      }
      guard let word = wordEnd("endraw", from: bodyStart) else { continue }
      let close: (length: Int, trims: Bool, keeps: Bool)
      if matches("%}", at: word) {
        close = (2, false, false)
      } else if matches("-%}", at: word) {
        close = (3, true, false)
      } else if matches("+%}", at: word) {
        close = (3, false, true)
      } else {
        continue
      }
      emitData(start..<strippedEnd(of: start..<end, sign: sign, tag: .block, lineStarts: lineStarts))
      move(to: word + close.length)
      skipAfterTag(trims: close.trims, keeps: close.keeps)
      return
    }
    throw error("a raw block is not closed")
  }

  // MARK: Inside tags

  private mutating func scanTag(_ tag: Tag) throws(TextError) {
    var open: [JinjaOperator] = []
    while true {
      skipSpace()
      guard position < source.count else { throw error("a tag is not closed") }
      if open.isEmpty, scanTagEnd(tag) { return }
      let scalar = source[position]
      if ("0"..."9").contains(scalar) {
        try scanNumber()
      } else if scalar.isPythonWord {
        try scanName()
      } else if scalar == "'" || scalar == "\"" {
        try scanString()
      } else {
        try scanOperator(&open)
      }
    }
  }

  private mutating func scanTagEnd(_ tag: Tag) -> Bool {
    let close = tag == .block ? "%}" : "}}"
    var index = position
    let trims = source[index] == "-"
    let keeps = tag == .block && source[index] == "+"
    if trims || keeps { index += 1 }
    guard matches(close, at: index) else { return false }
    emit(tag == .block ? .blockEnd : .variableEnd)
    move(to: index + 2)
    if trims {
      skipSpace()
    } else if tag == .block {
      skipAfterTag(trims: false, keeps: keeps)
    }
    return true
  }

  private mutating func scanOperator(_ open: inout [JinjaOperator]) throws(TextError) {
    var found: JinjaOperator?
    for length in [2, 1] where found == nil && position + length <= source.count {
      found = JinjaOperator(rawValue: text(position..<position + length))
    }
    guard let found else { throw error("unexpected character '\(source[position])'") }
    switch found {
    case .openBrace, .openBracket, .openParenthesis: open.append(found)
    case .closeBrace, .closeBracket, .closeParenthesis:
      let partner: [JinjaOperator: JinjaOperator] = [
        .closeBrace: .openBrace, .closeBracket: .openBracket, .closeParenthesis: .openParenthesis,
      ]
      guard let last = open.popLast(), partner[found] == last else {
        throw error("unexpected '\(found.rawValue)'")
      }
    default: break
    }
    emit(.op(found))
    move(to: position + found.rawValue.unicodeScalars.count)
  }

  private mutating func scanName() throws(TextError) {
    var end = position
    while end < source.count, source[end].isPythonWord { end += 1 }
    guard source[position] == "_" || source[position].properties.isXIDStart else {
      throw error("unexpected character '\(source[position])'")
    }
    emit(.name(text(position..<end)))
    move(to: end)
  }

  // MARK: Helpers

  private func matches(_ word: String, at index: Int) -> Bool {
    let word = word.unicodeScalars
    guard index + word.count <= source.count else { return false }
    return source[index..<index + word.count].elementsEqual(word)
  }

  private func text(_ range: Range<Int>) -> String {
    var text = ""
    text.unicodeScalars.append(contentsOf: source[range])
    return text
  }

  private mutating func skipSpace() {
    var end = position
    while end < source.count, source[end].isPythonSpace { end += 1 }
    move(to: end)
  }

  private mutating func move(to end: Int) {
    for index in position..<end where source[index] == "\n" { line += 1 }
    position = end
  }

  private mutating func emit(_ kind: JinjaToken.Kind) { tokens.append(JinjaToken(kind: kind, line: line)) }

  private mutating func emitData(_ range: Range<Int>) {
    if !range.isEmpty { emit(.data(text(range))) }
  }

  private func error(_ reason: String) -> TextError { .templateSyntax(line: line, reason: reason) }
}

// MARK: - Literals

extension JinjaLexer {
  private mutating func scanNumber() throws(TextError) {
    let afterDot = position > 0 && source[position - 1] == "."
    if !afterDot, let end = floatEnd() {
      let digits = text(position..<end).filter { $0 != "_" }
      guard let value = Double(digits) else { throw error("not a number: \(digits)") }
      emit(.float(value))
      return move(to: end)
    }
    var radix = 10
    var start = position
    if source[position] == "0", position + 2 < source.count,
      let prefixed = ["b": 2, "o": 8, "x": 16][Character(source[position + 1]).lowercased()],
      JinjaNumbers.digit(source[position + 2], radix: prefixed) != nil || source[position + 2] == "_"
    {
      radix = prefixed
      start += 2
    }
    let onlyZeros = radix == 10 && source[position] == "0"
    var end = start
    var value = 0
    while end < source.count {
      let skipped = source[end] == "_" && end + 1 < source.count ? end + 1 : end
      guard let digit = JinjaNumbers.digit(source[skipped], radix: radix), !onlyZeros || digit == 0 else { break }
      let (scaled, overflowed) = value.multipliedReportingOverflow(by: radix)
      let (sum, carried) = scaled.addingReportingOverflow(digit)
      guard !overflowed, !carried else { throw error("a whole number does not fit 64 bits") }
      value = sum
      end = skipped + 1
    }
    emit(.integer(value))
    move(to: end)
  }

  /// The end of a number with a fraction or an exponent, nil when what stands here has neither.
  private func floatEnd() -> Int? {
    func digitsEnd(_ start: Int) -> Int? {
      var end = start
      while end < source.count {
        let digit = source[end] == "_" && end > start && end + 1 < source.count ? end + 1 : end
        guard ("0"..."9").contains(source[digit]) else { break }
        end = digit + 1
      }
      return end > start ? end : nil
    }
    guard var end = digitsEnd(position) else { return nil }
    var isFloat = false
    if end < source.count, source[end] == ".", let fraction = digitsEnd(end + 1) {
      isFloat = true
      end = fraction
    }
    if end < source.count, source[end] == "e" || source[end] == "E" {
      let signed = end + 1 < source.count && (source[end + 1] == "+" || source[end + 1] == "-")
      if let exponent = digitsEnd(end + (signed ? 2 : 1)) {
        isFloat = true
        end = exponent
      }
    }
    return isFloat ? end : nil
  }

  private mutating func scanString() throws(TextError) {
    let quote = source[position]
    var index = position + 1
    var value = ""
    while index < source.count, source[index] != quote {
      if source[index] == "\\" {
        index = try unescape(at: index + 1, into: &value)
      } else {
        value.unicodeScalars.append(source[index])
        index += 1
      }
    }
    guard index < source.count else { throw error("a string is not closed") }
    emit(.string(value))
    move(to: index + 1)
  }

  /// Appends what the escape whose letter stands at `index` means; returns the index behind it.
  private func unescape(at index: Int, into value: inout String) throws(TextError) -> Int {
    guard index < source.count else { throw error("a string is not closed") }
    let scalar = source[index]
    switch scalar {
    case "\n": return index + 1
    case "x": return try unescapeHex(at: index + 1, count: 2, into: &value)
    case "u": return try unescapeHex(at: index + 1, count: 4, into: &value)
    case "U": return try unescapeHex(at: index + 1, count: 8, into: &value)
    case "N": throw error("characters by name are not supported")
    case "0"..."7":
      var code: UInt32 = 0
      var end = index
      while end < min(index + 3, source.count), ("0"..."7").contains(source[end]) {
        code = code * 8 + (source[end].value - 0x30)
        end += 1
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("an escape stands for no character") }
      value.unicodeScalars.append(scalar)
      return end
    default:
      let plain: [Unicode.Scalar: Unicode.Scalar] = [
        "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}",
        "f": "\u{c}", "v": "\u{b}",
      ]
      if let meant = plain[scalar] {
        value.unicodeScalars.append(meant)
        return index + 1
      }
      // An unknown escape stands for itself, backslash included.
      value.unicodeScalars.append("\\")
      return index
    }
  }

  private func unescapeHex(at index: Int, count: Int, into value: inout String) throws(TextError) -> Int {
    var code: UInt32 = 0
    for offset in 0..<count {
      guard index + offset < source.count, let digit = JinjaNumbers.digit(source[index + offset], radix: 16) else {
        throw error("an escape needs \(count) hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
    }
    guard let scalar = Unicode.Scalar(code) else { throw error("an escape stands for no character") }
    value.unicodeScalars.append(scalar)
    return index + count
  }
}
