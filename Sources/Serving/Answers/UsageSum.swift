// The tokens that a request took, over all its answers.
import Inference

struct UsageSum: Sendable {
  private var promptTokens: [Int: Int] = [:]
  private var cachedTokens: [Int: Int] = [:]
  private var completionTokens = 0

  /// Adds one answer. Several answers to a prompt count it once, and as cached what none of them computed.
  mutating func add(_ usage: GenerationUsage, prompt: Int) {
    promptTokens[prompt] = usage.promptTokens
    cachedTokens[prompt] = min(cachedTokens[prompt] ?? .max, usage.cachedTokens)
    completionTokens += usage.completionTokens
  }

  var json: JSONValue {
    let prompt = promptTokens.values.reduce(0, +)
    return .object([
      ("prompt_tokens", .init(prompt)), ("completion_tokens", .init(completionTokens)),
      ("total_tokens", .init(prompt + completionTokens)),
      ("prompt_tokens_details", .object([("cached_tokens", .init(cachedTokens.values.reduce(0, +)))])),
    ])
  }

  /// Of a request that generates nothing.
  static func prompt(_ tokens: Int) -> JSONValue {
    .object([("prompt_tokens", .init(tokens)), ("total_tokens", .init(tokens))])
  }
}
