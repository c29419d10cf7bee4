// Requests with adapters in one engine: each answer as from a session alone, and prefixes only among equals.
import Inference
import TestSupport
import Testing

@Suite struct EngineAdapterTests {
  private func alone(_ request: GenerationRequest, _ model: Model) throws -> [Int32] {
    let session = try Session(model: model, options: SessionOptions(context: 320))
    let sequence = try session.makeSequence(adapter: request.adapter, scale: request.adapterScale)
    try session.evaluate(Batch(sequence, request.prompt))
    var tokens = [try session.likeliest()]
    while tokens.count < request.stop.maximumTokens ?? 0 {
      try session.evaluate(Batch(sequence, CollectionOfOne(tokens[tokens.count - 1])))
      tokens.append(try session.likeliest())
    }
    return tokens
  }

  @Test(arguments: [false, true]) func everyRequestIsAsIfAlone(swaps: Bool) throws {
    let model = try engineModel("llama")
    let adapters: [Adapter?] = try [nil, 1, 2, 3].map { (seed: UInt64?) in
      try seed.map { seed in
        try Adapter(TestAdapter(for: model, rank: { _ in 2 + Int(seed) }, seed: seed).peft(), model: model)
      }
    }
    var options = EngineOptions()
    options.session.context = 320
    // Memory for a part of them: they make room for each other.
    let block = try Session(model: model).kvBlockBytes
    options.session.kvBudget = 9 * block
    options.swapBytes = swaps ? 40 * block : 0
    options.maximumSequences = 5
    options.maximumStepTokens = 70
    let clock = VirtualClock { 0.001 + 1e-3 * Double($0.prefillTokens) }
    let manual = try ManualEngine(model, options, clock: clock)
    let trunk = tokens(100, seed: 1)
    var open: [(GenerationRequest, Generation)] = []
    for index in 0..<14 {
      var asked = request(
        trunk + tokens(5 + index, seed: UInt64(index)), most: 30, priority: index % 3, usesCache: index % 5 != 0)
      asked.adapter = adapters[index % 4]
      asked.adapterScale = index % 7 == 3 ? 0.5 : 1
      open.append((asked, try manual.engine.submit(asked)))
      for _ in 0..<3 { _ = manual.scheduler.turn() }
    }
    manual.finish()
    var preemptions = 0, cached = 0
    for (request, generation) in open {
      let answer = Answer(generation.poll())
      #expect(answer.tokens.map(\.token) == (try alone(request, model)))
      preemptions += answer.usage?.preemptions ?? 0
      cached += answer.usage?.cachedTokens ?? 0
    }
    #expect(preemptions > 3)
    #expect(cached > 0)
    #expect((manual.engine.counters.swappedBytes > 0) == swaps)
  }

  @Test func prefixesStayWithTheirAdapter() throws {
    let model = try engineModel("llama")
    let manual = try ManualEngine(model, EngineOptions())
    let numbers = TestAdapter(for: model, seed: 5)
    let first = try Adapter(numbers.peft(), model: model)
    // The same content, and so the same fingerprint; but another object.
    let second = try Adapter(numbers.peft(), model: model)
    #expect(first.fingerprint == second.fingerprint)
    let prompt = tokens(150, seed: 6)
    func cached(_ adapter: Adapter?, _ scale: Float = 1) throws -> Int? {
      var asked = request(prompt, most: 1)
      asked.adapter = adapter
      asked.adapterScale = scale
      let generation = try manual.engine.submit(asked)
      manual.finish()
      return Answer(generation.poll()).cached
    }
    #expect(try cached(nil) == 0)
    #expect(try cached(first) == 0)
    #expect(try cached(first) == 149)
    #expect(try cached(first, 0.5) == 0)
    #expect(try cached(second) == 0)
    #expect(try cached(nil) == 149)
    // At a scale of 0 it is the model itself.
    #expect(try cached(second, 0) == 149)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let model = try engineModel("llama")
    let other = try engineModel("qwen3")
    let manual = try ManualEngine(model, EngineOptions())
    func refusal(_ adapter: Adapter, _ scale: Float) -> EngineError? {
      var asked = request([1, 2], most: 1)
      asked.adapter = adapter
      asked.adapterScale = scale
      return #expect(throws: EngineError.self) { try manual.engine.submit(asked) }
    }
    let own = try Adapter(TestAdapter(for: model, seed: 7).peft(), model: model)
    let foreign = try Adapter(TestAdapter(for: other, seed: 7).peft(), model: other)
    for error in [refusal(foreign, 1), refusal(own, .nan), refusal(own, .infinity)] {
      guard case .invalidRequest(field: "adapter", _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    #expect(manual.engine.counters.refused == 3)
  }
}
