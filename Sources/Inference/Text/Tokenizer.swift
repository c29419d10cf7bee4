// What every tokenizer offers, whatever its algorithm. Loading one is TokenizerLoader's work.

/// Turns text into the token ids of one model, and ids back into text. Immutable: any thread may use it.
public protocol Tokenizer: Sendable {
  /// The number of token ids; valid ids are `0..<vocabularySize`.
  var vocabularySize: Int { get }
  /// The token that opens a text (`[CLS]` for BERT), if the model has one.
  var bos: Int32? { get }
  /// The token that ends a text (`[SEP]` for BERT), if the model has one.
  var eos: Int32? { get }
  /// Every token after which a generated answer is complete: end of text, of turn, of message.
  var endOfGeneration: Set<Int32> { get }
  /// Whether the model expects its opening token before a text.
  var addsBOS: Bool { get }
  /// Whether the model expects its closing token after a text.
  var addsEOS: Bool { get }
  /// Whether decoding drops one leading space, which encoding had put before the text.
  var stripsLeadingSpace: Bool { get }

  /// The token ids of a text.
  ///
  /// - Parameters:
  ///   - text: UTF-8; bytes that are no UTF-8 are kept where the vocabulary can say a byte, else become unknown.
  ///   - parseSpecial: whether the text of a control token, such as `<|im_end|>`, becomes that token. Never set it
  ///     for text that a user typed. Tokens that the vocabulary lists as user-defined are always found.
  ///   - addBOS: whether the opening token comes first; nil for what the model expects.
  ///   - addEOS: whether the closing token comes last; nil for what the model expects.
  func encode(_ text: [UInt8], parseSpecial: Bool, addBOS: Bool?, addEOS: Bool?) -> [Int32]

  /// What a token adds to a text, in UTF-8, possibly a part of a character; nothing for an id out of range.
  ///
  /// - Parameter renderSpecial: whether control tokens show as their names, or as nothing.
  func bytes(of token: Int32, renderSpecial: Bool) -> [UInt8]

  /// Whether a token is a control or unknown token, which is no part of the text.
  func isSpecial(_ token: Int32) -> Bool

  /// The token whose text is `piece`: a special token's name, or ordinary text that is one token.
  func token(for piece: String) -> Int32?
}

extension Tokenizer {
  /// The token ids of a text.
  public func encode(
    _ text: String, parseSpecial: Bool = true, addBOS: Bool? = nil, addEOS: Bool? = nil
  ) -> [Int32] {
    encode(Array(text.utf8), parseSpecial: parseSpecial, addBOS: addBOS, addEOS: addEOS)
  }

  /// The bytes that a sequence of tokens stands for, a leading space stripped where the model puts one.
  public func decodeBytes(_ tokens: [Int32], renderSpecial: Bool = false) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(tokens.count * 4)
    var atStart = stripsLeadingSpace
    for token in tokens {
      let piece = bytes(of: token, renderSpecial: renderSpecial)
      // The space stands before the first word, which may follow an opening token.
      if atStart, !isSpecial(token), !piece.isEmpty {
        atStart = false
        result += piece.first == 0x20 ? piece.dropFirst() : piece[...]
      } else {
        result += piece
      }
    }
    return result
  }

  /// The text that a sequence of tokens stands for. Bytes that are no UTF-8 become U+FFFD.
  public func decode(_ tokens: [Int32], renderSpecial: Bool = false) -> String {
    String(decoding: decodeBytes(tokens, renderSpecial: renderSpecial), as: UTF8.self)
  }
}
