// How one model's answers are written: the marks around reasoning and tool calls. Which one it is shows in the chat
// template and the vocabulary; reading an answer is ChatParser's work.

/// The way in which a model writes reasoning and tool calls; docs/CHAT.md lists the families.
public struct ChatFormat: Sendable, Equatable {
  /// How calls are written.
  public enum Calls: String, Sendable, CaseIterable {
    /// The model has no form for them.
    case none
    /// `<tool_call>{"name": …, "arguments": {…}}</tool_call>`: Hermes, Qwen 2.5 and 3, SmolLM, Granite.
    case hermes
    /// `{"name": …, "parameters": {…}}` as the whole answer, or behind `<|python_tag|>`: Llama 3.1 to 3.3.
    case llama3 = "llama-3"
    /// `[TOOL_CALLS]`, then a JSON list, or a name and `[ARGS]{…}`: Mistral.
    case mistral
    /// `<tool_call><function=name><parameter=key>value</parameter></function></tool_call>`: Qwen3-Coder.
    case qwen3Coder = "qwen-3-coder"
    /// `<tool_call>name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>`: GLM 4.5 to 4.7.
    case glm
    /// `function<｜tool▁sep｜>name` and a fenced block of JSON: DeepSeek V3 and R1.
    case deepSeek3 = "deepseek-3"
    /// `name<｜tool▁sep｜>{…}`: DeepSeek V3.1.
    case deepSeek31 = "deepseek-3.1"
    /// `<|tool_call|>[{"name": …, "arguments": {…}}]<|/tool_call|>`: Phi-4-mini.
    case phi4 = "phi-4"
    /// Messages in channels, `<|channel|>commentary to=functions.name<|message|>{…}<|call|>`: gpt-oss.
    case harmony
  }

  /// How reasoning is set apart.
  public enum Reasoning: String, Sendable, CaseIterable {
    case none
    /// `<think>…</think>`
    case think
    /// `[THINK]…[/THINK]`
    case bracketed
    /// The channel `analysis`, which comes with ``Calls/harmony`` and only there.
    case channel
  }

  public let calls: Calls
  public let reasoning: Reasoning
  /// Whether a parser needs control tokens to show as their names: what a caller sets
  /// ``TextOptions/renderSpecial`` to. Control tokens that mean nothing here are taken out of the text again.
  public let showsSpecial: Bool
  /// Names of control tokens that are no part of a text.
  let hidden: [[UInt8]]
  /// What stands out in content, in content without calls, and in reasoning.
  let contentMarks: MarkSet
  let plainMarks: MarkSet
  let reasoningMarks: MarkSet

  /// A format named by the caller.
  ///
  /// - Parameters:
  ///   - reasoning: nil for none; ``Calls/harmony`` always has its channel.
  ///   - tokenizer: tells which marks are control tokens. Without one they are taken to be, but for families whose
  ///     marks are ordinary text.
  public init(calls: Calls, reasoning: Reasoning? = nil, tokenizer: (any Tokenizer)? = nil) {
    self.calls = calls
    let wanted = reasoning ?? .none
    self.reasoning = calls == .harmony ? .channel : wanted == .channel ? .none : wanted
    let marks = calls.marks + self.reasoning.marks
    if let tokenizer {
      showsSpecial = marks.contains { tokenizer.token(for: $0).map(tokenizer.isSpecial) ?? false }
      hidden = showsSpecial ? Self.controlTokens(of: tokenizer, without: marks) : []
    } else {
      showsSpecial = !marks.isEmpty && ![.hermes, .qwen3Coder, .glm].contains(calls)
      hidden = []
    }
    func all(_ names: [String], _ mark: Mark) -> [([UInt8], Mark)] { names.map { (Array($0.utf8), mark) } }
    let others =
      all([self.reasoning.open].compactMap(\.self), .openReasoning) + hidden.map { ($0, Mark.hidden) }
    contentMarks = MarkSet(all(calls.openings, .call) + all(calls.silent, .silent) + others)
    plainMarks = MarkSet(others)
    reasoningMarks = MarkSet(all([self.reasoning.close].compactMap(\.self), .closeReasoning) + others)
  }

  public static func == (a: ChatFormat, b: ChatFormat) -> Bool {
    (a.calls, a.reasoning, a.showsSpecial) == (b.calls, b.reasoning, b.showsSpecial) && a.hidden == b.hidden
  }

