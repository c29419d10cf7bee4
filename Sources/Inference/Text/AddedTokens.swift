// Finding special and user-defined tokens in a text, before the rest of it is tokenized.

/// A token that is found in a text as it stands, ahead of the tokenizer's model.
struct AddedToken: Sendable {
  var id: Int32
  var content: [UInt8]
  /// Whether it is found only where special tokens are asked for.
  var isSpecial: Bool
  /// Whether white space before it, or after it, belongs to it.
  var stripsLeft = false
  var stripsRight = false
  /// Whether it must stand between characters that are no word's.
  var isSingleWord = false
  /// Whether it is looked for in the normalised text.
  var isNormalized = false
}

/// Cuts a text at the added tokens in it: from the left, the longest at each place.
struct AddedTokens: Sendable {
  enum Section: Equatable {
    case text(Range<Int>)
    case token(Int32)
  }

  private var tokens: [AddedToken] = []
  private var trie = ByteTrie()
  private var begins = Array(repeating: false, count: 256)

  init(_ tokens: [AddedToken]) {
    for token in tokens {
      guard let first = token.content.first else { continue }
      trie.insert(token.content, entry: Int32(clamping: self.tokens.count))
      begins[Int(first)] = true
      self.tokens.append(token)
    }
  }

  var isEmpty: Bool { tokens.isEmpty }

  /// The id of the added token with this name.
  func id(named name: [UInt8]) -> Int32? {
    name.withUnsafeBufferPointer { bytes in
      var found: Int32?
      trie.forEachMatch(in: bytes, at: 0) { if $1 == bytes.count { found = tokens[Int($0)].id } }
      return found
    }
  }

  func sections(of text: [UInt8], parseSpecial: Bool) -> [Section] {
    guard !tokens.isEmpty else { return text.isEmpty ? [] : [.text(0..<text.count)] }
    var result: [Section] = []
    text.withUnsafeBufferPointer { bytes in
      var index = 0
      var textStart = 0
      while index < bytes.count {
        guard begins[Int(bytes[index])], let (token, end) = match(bytes, index, parseSpecial: parseSpecial) else {
          index += 1
          continue
        }
        let textEnd = token.stripsLeft ? Self.trimLeft(bytes, textStart, index) : index
        if textStart < textEnd { result.append(.text(textStart..<textEnd)) }
        result.append(.token(token.id))
        index = token.stripsRight ? Self.trimRight(bytes, end) : end
        textStart = index
      }
      if textStart < bytes.count { result.append(.text(textStart..<bytes.count)) }
    }
    return result
  }

  private func match(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, parseSpecial: Bool
  ) -> (token: AddedToken, end: Int)? {
    var best: (AddedToken, Int)?
    trie.forEachMatch(in: bytes, at: start) { entry, end in
      let token = tokens[Int(entry)]
      guard parseSpecial || !token.isSpecial else { return }
      if token.isSingleWord, Self.isWord(bytes, before: start) || Self.isWord(bytes, at: end) { return }
      best = (token, end)
    }
    return best
  }

  private static func isWord(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
    index < bytes.count && CharacterClass.of(UTF8Scanner.scalar(bytes, at: index).value).contains(.word)
  }

  private static func isWord(_ bytes: UnsafeBufferPointer<UInt8>, before index: Int) -> Bool {
    characterStart(bytes, before: index).map { isWord(bytes, at: $0) } ?? false
  }

  /// Where the character before `index` starts.
  private static func characterStart(_ bytes: UnsafeBufferPointer<UInt8>, before index: Int) -> Int? {
    guard index > 0 else { return nil }
    // The longest first: its last byte alone would read as one that is no UTF-8.
    return (max(0, index - 4)..<index).first { $0 + UTF8Scanner.scalar(bytes, at: $0).length == index }
  }

  private static func trimLeft(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    var end = end
    while end > start, let before = characterStart(bytes, before: end), before >= start,
      CharacterClass.of(UTF8Scanner.scalar(bytes, at: before).value).contains(.whitespace)
    {
      end = before
    }
    return end
  }

  private static func trimRight(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var index = start
    while index < bytes.count {
      let (value, length) = UTF8Scanner.scalar(bytes, at: index)
      guard CharacterClass.of(value).contains(.whitespace) else { break }
      index += length
    }
    return index
  }
}
