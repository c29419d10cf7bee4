// The vocabulary of a checkpoint as GGUF's metadata: from tokenizer.json and what stands beside it. Tokenizes nothing.

extension Checkpoint {
  /// Adds `tokenizer.ggml.*` and the chat template; a note where the checkpoint has no tokenizer.json.
  mutating func addTokenizer() throws(ConversionError) {
    let path = file.path
    let json = try weights { () throws(WeightError) in try file.tokenizerJSON }
    guard let json else {
      notes.append("no tokenizer.json: the file has no vocabulary, and takes token numbers alone")
      return
    }
    let settings = try weights { () throws(WeightError) in try file.tokenizerConfig } ?? .null
    let rows = tensors.first { $0.name == "token_embd.weight" }?.shape.first ?? 0
    let reader = CheckpointTokenizer(
      json: json, settings: settings, model: configuration.json, size: rows, path: path)
    try reader.add(to: &list)
    let template = try weights { () throws(WeightError) in try file.chatTemplate } ?? reader.chatTemplate
    list.add("tokenizer.chat_template", template.map(MetadataValue.string))
  }
}

/// tokenizer.json as GGUF's metadata.
private struct CheckpointTokenizer {
  let json: JSONValue
  /// tokenizer_config.json.
  let settings: JSONValue
  /// config.json.
  let model: JSONValue
  /// Rows of the embedding: how many tokens the vocabulary has, pieces or not.
  let size: Int
  let path: String

  /// GGUF's token types.
  private enum Kind: Int32 { case normal = 1, unknown, control, userDefined, unused, byte }

  private struct Piece {
    var text: String
    var kind: Kind
  }

  private func unsupported(_ reason: String) -> ConversionError { .unsupportedTokenizer(path: path, reason: reason) }

  func add(to list: inout MetadataList) throws(ConversionError) {
    let kind = json["model"]?["type"]?.string ?? ""
    let isByteLevel = parts("pre_tokenizer", "pretokenizers").contains { $0["type"]?.string == "ByteLevel" }
    var pieces = try pieces()
    switch kind {
    case "BPE" where isByteLevel:
      list.tokenizer("model", .string("gpt2"))
      list.tokenizer("pre", .string(try preTokenizer()))
      add(pieces, to: &list)
      list.tokenizer("merges", .array(MetadataArray(try merges().map { "\($0.left) \($0.right)" })))
    case "BPE" where json["model"]?["byte_fallback"]?.bool ?? false:
      list.tokenizer("model", .string("llama"))
      list.tokenizer("pre", .string("default"))
      add(pieces, to: &list)
      list.tokenizer("scores", .array(MetadataArray(try scores(pieces))))
      list.tokenizer("add_space_prefix", .bool(prefixesSpace))
    case "WordPiece":
      let continuation = json["model"]?["continuing_subword_prefix"]?.string ?? "##"
      for index in pieces.indices where pieces[index].kind == .normal {
        let text = pieces[index].text
        // GGUF marks the beginnings of words, WordPiece what follows them.
        pieces[index].text =
          text.utf8.starts(with: continuation.utf8) && !continuation.isEmpty
          ? String(decoding: text.utf8.dropFirst(continuation.utf8.count), as: UTF8.self) : "\u{2581}" + text
      }
      list.tokenizer("model", .string("bert"))
      list.tokenizer("pre", .string("bert-bge"))
      list.tokenizer("token_type_count", .uint32(UInt32(clamping: model["type_vocab_size"]?.int ?? 1)))
      add(pieces, to: &list)
      addBERTNormalizer(to: &list)
    default:
      throw unsupported("its model is '\(kind.prefix(40))', which GGUF's metadata do not express for this architecture")
    }
    addSpecialTokens(pieces, to: &list)
  }

  private func add(_ pieces: [Piece], to list: inout MetadataList) {
    list.tokenizer("tokens", .array(MetadataArray(pieces.map(\.text))))
    list.tokenizer("token_type", .array(MetadataArray(pieces.map(\.kind.rawValue))))
  }

  // MARK: Pieces

