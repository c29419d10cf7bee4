// Tokenizers from files that are lists of pieces: tiktoken, Mistral's tekken.json, llama2.c's tokenizer.bin.

extension TokenizerLoader {
  /// A tokenizer from a file in tiktoken's format: a line each, the piece in base64, a space, its rank.
  ///
  /// - Parameters:
  ///   - file: the file's bytes.
  ///   - preTokenizer: the name of the rules that cut words, as GGUF files give it, such as `llama-bpe` or `qwen2`.
  ///   - special: ids of special tokens by name; the file has none.
  ///   - bos: the name of the token that opens a text; `eos`: of the one that ends it.
  /// - Throws: ``TextError/malformedTokenizer(key:reason:)`` naming the line.
  public static func tiktoken(
    file: [UInt8], preTokenizer: String, special: [String: Int32], bos: String? = nil, eos: String? = nil
  ) throws(TextError) -> any Tokenizer {
    guard let pre = PreTokenizer.named(preTokenizer) else {
      throw .unsupportedTokenizer(key: "pre-tokenizer", value: preTokenizer)
    }
    var pieces: [(piece: [UInt8], rank: Int)] = []
    var line = 0
    for text in file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      line += 1
      if text.isEmpty || text.elementsEqual([UInt8(ascii: "\r")]) { continue }
      let fields = text.split { $0 == 0x20 || $0 == UInt8(ascii: "\r") }
      guard fields.count == 2, let piece = Base64.decode(fields[0]), !piece.isEmpty,
        let rank = Int(String(decoding: fields[1], as: UTF8.self)), rank >= 0
      else {
        throw .malformedTokenizer(key: "line \(line)", reason: "is not a piece in base64, a space and a rank")
      }
      pieces.append((piece, rank))
    }
    var result = try ranked(pieces, special.map { (Int($0.value), $0.key) }, pre)
    result.bos = bos.flatMap { special[$0] }
    result.eos = eos.flatMap { special[$0] }
    result.addsBOS = pre.addsBOS && result.bos != nil
    if let eos = result.eos { result.endOfGeneration.insert(eos) }
    return result
  }

  /// A tokenizer from Mistral's tekken.json.
  ///
  /// - Throws: ``TextError/malformedTokenizer(key:reason:)`` naming the key.
  public static func tekken(_ json: JSONValue) throws(TextError) -> any Tokenizer {
    let config = json["config"]
    guard let pattern = config?["pattern"]?.string else {
      throw .malformedTokenizer(key: "config.pattern", reason: "is missing, or no string")
    }
    guard let rules = PreTokenizer.rules(ofPattern: pattern) else {
      throw .unsupportedTokenizer(key: "config.pattern", value: pattern)
    }
    guard let entries = json["vocab"]?.array else {
      throw .malformedTokenizer(key: "vocab", reason: "is missing, or no array")
    }
    guard let size = config?["default_vocab_size"]?.int, let specialCount = config?["default_num_special_tokens"]?.int,
      specialCount >= 0, specialCount <= size, size - specialCount <= entries.count, specialCount <= idSlack
    else {
      throw .malformedTokenizer(
        key: "config", reason: "default_vocab_size and default_num_special_tokens do not fit the vocabulary")
    }
    var pieces: [(piece: [UInt8], rank: Int)] = []
    for (index, entry) in entries.enumerated() {
      guard let rank = entry["rank"]?.int, rank >= 0, let text = entry["token_bytes"]?.string,
        let piece = Base64.decode(text.utf8), !piece.isEmpty
      else {
        throw .malformedTokenizer(key: "vocab[\(index)]", reason: "needs rank, and token_bytes in base64")
      }
      if rank < size - specialCount { pieces.append((piece, rank + specialCount)) }
    }
    var names: [String?] = tekkenNames.prefix(specialCount).map { $0 }
    if let listed = json["special_tokens"]?.array {
      names = Array(repeating: nil, count: specialCount)
      for entry in listed {
        if let rank = entry["rank"]?.int, names.indices.contains(rank) { names[rank] = entry["token_str"]?.string }
      }
    }
    let special = (0..<specialCount).map { ($0, (names.indices.contains($0) ? names[$0] : nil) ?? "<SPECIAL_\($0)>") }
    var result = try ranked(pieces, special, NamedPreTokenizer(stages: [.split(rules)], takesWholeWords: true))
    result.bos = result.token(for: "<s>")
    result.eos = result.token(for: "</s>")
    result.addsBOS = result.bos != nil
    result.endOfGeneration = Set([result.eos].compactMap { $0 })
    return result
  }

  /// The special tokens of tekken.json files that list none (mistral-common, tekken.py).
  private static let tekkenNames = [
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]",
    "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]",
  ]

  /// A byte-level tokenizer whose merges follow from the ranks of its pieces.
  private static func ranked(
    _ pieces: [(piece: [UInt8], rank: Int)], _ special: [(id: Int, name: String)], _ pre: NamedPreTokenizer
  ) throws(TextError) -> SubwordTokenizer {
    let limit = pieces.count + special.count + idSlack
    var table: [(piece: [UInt8], kind: TokenKind)] = []
    func place(_ id: Int, _ piece: [UInt8], _ kind: TokenKind) throws(TextError) {
      guard id >= 0, id < limit else {
        throw .malformedTokenizer(key: "rank", reason: "\(id), in a vocabulary of \(pieces.count) pieces")
      }
      while table.count <= id { table.append(([], .unused)) }
      guard table[id].piece.isEmpty else { throw .malformedTokenizer(key: "rank", reason: "\(id) occurs twice") }
      table[id] = (piece, kind)
    }
    for (piece, rank) in pieces { try place(rank, piece, .normal) }
    for (id, name) in special { try place(id, Array(name.utf8), .control) }
    guard !table.isEmpty else { throw .malformedTokenizer(key: "vocabulary", reason: "is empty") }
    var vocabulary = Vocabulary()
    for (piece, kind) in table { vocabulary.append(piece, kind: kind) }
    vocabulary.buildIndex { $1 == .normal }
    var result = SubwordTokenizer(
      vocabulary: vocabulary,
      model: .bytePair(
        BytePairModel(
          vocabulary: vocabulary, ranking: .pieces((0..<UInt32(clamping: table.count)).map { $0 }), symbols: .bytes,
          byteTokens: nil, unknown: nil, takesWholeWords: true)))
    result.preTokenizer = PreTokenizer(pre.stages)
    if pre.composes { result.normalizer.steps.append(.nfc) }
    let added = special.map { AddedToken(id: Int32(clamping: $0.id), content: Array($0.name.utf8), isSpecial: true) }
    result.rawTokens = AddedTokens(added)
    result.endOfGeneration = endTokens([], added)
    return result
  }

  /// A tokenizer from llama2.c's tokenizer.bin: int32 length of the longest piece; then for each piece float32 score,
  /// int32 length, bytes. The first three are `<unk>`, `<s>` and `</s>`, the next 256 the bytes (tokenizer.py there).
  ///
  /// - Throws: ``TextError/malformedTokenizer(key:reason:)`` naming the offset.
  public static func llama2c(_ file: [UInt8]) throws(TextError) -> any Tokenizer {
    var vocabulary = Vocabulary()
    var offset = 4
    func word(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(file[at + $1]) << UInt32(8 * $1) } }
    while offset < file.count {
      guard offset + 8 <= file.count, case let length = Int(word(offset + 4)), length <= file.count - offset - 8 else {
        throw .malformedTokenizer(key: "offset \(offset)", reason: "a piece goes beyond the end of the file")
      }
      let piece = file[(offset + 8)..<(offset + 8 + length)]
      let kind: TokenKind =
        switch vocabulary.count {
        case 0: .unknown
        case 1, 2: .control
        case 3..<259 where byteValue(piece) != nil: .byte
        default: .normal
        }
      // The file writes line feeds around the names of these two.
      let name: [UInt8]? = [1: Array("<s>".utf8), 2: Array("</s>".utf8)][vocabulary.count]
      vocabulary.append(name ?? Array(piece), kind: kind, score: Double(Float(bitPattern: word(offset))))
      offset += 8 + length
    }
    guard vocabulary.count > 3 else {
      throw .malformedTokenizer(key: "file", reason: "\(file.count) bytes hold fewer than four pieces")
    }
    vocabulary.buildIndex { $1 == .normal }
    let bytes = byteTokens(vocabulary)
    var result = SubwordTokenizer(
      vocabulary: vocabulary,
      model: .bytePair(
        BytePairModel(
          vocabulary: vocabulary, ranking: .pieces(ranks(vocabulary.scores)), symbols: .characters,
          byteTokens: bytes.tokens, unknown: 0, fusesUnknown: true)))
    result.byteValues = bytes.values
    result.prefixSpace()
    result.bos = 1
    result.eos = 2
    result.addsBOS = true
    result.endOfGeneration = [2]
    result.rawTokens = AddedTokens([
      AddedToken(id: 1, content: Array("<s>".utf8), isSpecial: true),
      AddedToken(id: 2, content: Array("</s>".utf8), isSpecial: true),
    ])
    return result
  }
}
