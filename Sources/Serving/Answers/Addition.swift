// What one event of an engine adds to an answer.
import Inference

struct Addition: Sendable {
  /// Text that can be shown now.
  var text = ""
  /// The token that was chosen, where the event has one.
  var token: SampledToken?
  /// `stop` or `length` where the answer ends.
  var finish: String?

  /// Nil for events that add nothing. An event that ends the answer without one is thrown.
  init?(_ event: EngineEvent, prompt: String) throws(APIError) {
    switch event {
    case .started: return nil
    case .token(let token, let text):
      self.token = token
      self.text = text
    case .finished(.cancelled, _, _): throw .cancelled
    case .finished(let reason, let text, _):
      self.text = text
      finish = Self.name(reason)
    case .failed(let error, _): throw APIError(error, prompt: prompt)
    }
  }

  private static func name(_ reason: FinishReason) -> String {
    switch reason {
    case .endOfGeneration, .stopString, .grammarComplete, .cancelled: "stop"
    case .length, .contextFull: "length"
    }
  }
}

/// One answer as it grows. In a stream its parts are given out and forgotten; else they are kept until it is whole.
protocol AnswerChoice: Sendable {
  /// What a stream says of the answer before its first token: entries of `choices`.
  mutating func opening() -> [JSONValue]
  /// What a stream says of an addition: entries of `choices`, in order.
  mutating func stream(_ addition: Addition) -> [JSONValue]
  /// Keeps an addition.
  mutating func collect(_ addition: Addition)
  /// The entry of `choices`, after all was collected.
  func whole() -> JSONValue
}

/// What stands around every answer to one request.
struct AnswerHead: Sendable {
  let id: String
  /// Such as `chat.completion`; a stream's chunks may have a name of their own.
  let object: String
  let chunkObject: String
  /// Seconds since 1970.
  let created: Int
  let model: String
  let fingerprint: String

  private func pairs(_ object: String) -> [(String, JSONValue)] {
    [
      ("id", .string(id)), ("object", .string(object)), ("created", .init(created)), ("model", .string(model)),
      ("system_fingerprint", .string(fingerprint)),
    ]
  }

  func document(choices: [JSONValue], usage: JSONValue) -> JSONValue {
    .object(pairs(object) + [("choices", .array(choices)), ("usage", usage)])
  }

  /// The text of a chunk up to the entries of its `choices`.
  var chunkOpening: String {
    let text = JSONValue.object(pairs(chunkObject)).serialized()
    return text.dropLast() + ",\"choices\":["
  }
}
