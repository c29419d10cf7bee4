// A tokenizer's vocabulary made ready for masks: once a model, shared by all its grammars.

/// The bytes of every token that is text, as trees; plain tokens apart from the others, by length.
///
/// Where a grammar allows any plain text of some length, all the tokens up to that length are allowed together, without
/// a look at each. Making it takes about as long as loading the vocabulary.
public final class GrammarVocabulary: Sendable {
  /// Plain tokens of about the same length.
  struct Slice: Sendable {
    /// Characters of the longest token.
    let longest: Int
    let mask: TokenMask
    let trie: TokenTrie
  }

  /// The number of token ids.
  public let count: Int
  /// Tokens that end a text: allowed where it is complete.
  public let endOfGeneration: [Int32]
  let slices: [Slice]
  /// Tokens that are not plain: with quotation marks, backslashes, controls or parts of characters.
  let rest: TokenTrie
  /// Bytes of each token; empty for those that are no text.
  private let pieces: [UInt8]
  private let ends: [Int32]
  let deepest: Int

  private static let sliceLengths = [4, 8, 16, TokenTrie.longestToken]

  /// - Parameter tokenizer: its special tokens are never text; those that end a generation are allowed where a
  ///   text is complete.
  public init(_ tokenizer: any Tokenizer) {
    count = tokenizer.vocabularySize
    endOfGeneration = tokenizer.endOfGeneration.filter { $0 >= 0 && Int($0) < tokenizer.vocabularySize }.sorted()
    let excluded = Set(endOfGeneration)
    let kinds = (tokenizer as? SubwordTokenizer)?.vocabulary
    var pieces: [UInt8] = [], ends: [Int32] = []
    ends.reserveCapacity(count)
    for token in 0..<Int32(clamping: count) {
      if !excluded.contains(token), !tokenizer.isSpecial(token), kinds?.kind(token) != .unused {
        let bytes = tokenizer.bytes(of: token, renderSpecial: false)
        if bytes.count <= TokenTrie.longestToken { pieces += bytes }
      }
      ends.append(Int32(pieces.count))
    }
    var groups: [[(bytes: ArraySlice<UInt8>, token: Int32)]] = Array(repeating: [], count: Self.sliceLengths.count)
    var others: [(bytes: ArraySlice<UInt8>, token: Int32)] = []
    for token in 0..<ends.count {
      let bytes = pieces[(token == 0 ? 0 : Int(ends[token - 1]))..<Int(ends[token])]
      guard !bytes.isEmpty else { continue }
      if let length = PlainText.length(bytes), let group = Self.sliceLengths.firstIndex(where: { length <= $0 }) {
        groups[group].append((bytes, Int32(token)))
      } else {
        others.append((bytes, Int32(token)))
      }
    }
    let size = count
    slices = groups.map { group in
      var mask = TokenMask(count: size)
      for entry in group { mask[entry.token] = true }
      let longest = group.reduce(0) { max($0, PlainText.length($1.bytes) ?? 0) }
      return Slice(longest: longest, mask: mask, trie: Self.trie(group))
    }
    rest = Self.trie(others)
    deepest = max(rest.deepest, slices.reduce(0) { max($0, $1.trie.deepest) })
    self.pieces = pieces
    self.ends = ends
  }

  private static func trie(_ entries: [(bytes: ArraySlice<UInt8>, token: Int32)]) -> TokenTrie {
    TokenTrie(sorted: entries.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) })
  }

  /// The trie of a slice, or behind the last slice that of the other tokens.
  func trie(_ index: Int) -> TokenTrie { index < slices.count ? slices[index].trie : rest }

  /// The bytes of a token that is text; empty for others.
  public func bytes(of token: Int32) -> ArraySlice<UInt8> {
    guard token >= 0, Int(token) < ends.count else { return [] }
    return pieces[(token == 0 ? 0 : Int(ends[Int(token) - 1]))..<Int(ends[Int(token)])]
  }
}
