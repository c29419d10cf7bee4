// Drafts: no token changes with them, some come sooner, and they stop where they lose.
import Inference
import TestSupport
import Testing

@Suite struct EngineSpeculationTests {
  static let context = 320

  /// A step that takes little more with some rows more: drafts pay.
  static func cheapRows(_ shape: StepShape) -> Double {
    0.010 + 1e-4 * Double(shape.prefillTokens) + 2e-4 * Double(shape.decodeRows) + 1e-8 * shape.context
  }

  /// Prompts and answers that repeat themselves: two tokens are all there is, and a beginning that comes again.
  static func repetitive(_ seed: UInt64, most: Int) -> GenerationRequest {
    let motif = tokens(7, seed: seed)
    var asked = request(motif + tokens(20, seed: seed + 1) + motif + motif, most: most)
    asked.sampling.logitBias = Dictionary(uniqueKeysWithValues: (0..<384).map { (Int32($0), $0 % 190 == 3 ? 60 : 0) })
    return asked
  }

  // MARK: The same tokens

  @Test func randomWorkloads() throws {
    var accepted = 0, rejected = 0, preemptions = 0, cancelled = 0, modelDrafts = 0
    let pairs = [("qwen3", "mistral"), ("llama", "gemma3_text"), ("gemma3_text", "llama"), ("qwen3_moe", "qwen3")]
    for (index, (name, other)) in pairs.enumerated() {
      let model = try engineModel(name)
      let others = [nil, model, try engineModel(other)]
      for seed in UInt64(0)..<3 {
        let draft = others[Int(seed % 3)]
        let counters = try run(model, draft, seed: UInt64(index) * 10 + seed)
        accepted += counters.acceptedTokens
        rejected += counters.draftedTokens - counters.acceptedTokens
        preemptions += counters.preemptions
        cancelled += counters.cancelled
        if draft != nil { modelDrafts += counters.draftedTokens }
      }
    }
    #expect(accepted > 200 && rejected > 50 && preemptions > 3 && cancelled > 2 && modelDrafts > 100)
  }

  /// What a sequence of so many positions takes.
  private func bytes(of model: Model, for positions: Int) throws -> Int {
    let session = try Session(model: model)
    return session.kvBlocks(for: positions) * session.kvBlockBytes
  }

  private func run(_ model: Model, _ draft: Model?, seed: UInt64) throws -> EngineCounters {
    var random = SeededRandom(seed: seed)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    let whole = try bytes(of: model, for: Self.context), block = try bytes(of: model, for: 1)
    var options = EngineOptions()
    options.session.context = Self.context
    options.session.chunk = [512, 16].randomElement(using: &random) ?? 512
    options.session.kvBudget = seed % 2 == 1 ? nil : pick(6...9) * whole / 5
    options.maximumSequences = pick(1...5)
    options.maximumStepTokens = pick(8...200)
    options.cacheBytes = [0, 64 << 20].randomElement(using: &random) ?? 0
    options.swapBytes = seed % 3 == 0 ? 12 * block : 0
    let draftBlock = try draft.map { try bytes(of: $0, for: 1) } ?? 0
    options.speculation = SpeculationOptions(
      looksUp: draft == nil || pick(0...1) == 0, draftModel: draft,
      draftKVBudget: pick(0...1) == 0 ? nil : pick(1...6) * draftBlock, maximumDraft: pick(1...12))
    let manual = try ManualEngine(model, options, clock: VirtualClock { Self.cheapRows($0) })
    let trunks = (0..<3).map { tokens(pick(30...150), seed: seed * 100 + UInt64($0)) }
    var open: [(request: GenerationRequest, generation: Generation)] = []
    for index in 0..<10 {
      var asked = Self.repetitive(seed * 31 + UInt64(index % 7), most: pick(1...70))
      if index % 3 == 0 { asked.prompt = Array(trunks[pick(0...2)].prefix(pick(20...150))) + asked.prompt }
      asked.stop.tokens = index % 4 == 0 ? [3] : [Int32(pick(0...383))]
      asked.sampling.temperature = [0, 0, 0.7, 1].randomElement(using: &random) ?? 0
      asked.sampling.topP = [1, 0.9].randomElement(using: &random) ?? 1
      asked.sampling.seed = random.next()
      asked.sampling.repetitionPenalty = index % 5 == 1 ? 1.1 : 1
      asked.sampling.frequencyPenalty = index % 5 == 2 ? 0.5 : 0
      asked.sampling.topLogProbabilities = index % 3
      asked.priority = pick(0...2)
      asked.usesCache = pick(0...3) > 0
      open.append((asked, try manual.engine.submit(asked)))
      for _ in 0..<pick(0...8) { _ = manual.scheduler.turn() }
      if pick(0...5) == 0 { open[pick(0...open.count - 1)].generation.cancel() }
    }
    manual.finish()
    for (asked, generation) in open {
      let answer = Answer(generation.poll())
      let expected = try model.alone(asked, context: Self.context)
      if answer.reason == .cancelled {
        #expect(expected.starts(with: answer.tokens), "workload \(seed)")
      } else {
        #expect(answer.tokens == expected, "workload \(seed), \(answer.last.map { "\($0)" } ?? "no end")")
      }
    }
    let counters = manual.engine.counters
    #expect(counters.kvBytes == counters.cacheBytes && counters.draftKVBytes == 0, "workload \(seed)")
    #expect(counters.finished + counters.cancelled == 10 && counters.waiting == 0 && counters.running == 0)
    return counters
  }

