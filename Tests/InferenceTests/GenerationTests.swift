// Generation end to end on tiny models: greedy text, stop rules, limits, cancelling, streams, perplexity.
import Inference
import TestSupport
import Testing

/// A vocabulary of one character a token, so that any tiny model speaks.
struct LetterTokenizer: Tokenizer {
  let vocabularySize = 384
  let bos: Int32? = nil
  let eos: Int32? = nil
  let endOfGeneration: Set<Int32> = []
  let addsBOS = false
  let addsEOS = false
  let stripsLeadingSpace = false

  func encode(_ text: [UInt8], parseSpecial: Bool, addBOS: Bool?, addEOS: Bool?) -> [Int32] { text.map(Int32.init) }
  func bytes(of token: Int32, renderSpecial: Bool) -> [UInt8] {
    Unicode.Scalar(UInt32(0x4E00 + token)).map { Array(String(Character($0)).utf8) } ?? []
  }
  func isSpecial(_ token: Int32) -> Bool { false }
  func token(for piece: String) -> Int32? { nil }
}

@Suite struct GenerationTests {
  private let tokenizer = LetterTokenizer()

  private func session(context: Int? = nil) throws -> Session {
    try Session(
      model: Golden.model("qwen3", runtime: Runtime(threads: 1)), options: SessionOptions(context: context))
  }

  private func generator(
    _ session: Session, stop: StopRule, sampling: SamplingOptions = SamplingOptions(), cancel: CancelFlag = CancelFlag()
  ) throws -> Generator {
    let prompt = try #require(try Golden("qwen3").samples.last).tokens
    return try Generator(
      session: session, sequence: session.makeSequence(), prompt: prompt, tokenizer: tokenizer,
      sampler: Sampler(sampling), stop: stop, cancel: cancel)
  }

  /// All text, and how it ended.
  private func run(_ generator: Generator) throws -> (text: String, reason: FinishReason?) {
    var text = ""
    while let event = try generator.next() {
      switch event {
      case .token(_, let piece), .finished(_, let piece): text += piece
      }
    }
    #expect(try generator.next() == nil)
    return (text, generator.finishReason)
  }

  @Test func greedyTextOfTheGoldenModel() throws {
    let greedy = try #require(try Golden("qwen3").samples.last).greedy
    let generator = try generator(session(), stop: StopRule(maximumTokens: 16))
    let (text, reason) = try run(generator)
    #expect(generator.tokens == greedy)
    #expect(text == tokenizer.decode(greedy))
    #expect(reason == .length)
  }

  @Test func stopTokensAndStringsEndTheText() throws {
    let greedy = try #require(try Golden("qwen3").samples.last).greedy
    let byToken = try run(generator(session(), stop: StopRule(tokens: [greedy[5]], maximumTokens: 16)))
    #expect(byToken.text == tokenizer.decode(Array(greedy[..<5])))
    #expect(byToken.reason == .endOfGeneration(greedy[5]))
    let words = tokenizer.decode(Array(greedy[6..<9]))
    let byString = try run(generator(session(), stop: StopRule(strings: [words, "never"], maximumTokens: 16)))
    #expect(byString.text == tokenizer.decode(Array(greedy[..<6])))
    #expect(byString.reason == .stopString(words))
    // A beginning of a stop string that comes to nothing is text in the end.
    let held = try run(
      generator(
        session(), stop: StopRule(strings: [tokenizer.decode(Array(greedy[15..<16])) + "never"], maximumTokens: 16)))
    #expect(held.text == tokenizer.decode(greedy))
  }

  @Test func theContextIsALimit() throws {
    let generator = try generator(session(context: 40), stop: StopRule())
    #expect(try run(generator).reason == .contextFull)
    #expect(generator.tokens.count == 4)  // 37 + 3 positions are evaluated, and each gives a token
    let tooLong = try self.generator(session(context: 36), stop: StopRule())
    #expect(throws: GenerationError.session(.contextExceeded(needed: 37, limit: 36))) { try tooLong.next() }
  }

