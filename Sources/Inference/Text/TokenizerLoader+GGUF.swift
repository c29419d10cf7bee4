// Tokenizers from the metadata of GGUF files: tokenizer.ggml.model gpt2, llama, gemma4, t5 and bert.

extension TokenizerLoader {
  /// The tokenizer in a GGUF file's metadata.
  ///
  /// - Throws: ``TextError/malformedTokenizer(key:reason:)`` for a key that is missing, of a wrong type or contradicts
  ///   another; ``TextError/unsupportedTokenizer(key:value:)`` for a kind that is not known here.
  public static func tokenizer(of file: GGUFFile) throws(TextError) -> any Tokenizer {
    try GGUFTokenizerReader { file[$0] }.tokenizer()
  }

  /// The tokenizer that metadata describe, wherever they come from.
  package static func tokenizer(
    metadata: @escaping (String) -> MetadataValue?
  ) throws(TextError) -> any Tokenizer {
    try GGUFTokenizerReader(metadata).tokenizer()
  }
}

private struct GGUFTokenizerReader {
  private let metadata: (String) -> MetadataValue?

  init(_ metadata: @escaping (String) -> MetadataValue?) { self.metadata = metadata }

  private static func key(_ name: String) -> String { "tokenizer.ggml." + name }

  private func value<T>(_ name: String, _ view: KeyPath<MetadataValue, T?>) throws(TextError) -> T? {
    guard let found = metadata(Self.key(name)) else { return nil }
    guard let value = found[keyPath: view] else {
      throw .malformedTokenizer(key: Self.key(name), reason: "has another type than \(T.self)")
    }
    return value
  }

  func tokenizer() throws(TextError) -> SubwordTokenizer {
    guard let model = try value("model", \.string) else {
      throw .malformedTokenizer(key: Self.key("model"), reason: "is missing")
    }
    var result: SubwordTokenizer
    switch model {
    case "gpt2", "gemma4": result = try bytePair(model)
    case "llama": result = try sentencePiece()
    case "t5": result = try unigram()
    case "bert": result = try wordPiece()
    default: throw .unsupportedTokenizer(key: Self.key("model"), value: model)
    }
    try setSpecialTokens(&result)
    return result
  }

  // MARK: The vocabulary

  /// The vocabulary of the file, each piece changed by `piece`.
  private func vocabulary(
    _ piece: (UnsafeRawBufferPointer, TokenKind) -> [UInt8]
  ) throws(TextError) -> Vocabulary {
    guard let pieces = try value("tokens", \.array), pieces.elementType == .string else {
      throw .malformedTokenizer(key: Self.key("tokens"), reason: "is missing, or no array of strings")
    }
    guard pieces.count > 0, pieces.count < Int(Int32.max) else {
      throw .malformedTokenizer(key: Self.key("tokens"), reason: "has \(pieces.count) elements")
    }
    let types = try value("token_type", \.ints)
    let scores = try value("scores", \.floats)
    for (name, count) in [("token_type", types?.count), ("scores", scores?.count)] {
      if let count, count != pieces.count {
        throw .malformedTokenizer(
          key: Self.key(name), reason: "has \(count) elements for a vocabulary of \(pieces.count)")
      }
    }
    var result = Vocabulary()
    result.reserve(pieces.count, bytes: pieces.count * 8)
    var id = 0
    pieces.forEachString { bytes in
      let kind = types.map { TokenKind(rawValue: UInt8(clamping: $0[id])) ?? .normal } ?? .normal
      result.append(piece(bytes, kind), kind: kind, score: (scores?[id]).map { Double($0) })
      id += 1
    }
    return result
  }

  // MARK: Models

