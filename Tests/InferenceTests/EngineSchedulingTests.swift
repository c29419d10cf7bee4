// What the engine decides, in virtual time: the cost model, budgets of steps, priorities, deadlines, refusals.
import Inference
import TestSupport
import Testing

@Suite struct EngineSchedulingTests {
  /// 1 ms, 0.5 ms a prompt token, 2 ms a decoding sequence, 20 ns a position.
  static func seconds(_ shape: StepShape) -> Double {
    0.001 + 0.0005 * Double(shape.prefillTokens) + 0.002 * Double(shape.decodeRows) + 2e-8 * shape.context
  }

  // MARK: Cost

  @Test func costIsLearntFromSteps() {
    var cost = StepCost()
    var random = SeededRandom(seed: 3)
    func shape() -> StepShape {
      var shape = StepShape()
      shape.prefillTokens = Int(random.next() % 400)
      shape.decodeRows = Int(random.next() % 32)
      shape.context = Double(random.next() % 100_000)
      return shape
    }
    for index in 0..<200 {
      let shape = shape()
      // Every tenth step is held up by something else.
      let noise = (index % 10 == 0 ? 5 : 1) * (0.95 + 0.1 * random.unit())
      cost.learn(shape, seconds: Self.seconds(shape) * noise)
    }
    for _ in 0..<50 {
      let shape = shape()
      #expect(abs(cost.predict(shape) / Self.seconds(shape) - 1) < 0.15)
    }
    // What fits, fits; one token more than that and a rounding does not.
    for position in [0, 1_000, 100_000] {
      let count = cost.prefillTokens(within: 0.05, at: position)
      #expect(count > 0)
      #expect(cost.prefill(count, at: position) <= 0.05 * (1 + 1e-9))
      #expect(cost.prefill(count + 1, at: position) > 0.05)
    }
    #expect(cost.prefillTokens(within: -1, at: 0) == 0)
  }

  @Test func stepsThatAreAllAlikeKeepTheFitCalm() {
    var cost = StepCost()
    var shape = StepShape()
    shape.decodeRows = 1
    shape.context = 100
    for _ in 0..<100_000 { cost.learn(shape, seconds: 0.010) }
    cost.learn(shape, seconds: .nan)
    #expect(abs(cost.predict(shape) - 0.010) < 0.001)
    shape.prefillTokens = 512
    #expect(cost.predict(shape).isFinite)
    cost.learn(shape, seconds: 0.300)
    for _ in 0..<20 { cost.learn(shape, seconds: 0.300) }
    #expect(abs(cost.predict(shape) / 0.300 - 1) < 0.2)
  }

  // MARK: Steps

