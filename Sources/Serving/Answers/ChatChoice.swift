// One answer to a chat request: text, reasoning and calls of tools.
import Inference

/// A piece of a chat's answer, as its text is taken apart.
enum ReplyPart: Sendable, Equatable {
  case content(String)
  case reasoning(String)
  /// A call begins.
  case call(index: Int, id: String, name: String)
  /// More of a call's arguments, which are JSON text.
  case arguments(index: Int, String)
}

/// Takes the text of an answer apart.
protocol ReplyReader: Sendable {
  mutating func append(_ text: String) -> [ReplyPart]
  /// What was held back, when nothing more comes.
  mutating func finish() -> [ReplyPart]
}

/// All text is content.
struct PlainReply: ReplyReader {
  func append(_ text: String) -> [ReplyPart] { text.isEmpty ? [] : [.content(text)] }
  func finish() -> [ReplyPart] { [] }
}

struct ChatChoice: AnswerChoice {
  private struct Call: Sendable {
    let id: String
    let name: String
    var arguments = ""
  }

  let index: Int
  let tokenizer: any Tokenizer
  private var reader: any ReplyReader
  private let reportsLogProbabilities: Bool
  private var content = ""
  private var reasoning = ""
  private var calls: [Call] = []
  private var hasCalls = false
  private var logProbabilities: [JSONValue] = []
  private var finish: String?

  init(index: Int, tokenizer: any Tokenizer, reader: any ReplyReader, reportsLogProbabilities: Bool) {
    self.index = index
    self.tokenizer = tokenizer
    self.reader = reader
    self.reportsLogProbabilities = reportsLogProbabilities
  }

  private mutating func parts(_ addition: Addition) -> [ReplyPart] {
    var parts = reader.append(addition.text)
    if addition.finish != nil { parts += reader.finish() }
    return parts
  }

  /// An answer that was cut short is that, whatever it holds.
  private func reason(_ finish: String?) -> String? { finish == "stop" && hasCalls ? "tool_calls" : finish }

  // MARK: In a stream

  mutating func opening() -> [JSONValue] { [entry([("role", "assistant"), ("content", "")], nil, nil)] }

  mutating func stream(_ addition: Addition) -> [JSONValue] {
    var log = addition.token.flatMap { reportsLogProbabilities ? [LogProbabilityText.chat($0, tokenizer)] : nil }
    var entries: [JSONValue] = []
    for part in parts(addition) {
      entries.append(entry([delta(part)], log, nil))
      log = nil
    }
    if log != nil { entries.append(entry([("content", "")], log, nil)) }
    if let finish = addition.finish { entries.append(entry([], nil, reason(finish))) }
    return entries
  }

  private mutating func delta(_ part: ReplyPart) -> (String, JSONValue) {
    switch part {
    case .content(let text): return ("content", .string(text))
    case .reasoning(let text): return ("reasoning_content", .string(text))
    case .call(let index, let id, let name):
      hasCalls = true
      let function = JSONValue.object([("name", .string(name)), ("arguments", "")])
      return (
        "tool_calls",
        [.object([("index", .init(index)), ("id", .string(id)), ("type", "function"), ("function", function)])]
      )
    case .arguments(let index, let text):
      return ("tool_calls", [.object([("index", .init(index)), ("function", .object([("arguments", .string(text))]))])])
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
    for part in parts(addition) {
      switch part {
      case .content(let text): content += text
      case .reasoning(let text): reasoning += text
      case .call(_, let id, let name):
        hasCalls = true
        calls.append(Call(id: id, name: name))
      case .arguments(let index, let text):
        if calls.indices.contains(index) { calls[index].arguments += text }
      }
    }
    finish = addition.finish ?? finish
  }

  func whole() -> JSONValue {
    let isSilent = content.isEmpty && hasCalls
    var message: [(String, JSONValue)] = [
      ("role", "assistant"), ("content", isSilent ? .null : .string(content)), ("refusal", .null),
    ]
    if !reasoning.isEmpty { message.append(("reasoning_content", .string(reasoning))) }
    if hasCalls {
      let list = calls.map { call in
        JSONValue.object([
          ("id", .string(call.id)), ("type", "function"),
          ("function", .object([("name", .string(call.name)), ("arguments", .string(call.arguments))])),
        ])
      }
      message.append(("tool_calls", .array(list)))
    }
    return .object([
      ("index", .init(index)), ("message", .object(message)),
      ("logprobs", reportsLogProbabilities ? Self.logProbabilities(logProbabilities) : .null),
      ("finish_reason", .init(reason(finish))),
    ])
  }
}
