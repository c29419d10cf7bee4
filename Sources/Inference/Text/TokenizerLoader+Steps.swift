// The normalizer and pre_tokenizer of tokenizer.json, read into this library's steps.

enum TokenizerSteps {
  /// How deep sequences may stand in sequences.
  private static let nestingLimit = 8

  // MARK: Normalizers

  static func normalizer(
    _ json: JSONValue?, key: String, depth: Int = 0
  ) throws(TextError) -> [Normalizer.Step] {
    guard let json, !json.isNull else { return [] }
    guard depth < nestingLimit else { throw .malformedTokenizer(key: key, reason: "is nested too deep") }
    switch json["type"]?.string {
    case "Sequence":
      var result: [Normalizer.Step] = []
      for (index, step) in (json["normalizers"]?.array ?? []).enumerated() {
        result += try normalizer(step, key: key + ".normalizers[\(index)]", depth: depth + 1)
      }
      return result
    case "NFC": return [.nfc]
    case "NFD": return [.nfd]
    case "Lowercase": return [.lowercase]
    case "StripAccents": return [.stripAccents]
    case "Strip":
      return [.strip(left: json["strip_left"]?.bool ?? true, right: json["strip_right"]?.bool ?? true)]
    case "Prepend": return [.prepend(Array(try text(json, "prepend", key).utf8))]
    case "Replace": return [try replacement(json, key)]
    case "BertNormalizer":
      let lowercases = json["lowercase"]?.bool ?? true
      return [
        .bert(
          cleansText: json["clean_text"]?.bool ?? true, spacesIdeographs: json["handle_chinese_chars"]?.bool ?? true,
          stripsAccents: json["strip_accents"]?.bool ?? lowercases, lowercases: lowercases)
      ]
    case "Precompiled":
      let key = key + ".precompiled_charsmap"
      guard let blob = Base64.decode(try text(json, "precompiled_charsmap", key).utf8) else {
        throw .malformedTokenizer(key: key, reason: "is not base64")
      }
      return blob.isEmpty ? [] : [.precompiled(try PrecompiledCharacterMap(blob, key: key))]
    case let other: throw .unsupportedTokenizer(key: key + ".type", value: other ?? "none")
    }
  }

  private static func replacement(_ json: JSONValue, _ key: String) throws(TextError) -> Normalizer.Step {
    let content = Array(try text(json, "content", key).utf8)
    if let pattern = json["pattern"]?["String"]?.string { return .replace(Array(pattern.utf8), with: content) }
    switch json["pattern"]?["Regex"]?.string {
    case " {2,}": return .collapseSpaces(with: content)
    case let other: throw .unsupportedTokenizer(key: key + ".pattern", value: other ?? "none")
    }
  }

  private static func text(_ json: JSONValue, _ name: String, _ key: String) throws(TextError) -> String {
    guard let text = json[name]?.string else {
      throw .malformedTokenizer(key: key + "." + name, reason: "is missing, or no string")
    }
    return text
  }

  // MARK: Pre-tokenizers

  static func isByteLevel(_ json: JSONValue) -> Bool {
    (json["decoders"]?.array ?? [json]).contains { $0["type"]?.string == "ByteLevel" }
  }

  /// The pre-tokenizer, and whether it turns bytes into GPT-2's letters for them.
  static func preTokenizer(
    _ json: JSONValue?
  ) throws(TextError) -> (preTokenizer: PreTokenizer, isByteLevel: Bool) {
    var stages: [PreTokenizer.Stage] = []
    var isByteLevel = false
    try add(json, "pre_tokenizer", 0, &stages, &isByteLevel)
    return (PreTokenizer(stages), isByteLevel)
  }

  private static func add(
    _ json: JSONValue?, _ key: String, _ depth: Int, _ stages: inout [PreTokenizer.Stage], _ isByteLevel: inout Bool
  ) throws(TextError) {
    guard let json, !json.isNull else { return }
    guard depth < nestingLimit else { throw .malformedTokenizer(key: key, reason: "is nested too deep") }
    switch json["type"]?.string {
    case "Sequence":
      for (index, step) in (json["pretokenizers"]?.array ?? []).enumerated() {
        try add(step, key + ".pretokenizers[\(index)]", depth + 1, &stages, &isByteLevel)
      }
    case "ByteLevel":
      isByteLevel = true
      if json["add_prefix_space"]?.bool ?? true { stages.append(.spacePrefix) }
      if json["use_regex"]?.bool ?? true { stages.append(.split(SplitRule.gpt2)) }
    case "Split": stages.append(try split(json, key))
    case "Digits":
      let apart = json["individual_digits"]?.bool ?? false
      stages.append(.split([apart ? .count(.any(.number), 1...1) : .run(.any(.number))]))
    case "Punctuation":
      stages.append(.split([.count(.any([.punctuation, .asciiPunctuation]), 1...1)], try behavior(json, key)))
    case "Whitespace":
      stages.append(.split([.run(.any(.word)), .run(.none([.word, .whitespace]))], .removed, inverted: true))
    case "WhitespaceSplit": stages.append(.split([.run(.any(.whitespace))], .removed))
    case "BertPreTokenizer": stages += PreTokenizer.bert.stages
    case "Metaspace": stages.append(try spaceMarks(json, key))
    case let other: throw .unsupportedTokenizer(key: key + ".type", value: other ?? "none")
    }
  }

  private static func behavior(_ json: JSONValue, _ key: String) throws(TextError) -> SplitBehavior {
    let name = json["behavior"]?.string ?? SplitBehavior.isolated.rawValue
    guard let behavior = SplitBehavior(rawValue: name) else {
      throw .unsupportedTokenizer(key: key + ".behavior", value: name)
    }
    return behavior
  }

  private static func split(_ json: JSONValue, _ key: String) throws(TextError) -> PreTokenizer.Stage {
    let behavior = try behavior(json, key)
    let inverted = json["invert"]?.bool ?? false
    if let literal = json["pattern"]?["String"]?.string {
      guard !literal.isEmpty else { throw .malformedTokenizer(key: key + ".pattern", reason: "is empty") }
      return .split([.literal(Array(literal.utf8))], behavior, inverted: inverted)
    }
    let pattern = json["pattern"]?["Regex"]?.string ?? "none"
    guard let rules = PreTokenizer.rules(ofPattern: pattern) else {
      throw .unsupportedTokenizer(key: key + ".pattern", value: pattern)
    }
    return .split(rules, behavior, inverted: inverted)
  }

  private static func spaceMarks(_ json: JSONValue, _ key: String) throws(TextError) -> PreTokenizer.Stage {
    let mark = json["replacement"]?.string ?? "▁"
    guard mark == "▁" else { throw .unsupportedTokenizer(key: key + ".replacement", value: mark) }
    var prefix: PreTokenizer.MarkPrefix = json["add_prefix_space"]?.bool ?? true ? .always : .never
    if let scheme = json["prepend_scheme"]?.string {
      guard let named = PreTokenizer.MarkPrefix(rawValue: scheme) else {
        throw .unsupportedTokenizer(key: key + ".prepend_scheme", value: scheme)
      }
      prefix = named
    }
    return .spaceMarks(prefix: prefix, splits: json["split"]?.bool ?? true)
  }
}
