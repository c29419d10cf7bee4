// The embedding engine: bits that do not depend on company, long texts, order, the ways a request ends, reranking.
import Foundation
import Glibc
import Inference
import TestSupport
import Testing

@Suite struct EmbeddingEngineTests {
  /// An engine whose steps the test runs.
  private struct Manual {
    let engine: EmbeddingEngine
    let clock: VirtualClock
    let scheduler: EmbeddingScheduler

    init(_ model: Model, _ options: EmbeddingOptions = EmbeddingSupport.options, clock: VirtualClock = VirtualClock())
      throws
    {
      self.clock = clock
      engine = try EmbeddingEngine(model: model, options: options, clock: clock.engineClock, hasThread: false)
      scheduler = try #require(engine.scheduler)
    }

    func finish(turns limit: Int = 1_000) {
      for _ in 0..<limit where scheduler.turn() != .stepped { return }
      Issue.record("still working after \(limit) turns")
    }
  }

  private func vector(_ tokens: [Int32], _ pooling: Pooling? = nil, normalised: Bool = true) -> EmbeddingRequest {
    EmbeddingRequest(.text(tokens), output: .vector(pooling: pooling, normalised: normalised))
  }

  private func values(_ task: EmbeddingTask) throws -> [Float] { try #require(try task.poll()?.get()).values }

  // MARK: Results

  /// The published means of the golden model, of texts and of a pair; their special tokens are in them already.
  @Test func aGoldenTextsMean() throws {
    let model = try Golden.model("bert", runtime: Runtime(threads: 1))
    var options = EmbeddingOptions()
    options.maximumStepTokens = 8
    options.session.kvFormat = .f32
    let manual = try Manual(model, options)
    var pairs = 0
    for sample in try Golden("bert").samples {
      let first = sample.types?.firstIndex(of: 1) ?? sample.tokens.count
      let (a, b) = (Array(sample.tokens[..<first]), Array(sample.tokens[first...]))
      pairs += b.isEmpty ? 0 : 1
      let task = try manual.engine.submit(EmbeddingRequest(b.isEmpty ? .text(a) : .pair(a, b)))
      manual.finish()
      let expected = try #require(sample.mean).values
      let error = relativeError(try values(task), expected)
      #expect(error < 1e-4, "\(sample.name): \(error)")
    }
    #expect(pairs == 1)
  }

  /// Company, steps and threads change no bit; alone is a session's own encoding.
  @Test(arguments: ["bert", "qwen3"]) func companyChangesNothing(_ name: String) throws {
    let model = try Golden.model(name, runtime: Runtime(threads: 1))
    let other = try Golden.model(name, runtime: Runtime(threads: 3))
    let vocabulary = model.configuration.vocabulary
    let lengths = [1, 2, 17, 40, 61, 90, 200]
    let texts = lengths.enumerated().map { tokens($0.element, seed: UInt64($0.offset + 1), vocabulary: vocabulary) }
    for pooling in Pooling.allCases {
      var alone: [[Float]] = []
      for text in texts {
        let manual = try Manual(model)
        let task = try manual.engine.submit(vector(text, pooling, normalised: false))
        manual.finish()
        alone.append(try values(task))
        #expect(manual.engine.counters.finished == 1 && manual.engine.counters.waiting == 0)
      }
      for step in [1, 70, 5_000] {
        var options = EmbeddingSupport.options
        options.maximumStepTokens = step
        let manual = try Manual(step == 70 ? other : model, options)
        let tasks = try texts.reversed().map { try manual.engine.submit(vector($0, pooling, normalised: false)) }
        manual.finish()
        #expect(try tasks.reversed().map(values) == alone, "\(pooling), steps of \(step)")
      }
    }
    // The shortest text against the session's own words.
    let session = try Session(model: model, options: EmbeddingSupport.options.session)
    let manual = try Manual(model)
    let task = try manual.engine.submit(vector(texts[2], .last, normalised: false))
    manual.finish()
    let text = [1] + texts[2] + [2]
    let hidden =
      model.configuration.isEncoder
      ? try session.encode([text])[0].hidden : try session.hiddenStates(Batch(session.makeSequence(), text))
    #expect(try values(task) == hidden.values.suffix(hidden.columns))
  }

  @Test func longTextsAreWeightedMeansOfChunks() throws {
    let model = try Golden.model("bert", runtime: Runtime(threads: 1))
    let manual = try Manual(model)
    let room = manual.engine.limit - 2
    let text = tokens(room * 2 + 5, seed: 3, vocabulary: model.configuration.vocabulary)
    let long = try manual.engine.submit(
      EmbeddingRequest(.text(text), output: .vector(pooling: .mean, normalised: true), excess: .chunk(overlap: 4)))
    // By hand: chunks that share four tokens, each a request of its own, weighted by what is new in it.
    var parts: [(EmbeddingTask, Int)] = []
    var start = 0, covered = 0
    while covered < text.count {
      let end = min(start + room, text.count)
      parts.append(
        (try manual.engine.submit(vector(Array(text[start..<end]), .mean, normalised: false)), end - covered))
      (covered, start) = (end, end - 4)
    }
    manual.finish()
    #expect(parts.count == 3 && parts.map(\.1) == [room, room - 4, 9])
    var mean = [Double](repeating: 0, count: model.configuration.width)
    for (task, weight) in parts {
      for (index, value) in try values(task).enumerated() { mean[index] += Double(value) * Double(weight) }
    }
    let length = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(relativeError(try values(long), mean.map { Float($0 / length) }) < 1e-6)
    let usage = try #require(try long.poll()?.get()).usage
    #expect(usage.chunks == 3 && usage.inputTokens == text.count && usage.evaluatedTokens == text.count + 2 * 4 + 3 * 2)

    func ask(_ excess: EmbeddingRequest.Excess) throws -> EmbeddingTask {
      try manual.engine.submit(
        EmbeddingRequest(.text(text), output: .vector(pooling: .mean, normalised: false), excess: excess))
    }
    #expect(throws: EngineError.promptTooLong(tokens: text.count + 2, limit: manual.engine.limit)) { try ask(.refuse) }
    #expect(throws: EngineError.self) { try ask(.chunk(overlap: room)) }
    let cut = try ask(.truncate)
    manual.finish()
    #expect(try values(cut) == values(parts[0].0))
  }

  @Test(arguments: [(10, 4, 1), (10, 4, 0), (4, 4, 1), (5, 4, 3), (0, 4, 2), (1, 1, 0), (100, 7, 6)])
  func chunksCoverAText(count: Int, length: Int, overlap: Int) {
    let ranges = EmbeddingSupport.ranges(count: count, length: length, overlap: overlap)
    #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == count)
    for (before, range) in zip(ranges, ranges.dropFirst()) {
      #expect(before.count == length && range.lowerBound == before.upperBound - overlap)
      #expect(range.upperBound > before.upperBound && range.count <= length)
    }
  }

  // MARK: Order and ends

  @Test func urgentOnesComeFirstAndLongOnesDoNotBlock() throws {
    let model = try Golden.model("bert", runtime: Runtime(threads: 1))
    var options = EmbeddingSupport.options
    options.maximumStepTokens = 66
    options.session.context = 34
    let manual = try Manual(model, options, clock: VirtualClock { _ in 1 })
    let long = try manual.engine.submit(vector(tokens(500, seed: 1)))
    let short = try manual.engine.submit(vector(tokens(20, seed: 2)))
    var urgent = vector(tokens(30, seed: 3))
    urgent.priority = 1
    let first = try manual.engine.submit(urgent)
    #expect(manual.scheduler.turn() == .stepped)
    #expect(first.poll() != nil && short.poll() == nil && long.poll() == nil)
    #expect(manual.scheduler.turn() == .stepped)
    #expect(short.poll() != nil && long.poll() == nil)
    manual.finish()
    let usage = try #require(try long.poll()?.get()).usage
    #expect(usage.queueTime == 0 && usage.totalTime > 5 && usage.chunks > 10)
  }

  @Test func requestsEndInManyWays() throws {
    let model = try Golden.model("bert", runtime: Runtime(threads: 1))
    var options = EmbeddingSupport.options
    options.maximumQueue = 3
    options.maximumQueuedTokens = 100
    options.session.context = 40
    options.maximumStepTokens = 40
    let manual = try Manual(model, options, clock: VirtualClock { _ in 1 })
    var late = vector(tokens(90, seed: 1))
    late.deadline = .milliseconds(1_500)
    let overdue = try manual.engine.submit(late)
    #expect(throws: EngineError.queueFull(limit: 1)) { try manual.engine.submit(vector(tokens(11, seed: 1))) }
    let cancelled = try manual.engine.submit(vector(tokens(4, seed: 2)))
    var dropped: EmbeddingTask? = try manual.engine.submit(vector(tokens(4, seed: 3)))
    #expect(throws: EngineError.queueFull(limit: 3)) { try manual.engine.submit(vector([1])) }
    cancelled.cancel()
    cancelled.cancel()
    #expect(cancelled.poll() == .failure(.session(.cancelled)))
    #expect(dropped?.poll() == nil)
    dropped = nil
    // Their places are free before the engine takes its next turn.
    #expect(manual.engine.counters.waiting == 1)
    let third = try manual.engine.submit(vector(tokens(4, seed: 3)))
    let fourth = try manual.engine.submit(vector(tokens(4, seed: 3)))
    third.cancel()
    fourth.cancel()
    manual.finish()
    #expect(overdue.poll() == .failure(.deadlineExceeded))
    var counters = manual.engine.counters
    #expect(counters.cancelled == 4 && counters.failed == 1 && counters.waiting == 0 && counters.refused == 2)
    #expect(counters.steps == 2)

    let left = try manual.engine.submit(vector(tokens(4, seed: 4)))
    manual.engine.shutDown()
    #expect(manual.scheduler.turn() == .ended)
    #expect(left.poll() == .failure(.session(.cancelled)))
    #expect(throws: EngineError.shuttingDown) { try manual.engine.submit(vector([1])) }
    counters = manual.engine.counters
    #expect(counters.submitted == counters.finished + counters.cancelled + counters.failed)
    let text = counters.prometheusText(labels: "model=\"x\"")
    #expect(text.contains("gobi_embedding_requests_ended_total{model=\"x\",outcome=\"cancelled\"} 5\n"))
  }

  @Test func badRequestsAreRefused() throws {
    let encoder = try Manual(Golden.model("bert", runtime: Runtime(threads: 1)))
    let decoder = try Manual(engineModel(), EmbeddingOptions())
    let vocabulary = Int32(encoder.engine.model.configuration.vocabulary)
    var requests = [vector([-1]), vector([vocabulary]), vector([1]), vector([1]), vector([1])]
    requests[2].priority = 101
    requests[3].deadline = .zero
    requests[4].output = .labels
    requests.append(EmbeddingRequest(.pair(tokens(encoder.engine.limit, seed: 1), [1])))
    requests.append(EmbeddingRequest(.pair([1], [vocabulary])))
    for request in requests { #expect(throws: EngineError.self) { try encoder.engine.submit(request) } }
    #expect(throws: EngineError.self) { try decoder.engine.submit(EmbeddingRequest(.pair([1], [2]))) }
    #expect(throws: EngineError.invalidRequest(field: "input", reason: "no tokens")) {
      try decoder.engine.submit(vector([]))
    }
    #expect(encoder.engine.counters.refused == requests.count)
    var options = EmbeddingOptions()
    options.maximumTokens = 2
    options.opening = [1]
    options.closing = [2]
    #expect(throws: EngineError.self) { try EmbeddingEngine(model: encoder.engine.model, options: options) }
    options.opening = [vocabulary]
    #expect(throws: EngineError.self) { try EmbeddingEngine(model: encoder.engine.model, options: options) }
  }

  /// Where a step fails for want of memory, each of its chunks is tried alone.
  @Test func oneThatFailsDoesNotTakeTheOthersAlong() throws {
    let model = try engineModel()
    let probe = try Session(model: model)
    var options = EmbeddingOptions()
    options.session.kvBudget = probe.kvBlockBytes * 2
    let manual = try Manual(model, options)
    let fits = try (0..<3).map { try manual.engine.submit(vector(tokens(60, seed: UInt64($0)))) }
    let tooLong = try manual.engine.submit(vector(tokens(200, seed: 9)))
    manual.finish()
    for task in fits { #expect(try values(task).count == model.configuration.width) }
    guard case .failure(.session(.budgetExceeded)) = tooLong.poll() else {
      Issue.record("\(String(describing: tooLong.poll()))")
      return
    }
  }

  // MARK: With its thread

  @Test func theThreadAnswersManyAtOnce() async throws {
    let model = try Golden.model("bert", runtime: Runtime(threads: 2))
    let engine = try EmbeddingEngine(model: model, options: EmbeddingSupport.options)
    let manual = try Manual(model)
    let texts = (0..<20).map { tokens(1 + $0 * 3, seed: UInt64($0 + 1)) }
    let expected = try texts.map { text in
      let task = try manual.engine.submit(vector(text))
      manual.finish()
      return try values(task)
    }
    let found = await withTaskGroup(of: (Int, [Float]?).self) { group in
      for (index, text) in texts.enumerated() {
        group.addTask { (index, try? await engine.embed(vector(text)).values) }
      }
      var found = [[Float]?](repeating: nil, count: texts.count)
      for await (index, values) in group { found[index] = values }
      return found
    }
    #expect(found == expected)

    let task = try engine.submit(vector(texts[5]))
    var entry = pollfd(fd: try task.descriptor(), events: Int16(POLLIN), revents: 0)
    #expect(poll(&entry, 1, 60_000) == 1)
    #expect(try values(task) == expected[5])
    engine.drain()
    await engine.ended()
    #expect(engine.waitForEnd(timeout: .zero))
    #expect(engine.counters.finished == 21)
  }

  @Test func aCancelledTaskEndsItsRequest() async throws {
    let model = try Golden.model("bert", runtime: Runtime(threads: 1))
    let manual = try Manual(model)
    let engine = manual.engine
    let waiting = Task { () async -> EngineError? in
      do throws(EngineError) {
        _ = try await engine.embed(vector([1, 2, 3]))
        return nil
      } catch { return error }
    }
    while engine.counters.submitted == 0 { await Task.yield() }
    waiting.cancel()
    #expect(await waiting.value == .session(.cancelled))
    #expect(engine.counters.cancelled == 1)
  }

  /// A text that takes seconds is left where it stands; its tokens are never counted as evaluated.
  @Test func aStepThatNobodyWantsIsStopped() async throws {
    var options = EmbeddingOptions()
    options.session.context = 30_000
    let engine = try EmbeddingEngine(model: engineModel(), options: options)
    let long = try engine.submit(vector(tokens(29_000, seed: 1)))
    // Blocks this thread: a task that sleeps may come back when all is over, where other tests have the processors.
    engine.waitForEnd(timeout: .milliseconds(100))
    long.cancel()
    #expect(long.poll() == .failure(.session(.cancelled)))
    let short = try await engine.embed(vector([1, 2, 3]))
    #expect(short.usage.evaluatedTokens == 3)
    let counters = engine.counters
    #expect(counters.tokens == 3 && counters.steps == 1 && counters.cancelled == 1 && counters.finished == 1)
  }

  // MARK: Reranking

  @Test func withoutAHeadDocumentsAreRankedByCosine() throws {
    let manual = try Manual(Golden.model("bert", runtime: Runtime(threads: 1)))
    let query = tokens(6, seed: 1), documents = [tokens(9, seed: 2), query, tokens(300, seed: 3)]
    let task = try manual.engine.submit(RerankRequest(query: query, documents: documents))
    #expect(task.poll() == nil)
    #expect(try task.descriptor() != nil)
    manual.finish()
    let ranking = try #require(try task.poll()?.get())
    #expect(ranking.method == .cosine)
    #expect(ranking.scores.count == 3 && abs(ranking.scores[1] - 1) < 1e-5)
    #expect(ranking.ranked(1).map(\.document) == [1])
    #expect(ranking.inputTokens == 6 + 9 + 6 + 300)
    let none = try manual.engine.submit(RerankRequest(query: query, documents: []))
    manual.finish()
    #expect(try none.poll()?.get().scores.isEmpty == true)
  }

  /// A head beside the golden encoder: scores are its product with the model's own summary.
  @Test func aHeadScoresPairs() throws {
    let folder = try TemporaryFolder()
    let head = try EmbeddingSupport.addHead(to: "bert", labels: 1, in: folder)
    let model = try Model.open(path: folder.url.path, runtime: Runtime(threads: 1))
    #expect(model.labels == 1)
    let manual = try Manual(model)
    #expect(manual.engine.rerankMethod == .crossEncoder)
    let query = tokens(5, seed: 1)
    let documents = [tokens(7, seed: 2), tokens(11, seed: 3), tokens(manual.engine.limit * 2, seed: 4)]
    let task = try manual.engine.submit(RerankRequest(query: query, documents: documents, excess: .chunk(overlap: 0)))
    manual.finish()
    let ranking = try #require(try task.poll()?.get())
    #expect(ranking.method == .crossEncoder)

    let session = try Session(model: model)
    func score(_ document: some Collection<Int32>) throws -> Float {
      let pair = [1] + query + [2] + document + [2]
      let types = (0..<pair.count).map { Int32($0 < query.count + 2 ? 0 : 1) }
      let pooled = try #require(try session.encode([pair], types: [types])[0].pooled)
      return zip(pooled, head.weights).reduce(head.bias) { $0 + $1.0 * $1.1 }
    }
    #expect(abs(ranking.scores[0] - (try score(documents[0]))) < 1e-4)
    #expect(abs(ranking.scores[1] - (try score(documents[1]))) < 1e-4)
    // The best place of a long document counts.
    let room = manual.engine.limit - query.count - 3
    let places = try stride(from: 0, to: documents[2].count, by: room).map {
      try score(documents[2][$0..<min($0 + room, documents[2].count)])
    }
    #expect(places.count > 1)
    #expect(abs(ranking.scores[2] - (places.max() ?? 0)) < 1e-4)
    let ranked = ranking.ranked()
    #expect(zip(ranked, ranked.dropFirst()).allSatisfy { $0.score >= $1.score })
    #expect(ranked.allSatisfy { $0.score == ranking.scores[$0.document] })
    // Vectors can be had of such a model too.
    let plain = try manual.engine.submit(vector(query))
    manual.finish()
    #expect(try values(plain).count == model.configuration.width)
  }

  @Test func filesTellTheirPooling() throws {
    let folder = try TemporaryFolder()
    _ = try EmbeddingSupport.addHead(to: "bert", labels: 2, in: folder)
    #expect(try Pooling.of(path: folder.url.path) == nil)
    let pooling = folder.url.appendingPathComponent("1_Pooling")
    try FileManager.default.createDirectory(at: pooling, withIntermediateDirectories: false)
    let config = pooling.appendingPathComponent("config.json")
    for (key, expected) in [
      ("pooling_mode_mean_tokens", Pooling.mean), ("pooling_mode_cls_token", .first), ("pooling_mode_lasttoken", .last),
    ] {
      try Data("{\"\(key)\": true}".utf8).write(to: config)
      #expect(try Pooling.of(path: folder.url.path) == expected)
    }
    try Data("{".utf8).write(to: config)
    #expect(throws: WeightError.self) { try Pooling.of(path: folder.url.path) }
    // Two labels are no ranking.
    let model = try Model.open(path: folder.url.path, runtime: Runtime(threads: 1))
    #expect(model.labels == 2)
    #expect(try Manual(model).engine.rerankMethod == .cosine)
  }
}
