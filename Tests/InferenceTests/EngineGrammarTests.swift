// Constrained output in the engine: what Generator gives with the same grammar, whatever runs beside it.
import Inference
import TestSupport
import Testing

@Suite struct EngineGrammarTests {
  /// 384 tokens, as the golden models have: every byte, parts of JSON, and one that ends.
  static let tokenizer = ListTokenizer(
    pieces: (0...255).map { [UInt8($0)] }
      + (0..<127).map { index in
        let parts = ["{\"", "\":", ", \"", "\"}", "true", "false", "null", "name", "}}", "[]", "],", "12", "  ", "\n"]
        return Array((parts[index % parts.count] + parts[(index / parts.count + index) % parts.count]).utf8)
      })
  static let context = 320

  static func constraints() throws -> [GrammarConstraint] {
    let vocabulary = GrammarVocabulary(tokenizer)
    return [
      try GrammarConstraint(
        jsonSchema: #"""
          {"type": "object", "properties": {"a rather long name": {"type": "string", "maxLength": 8},
          "flag": {"type": "boolean"}, "n": {"type": "integer", "minimum": -9, "maximum": 120}},
          "required": ["a rather long name", "flag", "n"]}
          """#, vocabulary: vocabulary, whitespace: .none),
      try GrammarConstraint(regex: "[a-e]{3,}", vocabulary: vocabulary),
      try GrammarConstraint(
        grammar: "root ::= (\"this is always said again, \" | \"and so is this; \") [0-9] root?",
        vocabulary: vocabulary),
    ]
  }

  /// What Generator gives: the oracle.
  static func alone(_ request: GenerationRequest, _ model: Model) throws -> (events: [GenerationEvent], forced: Int) {
    let session = try Session(model: model, options: SessionOptions(context: context))
    let generator = try Generator(
      session: session, sequence: session.makeSequence(), prompt: request.prompt, tokenizer: tokenizer,
      sampler: Sampler(request.sampling), stop: request.stop, constraint: request.constraint)
    var events: [GenerationEvent] = []
    while let event = try generator.next() { events.append(event) }
    return (events, generator.forcedTokenCount)
  }

  /// The events of the engine in Generator's terms.
  static func generationEvents(_ events: [EngineEvent]) -> [GenerationEvent] {
    events.compactMap { event in
      switch event {
      case .started, .failed: nil
      case .token(let token, let text): .token(token, text: text)
      case .finished(let reason, let text, _): .finished(reason, text: text)
      }
    }
  }

  static func constrained(_ constraint: GrammarConstraint, seed: UInt64, most: Int) -> GenerationRequest {
    var asked = request(tokens(60 + Int(seed % 50), seed: seed), most: most)
    asked.sampling.temperature = seed % 3 == 0 ? 0 : 1
    asked.sampling.seed = seed
    asked.sampling.repetitionPenalty = seed % 2 == 0 ? 1.2 : 1
    asked.sampling.topLogProbabilities = seed % 4 == 0 ? 2 : 0
    asked.stop.tokens = seed % 5 == 0 ? [] : tokenizer.endOfGeneration
    asked.text = TextOptions(tokenizer: tokenizer)
    asked.constraint = constraint
    return asked
  }

  @Test func theEngineGivesWhatGeneratorGives() throws {
    let model = try engineModel()
    let constraints = try Self.constraints()
    let block = try Session(model: model).kvBlockBytes
    var preemptions = 0, forced = 0, cached = 0, cancelled = 0
    var reasons: [FinishReason] = []
    for seed in UInt64(0)..<6 {
      var random = SeededRandom(seed: seed)
      var options = EngineOptions()
      options.session.context = Self.context
      options.session.kvBudget = seed % 3 == 2 ? nil : 9 * block
      options.maximumSequences = 2 + Int(seed % 4)
      options.maximumStepTokens = seed % 2 == 0 ? 12 : 200
      options.timePerOutputToken = .milliseconds(seed % 2 == 0 ? 3 : 40)
      let clock = VirtualClock { 0.0005 + 1e-4 * Double($0.prefillTokens) + 5e-4 * Double($0.decodeRows) }
      let manual = try ManualEngine(model, options, clock: clock)
      var open: [(request: GenerationRequest, generation: Generation)] = []
      for index in UInt64(0)..<12 {
        // Every fourth has no grammar, every third a prompt that another has had.
        var asked = Self.constrained(
          constraints[Int(index % 3)], seed: seed * 12 + index, most: index % 5 == 0 ? 7 : 150)
        if index % 4 == 3 { asked.constraint = nil }
        if index % 3 == 2 { asked.prompt = open[Int(index) - 1].request.prompt + tokens(9, seed: index) }
        asked.priority = Int(random.next() % 3)
        open.append((asked, try manual.engine.submit(asked)))
        for _ in 0..<random.next() % 10 { _ = manual.scheduler.turn() }
        if random.next() % 8 == 0 { open[Int(random.next() % (index + 1))].generation.cancel() }
      }
      manual.finish()
      for (asked, generation) in open {
        let events = generation.poll()
        let (wanted, wantedForced) = try Self.alone(asked, model)
        let answer = Answer(events)
        if answer.reason == .cancelled {
          #expect(wanted.starts(with: Self.generationEvents(events).dropLast()))
        } else {
          #expect(Self.generationEvents(events) == wanted, "workload \(seed)")
          #expect(answer.usage?.forcedTokens == wantedForced)
          if let reason = answer.reason { reasons.append(reason) }
        }
      }
      let counters = manual.engine.counters
      #expect(counters.kvBytes == counters.cacheBytes && counters.failed == 0)
      preemptions += counters.preemptions
      forced += counters.forcedTokens
      cached += counters.cachedTokens
      cancelled += counters.cancelled
    }
    #expect(preemptions > 2)
    #expect(forced > 200)
    #expect(cached > 100)
    #expect(cancelled > 1)
    #expect(reasons.contains(.grammarComplete) && reasons.contains(.length))
    #expect(reasons.contains(.endOfGeneration(Int32(Self.tokenizer.pieces.count))))
  }

  /// Forced tokens share steps: as many steps as tokens were drawn, one for the prompt among them.
  @Test func forcedTokensTakeNoStepsOfTheirOwn() throws {
    let model = try engineModel()
    let clock = VirtualClock { _ in 0.010 }
    let manual = try ManualEngine(model, EngineOptions(), clock: clock)
    let asked = Self.constrained(try Self.constraints()[2], seed: 5, most: 100)
    let generation = try manual.engine.submit(asked)
    manual.finish()
    let usage = try #require(Answer(generation.poll()).usage)
    #expect(usage.completionTokens == 100 && usage.forcedTokens > 50)
    #expect(clock.shapes.count <= usage.completionTokens - usage.forcedTokens + 1)
    #expect(clock.shapes.dropFirst().contains { $0.decodeRows + $0.prefillTokens > 4 })
    let counters = manual.engine.counters
    #expect(counters.forcedTokens == usage.forcedTokens && counters.generatedTokens == 100)
    #expect(counters.prometheusText().contains("gobi_engine_forced_tokens_total \(usage.forcedTokens)\n"))
  }

  @Test func forcedTextEndsAtTheContext() throws {
    let model = try engineModel()
    var options = EngineOptions()
    options.session.context = Self.context
    let manual = try ManualEngine(model, options)
    var asked = Self.constrained(try Self.constraints()[2], seed: 1, most: 1)
    asked.prompt = tokens(Self.context - 12, seed: 3)
    asked.stop.maximumTokens = nil
    let generation = try manual.engine.submit(asked)
    manual.finish()
    let events = generation.poll()
    #expect(Answer(events).reason == .contextFull)
    #expect(Self.generationEvents(events) == (try Self.alone(asked, model).events))
  }

  @Test func aDeadEndIsTheRequestsOwn() throws {
    let model = try engineModel()
    let manual = try ManualEngine(model, EngineOptions())
    let poor = ListTokenizer(pieces: (0..<383).map { _ in Array("a".utf8) })
    var stuck = request(tokens(10, seed: 1), most: 5)
    stuck.text = TextOptions(tokenizer: poor)
    stuck.constraint = try GrammarConstraint(regex: "ab", vocabulary: GrammarVocabulary(poor))
    let bad = try manual.engine.submit(stuck)
    let asked = request(tokens(10, seed: 1), most: 5)
    let good = try manual.engine.submit(asked)
    manual.finish()
    #expect(Answer(bad.poll()).error == .grammar(.noToken))
    #expect(Answer(good.poll()).tokens == (try model.alone(asked, context: 256)))
    #expect(manual.engine.counters.failed == 1)
  }

  /// A vocabulary beyond the model's gives no token that the model has not.
  @Test func aLargerVocabularyIsCut() throws {
    let model = try engineModel()
    let large = ListTokenizer(
      pieces: Self.tokenizer.pieces + (0..<200).map { Array(repeating: UInt8(ascii: "a"), count: $0 + 2) })
    var asked = request(tokens(10, seed: 1), most: 30)
    asked.sampling.temperature = 2
    asked.text = TextOptions(tokenizer: large)
    asked.constraint = try GrammarConstraint(regex: "a+b{300}", vocabulary: GrammarVocabulary(large))
    let manual = try ManualEngine(model, EngineOptions())
    let generation = try manual.engine.submit(asked)
    manual.finish()
    let answer = Answer(generation.poll())
    #expect(answer.reason == .length)
    #expect(answer.tokens.allSatisfy { $0.token < 384 })
  }

  @Test func whatNeedsNoTokenNeedsNoPrompt() throws {
    let manual = try ManualEngine(engineModel(), EngineOptions())
    let none = try manual.engine.submit(request(tokens(100, seed: 1), most: 0))
    var empty = Self.constrained(
      try GrammarConstraint(regex: "", vocabulary: GrammarVocabulary(Self.tokenizer)), seed: 1, most: 5)
    empty.priority = 1
    let nothing = try manual.engine.submit(empty)
    manual.finish()
    #expect(Answer(none.poll()).reason == .length)
    #expect(Answer(nothing.poll()).reason == .grammarComplete)
    let counters = manual.engine.counters
    #expect(counters.finished == 2 && counters.prefillTokens == 0 && counters.steps == 0 && counters.waiting == 0)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let engine = try ManualEngine(engineModel(), EngineOptions()).engine
    var asked = Self.constrained(try GrammarConstraint(regex: "a", vocabulary: .bytes), seed: 1, most: 5)
    #expect(throws: EngineError.invalidRequest(field: "constraint", reason: "it was made for another vocabulary")) {
      try engine.submit(asked)
    }
    asked.text = nil
    #expect(throws: EngineError.invalidRequest(field: "constraint", reason: "a constraint needs text options")) {
      try engine.submit(asked)
    }
  }
}
