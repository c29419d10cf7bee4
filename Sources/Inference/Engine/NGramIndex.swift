// Drafts from a request's own tokens: where its last tokens came before, and what followed then.

/// Where every run of three tokens came last (Saxena 2023, "Prompt Lookup Decoding"). Text that repeats itself, such as
/// code, JSON and quotations, is guessed at no cost.
package struct NGramIndex {
  private static let length = 3
  /// By a run's tokens, the index of what followed it. Large vocabularies may share keys: a wrong draft is only dropped.
  private var followers: [UInt64: Int32] = [:]
  /// Tokens that were a follower.
  private var indexed = NGramIndex.length

  package init() {}

  /// Up to `most` tokens that followed the last ones of `tokens` when they came before; none where they never did.
  ///
  /// - Parameter tokens: the same as before, and those that came since.
  package mutating func draft(after tokens: [Int32], most: Int) -> [Int32] {
    guard tokens.count > Self.length, most > 0 else { return [] }
    while indexed < tokens.count {
      followers[Self.key(tokens, before: indexed)] = Int32(indexed)
      indexed += 1
    }
    guard let start = followers[Self.key(tokens, before: tokens.count)].map(Int.init) else { return [] }
    var draft: [Int32] = []
    for index in start..<start + most {
      // What was guessed continues the text, so that a short cycle is guessed round and round.
      draft.append(index < tokens.count ? tokens[index] : draft[index - tokens.count])
    }
    return draft
  }

  private static func key(_ tokens: [Int32], before end: Int) -> UInt64 {
    tokens[end - length..<end].reduce(0) { $0 << 21 ^ UInt64(UInt32(bitPattern: $1)) }
  }
}
