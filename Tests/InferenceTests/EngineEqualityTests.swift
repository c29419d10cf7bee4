// The engine's answers are those of a session alone, bit for bit: random workloads with batch mates, chunks, cache
// hits, preemptions and cancellations.
import Inference
import TestSupport
import Testing

@Suite struct EngineEqualityTests {
  /// Counts over all workloads, so that a test of nothing is noticed.
  struct Totals {
    var preemptions = 0
    var recomputed = 0
    var swapped = 0
    var cached = 0
    var cancelled = 0
    var finished = 0
    var evicted = 0
  }

  static let context = 320

  @Test func randomWorkloads() throws {
    var totals = Totals()
    for (index, name) in ["qwen3", "llama", "gemma3_text", "qwen3_moe"].enumerated() {
      let model = try engineModel(name, threads: 1 + index % 2)
      for seed in 0..<10 { try run(model, seed: UInt64(index * 10 + seed), &totals) }
    }
    #expect(totals.preemptions > 40)
    #expect(totals.recomputed > 1_000)
    #expect(totals.swapped > 0)
    #expect(totals.cached > 1_000)
    #expect(totals.cancelled > 20)
    #expect(totals.finished > 150)
    #expect(totals.evicted > 20)
  }

  private func run(_ model: Model, seed: UInt64, _ totals: inout Totals) throws {
    var random = SeededRandom(seed: seed)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    let session = try Session(model: model)
    let block = session.kvBlocks(for: 1) * session.kvBlockBytes
    var options = EngineOptions()
    options.session.context = Self.context
    options.session.chunk = [512, 16, 50].randomElement(using: &random) ?? 512
    options.session.kvBudget =
      seed % 4 == 3 ? nil : pick(6...9) * session.kvBlocks(for: Self.context) * session.kvBlockBytes / 5
    options.maximumSequences = pick(1...6)
    options.maximumStepTokens = pick(8...200)
    options.cacheBytes = [0, 3 * block, 64 << 20].randomElement(using: &random) ?? 0
    options.swapBytes = seed % 3 == 0 ? 12 * block : 0
    options.timePerOutputToken = .milliseconds(pick(1...40))
    options.aging = .milliseconds(pick(5...500))
    let clock = VirtualClock {
      0.0005 + 1e-4 * Double($0.prefillTokens) + 5e-4 * Double($0.decodeRows) + 1e-7 * $0.context
    }
    let manual = try ManualEngine(model, options, clock: clock)

    let trunks = (0..<3).map { tokens(pick(30...150), seed: seed * 100 + UInt64($0)) }
    var open: [(request: GenerationRequest, generation: Generation, events: [EngineEvent])] = []
    for index in 0..<12 {
      let sampling = Self.sampling(&random)
      var prompt = trunks[pick(0...2)]
      prompt = Array(prompt.prefix(pick(1...prompt.count))) + tokens(pick(0...60), seed: seed * 991 + UInt64(index))
      let stop = StopRule(tokens: [Int32(pick(0...383))], maximumTokens: pick(1...60))
      let request = GenerationRequest(
        prompt: prompt, sampling: sampling, stop: stop, priority: pick(0...2), usesCache: pick(0...4) > 0,
        cacheKey: UInt64(pick(0...4) / 4))
      open.append((request, try manual.engine.submit(request), []))
      for _ in 0..<pick(0...12) { _ = manual.scheduler.turn() }
      if pick(0...5) == 0 { open[pick(0...open.count - 1)].generation.cancel() }
      for place in open.indices { open[place].events += open[place].generation.poll(maximum: pick(0...5)) }
    }
    manual.finish()
    for (request, generation, events) in open {
      let answer = Answer(events + generation.poll())
      #expect(generation.isOver)
      let expected = try model.alone(request, context: Self.context)
      if answer.reason == .cancelled {
        #expect(expected.starts(with: answer.tokens), "workload \(seed)")
      } else {
        #expect(answer.tokens == expected, "workload \(seed), \(answer.last.map { "\($0)" } ?? "no end")")
        totals.finished += 1
      }
    }
    let counters = manual.engine.counters
    #expect(counters.kvBytes == counters.cacheBytes, "workload \(seed): sequences left memory behind")
    #expect(counters.running == 0 && counters.waiting == 0 && counters.paused == 0)
    #expect(counters.finished + counters.cancelled == 12)
    totals.preemptions += counters.preemptions
    totals.recomputed += counters.recomputedTokens
    totals.swapped += counters.swappedBytes
    totals.cached += counters.cachedTokens
    totals.cancelled += counters.cancelled
    totals.evicted += counters.evictedBlocks
    manual.engine.shutDown()
    #expect(manual.scheduler.turn() == .ended)
    #expect(manual.engine.counters.kvBytes == 0)
  }

  private static func sampling(_ random: inout SeededRandom) -> SamplingOptions {
    var options = SamplingOptions()
    options.seed = random.next()
    options.temperature = [0, 0.7, 1.5].randomElement(using: &random) ?? 0
    options.topK = [0, 20].randomElement(using: &random) ?? 0
    options.topP = [1, 0.9].randomElement(using: &random) ?? 1
    options.repetitionPenalty = [1, 1.2].randomElement(using: &random) ?? 1
    options.topLogProbabilities = [0, 3].randomElement(using: &random) ?? 0
    return options
  }

  @Test func textAndStopStrings() throws {
    let model = try engineModel()
    let manual = try ManualEngine(model, EngineOptions())
    let tokenizer = LetterTokenizer()
    var asked = request(tokens(30, seed: 1), most: 20)
    asked.text = TextOptions(tokenizer: tokenizer)
    let whole = try manual.engine.submit(asked)
    manual.finish()
    let answer = Answer(whole.poll())
    #expect(answer.text == tokenizer.decode(answer.tokens.map(\.token)))
    #expect(answer.reason == .length)
    // The same until a stop string, which does not show.
    let words = tokenizer.decode(answer.tokens[7..<9].map(\.token))
    asked.stop.strings = [words]
    let stopped = try manual.engine.submit(asked)
    manual.finish()
    let short = Answer(stopped.poll())
    #expect(short.reason == .stopString(words))
    #expect(answer.text.hasPrefix(short.text + words))
    #expect(short.usage?.completionTokens ?? 0 <= 9)
  }
}
