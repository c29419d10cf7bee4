// Answers of every family: what is read from them, however they are cut, and what is not a call.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct ChatParserTests {
  /// One answer and what it says.
  struct Sample: Sendable, CustomTestStringConvertible {
    let calls: ChatFormat.Calls
    var reasoning = ChatFormat.Reasoning.none
    let text: String
    var content = ""
    var thought = ""
    /// Names and arguments.
    var found: [[String]] = []
    var malformed: [MalformedCall] = []
    var startsInReasoning = false
    var testDescription: String { "\(calls): \(text.prefix(60))" }
  }

  private static let bern = ["get_weather", "{\"city\": \"Bern\"}"]

  static let samples: [Sample] = [
    // Plain text is what it is.
    Sample(
      calls: .none, text: " <tool_call>{}</tool_call>\n <think> x ", content: " <tool_call>{}</tool_call>\n <think> x "),
    Sample(calls: .hermes, text: "a < b <too </tool_call> x\n", content: "a < b <too </tool_call> x\n"),
    Sample(calls: .hermes, text: "ends in <tool_ca", content: "ends in <tool_ca"),

    // Hermes.
    Sample(
      calls: .hermes,
      text: "Let me see.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>",
      content: "Let me see.", found: [bern]),
    Sample(
      calls: .hermes,
      text:
        "<tool_call>{\"arguments\":{\"city\":\"</tool_call> \\\"é\\u00e9\"},\"name\":\"f\"}</tool_call>\n<tool_call>\n"
        + "{\"name\": \"now\"}\n</tool_call>\n done ",
      content: "done ", found: [["f", "{\"city\":\"</tool_call> \\\"é\\u00e9\"}"], ["now", "{}"]]),
    Sample(
      calls: .hermes,
      text:
        "<tool_call>[{\"name\":\"now\",\"arguments\":{}},{\"name\":\"get_weather\",\"arguments\":{\"city\": \"Bern\"}}]</tool_call>",
      found: [["now", "{}"], ["get_weather", "{\"city\": \"Bern\"}"]]),
    Sample(
      calls: .hermes, text: "<tool_call>{\"name\":\"now\",\"arguments\":\"{\\\"a\\\": 1}\"}</tool_call>",
      found: [["now", "{\"a\": 1}"]]),
    // The end may stand for the closing mark, and so may the next call.
    Sample(calls: .hermes, text: "<tool_call>\n{\"name\":\"now\"}\n</tool_", found: [["now", "{}"]]),
    Sample(
      calls: .hermes, text: "<tool_call>{\"name\":\"now\"}\n<tool_call>{\"name\":\"now\"}</tool_call>",
      found: [["now", "{}"], ["now", "{}"]]),
    // What is no call is content, and said to be.
    Sample(
      calls: .hermes, text: "x <tool_call>{\"name\": now}</tool_call> <tool_call>{\"name\":\"now\"}</tool_call>",
      content: "x <tool_call>{\"name\": now}</tool_call>", found: [["now", "{}"]],
      malformed: [.invalidJSON(JSONError(offset: 10, reason: "no such word"))]),
    Sample(
      calls: .hermes, text: "<tool_call> get_weather(Bern)</tool_call>",
      content: "<tool_call> get_weather(Bern)</tool_call>",
      malformed: [.unexpectedText]),
    Sample(
      calls: .hermes, text: "<tool_call>{\"name\":\"now\",\"arguments\":{}}}</tool_call>",
      content: "<tool_call>{\"name\":\"now\",\"arguments\":{}}}</tool_call>", malformed: [.unexpectedText]),
    Sample(
      calls: .hermes, text: "<tool_call>{\"arguments\":{}}</tool_call>!",
      content: "<tool_call>{\"arguments\":{}}</tool_call>!",
      malformed: [.noName]),
    Sample(
      calls: .hermes, text: "<tool_call>{\"name\":\"now\",\"arguments\":[1]}</tool_call>",
      content: "<tool_call>{\"name\":\"now\",\"arguments\":[1]}</tool_call>", malformed: [.argumentsAreNoObject]),
    Sample(
      calls: .hermes, text: "So:\n <tool_call>\n{\"name\": \"get_weather\", \"argum",
      content: "So:\n <tool_call>\n{\"name\": \"get_weather\", \"argum",
      malformed: [.unfinished]),
    Sample(
      calls: .hermes, text: "<tool_call>{\"name\":\"now\",\"arguments\":{\"a\":\"\\ud800\"}}</tool_call>",
      content: "<tool_call>{\"name\":\"now\",\"arguments\":{\"a\":\"\\ud800\"}}</tool_call>",
      malformed: [.invalidJSON(JSONError(offset: 32, reason: "an unpaired surrogate"))]),

    // Reasoning.
    Sample(
      calls: .hermes, reasoning: .think, text: "<think>\nHm, <tool_call>?\n</think>\n\nYes. <think>x</think>",
      content: "Yes. <think>x</think>", thought: "Hm, <tool_call>?"),
    Sample(calls: .none, reasoning: .think, text: "<think>\n\n</think>\n\nHi", content: "Hi"),
    Sample(calls: .none, reasoning: .think, text: "a</think> b", content: "b", thought: "a", startsInReasoning: true),
    Sample(calls: .none, reasoning: .think, text: "\n<think>\na </thin", thought: "a </thin", startsInReasoning: true),
    Sample(calls: .none, reasoning: .bracketed, text: "[THINK]a[/THINK]b", content: "b", thought: "a"),
    Sample(
      calls: .hermes, reasoning: .think, text: "a\n</think>\n\n<tool_call>\n{\"name\":\"now\"}\n</tool_call>",
      thought: "a",
      found: [["now", "{}"]], startsInReasoning: true),

    // Llama 3.
    Sample(calls: .llama3, text: "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Bern\"}}", found: [bern]),
    Sample(
      calls: .llama3,
      text:
        "\n{\"name\": \"now\", \"parameters\": {}}; {\"type\":\"function\",\"name\": \"get_weather\", \"parameters\": {\"city\": \"Bern\"}}",
      found: [["now", "{}"], bern]),
    Sample(calls: .llama3, text: "<|python_tag|>{\"name\": \"now\", \"parameters\": {}}", found: [["now", "{}"]]),
    Sample(
      calls: .llama3, text: "<|python_tag|>brave_search.call(query=\"a \"b\" c\", n=\"2\")",
      found: [["brave_search", "{\"query\":\"a \\\"b\\\" c\",\"n\":\"2\"}"]]),
    Sample(calls: .llama3, text: "{\"answer\": {\"name\": 1}}", content: "{\"answer\": {\"name\": 1}}"),
    Sample(calls: .llama3, text: "{\"name\": \"Ann\", \"age\": 3}", content: "{\"name\": \"Ann\", \"age\": 3}"),
    Sample(calls: .llama3, text: "Say {\"name\": \"now\"}", content: "Say {\"name\": \"now\"}"),
    Sample(calls: .llama3, text: "{\"name\": \"now\"}; and more", content: "; and more", found: [["now", "{}"]]),
    Sample(
      calls: .llama3, text: "{\"name\": \"now\", oops}", content: "{\"name\": \"now\", oops}",
      malformed: [.invalidJSON(JSONError(offset: 16, reason: "expected a name"))]),
    Sample(
      calls: .llama3, text: "<|python_tag|>print(1)", content: "<|python_tag|>print(1)", malformed: [.unexpectedText]),

    // Mistral.
    Sample(
      calls: .mistral,
      text:
        "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}, {\"name\": \"now\", \"arguments\": {}}]",
      found: [bern, ["now", "{}"]]),
    Sample(
      calls: .mistral,
      text: "Hm.[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Bern\"}[TOOL_CALLS]now[CALL_ID]abcdefghi[ARGS]{}",
      content: "Hm.", found: [bern, ["now", "{}"]]),
    Sample(calls: .mistral, text: "[TOOL_CALLS]now{}", found: [["now", "{}"]]),
    Sample(calls: .mistral, text: "[TOOL_CALLS] {x}", content: "[TOOL_CALLS] {x}", malformed: [.noName]),

    // Qwen3-Coder.
    Sample(
      calls: .qwen3Coder,
      text:
        "Ok.\n<tool_call>\n<function=get_weather>\n<parameter=city>\n12\nlines\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
        + "<parameter=more>\n{\"a\": [1.5]}\n</parameter>\n</function>\n</tool_call>",
      content: "Ok.", found: [["get_weather", "{\"city\":\"12\\nlines\",\"days\":3,\"more\":{\"a\":[1.5]}}"]]),
    Sample(
      calls: .qwen3Coder, text: "<function=get_weather><parameter=city>12</parameter></function>",
      found: [["get_weather", "{\"city\":\"12\"}"]]),
    Sample(
      calls: .qwen3Coder,
      text: "<tool_call>\n<function=now>\n</function>\n</tool_call>\n<tool_call>{\"name\":\"now\"}</tool_call>",
      found: [["now", "{}"], ["now", "{}"]]),
    Sample(
      calls: .qwen3Coder, text: "<tool_call>\n<function=now>\n<parameter=a>\nb",
      content: "<tool_call>\n<function=now>\n<parameter=a>\nb",
      malformed: [.unfinished]),

    // GLM.
    Sample(
      calls: .glm, reasoning: .think,
      text: "<think></think>\nOk\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>12</arg_value>\n"
        + "<arg_key>days</arg_key><arg_value>3</arg_value>\n</tool_call><tool_call>now</tool_call>",
      content: "Ok", found: [["get_weather", "{\"city\":\"12\",\"days\":3}"], ["now", "{}"]]),
    Sample(
      calls: .glm, text: "<tool_call>now<arg_key>a</arg_key>b</tool_call>",
      content: "<tool_call>now<arg_key>a</arg_key>b</tool_call>", malformed: [.unexpectedText]),

    // DeepSeek.
    Sample(
      calls: .deepSeek3,
      text:
        "Ok<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Bern\"}\n```<｜tool▁call▁end｜>\n"
        + "<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
      content: "Ok", found: [bern, ["now", "{}"]]),
    Sample(
      calls: .deepSeek31, reasoning: .think,
      text:
        "hm</think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Bern\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
      thought: "hm", found: [bern], startsInReasoning: true),
    Sample(
      calls: .deepSeek31, text: "<｜tool▁call▁begin｜>now<｜tool▁sep｜>no", content: "<｜tool▁call▁begin｜>now<｜tool▁sep｜>no",
      malformed: [.unexpectedText]),

    // Phi-4-mini.
    Sample(
      calls: .phi4,
      text: "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}]<|/tool_call|>",
      found: [bern]),

    // Messages in channels.
    Sample(
      calls: .harmony,
      text:
        "<|channel|>analysis<|message|>Hm <b>.\n<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather "
        + "<|constrain|>json<|message|>{\"city\": \"Bern\"}<|call|>",
      thought: "Hm <b>.\n", found: [bern]),
    Sample(
      calls: .harmony,
      text: "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|> b <|return|>",
      content: " b ", thought: "a"),
    Sample(
      calls: .harmony, text: " to=functions.now<|channel|>commentary<|message|>{}", found: [["now", "{}"]]),
    Sample(calls: .harmony, text: "plain < text", content: "plain < text"),
    Sample(
      calls: .harmony,
      text:
        "<|channel|>commentary<|message|>First.<|end|><|start|>assistant<|channel|>commentary to=functions.now<|message|>{oops",
      content: "First.<|start|>assistant<|channel|>commentary to=functions.now<|message|>{oops",
      malformed: [.unfinished]),
    Sample(calls: .harmony, text: "<|channel|>final<|message|>a<|end|><|start|>assis", content: "a"),
  ]

  @Test(arguments: samples) func answersAreRead(_ sample: Sample) throws {
    let format = ChatFormat(calls: sample.calls, reasoning: sample.reasoning)
    let options = try ChatSupport.options(reasoning: sample.startsInReasoning)
    let message = format.message(of: sample.text, options: options)
    #expect(message.content == sample.content)
    #expect(message.reasoning == sample.thought)
    #expect(message.calls.map { [$0.name, $0.arguments] } == sample.found)
    #expect(message.malformed.map(Self.kind) == sample.malformed.map(Self.kind))
    ChatSupport.checkCuts(format, sample.text, options)
  }

  /// What kind of reason it is, and where; the words are the JSON parser's.
  private static func kind(_ reason: MalformedCall) -> String {
    if case .invalidJSON(let error) = reason { "invalid JSON at \(error.offset)" } else { "\(reason)" }
  }

  @Test func everyFamilyIsTried() {
    #expect(Set(Self.samples.map(\.calls)) == Set(ChatFormat.Calls.allCases))
  }

  @Test func codeGoesToAnInterpreterThatIsOffered() throws {
    let format = ChatFormat(calls: .llama3)
    let options = try ChatSupport.options(tools: [["name": "code_interpreter"]])
    let text = "<|python_tag|>print({\"a\": 1})\nx = 2\n"
    let message = format.message(of: text, options: options)
    #expect(message.calls.map(\.name) == ["code_interpreter"])
    #expect(message.calls.map(\.arguments) == ["{\"code\":\"print({\\\"a\\\": 1})\\nx = 2\"}"])
    ChatSupport.checkCuts(format, text, options)
  }

  @Test func withoutToolsCallsAreText() throws {
    let text = "<think>a</think><tool_call>{\"name\":\"now\"}</tool_call>"
    let format = ChatFormat(calls: .hermes, reasoning: .think)
    let message = format.message(of: text)
    #expect(message.content == "<tool_call>{\"name\":\"now\"}</tool_call>" && message.reasoning == "a")
    #expect(message.calls.isEmpty && message.malformed.isEmpty)
  }

  @Test func idsAreTheModelsOrUnique() throws {
    let text =
      "[TOOL_CALLS][{\"name\":\"now\",\"arguments\":{},\"id\":\"abc123xyz\"},{\"name\":\"now\"},{\"name\":\"now\"}]"
    let options = try ChatSupport.options()
    let ids = ChatFormat(calls: .mistral).message(of: text, options: options).calls.map(\.id)
    #expect(ids.count == 3 && ids[0] == "abc123xyz" && Set(ids).count == 3)
    #expect(ids.allSatisfy { $0.utf8.count == 9 })
    #expect(ids == ChatFormat(calls: .mistral).message(of: text, options: options).calls.map(\.id))
    let hermes = ChatFormat(calls: .hermes).message(of: "<tool_call>{\"name\":\"now\"}</tool_call>", options: options)
    #expect(hermes.calls.first?.id.hasPrefix("call_") == true && hermes.calls.first?.id.utf8.count == 29)
  }

  /// What is certain comes at once, and what is not is held back.
  @Test func textIsHeldBackOnlyWhereItMust() throws {
    var parser = ChatParser(ChatFormat(calls: .hermes, reasoning: .think), options: try ChatSupport.options())
    #expect(parser.append("<thi") == [])
    #expect(parser.append("nk>\nso") == [.reasoning("so")])
    #expect(parser.append(" it \n") == [.reasoning(" it")])
    #expect(parser.append("is</") == [.reasoning(" \nis")])
    #expect(parser.append("think>\n\nA") == [.content("A")])
    #expect(parser.append(" <b") == [.content(" <b")])
    #expect(parser.append("> <tool") == [.content(">")])
    #expect(parser.append("_call>{\"name\":\"now\"") == [])
    let events = parser.append("}</tool_call>")
    #expect(events.count == 3 && events.last == .toolCallEnded(index: 0))
    #expect(parser.finish() == [])
  }

  // MARK: By chance

  private static let fragments = [
    "word", " ", "\n", "<tool_call>", "</tool_call>", "<think>", "</think>",
    "{\"name\": \"now\", \"arguments\": {\"a\": \"WORD\"}}", "{\"name\": \"now\"",
    "}", "[TOOL_CALLS]", "now", "[ARGS]", "{\"a\": \"WORD\"}", "[", "]", "<function=now>", "<parameter=a>", "WORD",
    "</parameter>", "</function>",
    "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "```json\n", "```",
    "<|python_tag|>", "; ", "é🙂",
    "<|channel|>", "analysis", "final", "commentary to=functions.now", "<|message|>", "<|end|>", "<|start|>assistant",
    "<|call|>", "<|tool_call|>",
    "<|/tool_call|>", "<", "<|", "now.call(a=\"WORD\")", "<arg_key>k</arg_key>", "<arg_value>WORD</arg_value>",
  ]

  @Test(arguments: ChatFormat.Calls.allCases) func cutsDoNotMatter(_ calls: ChatFormat.Calls) throws {
    var random = SeededRandom(seed: 11)
    let options = try ChatSupport.options()
    var found = 0
    for round in 0..<150 {
      let format = ChatFormat(calls: calls, reasoning: round % 2 == 0 ? .think : .none)
      var text = "", words = 0
      for _ in 0..<Int.random(in: 1...10, using: &random) {
        var fragment = Self.fragments.randomElement(using: &random) ?? ""
        while let place = fragment.range(of: "WORD") {
          fragment.replaceSubrange(place, with: "w\(words)w")
          words += 1
        }
        text += fragment
      }
      let scalars = Array(text.unicodeScalars)
      let whole = ChatSupport.events(format, [text], options)
      let singles = ChatSupport.events(format, scalars.map { String($0) }, options)
      #expect(singles == whole, "\(text)")
      let message = ChatMessage(whole)
      found += message.calls.count
      // Nothing is lost: each word is somewhere, and arguments are objects.
      let all = message.content + message.reasoning + message.calls.map(\.arguments).joined()
      // A header's text is a mark.
      for word in 0..<words where calls != .harmony && !all.contains("w\(word)w") {
        Issue.record("lost word \(word) of \(text): \(whole)")
      }
      for call in message.calls { #expect(try JSONValue(parsing: call.arguments).object != nil) }
    }
    if calls == .hermes { #expect(found > 0) }
  }

  @Test func longAnswersTakeLinearTime() throws {
    let options = try ChatSupport.options()
    let format = ChatFormat(calls: .hermes, reasoning: .think)
    // Quadratic work on 400,000 bytes would take minutes.
    for unit in ["<tool_call>", "<tool_call>{\"name\":\"now\"}</tool_call>", "<", "a ", "<tool_call>{\"a\": ["] {
      let text = String(repeating: unit, count: 400_000 / unit.utf8.count)
      #expect(!ChatSupport.events(format, [text], options).isEmpty)
    }
    let value = String(repeating: "x", count: 20_000)
    let call = "<tool_call>{\"name\":\"now\",\"arguments\":{\"a\":\"\(value)\"}}</tool_call>"
    let pieces = call.map { String($0) }
    #expect(ChatMessage(ChatSupport.events(format, pieces, options)).calls.first?.arguments.utf8.count == 20_008)
  }
}
