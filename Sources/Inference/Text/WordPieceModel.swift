// WordPiece, BERT's model: the longest piece first, word by word. Words come here normalised and cut.

/// Covers a word with pieces from the left, the longest first; a word that cannot be covered is unknown as a whole.
struct WordPieceModel: Sendable {
  let vocabulary: Vocabulary
  let unknown: Int32?
  /// What the vocabulary writes before a piece that begins a word, and before one that continues it.
  let wordMark: [UInt8]
  let continuationMark: [UInt8]
  /// A word of more characters is unknown.
  let longestWord: Int

  func encode(_ word: UnsafeBufferPointer<UInt8>, into result: inout [Int32]) {
    let first = result.count
    var boundaries = [0]
    while let last = boundaries.last, last < word.count {
      boundaries.append(last + UTF8Scanner.scalar(word, at: last).length)
    }
    var start = boundaries.count - 1 > longestWord ? -1 : 0
    while start >= 0, start < boundaries.count - 1 {
      guard let (id, end) = longestPiece(word, boundaries, from: start) else {
        start = -1
        break
      }
      result.append(id)
      start = end
    }
    if start < 0 {
      result.removeSubrange(first...)
      if let unknown { result.append(unknown) }
    }
  }

  /// The longest piece at a boundary, and the boundary where it ends.
  private func longestPiece(
    _ word: UnsafeBufferPointer<UInt8>, _ boundaries: [Int], from start: Int
  ) -> (Int32, Int)? {
    let mark = start == 0 ? wordMark : continuationMark
    let candidate = mark + word[boundaries[start]...]
    return candidate.withUnsafeBufferPointer { bytes in
      for end in stride(from: boundaries.count - 1, to: start, by: -1) {
        let length = mark.count + boundaries[end] - boundaries[start]
        if let id = vocabulary.id(of: UnsafeBufferPointer(rebasing: bytes[..<length])) { return (id, end) }
      }
      return nil
    }
  }
}
