// The split patterns of known models, written as rules. A pattern is known by its text, a model by GGUF's name for it.

extension PreTokenizer {
  /// The pattern of a published regular expression, or nil for one that is not known here.
  ///
  /// Sources: the `pre_tokenizer` of the models' tokenizer.json, `pattern` of tekken.json, tiktoken's `pat_str`.
  static func rules(ofPattern pattern: String) -> [SplitRule]? { knownPatterns[pattern] }

  /// A pre-tokenizer by the name that GGUF files give in `tokenizer.ggml.pre`.
  static func named(_ name: String) -> NamedPreTokenizer? { knownNames[name] }
}

/// What the name of a pre-tokenizer says about a GGUF vocabulary besides where it cuts.
struct NamedPreTokenizer: Sendable {
  var stages: [PreTokenizer.Stage]
  /// Whether a word that is a piece is taken whole.
  var takesWholeWords = false
  /// Whether an opening token is added where the file does not say.
  var addsBOS = false
  /// Whether the model's tokenizer composes characters first.
  var composes = false
  /// Whether pieces are text with marks for spaces, rather than bytes.
  var marksSpaces = false
}

// MARK: Rules

extension SplitRule {
  fileprivate static let anyLead = CharacterSet.none([.lineBreak, .letter, .number])
  fileprivate static let spaceLead = CharacterSet.any(.space)
  fileprivate static let neither = CharacterSet.none([.whitespace, .letter, .number])

  /// `\s+(?!\S)|\s+`
  fileprivate static let spaces: [SplitRule] = [.spacesBeforeLast, .run(.any(.whitespace))]

  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  static let gpt2: [SplitRule] =
    [
      .contraction(ignoringCase: false), .run(lead: spaceLead, .any(.letter)), .run(lead: spaceLead, .any(.number)),
      .run(lead: spaceLead, neither),
    ] + spaces

  /// The pattern of GPT-4, Llama 3 and Qwen 2, which differ in how many digits go together.
  fileprivate static func gpt4(digits: ClosedRange<Int>, contraction: Bool = true) -> [SplitRule] {
    (contraction ? [.contraction(ignoringCase: true)] : []) + [
      .run(lead: anyLead, .any(.letter)), .count(.any(.number), digits),
      .run(lead: spaceLead, neither, tail: .any(.lineBreak)), .lineBreaks,
    ] + spaces
  }

  /// Words by case: tekken, and GPT-4o, which keeps contractions with their word.
  fileprivate static func cased(digits: ClosedRange<Int>, contraction: Bool) -> [SplitRule] {
    [
      .lowercaseWord(lead: anyLead, contraction: contraction), .uppercaseWord(lead: anyLead, contraction: contraction),
      .count(.any(.number), digits), .run(lead: spaceLead, neither, tail: .any([.lineBreak, .slash])), .lineBreaks,
    ] + spaces
  }

  fileprivate static let qwen35: [SplitRule] =
    [
      .contraction(ignoringCase: true), .run(lead: anyLead, .any([.letter, .mark])), digit,
      .run(lead: spaceLead, .none([.whitespace, .letter, .mark, .number]), tail: .any(.lineBreak)), .lineBreaks,
    ] + spaces

  fileprivate static let deepseek3: [SplitRule] =
    [
      .led(by: .any(.asciiPunctuation), .any(.asciiLetter)),
      .run(lead: .none([.lineBreak, .letter, .punctuation, .symbol]), .any([.letter, .mark])),
      .run(lead: spaceLead, .any([.punctuation, .symbol]), tail: .any(.lineBreak)), .lineBreaks,
    ] + spaces

  fileprivate static let digit = SplitRule.count(.any(.number), 1...1)
  fileprivate static let threeDigits = SplitRule.count(.any(.number), 1...3)
  fileprivate static let spaceLeads = CharacterSet.any(.whitespace)
}

extension PreTokenizer {
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let spacesPattern = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#

  private static func gpt4Pattern(_ digits: String) -> String {
    #"|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spacesPattern
  }

  private static func casedPattern(_ digits: String, _ contraction: String) -> String {
    let lead = #"[^\r\n\p{L}\p{N}]?"#
    return lead + upper + "*" + lower + "+" + contraction + "|" + lead + upper + "+" + lower + "*" + contraction
      + "|" + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + spacesPattern
  }

