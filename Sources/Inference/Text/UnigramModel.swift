// The unigram language model of SentencePiece: the likeliest segmentation by Viterbi. No training, no sampling.

/// Segments a text into the pieces whose scores add up highest.
struct UnigramModel: Sendable {
  private let vocabulary: Vocabulary
  private let trie: ByteTrie
  private let unknown: Int32?
  private let unknownScore: Double
  private let byteTokens: [Int32]?

  /// What an unknown character scores below the worst piece (sentencepiece, `kUnkPenalty`).
  private static let unknownPenalty = 10.0

  init(vocabulary: Vocabulary, unknown: Int32?, byteTokens: [Int32]?) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.byteTokens = byteTokens
    var trie = ByteTrie()
    var lowest = Double.infinity
    for id in 0..<Int32(clamping: vocabulary.count) {
      guard [.normal, .userDefined].contains(vocabulary.kind(id)) else { continue }
      trie.insert(vocabulary.piece(id), entry: id)
      lowest = min(lowest, Self.score(id, vocabulary))
    }
    self.trie = trie
    unknownScore = (lowest.isFinite ? lowest : 0) - Self.unknownPenalty
  }

  private static func score(_ id: Int32, _ vocabulary: Vocabulary) -> Double {
    guard vocabulary.kind(id) != .userDefined, vocabulary.scores.indices.contains(Int(id)) else { return 0 }
    let score = vocabulary.scores[Int(id)]
    return score.isFinite ? score : 0
  }

  func encode(_ text: UnsafeBufferPointer<UInt8>, into result: inout [Int32]) {
    // best[i]: the best way to end a segmentation at byte i: its score, its last piece (-1 unknown), where it began.
    var best: [(score: Double, id: Int32, start: Int)] = Array(repeating: (-.infinity, -1, -1), count: text.count + 1)
    best[0].score = 0
    var index = 0
    while index < text.count {
      let length = UTF8Scanner.scalar(text, at: index).length
      let score = best[index].score
      var coversCharacter = false
      trie.forEachMatch(in: text, at: index) { id, end in
        if end == index + length { coversCharacter = true }
        let candidate = score + Self.score(id, vocabulary)
        if best[end].start < 0 || candidate > best[end].score { best[end] = (candidate, id, index) }
      }
      if !coversCharacter {
        let candidate = score + unknownScore
        let end = index + length
        if best[end].start < 0 || candidate > best[end].score { best[end] = (candidate, -1, index) }
      }
      index += length
    }
    var path: [(id: Int32, range: Range<Int>)] = []
    var end = text.count
    while end > 0, best[end].start >= 0 {
      path.append((best[end].id, best[end].start..<end))
      end = best[end].start
    }
    emit(path.reversed(), text, into: &result)
  }

  private func emit(
    _ path: some Sequence<(id: Int32, range: Range<Int>)>, _ text: UnsafeBufferPointer<UInt8>,
    into result: inout [Int32]
  ) {
    var lastWasUnknown = false
    for (id, range) in path {
      if id >= 0 {
        result.append(id)
        lastWasUnknown = false
      } else if let byteTokens {
        for byte in text[range] { result.append(byteTokens[Int(byte)]) }
      } else if let unknown, !lastWasUnknown {
        // Unknown characters side by side are one unknown token.
        result.append(unknown)
        lastWasUnknown = true
      }
    }
  }
}