  private func bytePair(_ model: String) throws(TextError) -> SubwordTokenizer {
    let name = model == "gemma4" ? "gemma4" : try value("pre", \.string) ?? "default"
    guard let pre = PreTokenizer.named(name) else {
      throw .unsupportedTokenizer(key: Self.key("pre"), value: name)
    }
    guard let merges = try value("merges", \.array), merges.elementType == .string else {
      throw .malformedTokenizer(key: Self.key("merges"), reason: "is missing, or no array of strings")
    }
    let decode: (UnsafeRawBufferPointer) -> [UInt8] = { piece in
      let bytes = pre.marksSpaces ? nil : piece.withMemoryRebound(to: UInt8.self) { ByteLetters.decode($0) }
      return bytes ?? Array(piece)
    }
    var vocabulary = try vocabulary { piece, kind in
      kind == .normal || kind == .unused ? decode(piece) : Array(piece)
    }
    // A user-defined token may be a piece that merges lead to. It is no such piece if its text is none in the letters
    // for bytes, as the several spaces that some vocabularies add.
    let all = vocabulary
    vocabulary.buildIndex { id, kind in
      guard kind == .userDefined, !pre.marksSpaces else { return kind == .normal || kind == .userDefined }
      return ByteLetters.decode(all.piece(id))?.elementsEqual(all.piece(id)) ?? false
    }
    let table = TokenizerLoader.mergeTable(vocabulary, count: merges.count) { add in
      merges.forEachString { merge in
        // A piece may begin with a space of its own, never consist of nothing.
        guard let space = merge.dropFirst().firstIndex(of: 0x20) else { return add([], []) }
        let left = decode(UnsafeRawBufferPointer(rebasing: merge[..<space]))
        let right = decode(UnsafeRawBufferPointer(rebasing: merge[(space + 1)...]))
        add(left[...], right[...])
      }
    }
    let bytes = TokenizerLoader.byteTokens(vocabulary)
    var result = SubwordTokenizer(
      vocabulary: vocabulary,
      model: .bytePair(
        BytePairModel(
          vocabulary: vocabulary, ranking: .merges(table), symbols: pre.marksSpaces ? .characters : .bytes,
          byteTokens: bytes.tokens, unknown: nil, takesWholeWords: pre.takesWholeWords)))
    result.byteValues = bytes.values
    result.preTokenizer = PreTokenizer(pre.stages)
    result.addsBOS = pre.addsBOS
    if pre.composes { result.normalizer.steps.append(.nfc) }
    if pre.marksSpaces { result.markSpaces() }
    return result
  }

  private func sentencePiece() throws(TextError) -> SubwordTokenizer {
    var vocabulary = try vocabulary { piece, _ in Array(piece) }
    vocabulary.buildIndex { $1 == .normal || $1 == .userDefined }
    guard vocabulary.scores.count == vocabulary.count else {
      throw .malformedTokenizer(key: Self.key("scores"), reason: "is missing")
    }
    let bytes = TokenizerLoader.byteTokens(vocabulary)
    var result = SubwordTokenizer(
      vocabulary: vocabulary,
      model: .bytePair(
        BytePairModel(
          vocabulary: vocabulary, ranking: .pieces(TokenizerLoader.ranks(vocabulary.scores)), symbols: .characters,
          byteTokens: bytes.tokens, unknown: try id("unknown_token_id", vocabulary), fusesUnknown: true)))
    result.byteValues = bytes.values
    result.addsBOS = true
    if try value("add_space_prefix", \.bool) ?? true { result.prefixSpace() }
    result.markSpaces()
    return result
  }

  private func unigram() throws(TextError) -> SubwordTokenizer {
    var vocabulary = try vocabulary { piece, _ in Array(piece) }
    vocabulary.buildIndex { $1 == .normal || $1 == .userDefined }
    guard vocabulary.scores.count == vocabulary.count else {
      throw .malformedTokenizer(key: Self.key("scores"), reason: "is missing")
    }
    let bytes = TokenizerLoader.byteTokens(vocabulary)
    var result = SubwordTokenizer(
      vocabulary: vocabulary,
      model: .unigram(
        UnigramModel(
          vocabulary: vocabulary, unknown: try id("unknown_token_id", vocabulary), byteTokens: bytes.tokens)))
    result.byteValues = bytes.values
    result.addsEOS = true
    if let map = try value("precompiled_charsmap", \.ints), !map.isEmpty {
      // Written as signed or unsigned bytes, by different converters.
      let blob = map.map { UInt8(truncatingIfNeeded: $0) }
      result.normalizer.steps.append(
        .precompiled(try PrecompiledCharacterMap(blob, key: Self.key("precompiled_charsmap"))))
    }
    if try value("remove_extra_whitespaces", \.bool) ?? false {
      result.normalizer.steps += [.strip(left: true, right: true), .collapseSpaces(with: [0x20])]
    }
    if try value("add_space_prefix", \.bool) ?? true { result.prefixSpace() }
    result.markSpaces()
    return result
  }

