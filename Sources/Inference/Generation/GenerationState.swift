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
  package private(set) var sampler: Sampler
  private let stop: StopRule
  private var decoder: StreamDecoder?
  private var matcher: StopMatcher
  /// Tokens chosen so far, a stop token included.
  package private(set) var count = 0

  /// - Parameters:
  ///   - prompt: counts as seen for the penalties.
  ///   - text: nil for tokens alone; stop strings are then never met.
  package init(prompt: some Collection<Int32>, sampler: Sampler, stop: StopRule, text: TextOptions?) {
    self.sampler = sampler
    for token in prompt { self.sampler.accept(token) }
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
    let chosen = try sample(logits)
    accept(chosen.token)
    return (chosen.token, event(of: chosen))
  }

  /// Draws the next token; nothing else changes. A mask bars the tokens that it has not.
  package mutating func sample(
    _ logits: UnsafeBufferPointer<Float>, mask: TokenMask? = nil
  ) throws(SamplerError) -> SampledToken { try sampler.sample(logits, mask: mask) }

  /// Counts a token as chosen.
  package mutating func accept(_ token: Int32) {
    sampler.accept(token)
    count += 1
  }

  /// What the chosen token brings; asked for once, in order.
  package mutating func event(of chosen: SampledToken) -> GenerationEvent {
    if stop.tokens.contains(chosen.token) { return finish(.endOfGeneration(chosen.token)) }
    let (text, met) = matcher.append(decoder?.append(chosen.token) ?? "")
    if let met { return .finished(.stopString(met), text: text) }
    return .token(chosen, text: text)
  }

  /// Ends here, and gives out what decoder and matcher still hold.
  package mutating func finish(_ reason: FinishReason) -> GenerationEvent {
    let (text, met) = matcher.append(decoder?.finish() ?? "")
    if let met { return .finished(.stopString(met), text: text) }
    return .finished(reason, text: text + matcher.finish())
  }
}