  @Test func promptsGetWhatTheAimLeaves() throws {
    var options = EngineOptions()
    options.session.context = 4_000
    options.timePerOutputToken = .milliseconds(50)
    options.timeToFirstToken = .seconds(100)
    let (mixed, usage) = try mixedSteps(options)
    // The first ones teach the cost of a prompt; then each step keeps the aim and uses most of it.
    for shape in mixed.dropFirst(3) { #expect(Self.seconds(shape) <= 0.0501) }
    for shape in mixed.dropFirst(3).dropLast() { #expect(Self.seconds(shape) > 0.030) }
    #expect(try #require(usage.timePerOutputToken) <= 0.050)
  }

  /// A first token that would be late gets what the others are ahead of their time, and they still keep their aim.
  @Test func aLatePromptBorrowsTime() throws {
    var options = EngineOptions()
    options.session.context = 4_000
    options.timePerOutputToken = .milliseconds(50)
    options.timeToFirstToken = .milliseconds(500)
    let (mixed, usage) = try mixedSteps(options)
    #expect(mixed.dropFirst(3).contains { Self.seconds($0) > 0.080 })
    // The first one is planned by what a prompt of 20 tokens took.
    #expect(mixed.dropFirst().allSatisfy { Self.seconds($0) <= 0.2 })
    #expect(Self.seconds(mixed[0]) <= 0.22)
    #expect(try #require(usage.timePerOutputToken) <= 0.050)
  }

  /// The steps of a request that decodes while a long prompt comes, and what the request took.
  private func mixedSteps(_ options: EngineOptions) throws -> ([StepShape], GenerationUsage) {
    let clock = VirtualClock { Self.seconds($0) }
    let manual = try ManualEngine(engineModel(), options, clock: clock)
    let talker = try manual.engine.submit(request(tokens(20, seed: 1), most: 100))
    for _ in 0..<30 { _ = manual.scheduler.turn() }
    let before = clock.shapes.count
    let reader = try manual.engine.submit(request(tokens(2_000, seed: 2), most: 1))
    manual.finish()
    let mixed = clock.shapes[before...].filter { $0.prefillTokens > 0 && $0.decodeRows > 0 }
    #expect(mixed.reduce(0) { $0 + $1.prefillTokens } == 2_000)
    #expect(Answer(reader.poll()).reason == .length)
    return (mixed, try #require(Answer(talker.poll()).usage))
  }

  @Test func promptsGetOnWhereDecodingTakesAllTheTime() throws {
    var options = EngineOptions()
    options.timePerOutputToken = .microseconds(1)
    let manual = try ManualEngine(engineModel(), options, clock: VirtualClock { Self.seconds($0) })
    let talker = try manual.engine.submit(request(tokens(20, seed: 1), most: 200))
    for _ in 0..<5 { _ = manual.scheduler.turn() }
    let reader = try manual.engine.submit(request(tokens(150, seed: 2), most: 1))
    for _ in 0..<12 { _ = manual.scheduler.turn() }
    #expect(Answer(reader.poll()).reason == .length)
    #expect(!talker.isOver)
    manual.finish()
  }

  // MARK: Who comes first

  private func order(
    _ requests: [GenerationRequest], sequences: Int = 1, aging: Duration = .seconds(1_000)
  ) throws -> [Int] {
    var options = EngineOptions()
    options.maximumSequences = sequences
    options.aging = aging
    let manual = try ManualEngine(engineModel(), options, clock: VirtualClock { Self.seconds($0) })
    let generations = try requests.map { try manual.engine.submit($0) }
    var order: [Int] = []
    for _ in 0..<5_000 {
      let turn = manual.scheduler.turn()
      for (index, generation) in generations.enumerated() where !order.contains(index) {
        _ = generation.poll()
        if generation.isOver { order.append(index) }
      }
      if turn != .stepped { break }
    }
    return order
  }

  @Test func priorityThenDeadlineThenArrival() throws {
    let prompt = tokens(10, seed: 4)
    let order = try order([
      request(prompt, most: 3), request(prompt, most: 3, deadline: .seconds(20)),
      request(prompt, most: 3, deadline: .seconds(1)), request(prompt, most: 3, priority: 5),
      request(prompt, most: 3), request(prompt, most: 3, priority: -1),
    ])
    // Without a deadline a first token is due in 2 s.
    #expect(order == [3, 2, 0, 4, 1, 5])
  }

  @Test func aMoreImportantRequestTakesAPlace() throws {
    var options = EngineOptions()
    options.maximumSequences = 1
    let model = try engineModel()
    let manual = try ManualEngine(model, options)
    let low = request(tokens(100, seed: 5), most: 40)
    let first = try manual.engine.submit(low)
    for _ in 0..<10 { _ = manual.scheduler.turn() }
    let equal = try manual.engine.submit(request(tokens(10, seed: 6), most: 2))
    let high = try manual.engine.submit(request(tokens(10, seed: 7), most: 2, priority: 1))
    for _ in 0..<4 { _ = manual.scheduler.turn() }
    #expect(Answer(high.poll()).reason == .length)
    #expect(equal.poll().isEmpty)
    manual.finish()
    let answer = Answer(first.poll())
    #expect(answer.tokens == (try model.alone(low, context: 256)))
    // Its keys and values were kept: nothing was computed again.
    #expect(answer.usage?.preemptions == 1)
    #expect(answer.usage?.recomputedTokens == 0)
  }

  @Test func nobodyWaitsForever() throws {
    var options = EngineOptions()
    options.maximumSequences = 1
    options.aging = .milliseconds(100)
    let manual = try ManualEngine(engineModel(), options, clock: VirtualClock { Self.seconds($0) })
    let low = try manual.engine.submit(request(tokens(10, seed: 8), most: 2, priority: -3))
    var high: [Generation] = []
    for index in 0..<400 where !low.isOver {
      // There is always somebody more important.
      high.append(try manual.engine.submit(request(tokens(10, seed: UInt64(index)), most: 5, priority: 0)))
      for _ in 0..<3 { _ = manual.scheduler.turn() }
      _ = low.poll()
    }
    #expect(low.isOver)
    #expect(high.contains { !$0.isOver && $0.poll().isEmpty })
  }

  @Test func deadlinesEndRequests() throws {
    var options = EngineOptions()
    options.maximumSequences = 1
    let manual = try ManualEngine(engineModel(), options, clock: VirtualClock { _ in 0.010 })
    let running = try manual.engine.submit(request(tokens(10, seed: 1), most: 1_000, deadline: .milliseconds(95)))
    let waiting = try manual.engine.submit(request(tokens(10, seed: 1), most: 5, deadline: .milliseconds(99)))
    manual.finish()
    let first = Answer(running.poll()), second = Answer(waiting.poll())
    #expect(first.error == .deadlineExceeded)
    #expect(first.usage?.completionTokens == 10)
    #expect(second.error == .deadlineExceeded)
    #expect(second.cached == nil && second.usage?.queueTime == nil)
    #expect(manual.engine.counters.failed == 2)
  }

  @Test func theContextEndsAnAnswer() throws {
    var options = EngineOptions()
    options.session.context = 40
    let model = try engineModel()
    let manual = try ManualEngine(model, options)
    let asked = GenerationRequest(prompt: tokens(37, seed: 1))
    let generation = try manual.engine.submit(asked)
    let none = try manual.engine.submit(request(tokens(37, seed: 1), most: 0))
    manual.finish()
    let answer = Answer(generation.poll())
    #expect(answer.reason == .contextFull)
    #expect(answer.tokens == (try model.alone(asked, context: 40)))
    #expect(Answer(none.poll()).reason == .length)
  }

  @Test func aStepIsStoppedWhereThatPays() {
    func stops(_ cancelled: Double, after elapsed: Double, of expected: Double, isRetry: Bool = false) -> Bool {
      RunningStep(start: 10, expected: expected, shares: [:], isRetry: isRetry, cancelledShare: cancelled)
        .isWorthStopping(now: 10 + elapsed)
    }
    // Nobody else is in the step.
    #expect(stops(1, after: 0.5, of: 0.501))
    #expect(stops(1, after: 0, of: 0.005, isRetry: true))
    // A long prompt among others, early and late; one that decodes among others.
    #expect(stops(0.9, after: 0.1, of: 1))
    #expect(!stops(0.9, after: 0.95, of: 1))
    #expect(!stops(1 / 32, after: 0.1, of: 0.2))
    // It ends in time anyway; or others were just made to begin again.
    #expect(!stops(0.9, after: 0.001, of: 0.010))
    #expect(!stops(0.9, after: 0.1, of: 1, isRetry: true))
    // Late beyond what was expected.
    #expect(stops(0.9, after: 1, of: 0.5))
  }

  // MARK: Refusals

  @Test func whatCannotBeServedIsRefused() throws {
    let model = try engineModel()
    let block = try Session(model: model).kvBlockBytes
    var options = EngineOptions()
    options.maximumQueue = 3
    options.session.kvBudget = 2 * block
    options.session.context = 200
    let engine = try ManualEngine(model, options).engine
    func refusal(_ change: (inout GenerationRequest) -> Void) -> EngineError? {
      var asked = request(tokens(10, seed: 1), most: 5)
      change(&asked)
      do throws(EngineError) { _ = try engine.submit(asked) } catch { return error }
      return nil
    }
    #expect(refusal { $0.prompt = [] } == .invalidRequest(field: "prompt", reason: "no tokens"))
    #expect(refusal { $0.prompt = [1, 384] } != nil)
    #expect(refusal { $0.prompt = [-1] } != nil)
    #expect(refusal { $0.prompt = tokens(201, seed: 1) } == .promptTooLong(tokens: 201, limit: 200))
    #expect(refusal { $0.prompt = tokens(129, seed: 1) } == .overBudget(needed: 3 * block, budget: 2 * block))
    #expect(refusal { $0.stop.maximumTokens = 120 } == .overBudget(needed: 3 * block, budget: 2 * block))
    #expect(refusal { $0.stop.maximumTokens = .max } != nil)
    #expect(refusal { $0.stop.maximumTokens = -1 } != nil)
    #expect(refusal { $0.stop.strings = ["x"] } != nil)
    #expect(refusal { $0.priority = 101 } != nil)
    #expect(refusal { $0.deadline = .zero } != nil)
    #expect(refusal { $0.sampling.temperature = .nan } != nil)
    #expect(refusal { $0.sampling.logitBias = [384: 1] } == .sampler(.tokenOutOfRange(384, vocabulary: 384)))
    let kept = try (0..<3).map { try engine.submit(request(tokens(10, seed: $0), most: 5)) }
    #expect(refusal { _ in } == .queueFull(limit: 3))
    kept[0].cancel()
    _ = engine.scheduler?.turn()
    #expect(refusal { _ in } == nil)
    engine.drain()
    #expect(refusal { _ in } == .shuttingDown)
    #expect(engine.counters.refused == 15)
  }

  @Test func optionsOutOfRangeAreRefused() throws {
    let model = try engineModel()
    let changes: [(inout EngineOptions) -> Void] = [
      { $0.maximumSequences = 0 }, { $0.maximumQueue = 0 }, { $0.maximumStepTokens = 1 }, { $0.aging = .zero },
      { $0.timePerOutputToken = .zero }, { $0.timeToFirstToken = .seconds(-1) }, { $0.cacheBytes = -1 },
      { $0.swapBytes = -1 }, { $0.session.kvBudget = 1 }, { $0.session.chunk = 0 },
    ]
    for change in changes {
      var options = EngineOptions()
      change(&options)
      #expect(throws: EngineError.self) { try Engine(model: model, options: options) }
    }
    let encoder = try Golden.model("bert", runtime: Runtime(threads: 1))
    #expect(throws: EngineError.self) { try Engine(model: encoder) }
  }

  @Test func oneRequestsFailureIsItsOwn() throws {
    let model = try engineModel()
    let manual = try ManualEngine(model, EngineOptions())
    var banned = request(tokens(10, seed: 1), most: 5)
    banned.sampling.logitBias = Dictionary(uniqueKeysWithValues: (0..<384).map { (Int32($0), -Float.infinity) })
    let bad = try manual.engine.submit(banned)
    let asked = request(tokens(10, seed: 1), most: 5)
    let good = try manual.engine.submit(asked)
    manual.finish()
    #expect(Answer(bad.poll()).error == .sampler(.noCandidate))
    #expect(Answer(good.poll()).tokens == (try model.alone(asked, context: 256)))
  }

  // MARK: Figures

  @Test func usageAndCountersAddUp() throws {
    let manual = try ManualEngine(engineModel(), EngineOptions(), clock: VirtualClock { _ in 0.010 })
    let first = try manual.engine.submit(request(tokens(100, seed: 1), most: 4))
    manual.finish()
    let usage = try #require(Answer(first.poll()).usage)
    #expect(usage.promptTokens == 100 && usage.cachedTokens == 0 && usage.completionTokens == 4)
    #expect(usage.queueTime == 0)
    #expect(abs(try #require(usage.timeToFirstToken) - 0.010) < 1e-9)
    #expect(abs(try #require(usage.timePerOutputToken) - 0.010) < 1e-9)
    #expect(usage.peakKVBytes == 2 * (try Session(model: engineModel()).kvBlockBytes))
    let counters = manual.engine.counters
    #expect(counters.prefillTokens == 100 && counters.generatedTokens == 4 && counters.steps == 4)
    #expect(counters.submitted == 1 && counters.finished == 1)
    let text = counters.prometheusText(labels: "model=\"tiny\"")
    #expect(text.contains("gobi_engine_requests_ended_total{model=\"tiny\",outcome=\"finished\"} 1\n"))
    #expect(text.contains("gobi_engine_time_to_first_token_seconds_bucket{model=\"tiny\",le=\"+Inf\"} 1\n"))
    #expect(text.contains("gobi_engine_prefill_tokens_total{model=\"tiny\"} 100\n"))
    // Every sample has its type before it, and no name comes twice as a family.
    var families: Set<String> = []
    for line in text.split(separator: "\n") where line.hasPrefix("# TYPE ") {
      #expect(families.insert(String(line.split(separator: " ")[2])).inserted)
    }
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      #expect(families.contains { line.hasPrefix($0) })
    }
  }
}
