// The load: its statistics, arrivals and traces; the driver against systems whose answer is known; the knee.
import Capacity
import Foundation
import Inference
import Synchronization
import Testing

/// Never answers.
private final class SilentSystem: ServingSystem {
  let name = "silent"
  let counts = Mutex((submitted: 0, cancelled: 0))
  func submit(_ request: ServingRequest, to log: RequestLog) { counts.withLock { $0.submitted += 1 } }
  func cancelAll() { counts.withLock { $0.cancelled += 1 } }
}

@Suite struct ServingStatisticsTests {
  @Test func requestsThatShowAnObjective() {
    let objective = ServiceObjective(timeToFirstToken: 1, timePerOutputToken: 1)
    // Published with the protocol: 0, 1 and 2 misses.
    #expect((0...2).map { objective.requestsNeeded(misses: $0) } == [459, 662, 838])
    #expect(!objective.isShown(misses: 0, of: 458))
    #expect(!objective.isShown(misses: 1, of: 661))
    #expect(!objective.isShown(misses: 5, of: 5))
    #expect(!objective.isShown(misses: 0, of: 0))
    // 299 draws without a miss show 99 % at 95 %: the textbook's number.
    let looser = ServiceObjective(timeToFirstToken: 1, timePerOutputToken: 1, share: 0.99, confidence: 0.95)
    #expect(looser.requestsNeeded(misses: 0) == 299)
  }

  @Test func histogramQuantilesAreNear() throws {
    var random = RandomSource(seed: 3)
    var histogram = LatencyHistogram()
    var samples: [Double] = []
    for _ in 0..<20_000 {
      // From 10 µs to 100 s, evenly in the logarithm.
      let x = pow(10, -5 + 7 * Double(random.next() >> 11) * 0x1p-53)
      samples.append(x)
      histogram.record(x)
    }
    samples.sort()
    for fraction in [0.01, 0.5, 0.9, 0.99, 0.999] {
      let exact = samples[Int((fraction * 20_000).rounded(.up)) - 1], got = try #require(histogram.quantile(fraction))
      #expect(abs(got / exact - 1) < 1 / 256.0 + 1e-6 / exact, "\(fraction): \(got), exactly \(exact)")
    }
    #expect(histogram.quantile(1) == samples.last)
    var twice = histogram
    twice.merge(histogram)
    #expect(twice.count == 40_000)
    #expect(twice.quantile(0.5) == histogram.quantile(0.5))
  }

  @Test func histogramTakesAnything() {
    var histogram = LatencyHistogram()
    #expect(histogram.quantile(0.5) == nil)
    for x in [-1, .nan, .infinity, 0, 1e300, 1e-12] { histogram.record(x) }
    #expect(histogram.count == 6)
    #expect(histogram.largest == 1e300)
  }

  @Test func trendOfRisingAndOfLevelSeries() {
    #expect(Trend((0..<30).map(Double.init)).isRising(level: 0.01))
    #expect(!Trend((0..<30).map { -Double($0) }).isRising(level: 0.01))
    #expect(Trend([1, 1, 1, 1]).z == 0)
    // Of 400 series without a trend, 4 look as if they had one at 1 %: 12 would be a chance of 3 in 10,000.
    var random = RandomSource(seed: 5)
    let risen = (0..<400).count { _ in
      Trend((0..<40).map { _ in Double(random.next() >> 11) }).isRising(level: 0.01)
    }
    #expect(risen <= 12)
  }
}

