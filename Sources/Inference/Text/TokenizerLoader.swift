// Making tokenizers from files: what all kinds of files share. One file a kind stands beside this one.

/// Loads the tokenizer that a file describes.
public enum TokenizerLoader {
  /// No vocabulary has ids far beyond the number of its entries; a file that says so wants memory, not tokens.
  static let idSlack = 1 << 20

  /// Names of tokens that end an answer, in the models that have them. Sources: the models' generation_config.json.
  static let endNames: [String] = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>",
    "<EOT>", "_<EOT>", "[EOT]", "<|end_of_text|>", "<end_of_utterance>", "<turn|>", "<｜end▁of▁sentence｜>",
  ]

  /// The tokens that end an answer: those given, and those known by their names among the added ones.
  static func endTokens(_ given: [Int32?], _ added: [AddedToken]) -> Set<Int32> {
    var result = Set(given.compactMap { $0 })
    let names = Set(endNames.map { Array($0.utf8) })
    for token in added where names.contains(token.content) { result.insert(token.id) }
    return result
  }

  /// Reads `<0x00>` to `<0xFF>`.
  static func byteValue(_ piece: some Collection<UInt8>) -> UInt8? {
    let piece = Array(piece)
    guard piece.count == 6, piece.starts(with: "<0x".utf8), piece[5] == UInt8(ascii: ">") else { return nil }
    func digit(_ byte: UInt8) -> UInt8? {
      switch byte {
      case 0x30...0x39: byte - 0x30
      case 0x41...0x46: byte - 0x41 + 10
      case 0x61...0x66: byte - 0x61 + 10
      default: nil
      }
    }
    guard let high = digit(piece[3]), let low = digit(piece[4]) else { return nil }
    return high << 4 | low
  }

  /// The byte tokens of a vocabulary: the byte of each, and the token of each byte if none is missing.
  static func byteTokens(_ vocabulary: Vocabulary) -> (values: [Int32: UInt8], tokens: [Int32]?) {
    var values: [Int32: UInt8] = [:]
    var tokens: [Int32] = Array(repeating: -1, count: 256)
    for id in 0..<Int32(clamping: vocabulary.count) where vocabulary.kind(id) == .byte {
      guard let value = byteValue(vocabulary.piece(id)) else { continue }
      values[id] = value
      if tokens[Int(value)] < 0 { tokens[Int(value)] = id }
    }
    return (values, tokens.contains(-1) ? nil : tokens)
  }

  /// Ranks by score for merging: the highest score is rank 0, equal scores are equal ranks.
  static func ranks(_ scores: [Double]) -> [UInt32] {
    let order = scores.indices.sorted { key(scores[$0]) > key(scores[$1]) }
    var result = Array(repeating: UInt32(0), count: scores.count)
    var rank: UInt32 = 0
    for (position, index) in order.enumerated() {
      if position > 0, key(scores[order[position - 1]]) != key(scores[index]) { rank += 1 }
      result[index] = rank
    }
    return result
  }

  /// A score that can be compared: what is no number comes last.
  private static func key(_ score: Double) -> Double { score.isNaN ? -.infinity : score }

  /// The table of merges given as pairs of pieces. Pairs that name no piece, or make none, can never apply.
  static func mergeTable(
    _ vocabulary: Vocabulary, count: Int, _ forEach: ((ArraySlice<UInt8>, ArraySlice<UInt8>) -> Void) -> Void
  ) -> PairTable {
    var table = PairTable(minimumCapacity: count)
    var rank: UInt32 = 0
    forEach { left, right in
      if let first = vocabulary.id(of: left), let second = vocabulary.id(of: right),
        let merged = vocabulary.id(of: left + right)
      {
        table.insertIfAbsent(
          UInt32(bitPattern: first), UInt32(bitPattern: second), (rank, UInt32(bitPattern: merged)))
      }
      rank &+= 1
    }
    return table
  }
}

/// The letters that GPT-2's vocabulary writes for bytes, so that every piece is printable.
///
/// Printable bytes of Latin-1 stand for themselves; the others, in order, are U+0100 and on (openai/gpt-2, encoder.py).
enum ByteLetters {
  private static let bytes: [UInt32: UInt8] = {
    var result: [UInt32: UInt8] = [:]
    var next: UInt32 = 0x100
    for byte in UInt8.min...UInt8.max {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: result[UInt32(byte)] = byte
      default:
        result[next] = byte
        next += 1
      }
    }
    return result
  }()
  /// The same for letters below U+0180, as a table: most of loading a vocabulary is spent here.
  private static let table: [Int16] = (0..<0x180).map { bytes[$0].map(Int16.init) ?? -1 }

  /// The bytes that a piece stands for, or nil if it holds a letter that stands for none.
  static func decode(_ piece: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(piece.count)
    var index = 0
    while index < piece.count {
      let (value, length) = UTF8Scanner.scalar(piece, at: index)
      guard value < 0x180, table[Int(value)] >= 0 else { return nil }
      result.append(UInt8(truncatingIfNeeded: table[Int(value)]))
      index += length
    }
    return result
  }

  static func decode(_ piece: some Collection<UInt8>) -> [UInt8]? {
    Array(piece).withUnsafeBufferPointer { decode($0) }
  }
}