  /// The format of the model that brings this template and vocabulary. What says nothing of calls or reasoning has
  /// neither: then all of an answer is content.
  public init(template: String?, tokenizer: (any Tokenizer)?) {
    let text = template ?? ""
    func has(_ mark: String) -> Bool { text.contains(mark) }
    func knows(_ mark: String) -> Bool { has(mark) || tokenizer?.token(for: mark) != nil }
    let calls: Calls =
      if has("<|channel|>"), has("<|message|>") {
        .harmony
      } else if has("<｜tool▁sep｜>") {
        has("```json") ? .deepSeek3 : .deepSeek31
      } else if has("[TOOL_CALLS]") {
        .mistral
      } else if has("<function="), has("<parameter=") {
        .qwen3Coder
      } else if has("<tool_call>"), has("<arg_key>") {
        .glm
      } else if has("<|/tool_call|>") || has("<|tool|>") && knows("<|tool_call|>") {
        .phi4
      } else if has("<tool_call>") {
        .hermes
      } else if has("<|python_tag|>") || has("ipython") && has("\"parameters\": ") {
        .llama3
      } else {
        .none
      }
    let reasoning: Reasoning =
      if has("<think>") || has("</think>") || tokenizer?.token(for: "</think>") != nil {
        .think
      } else if knows("[THINK]") {
        .bracketed
      } else {
        .none
      }
    self.init(calls: calls, reasoning: reasoning, tokenizer: tokenizer)
  }

  /// Whether an answer to this prompt begins inside its reasoning: the prompt ends with the opening mark, and
  /// perhaps white space.
  public func startsInReasoning(afterPrompt prompt: String) -> Bool {
    guard let open = reasoning.open else { return false }
    var end = prompt.utf8[...]
    while let last = end.last, last.isBlank { end.removeLast() }
    return end.count >= open.utf8.count && end.suffix(open.utf8.count).elementsEqual(open.utf8)
  }

  private static func controlTokens(of tokenizer: any Tokenizer, without marks: [String]) -> [[UInt8]] {
    let marks = Set(marks.map { Array($0.utf8) })
    var names: Set<[UInt8]> = []
    for token in 0..<Int32(clamping: tokenizer.vocabularySize) where tokenizer.isSpecial(token) {
      let name = tokenizer.bytes(of: token, renderSpecial: true)
      // Names that any text may hold are left alone.
      if name.count > 2, name[0] == UInt8(ascii: "<") || name[0] == UInt8(ascii: "["), !marks.contains(name) {
        names.insert(name)
      }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }
}

extension ChatFormat.Calls {
  /// Where a call begins.
  var openings: [String] {
    switch self {
    case .none, .harmony: []
    case .hermes, .glm: ["<tool_call>"]
    case .llama3: ["<|python_tag|>"]
    case .mistral: ["[TOOL_CALLS]"]
    case .qwen3Coder: ["<tool_call>", "<function="]
    case .deepSeek3, .deepSeek31: ["<｜tool▁call▁begin｜>"]
    case .phi4: ["<|tool_call|>"]
    }
  }

  /// Marks around all calls together, which say nothing that the calls don't.
  var silent: [String] {
    switch self {
    case .deepSeek3, .deepSeek31: ["<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"]
    default: []
    }
  }

  /// Where a call ends, where that is a mark.
  var closing: String? {
    switch self {
    case .hermes, .qwen3Coder, .glm: "</tool_call>"
    case .deepSeek3, .deepSeek31: "<｜tool▁call▁end｜>"
    case .phi4: "<|/tool_call|>"
    case .none, .llama3, .mistral, .harmony: nil
    }
  }

  /// All marks that a vocabulary may have as tokens.
  var marks: [String] {
    let others: [String] =
      switch self {
      case .mistral: ["[ARGS]", "[CALL_ID]"]
      case .deepSeek3, .deepSeek31: ["<｜tool▁sep｜>"]
      case .harmony: HarmonyMark.allCases.map(\.rawValue)
      default: []
      }
    return openings + silent + (closing.map { [$0] } ?? []) + others
  }
}

extension ChatFormat.Reasoning {
  var open: String? {
    switch self {
    case .think: "<think>"
    case .bracketed: "[THINK]"
    case .none, .channel: nil
    }
  }

  var close: String? {
    switch self {
    case .think: "</think>"
    case .bracketed: "[/THINK]"
    case .none, .channel: nil
    }
  }

  var marks: [String] { [open, close].compactMap(\.self) }
}

extension UInt8 {
  /// Whether it is JSON's white space.
  var isBlank: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
}