@Suite struct ServingArrivalTests {
  @Test func poissonGapsAreExponential() throws {
    var stream = try ArrivalStream(.poisson(rate: 4), lengths: .fixed(prompt: 3, output: 2), seed: 9)
    let first = (0..<20_000).compactMap { _ in stream.next() }
    let gaps = zip(first.dropFirst(), first).map { $0.arrival - $1.arrival }
    #expect(gaps.allSatisfy { $0 >= 0 })
    // The mean's standard error is 0.7 %; the share of gaps above the mean is 1/e ± 0.35 %.
    let mean = gaps.reduce(0, +) / Double(gaps.count)
    #expect(abs(mean * 4 - 1) < 0.03)
    #expect(abs(Double(gaps.count { $0 > 0.25 }) / Double(gaps.count) - exp(-1)) < 0.015)
    var again = try ArrivalStream(.poisson(rate: 4), lengths: .fixed(prompt: 3, output: 2), seed: 9)
    #expect(again.next() == first[0])
    var other = try ArrivalStream(.poisson(rate: 4), lengths: .fixed(prompt: 3, output: 2), seed: 10)
    #expect(other.next() != first[0])
  }

  @Test(arguments: [0, -1, .nan, .infinity]) func ratesThatAreNone(_ rate: Double) {
    #expect(throws: CapacityError.self) {
      try ArrivalStream(.poisson(rate: rate), lengths: .fixed(prompt: 1, output: 1), seed: 1)
    }
  }

  @Test func azureAndMooncakeRows() throws {
    let azure = try ServingTrace(
      text: "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n"
        + "2023-11-16 18:17:04.0319600,3180,8\r\n2023-11-17 00:00:00,5,6\n", name: "azure")
    #expect(azure.rows.map(\.promptTokens) == [4808, 3180, 5])
    #expect(azure.rows.map(\.outputTokens) == [10, 8, 6])
    #expect(abs(azure.rows[1].arrival - 0.052) < 1e-6)
    #expect(abs(azure.rows[2].arrival - 20_576.02004) < 1e-4)
    #expect(!azure.hasHashes)
    let mooncake = try ServingTrace(
      text: #"{"timestamp": 1000, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}"# + "\n\n"
        + #"{"timestamp": 4000, "input_length": 7, "output_length": 8}"#, name: "mooncake")
    #expect(mooncake.rows.map(\.arrival) == [0, 3])
    #expect(mooncake.rate == 1.0 / 3.0)
    let (short, changed) = mooncake.limited(prompt: 100, output: 100)
    #expect(changed == 1)
    #expect(short.rows[0].promptTokens == 100)
    #expect(short.rows[1] == mooncake.rows[1])
    #expect(mooncake.hasHashes && mooncake.rows.map(\.hashes) == [[0, 1], []] && short.rows[0].hashes == [0])
    let stream = try ArrivalStream(.trace(mooncake, speed: 2), lengths: .drawn(mooncake), seed: 1)
    #expect(stream.map(\.arrival) == [0, 1.5])
  }

  @Test(arguments: [
    ("", "has no rows"),
    ("TIMESTAMP,ContextTokens\n1,2", "line 1"),
    ("TIMESTAMP,ContextTokens,GeneratedTokens", "has no rows"),
    ("timestamp,input_tokens,output_tokens\n1,2,3\n0.5,2,3", "line 3: its time is before"),
    ("timestamp,input_tokens,output_tokens\n1,two,3", "'two'"),
    ("timestamp,input_tokens,output_tokens\n1,2", "2 columns"),
    ("timestamp,input_tokens,output_tokens\n1,0,3", "0 and 3 tokens"),
    ("timestamp,input_tokens,output_tokens\n1,99999999999999999999,3", "no number of tokens"),
    ("timestamp,input_tokens,output_tokens\n2023-13-16 18:17:03,2,3", "is no time"),
    ("timestamp,input_tokens,output_tokens\nnan,2,3", "is no time"),
    (#"{"timestamp": 1, "input_length": 2}"#, "output_length"),
    (#"{"timestamp": 1, "#, "is not JSON"),
    (#"{"timestamp": 1, "input_length": 512, "output_length": 3, "hash_ids": [1, 2]}"#, "2 hashes"),
    (#"{"timestamp": 1, "input_length": 512, "output_length": 3, "hash_ids": [-1]}"#, "no whole number"),
    (#"{"timestamp": 1, "input_length": 512, "output_length": 3, "hash_ids": 7}"#, "no list"),
  ]) func tracesThatAreWrong(_ text: String, _ what: String) {
    let error = #expect(throws: CapacityError.self) { try ServingTrace(text: text, name: "t") }
    #expect(error?.description.contains(what) == true, "\(error?.description ?? "no error")")
  }
}

@Suite struct LoadTests {
  private let objective = ServiceObjective(timeToFirstToken: 0.5, timePerOutputToken: 0.1)

  private func plan(rate: Double) -> ServingBench.Plan {
    ServingBench.Plan(
      objective: objective, lengths: .fixed(prompt: 8, output: 3), lengthsName: "8 + 3", firstRate: rate)
  }

  @Test func openLoopSendsWhateverHappens() throws {
    let clock = SimulatedClock(), system = SilentSystem()
    let stream = try ArrivalStream(.constant(rate: 10), lengths: .fixed(prompt: 1, output: 1), seed: 1)
    let log = try LoadDriver(clock: clock).run(stream, against: system, patience: 2) { $0.records.count >= 50 }
    #expect(system.counts.withLock { $0.submitted } == 50)
    #expect(log.open == 50)
    #expect(system.counts.withLock { $0.cancelled } == 1)
    let records = log.records
    #expect(records.map(\.request.id) == Array(0..<50))
    #expect(records.allSatisfy { abs($0.sent - $0.request.arrival) < 1e-9 })
    #expect(records.allSatisfy { $0.keeps(objective, now: $0.sent + 0.4) == nil })
    #expect(records.allSatisfy { $0.keeps(objective, now: $0.sent + 0.6) == false })
  }

  @Test func cancellingEndsALoad() throws {
    let stop = Atomic(false)
    let clock = SimulatedClock(), system = SilentSystem()
    let stream = try ArrivalStream(.constant(rate: 10), lengths: .fixed(prompt: 1, output: 1), seed: 1)
    let driver = LoadDriver(clock: clock) { stop.load(ordering: .relaxed) }
    #expect(throws: CapacityError.cancelled) {
      try driver.run(stream, against: system, patience: 1) { log in
        if log.records.count == 5 { stop.store(true, ordering: .relaxed) }
        return false
      }
    }
    #expect(system.counts.withLock { $0.cancelled } == 1)
  }

  @Test func hopelessRatesEndEarly() throws {
    let clock = SimulatedClock(), server = SimulatedServer(secondsToFirst: 0.1, secondsPerToken: 0.01)
    let bench = ServingBench(driver: LoadDriver(clock: clock), seed: 1)
    let trial = try bench.trial(server, plan(rate: 100), rate: 100, seed: 1)
    #expect(!trial.passes)
    #expect(trial.misses == 3)
    #expect(trial.requests < 40)
    #expect(server.submitted.withLock { $0 } < 60)
  }

  @Test func easyRatesPassWithTheFewestRequests() throws {
    let clock = SimulatedClock(), server = SimulatedServer(secondsToFirst: 0.1, secondsPerToken: 0.01)
    let bench = ServingBench(driver: LoadDriver(clock: clock), seed: 1)
    let trial = try bench.trial(server, plan(rate: 0.5), rate: 0.5, seed: 1)
    #expect(trial.passes)
    #expect(trial.requests == 459)
    #expect(trial.misses == 0)
    #expect(trial.reasons.isEmpty)
    let first = try #require(trial.timeToFirstToken), gap = try #require(trial.interTokenLatency)
    #expect(abs(first.p50 - 0.1) < 1e-9)
    #expect(abs(gap.p50 - 0.01) < 0.01 / 256)
    #expect(abs(trial.outputRate - 1.5) < 0.2)
    #expect(trial.goodRate == trial.outputRate)
  }

  /// The share of requests that a server with these times answers within the objective at `rate`, by a long simulation
  /// of its own: Lindley's recursion of the waiting time.
  private func shareWithin(_ rate: Double, service: Double, toFirst: Double) -> Double {
    var random = RandomSource(seed: 77)
    var wait = 0.0
    var good = 0
    let count = 400_000
    for _ in 0..<count {
      if wait + toFirst <= objective.timeToFirstToken { good += 1 }
      let gap = -log(1 - Double(random.next() >> 11) * 0x1p-53) / rate
      wait = max(0, wait + service - gap)
    }
    return Double(good) / Double(count)
  }

  @Test func kneeOfAKnownServer() throws {
    let server = SimulatedServer(secondsToFirst: 0.1, secondsPerToken: 0.01), clock = SimulatedClock()
    let bench = ServingBench(driver: LoadDriver(clock: clock), seed: 4)
    // Each load is a new one: an empty server.
    let result = try bench.measure(server, plan(rate: 1)) { _, _ in server.reset() }
    let passed = try #require(result.knee.passed), failed = try #require(result.knee.failed)
    #expect(result.validity == .valid)
    #expect(failed <= passed * 1.05)
    // What passed does keep the objective, or nearly: three looks at 99 % let a share of 98.5 % pass once in 500.
    let service = 0.12
    #expect(shareWithin(passed, service: service, toFirst: 0.1) > 0.985)
    // And the knee is not far below the rate at which the objective breaks: well above that it must.
    #expect(shareWithin(failed * 1.6, service: service, toFirst: 0.1) < 0.99)
    #expect(result.knee.trials.count <= 16)
    let goodput = try #require(result.knee.goodput)
    #expect(abs(goodput / (3 * passed) - 1) < 0.15)
  }

  /// Request `i`, due at second i, of one token.
  private func answered(_ i: Int, sent: Double, firstToken: Double) -> RequestRecord {
    var record = RequestRecord(
      request: ServingRequest(id: i, arrival: Double(i), promptTokens: 1, outputTokens: 1), sent: sent)
    record.firstToken = firstToken
    record.lastToken = firstToken
    record.tokens = 1
    record.ended = firstToken
    return record
  }

  @Test func aGrowingQueueIsOversaturated() {
    let records = (0..<200).map { i in
      answered(i, sent: Double(i), firstToken: Double(i) + 0.001 * Double(i))
    }
    let trial = LoadTrial(
      rate: 1, counted: records, gaps: LatencyHistogram(), now: 300, objective: objective, warmUp: 0)
    #expect(trial.reasons == [.oversaturated])
    #expect(!trial.passes)
  }

  @Test func aLateDriverIsToldFromASlowSystem() {
    let records = (0..<600).map { i in
      let sent = Double(i) + (i % 20 == 0 ? 0.05 : 0)
      return answered(i, sent: sent, firstToken: sent)
    }
    let trial = LoadTrial(
      rate: 1, counted: records, gaps: LatencyHistogram(), now: 700, objective: objective, warmUp: 0)
    #expect(trial.reasons == [.stimulus])
    #expect(!trial.passes)
  }

  @Test func shortOutputsAreFound() {
    var record = RequestRecord(
      request: ServingRequest(id: 0, arrival: 0, promptTokens: 1, outputTokens: 10), sent: 0)
    record.firstToken = 0.1
    record.lastToken = 0.2
    record.tokens = 8
    record.ended = 0.2
    #expect(record.keeps(objective, now: 1) == false)
    let trial = LoadTrial(
      rate: 1, counted: [record], gaps: LatencyHistogram(), now: 1, objective: objective, warmUp: 0)
    #expect(trial.reasons == [.outputLength])
  }

  @Test func theDriverItselfIsOnTime() throws {
    // Real time, an empty system: 200 requests in 0.4 s. Not a claim about speed: a driver that slept too long, or that
    // counted from when it sent, would be late by many gaps.
    let stream = try ArrivalStream(.constant(rate: 500), lengths: .fixed(prompt: 1, output: 1), seed: 1)
    let log = try LoadDriver().run(stream, against: NullSystem(), patience: 1) { $0.records.count >= 200 }
    let records = log.records
    #expect(records.count == 200)
    #expect(records.allSatisfy { $0.sent >= $0.request.arrival && $0.isDone && $0.tokens == 1 })
  }
}
