// Calls that are forced: every text that the grammar allows is a call of a tool that is offered, with valid arguments.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct ForcedCallTests {
  private static let tools: JSONValue = [
    [
      "type": "function",
      "function": [
        "name": "get_weather",
        "parameters": [
          "type": "object",
          "properties": [
            "place": ["$ref": "#/$defs/place"], "days": ["type": "integer", "minimum": 1, "maximum": 9],
          ],
          "required": ["place"], "additionalProperties": false,
          "$defs": ["place": ["enum": ["Bern", "Basel"]]],
        ],
      ],
    ],
    [
      "type": "function",
      "function": ["name": "now", "parameters": ["properties": [:], "additionalProperties": false]],
    ],
  ]

  private static let forms: [ChatFormat.Calls] = [.hermes, .llama3, .mistral, .phi4, .deepSeek3]

  private func calls(_ format: ChatFormat, _ forced: ForcedCall, seed: UInt64) throws -> [ChatToolCall] {
    var random = SeededRandom(seed: seed)
    let text = String(
      decoding: try #require(GrammarWalk.text(of: forced.constraint, limit: 2_000, using: &random)), as: UTF8.self)
    let options = ChatParserOptions(
      tools: try ChatTool.list(Self.tools), startsInReasoning: forced.prefix.hasPrefix("\n</think>"), idSeed: 1)
    let message = format.message(of: forced.prefix + text, options: options)
    #expect(message.content.isEmpty && message.malformed.isEmpty && !message.calls.isEmpty, "\(forced.prefix)\(text)")
    for call in message.calls {
      let arguments = try #require(try JSONValue(parsing: call.arguments).object)
      switch call.name {
      case "get_weather":
        #expect(["Bern", "Basel"].contains(arguments["place"]?.string), "\(text)")
        if let days = arguments["days"] { #expect((1...9).contains(days.int ?? 0), "\(text)") }
      case "now": #expect(arguments.isEmpty, "\(text)")
      default: Issue.record("a call of \(call.name)")
      }
    }
    return message.calls
  }

  @Test(arguments: forms) func requiredCallsAreValid(_ form: ChatFormat.Calls) throws {
    let format = ChatFormat(calls: form, reasoning: .think)
    let tools = try ChatTool.list(Self.tools)
    for repeats in [false, true] {
      let forced = try format.forcedCall(
        .required, tools: tools, vocabulary: .bytes, mayRepeat: repeats, inReasoning: repeats)
      #expect(forced.prefix.hasPrefix("\n</think>\n\n") == repeats)
      var names: Set<String> = []
      for seed in 0..<25 {
        let calls = try calls(format, forced, seed: UInt64(seed))
        #expect(repeats || calls.count == 1)
        names.formUnion(calls.map(\.name))
      }
      #expect(names == ["get_weather", "now"])
    }
  }

  @Test(arguments: forms + [.deepSeek31, .harmony]) func namedCallsAreOfThatFunction(_ form: ChatFormat.Calls) throws {
    let format = ChatFormat(calls: form)
    let forced = try format.forcedCall(
      .named("get_weather"), tools: try ChatTool.list(Self.tools), vocabulary: .bytes)
    for seed in 0..<10 {
      #expect(try calls(format, forced, seed: UInt64(seed)).map(\.name) == ["get_weather"])
    }
  }

  @Test func whatCannotBeForcedIsRefused() throws {
    let tools = try ChatTool.list(Self.tools)
    func error(_ form: ChatFormat.Calls, _ choice: ChatToolChoice, _ tools: [ChatTool]) -> ChatError? {
      do throws(ChatError) {
        _ = try ChatFormat(calls: form).forcedCall(choice, tools: tools, vocabulary: .bytes)
        return nil
      } catch { return error }
    }
    #expect(error(.hermes, .named("none"), tools) == .unknownTool(name: "none"))
    for form in [ChatFormat.Calls.none, .qwen3Coder, .glm, .harmony, .deepSeek31] {
      guard case .cannotForce? = error(form, .required, tools) else {
        Issue.record("\(form): \(String(describing: error(form, .required, tools)))")
        continue
      }
    }
    guard case .cannotForce? = error(.hermes, .required, []) else {
      Issue.record("no tools")
      return
    }
    let strange = [ChatTool(name: "f", parameters: ["properties": ["a": ["$ref": "#/$defs/none"]]])]
    guard case .grammar? = error(.hermes, .required, strange) else {
      Issue.record("an unresolved reference: \(String(describing: error(.hermes, .required, strange)))")
      return
    }
  }
}