  /// The vocabulary in order; numbers that no piece has are filled, as the embedding has rows for them.
  private func pieces() throws(ConversionError) -> [Piece] {
    guard let vocabulary = json["model"]?["vocab"]?.object else { throw unsupported("no vocabulary in its model") }
    var pieces = (0..<size).map { Piece(text: "[PAD\($0)]", kind: .unused) }
    func place(_ id: Int?, _ text: String) throws(ConversionError) -> Int {
      guard let id, pieces.indices.contains(id) else {
        throw unsupported("the piece '\(text.prefix(40))' has no number below the embedding's \(size) rows")
      }
      return id
    }
    let unknown = json["model"]?["unk_token"]?.string
    for (text, value) in vocabulary {
      let id = try place(value.int, text)
      let isByte = text.utf8.count == 6 && text.hasPrefix("<0x") && text.hasSuffix(">")
      pieces[id] = Piece(text: text, kind: isByte ? .byte : .normal)
    }
    for token in json["added_tokens"]?.array ?? [] {
      guard let text = token["content"]?.string else { throw unsupported("an added token without content") }
      let isSpecial = token["special"]?.bool ?? false || Self.looksSpecial(text)
      // A user's piece is matched in the raw text, where spaces are spaces.
      let words = text.split(separator: "\u{2581}", omittingEmptySubsequences: false)
      let raw = isSpecial ? text : words.joined(separator: " ")
      pieces[try place(token["id"]?.int, text)] = Piece(text: raw, kind: isSpecial ? .control : .userDefined)
    }
    // Byte-level vocabularies have no unknown bytes; where one is named it is a control token like others.
    if let unknown, let id = vocabulary[unknown]?.int, pieces.indices.contains(id), pieces[id].kind != .userDefined {
      let isSentencePiece = json["model"]?["byte_fallback"]?.bool ?? false
      pieces[id].kind = isSentencePiece ? .unknown : .control
    }
    return pieces
  }

  /// Added tokens that some vocabularies forget to declare special.
  private static func looksSpecial(_ text: String) -> Bool {
    text.hasPrefix("<|") && text.hasSuffix("|>") || text.hasPrefix("<unused") && text.hasSuffix(">") || text == "<pad>"
      || text == "<mask>"
  }

  /// Merges in order, either as `"a b"` or as `["a", "b"]`.
  private func merges() throws(ConversionError) -> [(left: String, right: String)] {
    guard let merges = json["model"]?["merges"]?.array else { throw unsupported("no merges in its model") }
    var result: [(left: String, right: String)] = []
    result.reserveCapacity(merges.count)
    for merge in merges {
      let pair = merge.array?.compactMap(\.string) ?? merge.string?.split(separator: " ").map(String.init) ?? []
      guard pair.count == 2, !pair.contains(where: { $0.utf8.contains(0x20) }) else {
        throw unsupported("merge \(result.count) is not a pair: \(merge.serialized().prefix(60))")
      }
      result.append((pair[0], pair[1]))
    }
    return result
  }

  /// SentencePiece's scores: the earlier a piece can be merged, the higher. Only their order matters.
  private func scores(_ pieces: [Piece]) throws(ConversionError) -> [Float] {
    guard let list = json["model"]?["merges"]?.array else { throw unsupported("no merges in its model") }
    var ranks: [ExactText: Int] = [:]
    for (rank, merge) in list.enumerated() {
      let pair = merge.array?.compactMap(\.string) ?? []
      // The string form separates by the first space after the first character; pieces hold U+2581, not spaces.
      let whole = pair.count == 2 ? pair.joined() : merge.string.map { $0.split(separator: " ").joined() }
      guard let whole else { throw unsupported("merge \(rank) is not a pair") }
      let key = ExactText(whole)
      if ranks[key] == nil { ranks[key] = rank }
    }
    return pieces.map { piece in
      guard piece.kind == .normal else { return 0 }
      return ranks[ExactText(piece.text)].map { -Float($0) } ?? -Float(list.count)
    }
  }

  // MARK: Rules

  /// The steps of a component, whether it is one or a sequence of them.
  private func parts(_ component: String, _ list: String) -> [JSONValue] {
    guard let value = json[component], value != .null else { return [] }
    return value[list]?.array ?? [value]
  }

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"

