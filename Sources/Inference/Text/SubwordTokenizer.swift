// The one tokenizer: added tokens, normalizer, pre-tokenizer and a model in a row. Loading is TokenizerLoader's.

/// The algorithm that turns a word into tokens.
enum SubwordModel: Sendable {
  case bytePair(BytePairModel)
  case unigram(UnigramModel)
  case wordPiece(WordPieceModel)
}

/// How a piece becomes text again.
enum PieceRendering: Sendable {
  /// As its bytes are.
  case plain
  /// U+2581 is a space.
  case spaceMarks
  /// A space before each piece that begins a word, and none before the marks that end a sentence.
  case wordPieces(wordMark: [UInt8], continuationMark: [UInt8], joinsPunctuation: Bool)
}

struct SubwordTokenizer: Tokenizer {
  var vocabulary: Vocabulary
  var model: SubwordModel
  var normalizer = Normalizer()
  var preTokenizer = PreTokenizer()
  var rendering = PieceRendering.plain
  /// Tokens that are found in the text as it came, and those that are found in normalised text.
  var rawTokens = AddedTokens([])
  var normalizedTokens = AddedTokens([])
  /// The byte of each byte token.
  var byteValues: [Int32: UInt8] = [:]
  /// What stands before a text and after it; each may be several tokens.
  var prefix: [Int32] = []
  var suffix: [Int32] = []

  var bos: Int32?
  var eos: Int32?
  var endOfGeneration: Set<Int32> = []
  var addsBOS = false
  var addsEOS = false
  var stripsLeadingSpace = false

  var vocabularySize: Int { vocabulary.count }

  // MARK: Encoding

  func encode(_ text: [UInt8], parseSpecial: Bool, addBOS: Bool?, addEOS: Bool?) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(text.count / 3 + 4)
    if addBOS ?? addsBOS { result += prefix.isEmpty ? bos.map { [$0] } ?? [] : prefix }
    var encoder = WordEncoder(model: model)
    for section in rawTokens.sections(of: text, parseSpecial: parseSpecial) {
      switch section {
      case .token(let id): result.append(id)
      case .text(let range):
        encode(Array(text[range]), at: range.lowerBound, parseSpecial: parseSpecial, &encoder, into: &result)
      }
    }
    if addEOS ?? addsEOS { result += suffix.isEmpty ? eos.map { [$0] } ?? [] : suffix }
    return result
  }

  /// Encodes a section that holds no token of `rawTokens`.
  private func encode(
    _ section: [UInt8], at start: Int, parseSpecial: Bool, _ encoder: inout WordEncoder, into result: inout [Int32]
  ) {
    let normalized = normalizer.normalize(section)
    for part in normalizedTokens.sections(of: normalized, parseSpecial: parseSpecial) {
      switch part {
      case .token(let id): result.append(id)
      case .text(let range):
        let text = range.count == normalized.count ? normalized : Array(normalized[range])
        let (bytes, words) = preTokenizer.words(of: text, atStart: start == 0 && range.lowerBound == 0)
        bytes.withUnsafeBufferPointer { buffer in
          for word in words { encoder.encode(UnsafeBufferPointer(rebasing: buffer[word]), into: &result) }
        }
      }
    }
  }

  // MARK: Decoding

  func bytes(of token: Int32, renderSpecial: Bool) -> [UInt8] {
    let piece = vocabulary.piece(token)
    switch vocabulary.kind(token) {
    case .control, .unknown: return renderSpecial ? Array(piece) : []
    case .byte: return byteValues[token].map { [$0] } ?? Array(piece)
    case .userDefined where isPlainAdded(token): return Array(piece)
    case .normal, .userDefined, .unused: break
    }
    switch rendering {
    case .plain: return Array(piece)
    case .spaceMarks: return piece.replaced(PreTokenizer.spaceMark, by: [0x20])
    case .wordPieces(let wordMark, let continuationMark, let joinsPunctuation):
      if !continuationMark.isEmpty, piece.starts(with: continuationMark) {
        return Array(piece.dropFirst(continuationMark.count))
      }
      if !wordMark.isEmpty, !piece.starts(with: wordMark) { return Array(piece) }
      let word = piece.dropFirst(wordMark.count)
      if joinsPunctuation, word.count == 1, let mark = word.first, ".?!,".utf8.contains(mark) { return [mark] }
      return [0x20] + word
    }
  }

  /// A user-defined token shows as it is found: marks in it are its own, and no space goes before it.
  private func isPlainAdded(_ token: Int32) -> Bool {
    if case .spaceMarks = rendering { return false }
    return true
  }

  func isSpecial(_ token: Int32) -> Bool {
    let kind = vocabulary.kind(token)
    return kind == .control || kind == .unknown
  }

  func token(for piece: String) -> Int32? {
    let bytes = Array(piece.utf8)
    return rawTokens.id(named: bytes) ?? normalizedTokens.id(named: bytes) ?? vocabulary.id(of: bytes)
  }
}

/// Encodes words one after another, and remembers some of them: most words of a text occur in it again.
private struct WordEncoder {
  private let model: SubwordModel
  private var scratch = MergeScratch()
  /// Remembered words, each at a place given by its hash; a new one takes the place of an old one.
  private var places: [(word: Range<Int>, tokens: Range<Int>)] = []
  private var words: [UInt8] = []
  private var tokens: [Int32] = []
  private var encodedWords = 0

  private static let placeCount = 1 << 12
  /// Longer words are rare, and seldom come twice.
  private static let longestWord = 64
  /// Memory for remembered words in bytes; beyond it all are forgotten.
  private static let capacity = 1 << 19

  init(model: SubwordModel) { self.model = model }

  mutating func encode(_ word: UnsafeBufferPointer<UInt8>, into result: inout [Int32]) {
    encodedWords += 1
    // A short text is done before remembering pays.
    guard encodedWords > 64, word.count <= Self.longestWord else {
      encodeAnew(word, into: &result)
      return
    }
    if places.isEmpty { places = Array(repeating: (0..<0, 0..<0), count: Self.placeCount) }
    let place = Self.place(of: word)
    let known = places[place]
    if known.word.count == word.count, words[known.word].elementsEqual(word) {
      result += tokens[known.tokens]
      return
    }
    let start = result.count
    encodeAnew(word, into: &result)
    if words.count + word.count > Self.capacity {
      words.removeAll(keepingCapacity: true)
      tokens.removeAll(keepingCapacity: true)
      places = Array(repeating: (0..<0, 0..<0), count: Self.placeCount)
    }
    places[place] = (words.count..<(words.count + word.count), tokens.count..<(tokens.count + result.count - start))
    words += word
    tokens += result[start...]
  }

  private mutating func encodeAnew(_ word: UnsafeBufferPointer<UInt8>, into result: inout [Int32]) {
    switch model {
    case .bytePair(let model): model.encode(word, into: &result, scratch: &scratch)
    case .unigram(let model): model.encode(word, into: &result)
    case .wordPiece(let model): model.encode(word, into: &result)
    }
  }

  private static func place(of word: UnsafeBufferPointer<UInt8>) -> Int {
    var hash: UInt64 = 0
    for byte in word { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: mixed(hash)) & (placeCount - 1)
  }
}
