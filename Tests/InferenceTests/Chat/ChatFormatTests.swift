// Formats as templates and vocabularies tell them, and calls that go through a template and come back the same.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct ChatFormatTests {
  /// A vocabulary of control tokens only.
  private struct MarkTokenizer: Tokenizer {
    let names: [String]
    let special: Set<String>
    var vocabularySize: Int { names.count }
    let bos: Int32? = nil
    let eos: Int32? = nil
    let endOfGeneration: Set<Int32> = []
    let addsBOS = false
    let addsEOS = false
    let stripsLeadingSpace = false

    func encode(_ text: [UInt8], parseSpecial: Bool, addBOS: Bool?, addEOS: Bool?) -> [Int32] { [] }
    func bytes(of token: Int32, renderSpecial: Bool) -> [UInt8] {
      isSpecial(token) && !renderSpecial ? [] : Array(names[Int(token)].utf8)
    }
    func isSpecial(_ token: Int32) -> Bool { special.contains(names[Int(token)]) }
    func token(for piece: String) -> Int32? { names.firstIndex(of: piece).map(Int32.init) }
  }

  private static func template(_ model: String) throws -> String {
    try Fixtures.text("chat-templates/\(model)/template.jinja")
  }

  // MARK: Detection

  @Test(arguments: [
    ("gemma-2", ChatFormat.Calls.none), ("llama-3.1", .llama3), ("qwen-2.5", .hermes),
  ])
  func publishedTemplatesTellTheirFormat(model: String, calls: ChatFormat.Calls) throws {
    let format = ChatFormat(template: try Self.template(model), tokenizer: nil)
    #expect(format.calls == calls && format.reasoning == .none)
  }

  @Test(arguments: [
    ("… <|start|>assistant<|channel|>final<|message|> …", ChatFormat.Calls.harmony, ChatFormat.Reasoning.channel),
    ("{{ '<｜tool▁calls▁begin｜>function<｜tool▁sep｜>' + name + '```json' }} </think>", .deepSeek3, .think),
    ("{{ name + '<｜tool▁sep｜>' }} </think>", .deepSeek31, .think),
    ("{{ '[TOOL_CALLS]' }}", .mistral, .none), ("{{ '[TOOL_CALLS]' }}[THINK]", .mistral, .bracketed),
    ("<tool_call><function=x><parameter=y>", .qwen3Coder, .none), ("<think> <tool_call>", .hermes, .think),
    ("<tool_call> <arg_key>", .glm, .none),
    ("<|tool|> <|/tool_call|>", .phi4, .none), ("<|python_tag|>", .llama3, .none), ("<|im_start|>", .none, .none),
  ])
  func marksTellTheFormat(template: String, calls: ChatFormat.Calls, reasoning: ChatFormat.Reasoning) {
    let format = ChatFormat(template: template, tokenizer: nil)
    #expect(format.calls == calls && format.reasoning == reasoning)
  }

  @Test(.enabled(if: RealModels.exists(RealModels.smolLM2), "\(RealModels.reason)"))
  func aModelFileTellsItsFormat() throws {
    let file = try GGUFFile(path: RealModels.smolLM2)
    let format = ChatFormat(
      template: file["tokenizer.chat_template"]?.string, tokenizer: try TokenizerLoader.tokenizer(of: file))
    #expect(format.calls == .none && format.reasoning == .none && !format.showsSpecial)
  }

  @Test func theVocabularyTellsWhatMustShow() throws {
    let names = ["<tool_call>", "</tool_call>", "<|im_end|>", "<|x|>", "<think>", "</think>"]
    let text = MarkTokenizer(names: names, special: ["<|im_end|>", "<|x|>"])
    let plain = ChatFormat(template: "<tool_call>", tokenizer: text)
    #expect(plain.calls == .hermes && plain.reasoning == .think && !plain.showsSpecial)
    #expect(plain.message(of: "a<|x|>").content == "a<|x|>")
    let hidden = ChatFormat(template: "<tool_call>", tokenizer: MarkTokenizer(names: names, special: Set(names)))
    #expect(hidden.showsSpecial)
    // Control tokens that mean nothing are taken out again.
    let options = try ChatSupport.options()
    let answer = "<think>a<|x|>b</think>c <|im_end|>d<tool_call>{\"name\":\"now\"}</tool_call><|im_end|>"
    let message = hidden.message(of: answer, options: options)
    #expect(message.content == "c d" && message.reasoning == "ab" && message.calls.map(\.name) == ["now"])
    ChatSupport.checkCuts(hidden, answer, options)
    #expect(ChatFormat(calls: .mistral).showsSpecial && !ChatFormat(calls: .hermes).showsSpecial)
  }

  @Test func anOpenThinkBlockIsSeen() {
    let think = ChatFormat(calls: .none, reasoning: .think)
    #expect(think.startsInReasoning(afterPrompt: "<|im_start|>assistant\n<think>\n"))
    #expect(think.startsInReasoning(afterPrompt: "<think>"))
    #expect(!think.startsInReasoning(afterPrompt: "<think>\n\n</think>\n\n"))
    #expect(!think.startsInReasoning(afterPrompt: ""))
    #expect(!ChatFormat(calls: .none).startsInReasoning(afterPrompt: "<think>"))
  }

  // MARK: Round trips

  /// Templates of the families that the data folder has none of, in as much as they write an answer.
  private static let written: [(ChatFormat, String)] = [
    (
      ChatFormat(calls: .deepSeek3),
      """
      {% for m in messages %}{% if m.role == 'user' %}U{{ m.content }}{% else %}A{{ m.content }}\
      {% if m.tool_calls %}{{ '<｜tool▁calls▁begin｜>' }}{% for c in m.tool_calls %}{% if not loop.first %}{{ '\\n' }}{% endif %}\
      {{ '<｜tool▁call▁begin｜>' + c.type + '<｜tool▁sep｜>' + c.function.name + '\\n```json\\n' + c.function.arguments|tojson\
       + '\\n```<｜tool▁call▁end｜>' }}{% endfor %}{{ '<｜tool▁calls▁end｜>' }}{% endif %}{% endif %}{% endfor %}\
      {% if add_generation_prompt %}A{% endif %}
      """
    ),
    (
      ChatFormat(calls: .mistral),
      """
      {% for m in messages %}{% if m.role == 'user' %}U{{ m.content }}{% else %}A{{ m.content }}\
      {% for c in m.tool_calls or [] %}{{ '[TOOL_CALLS]' + c.function.name + '[ARGS]' + c.function.arguments|tojson }}\
      {% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}A{% endif %}
      """
    ),
    (
      ChatFormat(calls: .qwen3Coder, reasoning: .think),
      """
      {% for m in messages %}{% if m.role == 'user' %}U{{ m.content }}{% else %}A\
      {% if m.reasoning_content %}{{ '<think>\\n' + m.reasoning_content + '\\n</think>\\n\\n' }}{% endif %}{{ m.content }}\
      {% for c in m.tool_calls or [] %}{{ '\\n<tool_call>\\n<function=' + c.function.name + '>\\n' }}\
      {% for k, v in c.function.arguments|items %}{{ '<parameter=' + k + '>\\n' }}{{ v if v is string else v|tojson }}\
      {{ '\\n</parameter>\\n' }}{% endfor %}{{ '</function>\\n</tool_call>' }}{% endfor %}{% endif %}{% endfor %}\
      {% if add_generation_prompt %}A{% endif %}
      """
    ),
    (
      ChatFormat(calls: .harmony),
      """
      {% for m in messages %}{% if m.role == 'user' %}U{{ m.content }}{% else %}<|start|>assistant\
      {% if m.reasoning_content %}{{ '<|channel|>analysis<|message|>' + m.reasoning_content + '<|end|>' }}\
      {{ '<|start|>assistant' }}{% endif %}{% if m.content %}{{ '<|channel|>commentary<|message|>' + m.content + '<|end|>' }}\
      {{ '<|start|>assistant' }}{% endif %}{% for c in m.tool_calls or [] %}{{ '<|channel|>commentary to=functions.'\
       + c.function.name + ' <|constrain|>json<|message|>' + c.function.arguments|tojson + '<|call|>' }}{% endfor %}\
      {% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}
      """
    ),
  ]

  private static let question: JSONValue = ["role": "user", "content": "Weather?"]

  /// Renders the message, reads the answer's part of it, renders what was read, and expects both the same.
  private func check(
    _ format: ChatFormat, _ source: String, _ message: ChatMessage, end: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let template = try ChatTemplate(source: source)
    func render(_ messages: [JSONValue], prompt: Bool) throws -> String {
      try template.render(messages: messages, tools: ChatSupport.tools, addGenerationPrompt: prompt)
    }
    let prompt = try render([Self.question], prompt: true)
    let whole = try render([Self.question, message.templateValue], prompt: false)
    let shared = whole.commonPrefix(with: prompt, options: .literal)
    // Some put the line end behind the role's name before an answer, and none before a call.
    try #require(prompt.dropFirst(shared.count).allSatisfy(\.isWhitespace), sourceLocation: sourceLocation)
    var answer = String(whole.dropFirst(shared.count))
    if !end.isEmpty {
      try #require(answer.hasSuffix(end), sourceLocation: sourceLocation)
      answer.removeLast(end.count)
    }
    let options = try ChatSupport.options()
    let read = format.message(of: answer, options: options)
    #expect(read.content == message.content && read.reasoning == message.reasoning, sourceLocation: sourceLocation)
    #expect(read.malformed.isEmpty, sourceLocation: sourceLocation)
    #expect(read.calls.map(\.name) == message.calls.map(\.name), sourceLocation: sourceLocation)
    for (found, wanted) in zip(read.calls, message.calls) {
      #expect(
        try JSONValue(parsing: found.arguments) == JSONValue(parsing: wanted.arguments), sourceLocation: sourceLocation)
    }
    ChatSupport.checkCuts(format, answer, options, sourceLocation: sourceLocation)
    // And once more: the text is the same.
    #expect(try render([Self.question, read.templateValue], prompt: false) == whole, sourceLocation: sourceLocation)
  }

  private static func message(_ content: String, calls count: Int, reasoning: String = "") -> ChatMessage {
    var message = ChatMessage()
    (message.content, message.reasoning) = (content, reasoning)
    let all = [
      ChatToolCall(
        id: "a", name: "get_weather", arguments: "{\"city\": \"Zürich </tool_call> \\\"x\\\"\\n{\", \"days\": 3}"),
      ChatToolCall(id: "b", name: "now", arguments: "{}"),
    ]
    message.calls = Array(all.prefix(count))
    return message
  }

  @Test func qwensCallsComeBack() throws {
    let source = try Self.template("qwen-2.5")
    let format = ChatFormat(template: source, tokenizer: nil)
    try check(format, source, Self.message("Let me see.", calls: 2), end: "<|im_end|>\n")
    try check(format, source, Self.message("", calls: 1), end: "<|im_end|>\n")
    try check(format, source, Self.message("Only <text>.", calls: 0), end: "<|im_end|>\n")
  }

  @Test func llamasCallsComeBack() throws {
    let source = try Self.template("llama-3.1")
    let format = ChatFormat(template: source, tokenizer: nil)
    try check(format, source, Self.message("", calls: 1), end: "<|eot_id|>")
    try check(format, source, Self.message("Only text.", calls: 0), end: "<|eot_id|>")
  }

  @Test(arguments: written.indices) func writtenTemplatesCallsComeBack(index: Int) throws {
    let (format, source) = Self.written[index]
    let reasoning = format.reasoning == .none ? "" : "Hm."
    try check(format, source, Self.message("Let me see.", calls: 1, reasoning: reasoning))
    if format.calls != .harmony { try check(format, source, Self.message("", calls: 2, reasoning: reasoning)) }
  }

  /// Templates of other models, where somebody has them: `GOBI_CHAT_TEMPLATES` names a folder.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["GOBI_CHAT_TEMPLATES"] != nil, "name a folder in GOBI_CHAT_TEMPLATES"))
  func othersTemplatesCallsComeBack() throws {
    let folder = URL(fileURLWithPath: ProcessInfo.processInfo.environment["GOBI_CHAT_TEMPLATES"] ?? "")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() where name.hasSuffix(".jinja")
    {
      let source = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      let format = ChatFormat(template: source, tokenizer: nil)
      guard format.calls != .none else { continue }
      var message = Self.message("", calls: 1)
      message.calls[0].id = "abcdefghi"
      do {
        let template = try ChatTemplate(source: source)
        let prompt = try template.render(messages: [Self.question], tools: ChatSupport.tools, addGenerationPrompt: true)
        let whole = try template.render(
          messages: [Self.question, message.templateValue], tools: ChatSupport.tools, addGenerationPrompt: false)
        let answer = String(whole.dropFirst(whole.commonPrefix(with: prompt, options: .literal).count))
        let read = format.message(of: answer, options: try ChatSupport.options())
        #expect(read.calls.map(\.name) == ["get_weather"], "\(name), \(format.calls): \(answer.suffix(300)) \(read)")
        let arguments = try read.calls.first.map { try JSONValue(parsing: $0.arguments) }
        #expect(arguments == (try JSONValue(parsing: message.calls[0].arguments)), "\(name)")
      } catch let error as TextError {
        Issue.record("\(name): \(error)")
      }
    }
  }

  // MARK: Messages and tools

  @Test func messagesOfTheInterfaceSuitTemplates() {
    let call: JSONValue = [
      "role": "assistant", "content": nil,
      "tool_calls": [["id": "x", "type": "function", "function": ["name": "f", "arguments": "{\"a\": 1}"]]],
    ]
    let template = ChatFormat.templateMessage(call)
    #expect(template["content"] == "")
    #expect(template["tool_calls"]?[0]?["function"]?["arguments"] == ["a": 1])
    let parts: JSONValue = [
      "role": "user", "content": [["type": "text", "text": "a"], ["type": "text", "text": "b"]],
    ]
    #expect(ChatFormat.templateMessage(parts)["content"] == "a\nb")
    let image: JSONValue = ["role": "user", "content": [["type": "image_url"]]]
    #expect(ChatFormat.templateMessage(image) == image)
    #expect(ChatFormat.templateMessage(["role": "assistant", "content": "x", "tool_calls": nil])["tool_calls"] == nil)
    #expect(ChatFormat.templateMessage(7) == 7)
  }

  @Test func toolsAreChecked() throws {
    #expect(try ChatTool.list(nil).isEmpty && ChatTool.list(.null).isEmpty && ChatTool.list([]).isEmpty)
    #expect(try ChatTool.list(ChatSupport.tools).map(\.name) == ["get_weather", "now"])
    #expect(try ChatTool.list([["name": "f", "parameters": nil]]) == [ChatTool(name: "f")])
    let bad: [JSONValue] = [
      7, ["x"], [["type": "function"]], [["type": "code", "function": ["name": "f"]]], [["name": ""]], [["name": 7]],
      [["name": "f", "parameters": []]], [["name": "f"], ["name": "f"]],
      [["name": .string(String(repeating: "x", count: 257))]], .array(Array(repeating: ["name": "f"], count: 257)),
    ]
    for tools in bad {
      #expect(throws: ChatError.self, "\(tools.serialized().prefix(80))") { try ChatTool.list(tools) }
    }
  }
}