  /// With grammars: forced tokens among the drafts, drafts that the grammar bars, and ends inside of them.
  @Test func constrainedWorkloads() throws {
    let model = try engineModel()
    let constraints = try EngineGrammarTests.constraints()
    var accepted = 0, forced = 0
    for seed in UInt64(0)..<4 {
      var options = EngineOptions()
      options.session.context = EngineGrammarTests.context
      options.maximumSequences = 3
      options.speculation = SpeculationOptions(looksUp: seed != 1, draftModel: seed % 2 == 1 ? model : nil)
      let manual = try ManualEngine(model, options, clock: VirtualClock { Self.cheapRows($0) })
      let open = try (UInt64(0)..<9).map { index in
        var asked = EngineGrammarTests.constrained(constraints[Int(index % 3)], seed: seed * 9 + index, most: 120)
        if index % 2 == 0 { asked.sampling.temperature = 0 }
        return (asked, try manual.engine.submit(asked))
      }
      manual.finish()
      for (asked, generation) in open {
        let events = generation.poll()
        let (wanted, wantedForced) = try EngineGrammarTests.alone(asked, model)
        #expect(EngineGrammarTests.generationEvents(events) == wanted, "workload \(seed)")
        #expect(Answer(events).usage?.forcedTokens == wantedForced)
      }
      accepted += manual.engine.counters.acceptedTokens
      forced += manual.engine.counters.forcedTokens
    }
    #expect(accepted > 100 && forced > 100)
  }

  /// What all of this rests on: rows evaluated together have the logits of rows evaluated one by one.
  @Test(arguments: ["qwen3", "llama", "gemma3_text", "qwen3_moe"]) func rowsTogetherAreRowsAlone(name: String) throws {
    let session = try Session(model: engineModel(name))
    let text = tokens(90, seed: 5)
    let together = try session.makeSequence(), single = try session.makeSequence()
    try session.evaluate(Batch(together, text[..<70]))
    try session.evaluate(Batch(single, text[..<70]))
    try session.evaluate(Batch(together, text[70...], output: .from(0)))
    let rows = try (0..<20).map { Array(try session.logits($0)) }
    for (row, token) in text[70...].enumerated() {
      try session.evaluate(Batch(single, CollectionOfOne(token)))
      #expect(rows[row].elementsEqual(try session.logits(0)), "row \(row)")
    }
  }

  // MARK: Fewer steps