  /// GPT-4's pattern and those after it, which differ in how many digits go together.
  private static func words(_ digits: String) -> String {
    contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  /// Words by case, with the contractions that may end them.
  private static func casedWords(_ digits: String, _ contractions: String) -> String {
    let (upper, lower) = (#"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#, #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#)
    let lead = #"[^\r\n\p{L}\p{N}]?"#
    return "\(lead)\(upper)*\(lower)+\(contractions)|\(lead)\(upper)+\(lower)*\(contractions)|\(digits)"
      + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  /// GGUF's name for the rules that cut text into words.
  private func preTokenizer() throws(ConversionError) -> String {
    let steps = parts("pre_tokenizer", "pretokenizers")
    let takesWhole = json["model"]?["ignore_merges"]?.bool ?? false
    let names = steps.compactMap { $0["type"]?.string }
    if names == ["ByteLevel"] { return "gpt-2" }
    if names == ["Digits", "ByteLevel"], steps[0]["individual_digits"]?.bool ?? false { return "smollm" }
    if names == ["Split", "ByteLevel"], let pattern = steps[0]["pattern"]?["Regex"]?.string {
      switch pattern {
      case Self.words(#"\p{N}"#): return "qwen2"
      case Self.words(#"\p{N}{1,3}"#): return takesWhole ? "llama-bpe" : "dbrx"
      case Self.casedWords(#"\p{N}"#, ""): return "tekken"
      case Self.casedWords(#"\p{N}{1,3}"#, Self.contractions + "?"): return "gpt-4o"
      default: break
      }
    }
    let rules = json["pre_tokenizer"]?.serialized() ?? "null"
    throw unsupported("GGUF has no name that is known here for its word rules: \(rules.prefix(200))")
  }

  /// Whether SentencePiece puts a space before the text.
  private var prefixesSpace: Bool {
    let prepends = parts("normalizer", "normalizers").contains { $0["type"]?.string == "Prepend" }
    let marks = parts("pre_tokenizer", "pretokenizers").contains {
      $0["type"]?.string == "Metaspace" && $0["prepend_scheme"]?.string != "never"
        && $0["add_prefix_space"]?.bool ?? true
    }
    return prepends || marks
  }

  private func addBERTNormalizer(to list: inout MetadataList) {
    for step in parts("normalizer", "normalizers") where step["type"]?.string == "BertNormalizer" {
      list.tokenizer("normalizer.lowercase", step["lowercase"]?.bool.map(MetadataValue.bool))
      list.tokenizer("normalizer.strip_accents", step["strip_accents"]?.bool.map(MetadataValue.bool))
    }
  }

  // MARK: Special tokens

  private func addSpecialTokens(_ pieces: [Piece], to list: inout MetadataList) {
    var ids: [ExactText: Int] = [:]
    for (id, piece) in pieces.enumerated() where piece.kind != .unused { ids[ExactText(piece.text)] = id }
    // "seperator" is how the format spells it.
    let names = [
      ("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("sep", "seperator"), ("pad", "padding"), ("cls", "cls"),
      ("mask", "mask"),
    ]
    var texts: [String: String] = [:]
    for (name, key) in names {
      let setting = settings["\(name)_token"]
      let fallback = name == "unk" ? json["model"]?["unk_token"]?.string : nil
      let text = setting?.string ?? setting?["content"]?.string ?? fallback
      let configured = model["\(name)_token_id"]
      let id = text.flatMap { ids[ExactText($0)] } ?? configured?.int ?? configured?[0]?.int
      guard let id, pieces.indices.contains(id) else { continue }
      texts[name] = pieces[id].text
      list.tokenizer("\(key)_token_id", .uint32(UInt32(clamping: id)))
    }
    for (name, isFirst) in [("bos", true), ("eos", false)] {
      // Without a template nothing is added, which readers of GGUF do not all take for granted.
      let adds = templateAdds(texts, isFirst: isFirst) ?? settings["add_\(name)_token"]?.bool ?? false
      list.tokenizer("add_\(name)_token", .bool(adds))
    }
  }

  /// Whether the post-processor opens (or closes) a text with a special token; nil if there is no template.
  private func templateAdds(_ texts: [String: String], isFirst: Bool) -> Bool? {
    let steps = parts("post_processor", "processors")
    guard let template = steps.first(where: { $0["type"]?.string == "TemplateProcessing" })?["single"]?.array else {
      return steps.contains { $0["type"]?.string == "BertProcessing" } ? true : nil
    }
    let edge = isFirst ? template.first : template.last
    guard let text = edge?["SpecialToken"]?["id"]?.string else { return false }
    return (isFirst ? [texts["bos"], texts["cls"]] : [texts["eos"], texts["sep"]]).contains(text)
  }

  /// The template in tokenizer_config.json: one, or the default of several.
  var chatTemplate: String? {
    let value = settings["chat_template"]
    return value?.string ?? value?.array?.first { $0["name"]?.string == "default" }?["template"]?.string
  }
}