  @Test func cancellingEndsIt() throws {
    let cancel = CancelFlag()
    let generator = try generator(session(), stop: StopRule(maximumTokens: 100), cancel: cancel)
    _ = try generator.next()
    cancel.cancel()
    guard case .finished(.cancelled, _) = try generator.next() else {
      Issue.record("went on")
      return
    }
    #expect(generator.tokens.count == 1)
  }

  @Test func aStreamBringsTheSameEvents() async throws {
    let expected = try generator(session(), stop: StopRule(maximumTokens: 10))
    var events: [GenerationEvent] = []
    while let event = try expected.next() { events.append(event) }
    var streamed: [GenerationEvent] = []
    for try await event in try generator(session(), stop: StopRule(maximumTokens: 10)).events() {
      streamed.append(event)
    }
    #expect(streamed == events)
    #expect(streamed.count == 11)

    let endless = try generator(session(context: 100_000), stop: StopRule())
    for try await _ in endless.events() { break }
    while endless.finishReason == nil { await Task.yield() }
    #expect(endless.finishReason == .cancelled)
  }

  @Test func equalSeedsGiveEqualText() throws {
    func text(_ seed: UInt64) throws -> String {
      var options = SamplingOptions()
      options.temperature = 1.5
      options.seed = seed
      return try run(generator(session(), stop: StopRule(maximumTokens: 30), sampling: options)).text
    }
    #expect(try text(1) == text(1))
    #expect(try text(1) != text(2))
  }

  @Test func errorsOfTheFirstStep() throws {
    let session = try session()
    #expect(throws: GenerationError.emptyPrompt) {
      try Generator(
        session: session, sequence: session.makeSequence(), prompt: [], tokenizer: tokenizer, sampler: Sampler(),
        stop: StopRule())
    }
    let generator = try Generator(
      session: session, sequence: session.makeSequence(), prompt: [500], tokenizer: tokenizer, sampler: Sampler(),
      stop: StopRule())
    #expect(throws: GenerationError.self) { try generator.next() }
  }

  // MARK: Perplexity

  @Test func perplexityIsTheMeanOfTheLogits() throws {
    let sample = try #require(try Golden("qwen3").samples.last)
    let logits = try #require(sample.logits).values
    let vocabulary = 384
    // -log p of every token but the first, from the golden logits.
    let losses = (1..<sample.tokens.count).map { target in
      let row = logits[(target - 1) * vocabulary..<target * vocabulary]
      let total = row.reduce(0.0) { $0 + Double.exponential(Double($1)) }
      return Double.logarithm(total) - Double(row[row.startIndex + Int(sample.tokens[target])])
    }
    let session = try session()
    var seen: [Int] = []
    let whole = try Perplexity.evaluate(
      sample.tokens, session: session, options: Perplexity.Options(window: 64)
    ) { target, _ in seen.append(target) }
    #expect(seen == Array(1..<37))
    #expect(whole.targets == 36)
    let mean = losses.reduce(0, +) / 36
    #expect(abs(whole.meanLogLoss - mean) < 1e-3 * mean)
    #expect(whole.standardError > 0)
    #expect(try session.kvBytes == 0)

    // Windows of 10, new every 5, with at least 5 tokens before a target: each target once.
    seen = []
    let windowed = try Perplexity.evaluate(
      sample.tokens, session: session, options: Perplexity.Options(window: 10, stride: 5, firstTarget: 5)
    ) { target, _ in seen.append(target) }
    #expect(seen == Array(5..<37))
    #expect(windowed.targets == 32)
    for options in [
      Perplexity.Options(window: 1), Perplexity.Options(window: 10, stride: 0),
      Perplexity.Options(window: 10, stride: 11),
      Perplexity.Options(window: 10, firstTarget: 10), Perplexity.Options(window: 10, firstTarget: 0),
      Perplexity.Options(window: 10_000),
    ] {
      #expect(throws: GenerationError.self) {
        try Perplexity.evaluate(sample.tokens, session: session, options: options)
      }
    }
    #expect(throws: GenerationError.emptyPrompt) {
      try Perplexity.evaluate([1], session: session, options: Perplexity.Options(window: 8))
    }
  }
}