  @Test func aRepetitiveTextTakesFewerSteps() throws {
    var options = EngineOptions()
    options.speculation = SpeculationOptions()
    let model = try engineModel()
    let clock = VirtualClock { Self.cheapRows($0) }
    let manual = try ManualEngine(model, options, clock: clock)
    let asked = Self.repetitive(3, most: 200)
    let generation = try manual.engine.submit(asked)
    manual.finish()
    let answer = Answer(generation.poll())
    #expect(answer.tokens == (try model.alone(asked, context: 512)))
    let usage = try #require(answer.usage)
    #expect(usage.acceptedTokens > 100 && usage.acceptedTokens <= usage.draftedTokens)
    #expect(clock.shapes.count == 200 - usage.acceptedTokens)
    let counters = manual.engine.counters
    #expect(counters.draftedTokens == usage.draftedTokens && counters.acceptedTokens == usage.acceptedTokens)
    #expect(counters.generatedTokens == 200)
    let text = counters.prometheusText()
    #expect(text.contains("gobi_engine_drafted_tokens_total \(usage.draftedTokens)\n"))
    #expect(text.contains("gobi_engine_accepted_tokens_total \(usage.acceptedTokens)\n"))

    // A request may do without.
    var plain = asked
    plain.speculates = false
    let second = try manual.engine.submit(plain)
    manual.finish()
    let other = Answer(second.poll())
    #expect(other.tokens == answer.tokens && other.usage?.draftedTokens == 0)
  }

  /// The model as its own draft model is always right, where tokens are not drawn.
  @Test func aDraftModelThatIsRight() throws {
    let model = try engineModel()
    var options = EngineOptions()
    options.session.context = Self.context
    options.speculation = SpeculationOptions(looksUp: false, draftModel: model, maximumDraft: 5)
    let clock = VirtualClock({ Self.cheapRows($0) }, draft: { _ in 0.0005 })
    let manual = try ManualEngine(model, options, clock: clock)
    let asked = (0..<3).map { request(tokens(100, seed: UInt64($0)), most: 60) }
    let generations = try asked.map { try manual.engine.submit($0) }
    manual.finish()
    for (asked, generation) in zip(asked, generations) {
      let answer = Answer(generation.poll())
      #expect(answer.tokens == (try model.alone(asked, context: Self.context)))
      #expect(try #require(answer.usage).acceptedTokens > 25)
    }
    #expect(clock.shapes.count < 40)
    let counters = manual.engine.counters
    #expect(counters.draftedTokens == counters.acceptedTokens)
    // Several are drafted for together, and catch up with their prompts first.
    #expect(clock.draftShapes.contains { $0.decodeRows == 3 })
    #expect((300...360).contains(clock.draftShapes.reduce(0) { $0 + $1.prefillTokens }))
    #expect(counters.draftKVBytes == 0)
  }

  @Test func stepsKeepTheAim() throws {
    var options = EngineOptions()
    options.timePerOutputToken = .milliseconds(13)
    options.speculation = SpeculationOptions(maximumDraft: 32)
    let clock = VirtualClock { 0.010 + 5e-4 * Double($0.decodeRows + $0.prefillTokens) }
    let manual = try ManualEngine(engineModel(), options, clock: clock)
    let generation = try manual.engine.submit(Self.repetitive(3, most: 300))
    manual.finish()
    #expect(try #require(Answer(generation.poll()).usage).acceptedTokens > 50)
    #expect(clock.shapes.dropFirst(30).allSatisfy { 0.010 + 5e-4 * Double($0.decodeRows) <= 0.0131 })
  }

  // MARK: Where they lose

  /// A step takes as long as its rows: what is guessed right gains nothing.
  @Test func draftsStopWhereRowsCostAsMuchAsSteps() throws {
    var options = EngineOptions()
    options.session.context = 1_400
    options.speculation = SpeculationOptions()
    let clock = VirtualClock { 1e-5 + 0.005 * Double($0.decodeRows + $0.prefillTokens) }
    let manual = try ManualEngine(engineModel(), options, clock: clock)
    let generation = try manual.engine.submit(Self.repetitive(3, most: 1_000))
    manual.finish()
    let usage = try #require(Answer(generation.poll()).usage)
    #expect(usage.draftedTokens > 0 && usage.draftedTokens < 150)
    // Rarely at the end.
    #expect(clock.shapes.suffix(300).count { $0.decodeRows > 1 } < 15)
  }

