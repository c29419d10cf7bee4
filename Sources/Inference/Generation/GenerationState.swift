// What a generation knows beside its keys and values: sampler, grammar, decoder, stop rule and how much was chosen. Turns
// logits into events; evaluates nothing.

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

/// A token that was chosen, and the event that tells of it.
package struct ChosenToken: Sendable {
  package let token: Int32
  package let event: GenerationEvent
  /// Whether the grammar left no choice: nothing was drawn.
  package let isForced: Bool
}

/// A generation's state between two steps. Used by one thread at a time. A copy goes on by itself: that is how a step is
/// tried.
package struct GenerationState: Sendable {
  package private(set) var sampler: Sampler
  private let stop: StopRule
  private var decoder: StreamDecoder?
  private var matcher: StopMatcher
  /// Tokens chosen so far, a stop token included.
  package private(set) var count = 0

  /// What the grammar has read so far, where there is one.
  package private(set) var grammar: GrammarState?
  /// Tokens that were not drawn, for the grammar allowed nothing else.
  package private(set) var forcedCount = 0
  private let tokenizer: (any Tokenizer)?
  /// Tokens that the model has.
  private let vocabulary: Int
  /// Forced tokens that were found, from `nextForced` on not taken yet.
  private var forced: [Int32] = []
  private var nextForced = 0
  private var mask = TokenMask(count: 0)

  /// - Parameters:
  ///   - prompt: counts as seen for the penalties.
  ///   - text: nil for tokens alone; stop strings are then never met.
  ///   - constraint: the texts that may be generated; its vocabulary is that of `text`.
  ///   - vocabulary: tokens that the model has.
  package init(
    prompt: some Collection<Int32>, sampler: Sampler, stop: StopRule, text: TextOptions?,
    constraint: GrammarConstraint? = nil, vocabulary: Int
  ) {
    self.sampler = sampler
    for token in prompt { self.sampler.accept(token) }
    self.stop = stop
    decoder = text.map {
      StreamDecoder(tokenizer: $0.tokenizer, renderSpecial: $0.renderSpecial, atTextStart: $0.atTextStart)
    }
    matcher = StopMatcher(strings: stop.strings)
    tokenizer = text?.tokenizer
    grammar = constraint?.start()
    self.vocabulary = vocabulary
  }

  /// Why no further token may be chosen; nil where one may.
  package var end: FinishReason? {
    if let maximum = stop.maximumTokens, count >= maximum { return .length }
    return grammar?.isExhausted == true ? .grammarComplete : nil
  }

  // MARK: Choosing

  /// Chooses the next token from the model's logits.
  ///
  /// - Throws: ``GenerationError/sampler(_:)`` and ``GenerationError/grammar(_:)``, where no token is left.
  package mutating func choose(_ logits: UnsafeBufferPointer<Float>) throws(GenerationError) -> ChosenToken {
    if grammar != nil { try updateMask() }
    let sampled: SampledToken
    do throws(SamplerError) {
      sampled = try sampler.sample(logits, mask: grammar == nil ? nil : mask)
    } catch { throw .sampler(error) }
    return try accept(sampled, isForced: false)
  }

  /// The next token where the grammar leaves no choice, else nil. They are found as many at once as there are; the
  /// first token of all is always drawn, so that the prompt is evaluated by itself.
  package mutating func chooseForced() throws(GenerationError) -> ChosenToken? {
    guard let grammar, let tokenizer, count > 0 else { return nil }
    if nextForced == forced.count {
      forced = Array(grammar.forcedTokens(tokenizer).prefix { Int($0) < vocabulary })
      nextForced = 0
    }
    guard nextForced < forced.count else { return nil }
    let token = forced[nextForced]
    nextForced += 1
    forcedCount += 1
    return try accept(SampledToken(token: token, logProbability: 0, top: []), isForced: true)
  }

  private mutating func updateMask() throws(GenerationError) {
    guard let grammar else { return }
    grammar.mask(into: &mask)
    // Where the text is complete, what ends this generation is allowed; and only that.
    for token in grammar.constraint.vocabulary.endOfGeneration where !stop.tokens.contains(token) {
      mask[token] = false
    }
    if grammar.isComplete { for token in stop.tokens { mask[token] = true } }
    if mask.isEmpty { throw .grammar(.noToken) }
  }

  private mutating func accept(_ chosen: SampledToken, isForced: Bool) throws(GenerationError) -> ChosenToken {
    if grammar?.accept(chosen.token) == false, !stop.tokens.contains(chosen.token) {
      throw .grammar(.limit(name: "readings", maximum: grammar?.constraint.grammar.limits.readings ?? 0))
    }
    sampler.accept(chosen.token)
    count += 1
    return ChosenToken(token: chosen.token, event: event(of: chosen), isForced: isForced)
  }

  private mutating func event(of chosen: SampledToken) -> GenerationEvent {
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
