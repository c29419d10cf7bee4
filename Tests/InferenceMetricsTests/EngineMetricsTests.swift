// What swift-metrics gets of an engine, against the engine's own counters and text.
import CoreMetrics
import Inference
import InferenceMetrics
import MetricsTestKit
import TestSupport
import Testing

@Suite struct EngineMetricsTests {
  private let factory = TestMetrics()
  private let dimensions = [("model", "tiny")]

  private func total(_ name: String, _ extra: [(String, String)] = []) throws -> Int64 {
    try factory.expectCounter(name, dimensions + extra).totalValue
  }

  @Test func countersGrowByWhatIsNew() async throws {
    let model = try Model.open(path: Fixtures.path("golden/qwen3"), runtime: Runtime(threads: 1))
    let engine = try Engine(model: model)
    let metrics = EngineMetrics(engine, dimensions: dimensions, factory: factory)
    metrics.update()
    #expect(try total("gobi_engine_requests_submitted_total") == 0)
    #expect(engine.counters.queueTime.counts.count == EngineHistogram.bounds.count + 1)
    for round in 1...2 {
      let asked = GenerationRequest(prompt: [1, 2, 3], stop: StopRule(maximumTokens: 5), usesCache: false)
      for await _ in try engine.submit(asked) {}
      while engine.counters.finished < round { await Task.yield() }
      metrics.update()
      // Nothing is counted twice.
      metrics.update()
      let counters = engine.counters
      #expect(try total("gobi_engine_requests_submitted_total") == Int64(round))
      #expect(try total("gobi_engine_requests_ended_total", [("outcome", "finished")]) == Int64(round))
      #expect(try total("gobi_engine_generated_tokens_total") == Int64(counters.generatedTokens))
      #expect(try total("gobi_engine_time_to_first_token_seconds_count") == Int64(round))
      #expect(try total("gobi_engine_time_to_first_token_seconds_bucket", [("le", "+Inf")]) == Int64(round))
      #expect(try factory.expectGauge("gobi_engine_kv_bytes", dimensions).lastValue == Double(counters.kvBytes))
    }
    // Whatever the text has, swift-metrics has.
    let lines = engine.counters.prometheusText().split(separator: "\n").filter { !$0.hasPrefix("#") }
    let names = Set(lines.map { line in String(line.prefix { $0 != " " && $0 != "{" }) })
    let known = Set(factory.counters.map(\.label) + factory.recorders.map(\.label))
    #expect(names.subtracting(known).isEmpty && names.count > 25)
    engine.shutDown()
    await engine.ended()
  }

  @Test func runningUpdatesAndEndsWithItsTask() async throws {
    let model = try Model.open(path: Fixtures.path("golden/bert"), runtime: Runtime(threads: 1))
    let engine = try EmbeddingEngine(model: model)
    let metrics = EngineMetrics(engine, dimensions: dimensions, factory: factory)
    let task = Task { await metrics.run(every: .milliseconds(1)) }
    _ = try await engine.embed(EmbeddingRequest(.text([1, 2, 3])))
    while factory.counterTotal(label: "gobi_embedding_requests_ended_total") < 1 {
      try await Task.sleep(for: .milliseconds(1))
    }
    task.cancel()
    await task.value
    #expect(try total("gobi_embedding_requests_submitted_total") == 1)
    engine.shutDown()
    await engine.ended()
  }
}
