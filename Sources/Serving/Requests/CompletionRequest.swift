// `POST /v1/completions`: a text, or several, to continue.
import Inference

/// What a completion request asks for, checked but not tokenised.
struct CompletionRequest: Sendable {
  enum Prompt: Sendable {
    case text(String)
    case tokens([Int32])
  }

  var prompts: [Prompt]
  var sampling: SamplingFields
  var format: OutputFormat
  var stream: StreamFields
  /// How many of the most likely tokens are reported; nil for no report at all.
  var logProbabilities: Int?
  /// Whether the answer begins with its prompt.
  var echo: Bool

  init(_ fields: Fields, limits: ServiceLimits, vocabulary: Int) throws(APIError) {
    try fields.refuse(
      "suffix", unless: [""], "the models here continue a text; they do not fill a gap before a suffix")
    prompts = try Self.prompts(fields, limits, vocabulary)
    sampling = try SamplingFields(fields, limits: limits, vocabulary: vocabulary)
    // 16 is what the API's own default is.
    sampling.maximumTokens = try fields.int("max_tokens", 0...Int(Int32.max)) ?? 16
    let choices = Int64(sampling.choices)
    try fields.refuse(
      "best_of", unless: [.int(1), .int(choices)],
      "answers are not generated to be thrown away; ask for them with n and choose by logprobs")
    format = try OutputFormat(fields)
    stream = try StreamFields(fields)
    logProbabilities = try Self.logProbabilities(fields, limits)
    if let count = logProbabilities { sampling.options.topLogProbabilities = count }
    echo = try fields.bool("echo") ?? false
    if echo, logProbabilities != nil {
      throw .unsupported("echo", "log-probabilities of a prompt are not computed; leave logprobs out, or echo")
    }
  }

  private static func logProbabilities(_ fields: Fields, _ limits: ServiceLimits) throws(APIError) -> Int? {
    // Some clients write false where they mean none.
    if fields["logprobs"] == .bool(false) { return nil }
    return try fields.int("logprobs", 0...limits.topLogProbabilities)
  }

  private static func prompts(
    _ fields: Fields, _ limits: ServiceLimits, _ vocabulary: Int
  ) throws(APIError) -> [Prompt] {
    let value: JSONValue = try fields.required("prompt", fields["prompt"])
    if let text = value.string { return [.text(text)] }
    guard let entries = value.array, !entries.isEmpty else {
      throw fields.wrong("prompt", "expected a string, a list of strings, a list of token ids, or a list of such lists")
    }
    if let first = entries.first, Fields.int(first) != nil {
      return [.tokens(try TokenList.read(entries, name: fields.name("prompt"), vocabulary: vocabulary))]
    }
    guard entries.count <= limits.batch else {
      throw fields.wrong("prompt", "\(entries.count) prompts, expected at most \(limits.batch)")
    }
    var result: [Prompt] = []
    for (index, entry) in entries.enumerated() {
      let name = "\(fields.name("prompt"))[\(index)]"
      if let text = entry.string {
        result.append(.text(text))
      } else if let list = entry.array {
        result.append(.tokens(try TokenList.read(list, name: name, vocabulary: vocabulary)))
      } else {
        throw .invalid(name, "expected a string or a list of token ids")
      }
    }
    return result
  }
}

/// Token ids in a request.
enum TokenList {
  static func read(_ values: [JSONValue], name: String, vocabulary: Int) throws(APIError) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      guard let token = Fields.int(value), token >= 0, token < vocabulary else {
        throw .invalid("\(name)[\(index)]", "expected a token id below \(vocabulary)")
      }
      result.append(Int32(token))
    }
    return result
  }
}

/// Whether and how an answer is streamed.
struct StreamFields: Sendable {
  var isStreamed: Bool
  /// Whether the stream's last chunk tells the usage.
  var includesUsage = false

  init(_ fields: Fields) throws(APIError) {
    isStreamed = try fields.bool("stream") ?? false
    if let options = try fields.fields("stream_options") {
      guard isStreamed else { throw fields.wrong("stream_options", "only for a stream") }
      includesUsage = try options.bool("include_usage") ?? false
    }
  }
}
