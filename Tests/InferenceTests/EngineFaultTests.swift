// Steps that fail: whoever is at fault fails alone, memory is given up step by step, and answers stay what they are.
import Inference
import TestSupport
import Testing

@Suite struct EngineFaultTests {
  private let broken = SessionError.kernel(KernelError(.numeric, "a test"))

  private func open(
    _ count: Int, _ manual: ManualEngine
  ) throws -> [(request: GenerationRequest, generation: Generation)] {
    try (0..<count).map { index in
      let asked = request(tokens(40, seed: UInt64(index)), most: 20)
      return (asked, try manual.engine.submit(asked))
    }
  }

  @Test func aKernelsFailureIsOneRequests() throws {
    let model = try engineModel()
    let manual = try ManualEngine(model, EngineOptions())
    let requests = try open(4, manual)
    let bad = requests[1].generation.id
    for _ in 0..<8 { _ = manual.scheduler.turn() }
    manual.scheduler.fault = { ids, _ in ids.contains(bad) ? broken : nil }
    manual.finish()
    for (asked, generation) in requests {
      let answer = Answer(generation.poll())
      let expected = try model.alone(asked, context: 256)
      if generation.id == bad {
        #expect(answer.error == .session(broken))
        #expect(!answer.tokens.isEmpty && expected.starts(with: answer.tokens))
      } else {
        #expect(answer.tokens == expected)
      }
    }
    let counters = manual.engine.counters
    #expect(counters.failed == 1 && counters.finished == 3 && counters.kvBytes == counters.cacheBytes)
  }

  /// Where every step fails, every request does, and the engine is there for the next one.
  @Test func nothingWorksAndThenItDoes() throws {
    let model = try engineModel()
    let manual = try ManualEngine(model, EngineOptions())
    let requests = try open(3, manual)
    manual.scheduler.fault = { _, _ in broken }
    manual.finish()
    for (_, generation) in requests { #expect(Answer(generation.poll()).error == .session(broken)) }
    manual.scheduler.fault = nil
    let (asked, generation) = try #require(try open(1, manual).first)
    manual.finish()
    #expect(Answer(generation.poll()).tokens == (try model.alone(asked, context: 256)))
  }

  @Test func memoryIsGivenUpStepByStep() throws {
    let model = try engineModel()
    let manual = try ManualEngine(model, EngineOptions())
    let before = try open(1, manual)
    manual.finish()
    #expect(manual.engine.counters.cacheBytes > 0)
    let requests = try open(4, manual)
    for _ in 0..<6 { _ = manual.scheduler.turn() }
    // The system has room for two sequences and no cache.
    var refused = 0
    manual.scheduler.fault = { ids, _ in
      guard ids.count > 2 || manual.scheduler.cachedBlocks > 0 else { return nil }
      refused += 1
      return .outOfMemory(bytes: 1)
    }
    for _ in 0..<6 { _ = manual.scheduler.turn() }
    #expect(refused >= 3)
    #expect(manual.scheduler.cachedBlocks == 0)
    manual.scheduler.fault = nil
    manual.finish()
    for (asked, generation) in before + requests {
      #expect(Answer(generation.poll()).tokens == (try model.alone(asked, context: 256)))
    }
    #expect(manual.engine.counters.preemptions >= 2 && manual.engine.counters.failed == 0)
  }

  /// The only request fails where not even it has room.
  @Test func memoryThatIsNotThere() throws {
    let model = try engineModel()
    let manual = try ManualEngine(model, EngineOptions())
    let requests = try open(1, manual)
    manual.scheduler.fault = { _, _ in .outOfMemory(bytes: 7) }
    manual.finish()
    #expect(Answer(requests[0].generation.poll()).error == .session(.outOfMemory(bytes: 7)))
    #expect(manual.engine.counters.kvBytes == 0)
  }
}
