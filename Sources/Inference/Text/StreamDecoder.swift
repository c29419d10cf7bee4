// Text from tokens as they come. A token may end inside a character: nothing of it shows before it is whole.

/// Decodes a stream of tokens. What it returns is always whole characters, and all of it together is what
/// ``Tokenizer/decode(_:renderSpecial:)`` makes of the same tokens.
public struct StreamDecoder: Sendable {
  private let tokenizer: any Tokenizer
  private let renderSpecial: Bool
  /// The start of a character whose end is still to come: three bytes at most.
  private var pending: [UInt8] = []
  private var atStart: Bool

  /// - Parameters:
  ///   - renderSpecial: whether control tokens show as their names.
  ///   - atTextStart: whether the first token opens a text. Set it where the stream is not the continuation of
  ///     a prompt; the leading space that some models put before a text is then dropped.
  public init(tokenizer: any Tokenizer, renderSpecial: Bool = false, atTextStart: Bool = false) {
    self.tokenizer = tokenizer
    self.renderSpecial = renderSpecial
    atStart = atTextStart && tokenizer.stripsLeadingSpace
  }

  /// Takes the next token and returns the characters that it completes.
  public mutating func append(_ token: Int32) -> String {
    let piece = tokenizer.bytes(of: token, renderSpecial: renderSpecial)
    if atStart, !tokenizer.isSpecial(token), !piece.isEmpty {
      atStart = false
      pending += piece.first == 0x20 ? piece.dropFirst() : piece[...]
    } else {
      pending += piece
    }
    let whole = pending.count - pending.incompleteTail
    guard whole > 0 else { return "" }
    let text = String(decoding: pending[..<whole], as: UTF8.self)
    pending.removeFirst(whole)
    return text
  }

  /// Ends the stream: bytes of a character that never became whole come out as U+FFFD.
  public mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }
}

extension [UInt8] {
  /// How many bytes at the end are a proper beginning of a UTF-8 character, so that more could complete it.
  fileprivate var incompleteTail: Int {
    for length in 1...3 where length <= count {
      let lead = self[count - length]
      if lead & 0xC0 == 0x80 { continue }
      return UTF8Scanner.isBeginning(self[(count - length)...]) ? length : 0
    }
    return 0
  }
}