  private static let knownPatterns: [String: [SplitRule]] = {
    let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"#
    let spelledOut = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    let deepseek3 =
      ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"##
      + spacesPattern
    var result: [String: [SplitRule]] = [
      gpt2: SplitRule.gpt2, gpt2 + #"|\s+"#: SplitRule.gpt2,
      deepseek3: SplitRule.deepseek3,
      #"[^\n]+|[\n]+"#: [.run(.none(.lineFeed)), .run(.any(.lineFeed))],
      #"\p{N}"#: [.digit], #"\d"#: [.digit], "[0-9]": [.count(.any(.asciiDigit), 1...1)],
      #"\p{N}{1,3}"#: [.threeDigits], #"\p{N}+"#: [.run(.any(.number))],
      "[0-9][0-9][0-9]": [.count(.any(.asciiDigit), 3...3)],
      "[一-龥぀-ゟ゠-ヿ]+": [.run(.any(.ideographOrKana))], "[一-龥ࠀ-一가-퟿]+": [.run(.any(.eastAsian))],
      "[\r\n]": [.count(.any(.lineBreak), 1...1)], #"[\r\n]"#: [.count(.any(.lineBreak), 1...1)],
      #"\s?\p{L}+"#: [.run(lead: SplitRule.spaceLeads, .any(.letter))],
      #"\s?\p{P}+"#: [.run(lead: SplitRule.spaceLeads, .any(.punctuation))],
      #"\s+$"#: [.spacesAtEnd], #"\s+"#: [.run(.any(.whitespace))], #"\S+"#: [.run(.none(.whitespace))],
      #"\w+|[^\w\s]+"#: [.run(.any(.word)), .run(.none([.word, .whitespace]))],
    ]
    let digitPatterns = [
      (#"\p{N}{1,3}"#, 1...3), (#"\p{N}"#, 1...1), (#"\p{N}{1}"#, 1...1), (#"\p{N}+"#, 1...Int.max),
    ]
    for (digits, range) in digitPatterns {
      for contraction in [contractions, spelledOut] {
        result[contraction + gpt4Pattern(digits)] = SplitRule.gpt4(digits: range)
        result[casedPattern(digits, contraction + "?")] = SplitRule.cased(digits: range, contraction: true)
      }
      result[String(gpt4Pattern(digits).dropFirst())] = SplitRule.gpt4(digits: range, contraction: false)
      result[casedPattern(digits, "")] = SplitRule.cased(digits: range, contraction: false)
    }
    result[
      contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"# + spacesPattern] =
      SplitRule.qwen35
    return result
  }()
}

// MARK: Names

extension PreTokenizer {
  private static let knownNames: [String: NamedPreTokenizer] = {
    let digitsApart = [Stage.split([SplitRule.digit]), .split(SplitRule.gpt2)]
    let gpt2 = NamedPreTokenizer(stages: [.split(SplitRule.gpt2)])
    let llama3 = NamedPreTokenizer(
      stages: [.split(SplitRule.gpt4(digits: 1...3))], takesWholeWords: true, addsBOS: true)
    let plainLlama3 = NamedPreTokenizer(stages: llama3.stages)
    let qwen2 = NamedPreTokenizer(stages: [.split(SplitRule.gpt4(digits: 1...1))], composes: true)
    let oneDigit = NamedPreTokenizer(stages: qwen2.stages)
    let gpt4o = NamedPreTokenizer(stages: [.split(SplitRule.cased(digits: 1...3, contraction: true))])
    let deepseek3 = NamedPreTokenizer(stages: [
      .split([SplitRule.threeDigits]), .split([.run(.any(.ideographOrKana))]), .split(SplitRule.deepseek3),
    ])
    let gemma = NamedPreTokenizer(
      stages: [.split([.run(.none(.lineFeed)), .run(.any(.lineFeed))])], addsBOS: true, marksSpaces: true)
    var result: [String: NamedPreTokenizer] = [
      "default": NamedPreTokenizer(stages: [
        .split([.run(.any([.punctuation, .operatorSign]))]), .split(SplitRule.gpt2), .split([.run(.any(.number))]),
        .split([.count(.any(.asciiDigit), 3...3)]),
      ]),
      "falcon": NamedPreTokenizer(stages: [
        .split([.run(.any([.punctuation, .operatorSign, .backquote]))]), .split(SplitRule.gpt2),
        .split([.count(.any(.asciiDigit), 3...3)]),
      ]),
      "deepseek-llm": NamedPreTokenizer(stages: deepseekLLM),
      "deepseek-coder": NamedPreTokenizer(stages: deepseekCoder),
      "qwen2": qwen2, "deepseek-r1-qwen": qwen2, "megrez": qwen2, "stablelm2": oneDigit, "hunyuan": oneDigit,
      "qwen35": NamedPreTokenizer(stages: [.split(SplitRule.qwen35)], composes: true),
      "tekken": NamedPreTokenizer(
        stages: [.split(SplitRule.cased(digits: 1...1, contraction: false))], takesWholeWords: true, addsBOS: true),
    ]
    for name in [
      "gpt-2", "phi-2", "mpt", "olmo", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "jina-v2-code",
      "jina-v1-en", "roberta-bpe", "gigachat", "modern-bert", "exaone4", "trillion", "granite-docling", "jais",
    ] {
      result[name] = gpt2
    }
    for name in ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2"] { result[name] = llama3 }
    for name in ["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"] { result[name] = plainLlama3 }
    for name in ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"] {
      result[name] = NamedPreTokenizer(stages: digitsApart)
    }
    for name in ["deepseek-v3", "hunyuan-dense"] { result[name] = deepseek3 }
    for name in ["gpt-4o", "llama4"] { result[name] = gpt4o }
    for name in ["gemma4", "gemma-4"] { result[name] = gemma }
    return result
  }()

  private static let deepseekLLM: [Stage] = [
    .split([.count(.any(.lineBreak), 1...1)]), .split([.run(lead: SplitRule.spaceLeads, .any(.listedLetter))]),
    .split([.run(lead: SplitRule.spaceLeads, .any(.listedPunctuation))]), .split([.spacesAtEnd]),
    .split([.run(.any(.eastAsian))]), .split([.run(.any(.number))]),
  ]

  private static let deepseekCoder: [Stage] = [
    .split([.count(.any(.lineBreak), 1...1)]), .split([.run(lead: SplitRule.spaceLeads, .any(.letter))]),
    .split([.run(lead: SplitRule.spaceLeads, .any(.punctuation))]), .split([.run(.any(.eastAsian))]),
    .split([SplitRule.digit]),
  ]
}
