// One answer to a completion request.
import Inference

struct CompletionChoice: AnswerChoice {
  let index: Int
  let tokenizer: any Tokenizer
  /// Nil where no log-probabilities were asked for.
  private var logProbabilities: LogProbabilityText.Completion?
  private var text: String
  private var finish: String?
  /// Characters before the next token's text.
  private var offset: Int

  /// - Parameter echo: the prompt's text where the answer begins with it.
  init(index: Int, tokenizer: any Tokenizer, reportsLogProbabilities: Bool, echo: String?) {
    self.index = index
    self.tokenizer = tokenizer
    logProbabilities = reportsLogProbabilities ? LogProbabilityText.Completion() : nil
    text = echo ?? ""
    offset = text.unicodeScalars.count
  }

  mutating func opening() -> [JSONValue] {
    defer { text = "" }
    return text.isEmpty ? [] : [entry(text, nil, nil)]
  }

  mutating func stream(_ addition: Addition) -> [JSONValue] {
    if addition.text.isEmpty, addition.finish == nil, logProbabilities == nil { return [] }
    var own = logProbabilities
    if let token = addition.token { own?.add(token, offset: offset, tokenizer) }
    offset += addition.text.unicodeScalars.count
    return [entry(addition.text, addition.token == nil ? nil : own?.json, addition.finish)]
  }

  mutating func collect(_ addition: Addition) {
    let (offset, tokenizer) = (offset, tokenizer)
    if let token = addition.token { logProbabilities?.add(token, offset: offset, tokenizer) }
    text += addition.text
    self.offset += addition.text.unicodeScalars.count
    finish = addition.finish ?? finish
  }

  func whole() -> JSONValue { entry(text, logProbabilities?.json, finish) }

  private func entry(_ text: String, _ logProbabilities: JSONValue?, _ finish: String?) -> JSONValue {
    .object([
      ("text", .string(text)), ("index", .init(index)), ("logprobs", logProbabilities ?? .null),
      ("finish_reason", .init(finish)),
    ])
  }
}
