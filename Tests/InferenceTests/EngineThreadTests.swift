// The engine with its thread: streams, polling, cancelling, consumers that vanish, the end, and many at once.
import Foundation
import Glibc
import Inference
import Synchronization
import TestSupport
import Testing

@Suite struct EngineThreadTests {
  private func events(_ generation: Generation) async -> [EngineEvent] {
    var events: [EngineEvent] = []
    for await event in generation { events.append(event) }
    return events
  }

  @Test func aStreamBringsTheAnswer() async throws {
    let model = try engineModel()
    let engine = try Engine(model: model)
    let asked = request(tokens(100, seed: 1), most: 20)
    let answer = Answer(await events(try engine.submit(asked)))
    #expect(answer.reason == .length)
    #expect(answer.tokens == (try model.alone(asked, context: 256)))
    engine.drain()
    await engine.ended()
    #expect(engine.counters.finished == 1)
    #expect(engine.counters.kvBytes == 0)
    #expect(throws: EngineError.shuttingDown) { try engine.submit(asked) }
    await engine.ended()
    #expect(engine.waitForEnd(timeout: .zero))
  }

  @Test func pollingBringsTheAnswer() throws {
    let model = try engineModel()
    let engine = try Engine(model: model)
    let asked = request(tokens(100, seed: 1), most: 20)
    let generation = try engine.submit(asked)
    let descriptor = try generation.descriptor()
    #expect(try generation.descriptor() == descriptor)
    var events: [EngineEvent] = []
    while !generation.isOver {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      #expect(poll(&entry, 1, 60_000) == 1)
      let more = generation.poll(maximum: 3)
      #expect(!more.isEmpty && more.count <= 3)
      events += more
    }
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    #expect(poll(&entry, 1, 0) == 0)
    #expect(generation.poll().isEmpty)
    #expect(Answer(events).tokens == (try model.alone(asked, context: 256)))
  }

  /// A prompt that takes seconds is left at once, within its step; the others' answers stay what they are.
  @Test func cancellingStopsAPrompt() async throws {
    var options = EngineOptions()
    options.session.context = 30_000
    options.maximumStepTokens = 30_000
    options.timePerOutputToken = .seconds(100)
    options.timeToFirstToken = .seconds(400)
    let model = try engineModel()
    let engine = try Engine(model: model, options: options)
    let asked = request(tokens(50, seed: 2), most: 30)
    // Teaches the engine what steps cost, so that it takes the long prompt in one.
    #expect(Answer(await events(try engine.submit(asked))).reason == .length)
    let long = try engine.submit(request(tokens(29_000, seed: 1), most: 10))
    // Without giving the thread away: it might not come back before the prompt has been evaluated.
    while long.usage.queueTime == nil { usleep(500) }
    let other = try engine.submit(asked)
    long.cancel()
    long.cancel()
    #expect(Answer(long.poll()).reason == .cancelled)
    #expect(Answer(await events(other)).tokens == (try model.alone(asked, context: 30_000)))
    engine.drain()
    await engine.ended()
    #expect(engine.counters.cancelled == 1)
    #expect(engine.counters.prefillTokens < 29_000)
    #expect(engine.counters.kvBytes == 0)
  }

  @Test func whoLetsGoOfAStreamCancelsIt() async throws {
    var options = EngineOptions()
    options.session.context = 100_000
    let engine = try Engine(model: engineModel(), options: options)
    func endless() throws -> Generation { try engine.submit(GenerationRequest(prompt: tokens(10, seed: 1))) }
    for await event in try endless() {
      if case .token = event { break }
    }
    _ = try endless()
    let task = Task {
      var last: EngineEvent?
      for await event in try endless() { last = event }
      return last
    }
    while engine.counters.submitted < 3 { await Task.yield() }
    task.cancel()
    guard case .finished(.cancelled, _, _) = try await task.value else {
      Issue.record("no end")
      return
    }
    engine.drain()
    await engine.ended()
    #expect(engine.counters.cancelled == 3)
  }

  @Test func aSecondConsumerGetsNothing() async throws {
    let engine = try Engine(model: engineModel())
    let generation = try engine.submit(request(tokens(200, seed: 1), most: 20))
    async let one = events(generation)
    async let two = events(generation)
    let all = await one + two
    #expect(all.filter(\.isLast).count == 1)
  }

  @Test func shuttingDownEndsEverything() async throws {
    var options = EngineOptions()
    options.session.context = 100_000
    options.maximumSequences = 2
    let engine = try Engine(model: engineModel(), options: options)
    let generations = try (0..<6).map {
      try engine.submit(GenerationRequest(prompt: tokens(5_000, seed: UInt64($0))))
    }
    engine.shutDown()
    #expect(engine.waitForEnd(timeout: .seconds(60)))
    for generation in generations { #expect(Answer(generation.poll()).reason == .cancelled) }
    #expect(engine.counters.cancelled == 6 && engine.counters.waiting == 0 && engine.counters.kvBytes == 0)

    // An engine that is let go of ends by itself, and its streams with it.
    var brief: Engine? = try Engine(model: engineModel(), options: options)
    let left = try #require(try brief?.submit(GenerationRequest(prompt: tokens(5_000, seed: 1))))
    brief = nil
    let last = Answer(await events(left))
    #expect(last.reason == .cancelled)
  }

  @Test func twoHundredRequestsWithCancellations() async throws {
    let model = try engineModel()
    var options = EngineOptions()
    options.session.kvBudget = 40 * (try Session(model: model).kvBlockBytes)
    options.maximumSequences = 8
    options.timePerOutputToken = .milliseconds(5)
    let engine = try Engine(model: model, options: options)
    let trunk = tokens(120, seed: 9)
    let kinds = (0..<10).map { kind in
      var asked = request(Array(trunk.prefix(30 + 9 * kind)) + tokens(20, seed: UInt64(kind)), most: 25)
      asked.sampling.temperature = kind % 2 == 0 ? 0 : 1
      asked.sampling.seed = UInt64(kind)
      asked.priority = kind % 3
      return asked
    }
    let expected = try kinds.map { try model.alone($0, context: 256) }
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<200 {
        let asked = kinds[index % 10], wanted = expected[index % 10]
        group.addTask {
          var random = SeededRandom(seed: UInt64(index))
          guard let generation = try? engine.submit(asked) else {
            Issue.record("refused")
            return
          }
          // Of some nobody waits for an event: on a busy machine all tokens may be there before the first is looked at.
          if index % 8 == 3 { generation.cancel() }
          let patience = random.next() % 4 == 0 ? Int(random.next() % 20) : Int.max
          var seen: [EngineEvent] = []
          for await event in generation {
            seen.append(event)
            if seen.count == patience { generation.cancel() }
            if index % 50 == 0, seen.count == 3 { return }
          }
          let answer = Answer(seen)
          if answer.reason == .cancelled {
            #expect(wanted.starts(with: answer.tokens))
          } else {
            #expect(answer.tokens == wanted, "request \(index): \(answer.last.map { "\($0)" } ?? "")")
          }
        }
      }
    }
    engine.clearCache()
    engine.drain()
    await engine.ended()
    let counters = engine.counters
    #expect(counters.finished + counters.cancelled == 200)
    #expect(counters.failed == 0)
    #expect(counters.cancelled > 10)
    #expect(counters.kvBytes == 0 && counters.cacheBytes == 0)
  }
}
