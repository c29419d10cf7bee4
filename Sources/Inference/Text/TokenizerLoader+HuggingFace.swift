// Tokenizers from Hugging Face's tokenizer.json: models BPE, Unigram and WordPiece. The steps before the model stand
// in TokenizerLoader+Steps.

extension TokenizerLoader {
  /// The tokenizer that a tokenizer.json describes.
  ///
  /// - Parameter config: the tokenizer_config.json beside it, which names the opening and closing tokens.
  /// - Throws: ``TextError/malformedTokenizer(key:reason:)`` and ``TextError/unsupportedTokenizer(key:value:)``, naming
  ///   the place in the file.
  public static func tokenizer(
    tokenizerJSON: JSONValue, config: JSONValue? = nil
  ) throws(TextError) -> any Tokenizer {
    try HuggingFaceReader(json: tokenizerJSON, config: config).tokenizer()
  }

  /// The tokenizer in tokenizer.json beside a model's safetensors.
  public static func tokenizer(of file: SafetensorsFile) throws(TextError) -> any Tokenizer {
    let json: JSONValue?
    let config: JSONValue?
    do {
      json = try file.tokenizerJSON
      config = try file.tokenizerConfig
    } catch {
      throw .malformedTokenizer(key: "tokenizer.json", reason: error.description)
    }
    guard let json else {
      throw .malformedTokenizer(key: "tokenizer.json", reason: "is missing beside \(file.path)")
    }
    return try tokenizer(tokenizerJSON: json, config: config)
  }

  /// The tokenizer that comes with a model's weights, in their file or beside it.
  public static func tokenizer(of file: any WeightFile) throws(TextError) -> any Tokenizer {
    switch file {
    case let file as GGUFFile: return try tokenizer(of: file)
    case let file as SafetensorsFile: return try tokenizer(of: file)
    default: throw .unsupportedTokenizer(key: "file", value: file.path)
    }
  }
}

private struct HuggingFaceReader {
  let json: JSONValue
  let config: JSONValue?

  private var model: JSONValue { json["model"] ?? .null }

  func tokenizer() throws(TextError) -> SubwordTokenizer {
    guard model.object != nil else { throw .malformedTokenizer(key: "model", reason: "is missing, or no object") }
    let added = try addedTokens()
    let pre = try TokenizerSteps.preTokenizer(json["pre_tokenizer"])
    let isByteLevel = pre.isByteLevel || json["decoder"].map(TokenizerSteps.isByteLevel) ?? false
    var result: SubwordTokenizer
    switch try kind() {
    case "BPE": result = try bytePair(added, isByteLevel: isByteLevel)
    case "Unigram": result = try unigram(added)
    case "WordPiece": result = try wordPiece(added)
    case let other: throw .unsupportedTokenizer(key: "model.type", value: other)
    }
    result.normalizer = Normalizer(steps: try TokenizerSteps.normalizer(json["normalizer"], key: "normalizer"))
    result.preTokenizer = pre.preTokenizer
    try setRendering(&result, isByteLevel: isByteLevel)
    setAddedTokens(&result, added)
    try setPostProcessing(&result)
    setEnds(&result, added)
    return result
  }

  private func kind() throws(TextError) -> String {
    if let type = model["type"]?.string { return type }
    // Files of the first versions name no type.
    if model["merges"] != nil { return "BPE" }
    if model["continuing_subword_prefix"] != nil { return "WordPiece" }
    if model["vocab"]?.array != nil { return "Unigram" }
    throw .malformedTokenizer(key: "model.type", reason: "is missing")
  }

  // MARK: Vocabulary

  private func addedTokens() throws(TextError) -> [AddedToken] {
    guard let entries = json["added_tokens"]?.array else { return [] }
    var result: [AddedToken] = []
    for (index, entry) in entries.enumerated() {
      guard let id = entry["id"]?.int, id >= 0, id < Int(Int32.max), let content = entry["content"]?.string else {
        throw .malformedTokenizer(key: "added_tokens[\(index)]", reason: "needs id and content")
      }
      let isSpecial = entry["special"]?.bool ?? false
      result.append(
        AddedToken(
          id: Int32(truncatingIfNeeded: id), content: Array(content.utf8), isSpecial: isSpecial,
          stripsLeft: entry["lstrip"]?.bool ?? false, stripsRight: entry["rstrip"]?.bool ?? false,
          isSingleWord: entry["single_word"]?.bool ?? false, isNormalized: entry["normalized"]?.bool ?? !isSpecial))
    }
    return result
  }