  /// A draft model that is never right costs little, for one request and over many short ones.
  @Test(arguments: [1, 12]) func draftsStopWhereTheyAreWrong(requests: Int) throws {
    let model = try engineModel()
    var options = EngineOptions()
    options.maximumSequences = 1
    options.session.context = 1_400
    options.speculation = SpeculationOptions(looksUp: false, draftModel: try engineModel("mistral"))
    let clock = VirtualClock({ Self.cheapRows($0) }, draft: { _ in 0.002 })
    let manual = try ManualEngine(model, options, clock: clock)
    let most = 1_200 / requests
    for seed in 0..<requests {
      var asked = request(tokens(12, seed: UInt64(seed)), most: most)
      asked.sampling.temperature = 3
      asked.sampling.seed = UInt64(seed)
      let generation = try manual.engine.submit(asked)
      manual.finish()
      #expect(Answer(generation.poll()).tokens.count == most)
    }
    let counters = manual.engine.counters
    #expect(counters.acceptedTokens < 10)
    #expect(counters.draftedTokens > 0 && counters.draftedTokens < 150)
    let lost = Double(clock.draftShapes.count) * 0.002 + Double(counters.draftedTokens) * 2e-4
    #expect(lost < 0.02 * clock.now)
    // They are tried again, later and later.
    #expect(clock.draftShapes.count > 4)
  }

  // MARK: Drafts that fail

  @Test func aStepThatFailsIsTriedWithoutDrafts() throws {
    var options = EngineOptions()
    options.speculation = SpeculationOptions()
    let model = try engineModel()
    let clock = VirtualClock { Self.cheapRows($0) }
    let manual = try ManualEngine(model, options, clock: clock)
    let asked = Self.repetitive(3, most: 150)
    let generation = try manual.engine.submit(asked)
    var faults = 0
    manual.scheduler.fault = { _, drafted in
      guard drafted > 0, faults < 3 else { return nil }
      faults += 1
      return .outOfMemory(bytes: 1)
    }
    manual.finish()
    #expect(faults == 3)
    #expect(Answer(generation.poll()).tokens == (try model.alone(asked, context: 512)))
  }

  @Test func optionsThatCannotGoTogetherAreRefused() throws {
    let model = try engineModel()
    let encoder = try Golden.model("bert", runtime: Runtime(threads: 1))
    let wrong = [
      SpeculationOptions(maximumDraft: 0), SpeculationOptions(maximumDraft: 33), SpeculationOptions(draftKVBudget: -1),
      SpeculationOptions(draftModel: encoder), SpeculationOptions(draftModel: try engineModel("llama")),
    ]
    for speculation in wrong {
      var options = EngineOptions()
      options.speculation = speculation
      #expect(throws: EngineError.self) { try Engine(model: model, options: options) }
    }
  }

  // MARK: Parts

  @Test func whatFollowedIsGuessed() {
    var index = NGramIndex()
    #expect(index.draft(after: [1, 2, 3], most: 4) == [])
    #expect(index.draft(after: [1, 2, 3, 4], most: 4) == [])
    let text: [Int32] = [1, 2, 3, 4, 5, 6, 1, 2, 3]
    #expect(index.draft(after: text, most: 3) == [4, 5, 6])
    #expect(index.draft(after: text, most: 0) == [])
    // Where it came last.
    let longer = text + [9, 7, 1, 2, 3]
    #expect(index.draft(after: longer, most: 2) == [9, 7])
    // A cycle goes round and round.
    var other = NGramIndex()
    #expect(other.draft(after: [8, 8, 8, 8], most: 5) == [8, 8, 8, 8, 8])
    var third = NGramIndex()
    #expect(third.draft(after: [5, 6, 5, 6, 5], most: 4) == [6, 5, 6, 5])
  }

  @Test func draftsAreAsLongAsTheyPay() {
    func length(_ p: Double, cost: Double, tokens: Double = 1, limit: Double = 1) -> Int {
      var yield = StepYield(tokens: tokens, seconds: 0.010)
      return yield.extend(p, most: 16, cost: cost, limit: limit)
    }
    #expect(length(1, cost: 0.001) == 16)
    #expect(length(0.5, cost: 0.001) == 2)
    #expect(length(0.1, cost: 0.001) == 0)
    #expect(length(0.9, cost: 0.001) > length(0.7, cost: 0.001))
    #expect(length(0.9, cost: 0.001, limit: 0.0035) == 3)
    // Beside many others that share the step a token must be surer.
    #expect(length(0.7, cost: 0.001, tokens: 8) == 0)
    #expect(length(1, cost: 0.010) == 0)
  }
}
