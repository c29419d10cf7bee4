// The engine under a load: every token counted, refusals and cancellations told, what a prefix cache saves.
import Capacity
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct EngineServingTests {
  private static let model = Result { () throws -> Model in
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gobi-serving-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("tiny.gguf").path
    let shape = try #require(SyntheticShape(name: "tiny"))
    try SyntheticModel(shape: shape, type: FileType(pure: #require(Format(name: "Q8_0"))), seed: 1)
      .write(to: path) { _ in true }
    return try Model.open(path: path, runtime: Runtime(threads: 2))
  }

  private func system(sequences: Int = 32, cacheBytes: Int = 0) throws -> EngineServing {
    var options = EngineServing.Options(objective: .init(timeToFirstToken: 1, timePerOutputToken: 0.1))
    options.mostSequences = sequences
    options.cacheBytes = cacheBytes
    return try EngineServing(model: Self.model.get(), label: "tiny", options: options)
  }

  private func load(_ system: EngineServing, _ trace: ServingTrace) throws -> RequestLog {
    // As fast as they can be sent.
    try LoadDriver().run(
      ArrivalStream(.trace(trace, speed: 1e6), lengths: .drawn(trace), seed: 1), against: system, patience: 60)
  }

  @Test func itServesWhatItIsAsked() throws {
    let system = try system()
    #expect(system.name == "tiny, engine")
    var lengths = RandomSource(seed: 2)
    let rows = (0..<40).map { "\(Double($0) * 0.001),\(1 + lengths.index(below: 300)),\(1 + lengths.index(below: 12))" }
    let log = try load(
      system, ServingTrace(text: (["time,input_tokens,output_tokens"] + rows).joined(separator: "\n"), name: "t"))
    #expect(log.open == 0 && log.records.count == 40)
    for record in log.records {
      #expect(record.error == nil && record.cachedTokens == nil)
      #expect(record.tokens == record.request.outputTokens)
    }
    #expect(log.gaps.count == log.records.reduce(0) { $0 + $1.tokens - 1 })
    // Too long for the context: an error for this one, and the system goes on.
    let second = try load(system, ServingTrace(text: "time,input_tokens,output_tokens\n0,5000,1\n0.5,4,2", name: "t"))
    #expect(second.records[0].error?.contains("context") == true)
    #expect(second.records[1].error == nil && second.records[1].tokens == 2)
    system.stop()
    // An engine that has ended refuses, and says so.
    let late = try load(system, ServingTrace(text: "time,input_tokens,output_tokens\n0,4,2", name: "t"))
    #expect(late.records[0].error == EngineError.shuttingDown.description)
  }

  @Test func aFullQueueRefusesAndCancellingIsSilent() throws {
    let system = try system(sequences: 1)
    defer { system.stop() }
    let log = RequestLog(clock: MonotonicClock())
    for id in 0..<3_000 {
      let request = ServingRequest(id: id, arrival: 0, promptTokens: 8, outputTokens: 2_000)
      log.sent(request)
      system.submit(request, to: log)
    }
    let refused = log.records.filter { $0.error != nil }
    #expect(refused.allSatisfy { $0.error == EngineError.queueFull(limit: 1_024).description })
    #expect(!refused.isEmpty)
    system.cancelAll()
    let open = log.open
    #expect(open > 0 && open <= 3_000 - refused.count)
    // What was given up is not in the way of what comes.
    let next = try load(system, ServingTrace(text: "time,input_tokens,output_tokens\n0,4,2\n0,6,3", name: "t"))
    #expect(next.records.map(\.tokens) == [2, 3] && next.records.allSatisfy { $0.error == nil })
    #expect(log.open == open && log.records.count { $0.error != nil } == refused.count)
  }

  @Test func whatACacheSavesIsCounted() throws {
    let (trace, changed) = try ServingTrace(
      text: Fixtures.text("traces/mooncake-excerpt.jsonl"), name: "mooncake"
    ).limited(prompt: 1_200, output: 2)
    #expect(trace.hasHashes && changed == 50)
    let system = try system(cacheBytes: 1 << 30)
    defer { system.stop() }
    #expect(system.name.contains("prefix cache of 1.07 GB"))
    let log = try load(system, trace)
    let trial = LoadTrial(
      rate: 1, counted: log.records, gaps: log.gaps, now: log.now,
      objective: .init(timeToFirstToken: 1, timePerOutputToken: 0.1), warmUp: 0)
    let reuse = try #require(trial.reuse)
    #expect(reuse.promptTokens == trace.rows.reduce(0) { $0 + $1.promptTokens })
    #expect(Double(reuse.reusableTokens) > 0.5 * Double(reuse.promptTokens))
    #expect(Double(reuse.cachedTokens) >= 0.95 * Double(reuse.reusableTokens))
    // By chance a few first tokens are another prompt's too.
    #expect(Double(reuse.cachedTokens) <= 1.01 * Double(reuse.reusableTokens))
    #expect(trial.samples?.cachedTokens == log.records.map(\.cachedTokens))
    // Another load has other prompts: it takes nothing from this one.
    let other = try LoadDriver().run(
      ArrivalStream(.trace(trace, speed: 1e6), lengths: .drawn(trace), seed: 2), against: system, patience: 60)
    let first = try #require(other.records.first { $0.request.reusableTokens == 0 && $0.request.promptTokens > 1_000 })
    #expect(try #require(first.cachedTokens) < 64)
  }

  @Test func promptsShareWhatTheirTraceSays() throws {
    let line = { (time: Int, length: Int, hashes: [Int]) in
      #"{"timestamp": \#(time), "input_length": \#(length), "output_length": 1, "hash_ids": \#(hashes)}"#
    }
    let trace = try ServingTrace(
      text: [line(0, 1_100, [1, 2, 3]), line(1, 600, [1, 9]), line(2, 1_300, [1, 2]), line(3, 5, [])]
        .joined(separator: "\n"), name: "t")
    let stream = try ArrivalStream(.constant(rate: 1), lengths: .inOrder(trace), seed: 5)
    let requests = Array(stream.prefix(9))
    // In the trace's order, from some row on.
    let start = try #require(trace.rows.firstIndex { $0.promptTokens == requests[0].promptTokens })
    for (count, request) in requests.enumerated() {
      #expect(request.promptTokens == trace.rows[(start + count) % 4].promptTokens && request.arrival == Double(count))
    }
    let whole = Array(requests.drop { $0.promptTokens != 1_100 || $0.id == 0 }.prefix(4))
    #expect(whole.map(\.reusableTokens) == [0, 512, 1_024, 0])
    let contents = whole.map { $0.content(below: 50_000) }
    #expect(contents.map(\.count) == [1_100, 600, 1_300, 5])
    #expect(contents.allSatisfy { $0.allSatisfy { (0..<50_000).contains($0) } })
    let common = { (a: [Int], b: [Int]) in zip(a, b).prefix { $0 == $1 }.count }
    #expect(common(contents[0], contents[1]) == 512 && common(contents[0], contents[2]) == 1_024)
    #expect(common(contents[0], contents[3]) == 0)
    // The same row of the next round, and of another seed, is another prompt; the same seed gives the same.
    let again = try #require(requests.last { $0.promptTokens == whole[0].promptTokens })
    let first = try #require(requests.first { $0.promptTokens == whole[0].promptTokens })
    #expect(again.id > first.id && common(again.content(below: 50_000), first.content(below: 50_000)) < 3)
    let repeated = try ArrivalStream(.constant(rate: 1), lengths: .inOrder(trace), seed: 5)
    #expect(Array(repeated.prefix(9)).map { $0.content(below: 99) } == requests.map { $0.content(below: 99) })
  }
}
