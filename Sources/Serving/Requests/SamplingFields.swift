// How tokens are chosen and when an answer ends: the fields that completions and chats share.
import Inference

/// Sampling, stop rule and number of answers of one request.
struct SamplingFields: Sendable {
  var options = SamplingOptions()
  /// Whether the client gave a seed; else each answer gets one of its own.
  var isSeeded = false
  var stop: [String] = []
  /// Whether the model's own end of a text ends the answer.
  var ignoresEnd = false
  var maximumTokens: Int?
  /// The field that it came from.
  var maximumField = "max_tokens"
  /// Answers to one prompt.
  var choices = 1
  /// Requests share prefixes only with those of the same key.
  var cacheKey: UInt64 = 0
  /// Greater is more urgent.
  var priority = 0

  init(_ fields: Fields, limits: ServiceLimits, vocabulary: Int) throws(APIError) {
    options.temperature = Float(try fields.number("temperature", 0...2) ?? 1)
    // 0 keeps the most likely token alone.
    options.topP = max(Float(try fields.number("top_p", 0...1) ?? 1), .leastNormalMagnitude)
    // -1 is how other servers write that all are kept.
    options.topK = max(try fields.int("top_k", -1...Int(Int32.max)) ?? 0, 0)
    options.minP = Float(try fields.number("min_p", 0...1) ?? 0)
    options.repetitionPenalty = Float(try fields.number("repetition_penalty", 0.01...100) ?? 1)
    options.frequencyPenalty = Float(try fields.number("frequency_penalty", -2...2) ?? 0)
    options.presencePenalty = Float(try fields.number("presence_penalty", -2...2) ?? 0)
    options.penaltyWindow = -1
    options.logitBias = try Self.bias(fields, vocabulary)
    if let seed = try fields.int("seed", Int.min...Int.max) {
      options.seed = UInt64(bitPattern: Int64(seed))
      isSeeded = true
    }
    stop = try Self.stop(fields)
    ignoresEnd = try fields.bool("ignore_eos") ?? false
    choices = try fields.int("n", 1...limits.choices) ?? 1
    let user = try fields.string("user", most: 4_096)
    if let key = try fields.string("prompt_cache_key", most: 4_096) ?? user { cacheKey = Self.hash(key) }
    priority = try fields.int("priority", -100...limits.priority) ?? 0
    _ = try fields.fields("metadata")
  }

  /// The options of answer `index`: the seed is the client's plus the index, so that the first answer of several is the
  /// answer that one alone would be.
  func options(choice index: Int) -> SamplingOptions {
    var options = options
    options.seed = isSeeded ? options.seed &+ UInt64(index) : UInt64.random(in: 0 ... .max)
    return options
  }

  private static func bias(_ fields: Fields, _ vocabulary: Int) throws(APIError) -> [Int32: Float] {
    guard let entries = try fields.fields("logit_bias") else { return [:] }
    guard entries.object.count <= 1_024 else { throw fields.wrong("logit_bias", "expected at most 1024 tokens") }
    var result: [Int32: Float] = [:]
    for key in entries.object.keys {
      guard let token = Int32(key), token >= 0, token < vocabulary else {
        throw fields.wrong("logit_bias", "'\(key.prefix(40))' is no token id below \(vocabulary)")
      }
      if let bias = try entries.number(key, -100...100) { result[token] = Float(bias) }
    }
    return result
  }

  private static func stop(_ fields: Fields) throws(APIError) -> [String] {
    guard let value = fields["stop"] else { return [] }
    let texts = value.array ?? [value]
    guard texts.count <= 16 else { throw fields.wrong("stop", "expected at most 16 texts") }
    var result: [String] = []
    for text in texts {
      guard let text = text.string else { throw fields.wrong("stop", "expected a string or a list of strings") }
      guard (1...1_024).contains(text.utf8.count) else { throw fields.wrong("stop", "expected 1 to 1024 bytes each") }
      result.append(text)
    }
    return result
  }

  /// FNV-1a, 64 bits: the same for a key in every run. 0 is what no key has.
  private static func hash(_ text: String) -> UInt64 {
    max(text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, 1)
  }
}
