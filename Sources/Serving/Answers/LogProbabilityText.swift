// Log-probabilities of tokens in the two forms that the API has.
import Inference

enum LogProbabilityText {
  /// JSON has no infinity; what the API writes in its place.
  private static func number(_ value: Float) -> JSONValue { .double(max(Double(value), -9_999)) }

  /// An entry of a chat's `logprobs.content`.
  static func chat(_ token: SampledToken, _ tokenizer: any Tokenizer) -> JSONValue {
    let top = token.top.map { JSONValue.object(pairs($0.token, $0.logProbability, tokenizer)) }
    return .object(pairs(token.token, token.logProbability, tokenizer) + [("top_logprobs", .array(top))])
  }

  private static func pairs(
    _ token: Int32, _ logProbability: Float, _ tokenizer: any Tokenizer
  ) -> [(String, JSONValue)] {
    let bytes = tokenizer.bytes(of: token, renderSpecial: true)
    return [
      ("token", .string(String(decoding: bytes, as: UTF8.self))), ("logprob", number(logProbability)),
      ("bytes", .array(bytes.map { JSONValue(Int($0)) })),
    ]
  }

  /// A token's text as a key: one that is no whole text is written byte by byte, so that keys differ.
  static func name(_ token: Int32, _ tokenizer: any Tokenizer) -> String {
    let bytes = tokenizer.bytes(of: token, renderSpecial: true)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return bytes.reduce(into: "bytes:") { text, byte in
      text += byte < 16 ? "\\x0" + String(byte, radix: 16) : "\\x" + String(byte, radix: 16)
    }
  }

  /// The `logprobs` of a completion: four lists of one length.
  struct Completion: Sendable {
    var tokens: [JSONValue] = []
    var values: [JSONValue] = []
    var top: [JSONValue] = []
    var offsets: [JSONValue] = []

    mutating func add(_ token: SampledToken, offset: Int, _ tokenizer: any Tokenizer) {
      tokens.append(.string(LogProbabilityText.name(token.token, tokenizer)))
      values.append(LogProbabilityText.number(token.logProbability))
      var best = JSONObject()
      for entry in token.top {
        best[LogProbabilityText.name(entry.token, tokenizer)] = LogProbabilityText.number(entry.logProbability)
      }
      top.append(.object(best))
      offsets.append(JSONValue(offset))
    }

    var json: JSONValue {
      .object([
        ("tokens", .array(tokens)), ("token_logprobs", .array(values)), ("top_logprobs", .array(top)),
        ("text_offset", .array(offsets)),
      ])
    }
  }
}