  /// The vocabulary from pieces in any order, with the added tokens in it.
  private func vocabulary(
    _ pieces: [(piece: [UInt8], id: Int, score: Double?)], _ added: [AddedToken], hasByteTokens: Bool = false
  ) throws(TextError) -> Vocabulary {
    let limit = pieces.count + added.count + TokenizerLoader.idSlack
    var table: [(piece: [UInt8], kind: TokenKind, score: Double?)] = []
    func place(_ id: Int, _ piece: [UInt8], _ kind: TokenKind, _ score: Double?, _ key: String) throws(TextError) {
      guard id >= 0, id < limit else {
        throw .malformedTokenizer(key: key, reason: "id \(id), in a vocabulary of \(pieces.count) pieces")
      }
      let none: Double? = score == nil ? nil : 0
      while table.count <= id { table.append(([], .unused, none)) }
      table[id] = (piece, kind, score)
    }
    for (piece, id, score) in pieces {
      let isByte = hasByteTokens && TokenizerLoader.byteValue(piece) != nil
      try place(id, piece, isByte ? .byte : .normal, score, "model.vocab")
    }
    let hasScores = pieces.first?.score != nil
    // A token added to the model's own pieces stays one of them: merges may still lead to it.
    var isPiece = Set<Int32>()
    for token in added {
      let before: (piece: [UInt8], kind: TokenKind, score: Double?) =
        table.indices.contains(Int(token.id)) ? table[Int(token.id)] : ([], .unused, nil)
      if !token.isSpecial, before.piece == token.content { isPiece.insert(token.id) }
      let kind: TokenKind = token.isSpecial ? .control : .userDefined
      try place(Int(token.id), token.content, kind, hasScores ? before.score ?? 0 : nil, "added_tokens")
    }
    guard !table.isEmpty else { throw .malformedTokenizer(key: "model.vocab", reason: "is empty") }
    var result = Vocabulary()
    result.reserve(table.count, bytes: table.count * 8)
    for (piece, kind, score) in table { result.append(piece, kind: kind, score: hasScores ? score ?? 0 : nil) }
    result.buildIndex { $1 == .normal || isPiece.contains($0) }
    return result
  }

  /// The pieces of a vocabulary that is written as an object.
  private func objectPieces(_ decode: (String) -> [UInt8]) throws(TextError) -> [([UInt8], Int, Double?)] {
    guard let entries = model["vocab"]?.object else {
      throw .malformedTokenizer(key: "model.vocab", reason: "is missing, or no object")
    }
    var result: [([UInt8], Int, Double?)] = []
    result.reserveCapacity(entries.count)
    for (piece, value) in entries {
      guard let id = value.int else {
        throw .malformedTokenizer(key: "model.vocab", reason: "the id of '\(piece)' is no integer")
      }
      result.append((decode(piece), id, nil))
    }
    return result
  }

  /// A special token of the model by name.
  private func unknown(_ vocabulary: Vocabulary, _ added: [AddedToken]) -> Int32? {
    guard let name = model["unk_token"]?.string else { return nil }
    let bytes = Array(name.utf8)
    return added.first { $0.content == bytes }?.id ?? vocabulary.id(of: bytes)
  }

  // MARK: Models

