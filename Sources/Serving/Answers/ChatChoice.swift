// One answer to a chat request: text, reasoning and calls of tools.
import Inference

struct ChatChoice: AnswerChoice {
  let index: Int
  let tokenizer: any Tokenizer
  /// Takes the text apart; nil where all of it is content.
  private var parser: ChatParser?
  private let reportsLogProbabilities: Bool
  private var message = ChatMessage()
  private var hasCalls = false
  private var logProbabilities: [JSONValue] = []
  private var finish: String?

  init(index: Int, tokenizer: any Tokenizer, parser: ChatParser?, reportsLogProbabilities: Bool) {
    self.index = index
    self.tokenizer = tokenizer
    self.parser = parser
    self.reportsLogProbabilities = reportsLogProbabilities
  }

  private mutating func events(_ addition: Addition) -> [ChatEvent] {
    guard parser != nil else { return addition.text.isEmpty ? [] : [.content(addition.text)] }
    var events = parser?.append(addition.text) ?? []
    if addition.finish != nil { events += parser?.finish() ?? [] }
    return events
  }

  /// An answer that was cut short is that, whatever it holds.
  private func reason(_ finish: String?) -> String? { finish == "stop" && hasCalls ? "tool_calls" : finish }

  // MARK: In a stream

  mutating func opening() -> [JSONValue] { [entry([("role", "assistant"), ("content", "")], nil, nil)] }

  mutating func stream(_ addition: Addition) -> [JSONValue] {
    var log = addition.token.flatMap { reportsLogProbabilities ? [LogProbabilityText.chat($0, tokenizer)] : nil }
    var entries: [JSONValue] = []
    for event in events(addition) {
      guard let delta = delta(event) else { continue }
      entries.append(entry([delta], log, nil))
      log = nil
    }
    if log != nil { entries.append(entry([("content", "")], log, nil)) }
    if let finish = addition.finish { entries.append(entry([], nil, reason(finish))) }
    return entries
  }

  private mutating func delta(_ event: ChatEvent) -> (String, JSONValue)? {
    switch event {
    case .content(let text): return ("content", .string(text))
    case .reasoning(let text): return ("reasoning_content", .string(text))
    case .toolCallBegan(let index, let id, let name):
      hasCalls = true
      let function = JSONValue.object([("name", .string(name)), ("arguments", "")])
      return (
        "tool_calls",
        [.object([("index", .init(index)), ("id", .string(id)), ("type", "function"), ("function", function)])]
      )
    case .toolCallArguments(let index, let text):
      return (
        "tool_calls", [.object([("index", .init(index)), ("function", .object([("arguments", .string(text))]))])]
      )
    case .toolCallEnded, .malformedCall: return nil
    }
  }

  private func entry(_ delta: [(String, JSONValue)], _ log: [JSONValue]?, _ finish: String?) -> JSONValue {
    .object([
      ("index", .init(index)), ("delta", .object(delta)), ("logprobs", Self.logProbabilities(log)),
      ("finish_reason", .init(finish)),
    ])
  }

  private static func logProbabilities(_ entries: [JSONValue]?) -> JSONValue {
    entries.map { .object([("content", .array($0)), ("refusal", .null)]) } ?? .null
  }

  // MARK: As a whole

  mutating func collect(_ addition: Addition) {
    if reportsLogProbabilities, let token = addition.token {
      logProbabilities.append(LogProbabilityText.chat(token, tokenizer))
    }
    for event in events(addition) { message.add(event) }
    hasCalls = !message.calls.isEmpty
    finish = addition.finish ?? finish
  }

  func whole() -> JSONValue {
    let isSilent = message.content.isEmpty && hasCalls
    var pairs: [(String, JSONValue)] = [
      ("role", "assistant"), ("content", isSilent ? .null : .string(message.content)), ("refusal", .null),
    ]
    if !message.reasoning.isEmpty { pairs.append(("reasoning_content", .string(message.reasoning))) }
    if hasCalls {
      let list = message.calls.map { call in
        JSONValue.object([
          ("id", .string(call.id)), ("type", "function"),
          ("function", .object([("name", .string(call.name)), ("arguments", .string(call.arguments))])),
        ])
      }
      pairs.append(("tool_calls", .array(list)))
    }
    return .object([
      ("index", .init(index)), ("message", .object(pairs)),
      ("logprobs", reportsLogProbabilities ? Self.logProbabilities(logProbabilities) : .null),
      ("finish_reason", .init(reason(finish))),
    ])
  }
}
