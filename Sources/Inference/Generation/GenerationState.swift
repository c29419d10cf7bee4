// What a generation knows beside its keys and values: sampler, decoder, stop rule and the tokens chosen. Turns logits
// into events; evaluates nothing.

/// How a generation's tokens become text.
public struct TextOptions: Sendable {
  public var tokenizer: any Tokenizer
  /// Whether control tokens show as their names.
  public var renderSpecial: Bool
  /// Whether the first generated token opens a text; see ``StreamDecoder``.
  public var atTextStart: Bool

  public init(tokenizer: any Tokenizer, renderSpecial: Bool = false, atTextStart: Bool = false) {
    self.tokenizer = tokenizer
    self.renderSpecial = renderSpecial
    self.atTextStart = atTextStart
  }
}

/// A generation's state between two steps. Used by one thread at a time.
package struct GenerationState: Sendable {
  private var sampler: Sampler
  private let stop: StopRule
  private var decoder: StreamDecoder?
  private var matcher: StopMatcher
  /// Tokens chosen so far, a stop token included.
  package private(set) var count = 0

  /// - Parameters:
  ///   - prompt: counts as seen for the penalties.
  ///   - text: nil for tokens alone; stop strings are then never met.
  package init(
    prompt: some Collection<Int32>, sampling: SamplingOptions, stop: StopRule, text: TextOptions?
  ) throws(SamplerError) {
    sampler = try Sampler(sampling)
    for token in prompt { sampler.accept(token) }
    self.stop = stop
    decoder = text.map {
      StreamDecoder(tokenizer: $0.tokenizer, renderSpecial: $0.renderSpecial, atTextStart: $0.atTextStart)
    }
    matcher = StopMatcher(strings: stop.strings)
  }

  /// Whether no further token may be chosen.
  package var isFull: Bool { stop.maximumTokens.map { count >= $0 } ?? false }

  /// Chooses the next token: the token itself, for evaluation, and the event that tells of it.
  package mutating func choose(
    _ logits: UnsafeBufferPointer<Float>
  ) throws(SamplerError) -> (token: Int32, event: GenerationEvent) {
    let chosen = try sampler.sample(logits)
    sampler.accept(chosen.token)
    count += 1
    if stop.tokens.contains(chosen.token) { return (chosen.token, finish(.endOfGeneration(chosen.token))) }
    let (text, met) = matcher.append(decoder?.append(chosen.token) ?? "")
    if let met { return (chosen.token, .finished(.stopString(met), text: text)) }
    return (chosen.token, .token(chosen, text: text))
  }

  /// Ends here, and gives out what decoder and matcher still hold.
  package mutating func finish(_ reason: FinishReason) -> GenerationEvent {
    let (text, met) = matcher.append(decoder?.finish() ?? "")
    if let met { return .finished(.stopString(met), text: text) }
    return .finished(reason, text: text + matcher.finish())
  }
}