  private func bytePair(_ added: [AddedToken], isByteLevel: Bool) throws(TextError) -> SubwordTokenizer {
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let value = model[key]?.string, !value.isEmpty {
        throw .unsupportedTokenizer(key: "model." + key, value: value)
      }
    }
    let decode: (Substring) -> [UInt8] = { piece in
      isByteLevel ? ByteLetters.decode(piece.utf8) ?? Array(piece.utf8) : Array(piece.utf8)
    }
    let hasByteTokens = model["byte_fallback"]?.bool ?? false
    let vocabulary = try vocabulary(objectPieces { decode($0[...]) }, added, hasByteTokens: hasByteTokens)
    guard let merges = model["merges"]?.array else {
      throw .malformedTokenizer(key: "model.merges", reason: "is missing, or no array")
    }
    var pairs: [(Substring, Substring)] = []
    pairs.reserveCapacity(merges.count)
    for (index, merge) in merges.enumerated() {
      if let text = merge.string, let space = text.dropFirst().firstIndex(of: " ") {
        pairs.append((text[..<space], text[text.index(after: space)...]))
      } else if let pair = merge.array, pair.count == 2, let left = pair[0].string, let right = pair[1].string {
        pairs.append((left[...], right[...]))
      } else {
        throw .malformedTokenizer(key: "model.merges[\(index)]", reason: "is no pair of pieces")
      }
    }
    let table = TokenizerLoader.mergeTable(vocabulary, count: pairs.count) { add in
      for (left, right) in pairs { add(decode(left)[...], decode(right)[...]) }
    }
    let bytes = TokenizerLoader.byteTokens(vocabulary)
    var result = SubwordTokenizer(
      vocabulary: vocabulary,
      model: .bytePair(
        BytePairModel(
          vocabulary: vocabulary, ranking: .merges(table), symbols: isByteLevel ? .bytes : .characters,
          byteTokens: bytes.tokens, unknown: unknown(vocabulary, added),
          fusesUnknown: model["fuse_unk"]?.bool ?? false, takesWholeWords: model["ignore_merges"]?.bool ?? false)))
    result.byteValues = bytes.values
    return result
  }

  private func unigram(_ added: [AddedToken]) throws(TextError) -> SubwordTokenizer {
    guard let entries = model["vocab"]?.array else {
      throw .malformedTokenizer(key: "model.vocab", reason: "is missing, or no array")
    }
    var pieces: [([UInt8], Int, Double?)] = []
    for (id, entry) in entries.enumerated() {
      guard let piece = entry[0]?.string, let score = entry[1]?.double else {
        throw .malformedTokenizer(key: "model.vocab[\(id)]", reason: "is no piece with its score")
      }
      pieces.append((Array(piece.utf8), id, score))
    }
    let vocabulary = try vocabulary(pieces, added, hasByteTokens: model["byte_fallback"]?.bool ?? false)
    let unknown = model["unk_id"]?.int.flatMap { 0..<vocabulary.count ~= $0 ? Int32($0) : nil }
    let bytes = TokenizerLoader.byteTokens(vocabulary)
    var result = SubwordTokenizer(
      vocabulary: vocabulary,
      model: .unigram(UnigramModel(vocabulary: vocabulary, unknown: unknown, byteTokens: bytes.tokens)))
    result.byteValues = bytes.values
    return result
  }

  private func wordPiece(_ added: [AddedToken]) throws(TextError) -> SubwordTokenizer {
    let vocabulary = try vocabulary(objectPieces { Array($0.utf8) }, added)
    let mark = Array((model["continuing_subword_prefix"]?.string ?? "##").utf8)
    let longest = model["max_input_chars_per_word"]?.int ?? 100
    return SubwordTokenizer(
      vocabulary: vocabulary,
      model: .wordPiece(
        WordPieceModel(
          vocabulary: vocabulary, unknown: unknown(vocabulary, added), wordMark: [], continuationMark: mark,
          longestWord: max(0, longest))))
  }

  // MARK: After the model

  private func setRendering(_ tokenizer: inout SubwordTokenizer, isByteLevel: Bool) throws(TextError) {
    guard let decoder = json["decoder"], !decoder.isNull else { return }
    let steps = decoder["decoders"]?.array ?? [decoder]
    for (index, step) in steps.enumerated() {
      switch step["type"]?.string {
      case "ByteLevel", "ByteFallback", "Fuse": break
      case "Metaspace":
        tokenizer.rendering = .spaceMarks
        let scheme = step["prepend_scheme"]?.string
        tokenizer.stripsLeadingSpace = scheme.map { $0 != "never" } ?? step["add_prefix_space"]?.bool ?? true
      case "Replace":
        guard step["pattern"]?["String"]?.string == "▁", step["content"]?.string == " " else {
          throw .unsupportedTokenizer(key: "decoder.decoders[\(index)]", value: "Replace")
        }
        tokenizer.rendering = .spaceMarks
      case "Strip":
        tokenizer.stripsLeadingSpace = step["content"]?.string == " " && step["start"]?.int == 1
      case "WordPiece":
        tokenizer.rendering = .wordPieces(
          wordMark: [], continuationMark: Array((step["prefix"]?.string ?? "##").utf8),
          joinsPunctuation: step["cleanup"]?.bool ?? true)
        tokenizer.stripsLeadingSpace = true
      case let other: throw .unsupportedTokenizer(key: "decoder.type", value: other ?? "none")
      }
    }
  }

  private func setAddedTokens(_ tokenizer: inout SubwordTokenizer, _ added: [AddedToken]) {
    tokenizer.rawTokens = AddedTokens(added.filter { !$0.isNormalized })
    tokenizer.normalizedTokens = AddedTokens(
      added.filter(\.isNormalized).map { token in
        var token = token
        token.content = tokenizer.normalizer.normalize(token.content)
        return token
      })
  }

  /// The tokens before and after a text, which the post-processor states.
  private func setPostProcessing(_ tokenizer: inout SubwordTokenizer) throws(TextError) {
    guard let processor = json["post_processor"], !processor.isNull else { return }
    for step in processor["processors"]?.array ?? [processor] {
      switch step["type"]?.string {
      case "TemplateProcessing":
        var sawText = false
        for item in step["single"]?.array ?? [] {
          if item["Sequence"] != nil { sawText = true }
          guard let name = item["SpecialToken"]?["id"]?.string else { continue }
          for id in step["special_tokens"]?[name]?["ids"]?.array ?? [] {
            guard let id = id.int, id >= 0, id < tokenizer.vocabularySize else {
              throw .malformedTokenizer(key: "post_processor", reason: "'\(name)' has an id that is no token's")
            }
            if sawText { tokenizer.suffix.append(Int32(id)) } else { tokenizer.prefix.append(Int32(id)) }
          }
        }
      case "BertProcessing", "RobertaProcessing":
        tokenizer.prefix = [step["cls"]?[1]?.int].compactMap { $0 }.map { Int32(clamping: $0) }
        tokenizer.suffix = [step["sep"]?[1]?.int].compactMap { $0 }.map { Int32(clamping: $0) }
      case "ByteLevel": break
      case let other: throw .unsupportedTokenizer(key: "post_processor.type", value: other ?? "none")
      }
    }
    let ids = tokenizer.prefix + tokenizer.suffix
    guard ids.allSatisfy({ $0 >= 0 && Int($0) < tokenizer.vocabularySize }) else {
      throw .malformedTokenizer(key: "post_processor", reason: "names an id that is no token's")
    }
  }

  private func setEnds(_ tokenizer: inout SubwordTokenizer, _ added: [AddedToken]) {
    func token(_ key: String) -> Int32? {
      // A name, or an object that describes the token.
      (config?[key]?.string ?? config?[key]?["content"]?.string).flatMap { tokenizer.token(for: $0) }
    }
    tokenizer.bos = tokenizer.prefix.first ?? token("bos_token") ?? token("cls_token")
    tokenizer.eos = token("eos_token") ?? tokenizer.suffix.last ?? token("sep_token")
    // What the post-processor does is what happens; the configuration decides only where there is none.
    let hasProcessor = !(json["post_processor"] ?? .null).isNull
    tokenizer.addsBOS =
      !tokenizer.prefix.isEmpty
      || (!hasProcessor && (config?["add_bos_token"]?.bool ?? false) && tokenizer.bos != nil)
    tokenizer.addsEOS =
      !tokenizer.suffix.isEmpty
      || (!hasProcessor && (config?["add_eos_token"]?.bool ?? false) && tokenizer.eos != nil)
    let isBERT = if case .wordPiece = tokenizer.model { true } else { false }
    tokenizer.endOfGeneration = TokenizerLoader.endTokens(isBERT ? [] : [tokenizer.eos], added)
  }
}
