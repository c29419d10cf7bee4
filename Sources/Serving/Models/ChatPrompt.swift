// A chat request as a prompt, with what its answer is held to and read by.
import Inference

struct ChatPrompt: Sendable {
  let tokens: [Int32]
  private(set) var constraint: GrammarConstraint?
  /// Whether control tokens are to show in the answer's text, for the parser.
  var rendersSpecial: Bool { reading != nil && format.showsSpecial }

  private let format: ChatFormat
  /// How the answer is taken apart; nil where all of it is content.
  private let reading: ChatParserOptions?
  /// What the prompt already says of the answer.
  private let prefix: String

  init(_ request: ChatRequest, _ model: ServedModel) throws(APIError) {
    guard let template = model.template else {
      throw .invalid("model", "'\(model.label)' has no chat template; use /v1/completions", code: "no_chat_template")
    }
    var messages = request.messages
    var offered: JSONValue? = request.tools.isUsed ? .array(request.tools.tools) : nil
    var format = model.format
    if !template.source.contains("tools") {
      // The template would leave the tools out: the conversation says itself what there is, and how it is called.
      messages = PlainTools.messages(messages, tools: request.tools.isUsed ? request.tools.tools : [])
      offered = nil
      if request.tools.isUsed {
        format = ChatFormat(calls: .hermes, reasoning: format.reasoning, tokenizer: model.tokenizer)
      }
    }
    var text: String
    do throws(TextError) {
      text = try template.render(
        messages: messages, tools: offered, addGenerationPrompt: true,
        variables: model.variables.merging(request.variables) { _, new in new })
    } catch {
      throw .invalid("messages", error.description, code: "chat_template")
    }
    let startsInReasoning = format.startsInReasoning(afterPrompt: text)
    var prefix = ""
    var reading: ChatParserOptions?
    if request.tools.isUsed, case .forced(let choice) = request.tools.choice {
      let call = try model.grammars.call(
        choice, of: request.tools, format: format, inReasoning: startsInReasoning)
      prefix = call.prefix
      constraint = call.constraint
    } else if let held = try model.grammars.constraint(for: request.format) {
      constraint = held
      // The format is for the answer, not for what the model thinks before it.
      if startsInReasoning { text += Self.end(of: format.reasoning) }
    }
    if request.format == .text, request.tools.isUsed || format.reasoning != .none {
      reading = ChatParserOptions(
        tools: request.tools.isUsed ? request.tools.functions : [], startsInReasoning: startsInReasoning)
    }
    // The template writes the special tokens that it wants itself.
    tokens = model.tokenizer.encode(text + prefix, parseSpecial: true, addBOS: false, addEOS: false)
    self.format = format
    self.reading = reading
    self.prefix = prefix
  }

  /// A parser for one answer, which knows how the prompt began it.
  func parser() -> ChatParser? {
    guard var options = reading else { return nil }
    // Ids of calls differ from answer to answer.
    options.idSeed = .random(in: .min ... .max)
    var parser = ChatParser(format, options: options)
    if !prefix.isEmpty { _ = parser.append(prefix) }
    return parser
  }

  private static func end(of reasoning: ChatFormat.Reasoning) -> String {
    switch reasoning {
    case .think: "\n</think>\n\n"
    case .bracketed: "[/THINK]"
    case .none, .channel: ""
    }
  }
}