  private func wordPiece() throws(TextError) -> SubwordTokenizer {
    var vocabulary = try vocabulary { piece, _ in Array(piece) }
    vocabulary.buildIndex { $1 == .normal }
    // Converters write a mark before words in place of `##` before continuations; a few files keep the latter.
    let keepsHashes = vocabulary.id(of: "##s".utf8) != nil
    let wordMark = keepsHashes ? [] : PreTokenizer.spaceMark
    let continuationMark = keepsHashes ? Array("##".utf8) : []
    var result = SubwordTokenizer(
      vocabulary: vocabulary,
      model: .wordPiece(
        WordPieceModel(
          vocabulary: vocabulary, unknown: try id("unknown_token_id", vocabulary), wordMark: wordMark,
          continuationMark: continuationMark, longestWord: 100)))
    let lowercases = try value("normalizer.lowercase", \.bool) ?? true
    result.normalizer.steps = [
      .bert(
        cleansText: true, spacesIdeographs: true,
        stripsAccents: try value("normalizer.strip_accents", \.bool) ?? lowercases, lowercases: lowercases)
    ]
    result.preTokenizer = .bert
    result.rendering = .wordPieces(
      wordMark: wordMark, continuationMark: continuationMark, joinsPunctuation: true)
    result.stripsLeadingSpace = true
    result.addsBOS = true
    result.addsEOS = true
    return result
  }

  // MARK: Special tokens

  private func id(_ name: String, _ vocabulary: Vocabulary) throws(TextError) -> Int32? {
    guard let id = try value(name, \.int) else { return nil }
    guard id >= 0, id < vocabulary.count else {
      throw .malformedTokenizer(
        key: Self.key(name), reason: "is \(id), in a vocabulary of \(vocabulary.count) tokens")
    }
    return Int32(truncatingIfNeeded: id)
  }

  private func setSpecialTokens(_ tokenizer: inout SubwordTokenizer) throws(TextError) {
    let vocabulary = tokenizer.vocabulary
    let isBERT = if case .wordPiece = tokenizer.model { true } else { false }
    let classification = try id("cls_token_id", vocabulary)
    // The key is misspelt in the format, and so in files.
    let separator = try id("seperator_token_id", vocabulary)
    tokenizer.bos = try id("bos_token_id", vocabulary) ?? (isBERT ? classification : nil)
    tokenizer.eos = try id("eos_token_id", vocabulary) ?? (isBERT ? separator : nil)
    tokenizer.addsBOS = (try value("add_bos_token", \.bool) ?? tokenizer.addsBOS) && tokenizer.bos != nil
    tokenizer.addsEOS = (try value("add_eos_token", \.bool) ?? tokenizer.addsEOS) && tokenizer.eos != nil
    if isBERT { tokenizer.addsEOS = try value("add_sep_token", \.bool) ?? tokenizer.addsEOS }
    var added: [AddedToken] = []
    for id in 0..<Int32(clamping: vocabulary.count) {
      let kind = vocabulary.kind(id)
      guard [.control, .userDefined, .unknown].contains(kind) else { continue }
      var content = Array(vocabulary.piece(id))
      if kind == .userDefined, case .spaceMarks = tokenizer.rendering {
        content = content.replaced(PreTokenizer.spaceMark, by: [0x20])
      }
      added.append(AddedToken(id: id, content: content, isSpecial: kind != .userDefined))
    }
    try stripAfterSpecial(&added)
    tokenizer.rawTokens = AddedTokens(added)
    let others = ["eot_token_id", "eom_token_id"]
    var ends: [Int32?] = isBERT ? [] : [tokenizer.eos]
    for name in others { ends.append(try id(name, vocabulary)) }
    tokenizer.endOfGeneration = TokenizerLoader.endTokens(ends, added)
  }

  /// Phi-3's tokens take the white space after them; its GGUF files do not say so, its tokenizer.json does.
  private func stripAfterSpecial(_ added: inout [AddedToken]) throws(TextError) {
    guard try value("model", \.string) == "llama", let name = metadata("general.name")?.string?.lowercased(),
      name.contains("phi-3") || name.contains("phi3")
    else { return }
    let exceptions = ["<unk>", "<s>", "<|endoftext|>"].map { Array($0.utf8) }
    for index in added.indices where added[index].isSpecial && !exceptions.contains(added[index].content) {
      added[index].stripsRight = true
    }
  }
}

extension SubwordTokenizer {
  /// Spaces are U+2581 in the vocabulary.
  mutating func markSpaces() {
    normalizer.steps.append(.replace([0x20], with: PreTokenizer.spaceMark))
    rendering = .spaceMarks
  }

  /// A space goes before each stretch of text.
  mutating func prefixSpace() {
    normalizer.steps.append(.prepend([0x20]))
    stripsLeadingSpace = true
  }
}

extension PreTokenizer {
  /// BERT's: white space goes, punctuation stands alone. ASCII signs count as punctuation.
  static let bert = PreTokenizer([
    .split([.run(.any(.whitespace))], .removed),
    .split([.count(.any([.punctuation, .asciiPunctuation]), 1...1)]),
  ])
}
