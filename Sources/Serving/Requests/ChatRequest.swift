// `POST /v1/chat/completions`: a conversation whose next message the model writes.
import Inference

/// What a chat request asks for, checked but not rendered.
struct ChatRequest: Sendable {
  var messages: [JSONValue]
  var tools: ToolFields
  var sampling: SamplingFields
  var format: OutputFormat
  var stream: StreamFields
  var reportsLogProbabilities: Bool
  /// More names for the template, such as `enable_thinking`.
  var variables: [String: JSONValue]

  init(_ fields: Fields, limits: ServiceLimits, vocabulary: Int) throws(APIError) {
    try fields.refuse("modalities", unless: [["text"]], "answers are text")
    try fields.refuse("audio", unless: [], "answers are text")
    try fields.refuse("web_search_options", unless: [], "there is no search here")
    messages = try ChatMessages.read(fields, limits: limits)
    tools = try ToolFields(fields, limits: limits)
    sampling = try SamplingFields(fields, limits: limits, vocabulary: vocabulary)
    // The newer name is asked first; both are checked.
    let older = try fields.int("max_tokens", 1...Int(Int32.max))
    sampling.maximumTokens = try fields.int("max_completion_tokens", 1...Int(Int32.max)) ?? older
    format = try OutputFormat(fields)
    if format != .text, case .forced = tools.choice {
      throw .invalid(format.param, "an answer cannot be a tool call and be held to a format too")
    }
    stream = try StreamFields(fields)
    reportsLogProbabilities = try fields.bool("logprobs") ?? false
    if let count = try fields.int("top_logprobs", 0...limits.topLogProbabilities) {
      guard reportsLogProbabilities || count == 0 else {
        throw fields.wrong("top_logprobs", "only with logprobs: true")
      }
      sampling.options.topLogProbabilities = count
    }
    variables = [:]
    if let extra = try fields.fields("chat_template_kwargs") {
      for (name, value) in extra.object { variables[name] = value }
    }
    if let effort = try fields.string("reasoning_effort", most: 32) { variables["reasoning_effort"] = .string(effort) }
  }
}
