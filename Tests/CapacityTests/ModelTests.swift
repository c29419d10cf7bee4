// Models under test that are not models: one that does nothing, one that takes a known time, one with wrong numerics.
import Capacity
import Foundation
import Testing

/// Does nothing at all, like MLPerf's null system: what is left is the driver's own time.
private final class NullModel: ModelUnderTest {
  var facts = ModelFacts(
    label: "null", architecture: "none", layers: 2, heads: 2, headDimension: 8, vocabulary: 16,
    activeParameters: 1_000_000, headParameters: 1000, activeWeightBytes: 1_000_000, cacheBytesPerPosition: 64,
    precision: .f32, precisionTag: Precision.f32.tag, isGenerated: true)
  var noise: Float = 0
  var secondsPerToken = 0.0
  var prepared: [[Int]] = []
  var failAfter = Int.max
  private var calls = 0

  func prepare(sequences: Int, depth: Int) throws(CapacityError) { prepared.append([sequences, depth]) }
  func prefill(_ tokens: [Int32]) throws(CapacityError) { try spend(tokens.count) }
  func decode(_ tokens: [Int32]) throws(CapacityError) { try spend(tokens.count) }

  private func spend(_ tokens: Int) throws(CapacityError) {
    calls += 1
    if calls > failAfter { throw .cancelled }
    let end = FigureSampler.now() + secondsPerToken * Double(tokens)
    while FigureSampler.now() < end {}
  }

  func logits(of tokens: [Int32], exact: Bool) throws(CapacityError) -> [Float] {
    (0..<tokens.count * facts.vocabulary).map { Float($0 * 7919 % 13) + (exact ? 0 : noise * Float($0 % 5)) }
  }
}

private func bench(_ roofs: Roofs = Roofs()) -> ModelBench {
  ModelBench(
    sampler: FigureSampler(watch: Guard(NodeFiles()), seed: 1) { () throws(CapacityError) in }, roofs: roofs, seed: 4)
}

private func roofs(compute: Double, read: Double) -> Roofs {
  let rule = StoppingRule(minimumSamples: 2, seconds: 1)
  var roofs = Roofs()
  roofs.compute = [
    ComputeRoof(
      precision: .f32, threads: 2,
      figure: Figure(samples: [compute, compute], unit: "FLOP/s", protocol: "roof-compute", rule: rule))
  ]
  roofs.memory = [
    MemoryRoof(
      level: "DRAM", pass: .read, threads: 2, bytes: 1, hugePages: true,
      figure: Figure(samples: [read, read], unit: "B/s", protocol: "roof-memory", rule: rule))
  ]
  return roofs
}

@Suite struct ModelBenchTests {
  private let plan = ModelBench.Plan(
    prefill: [(64, 0), (64, 128)], decode: [(1, 0), (4, 16)], secondsEach: 0.05, qualityTokens: 8)

  @Test func aModelThatDoesNothingIsImpossible() throws {
    let model = NullModel()
    let result = try bench(roofs(compute: 1e11, read: 1e10)).measure(model, plan: plan) { _, _ in }
    #expect(result.figures.count == 4)
    #expect(result.quality?.passes == true && result.quality?.meanDivergence == 0)
    for figure in result.figures {
      #expect(figure.mfu?.reasons.contains(.impossible) == true)
      #expect(figure.rate.value.isFinite)
    }
    #expect(result.figures[2].mbu?.reasons.contains(.impossible) == true)
    #expect(model.prepared.contains([1, 128]) && model.prepared.contains([4, 16]))
  }

  @Test func aKnownTimeGivesTheKnownRate() throws {
    let model = NullModel()
    model.secondsPerToken = 0.0005
    let result = try bench().measure(model, plan: plan) { _, _ in }
    for figure in result.figures {
      // Never faster than the model is; on a busy machine it may be slower.
      #expect(figure.rate.value <= 2000 * 1.001 && figure.rate.value > 0, "\(figure.rate.value)")
      #expect(figure.mfu == nil && figure.mbu == nil)
    }
  }

  @Test func energyIsThatOfTheTimedWorkAlone() throws {
    let model = NullModel()
    model.secondsPerToken = 0.0005
    let power = PowerSampler([try StatedPower(watts: 80, source: "a test")])
    power.start()
    let bench = ModelBench(
      sampler: FigureSampler(watch: Guard(NodeFiles()), seed: 1) { () throws(CapacityError) in }, roofs: Roofs(),
      seed: 4, power: power)
    let measured = try bench.measure(model, plan: plan) { _, _ in }
    let result = EnergyAccount(power.stop()).filled(measured)
    for figure in result.figures {
      #expect(figure.spans.count == figure.rate.n + figure.rate.warmUp)
      let energy = try #require(figure.bestEnergy)
      #expect(energy.use.energyClass == .d && energy.perToken.n > 0)
      // 80 W over the time of a token, which is known from below.
      #expect(energy.perToken.value >= 80 * 0.0005 && energy.perToken.value < 80 / figure.rate.value * 1.5)
    }
    #expect(result.requests.count == 1)
    let request = try #require(result.requests.first)
    let joules = { (i: Int) in result.figures[i].energy[0].perToken.value }
    #expect(request.promptTokens == 64 && request.outputTokens == 128)
    #expect(abs(request.perTotalToken - (64 * joules(0) + 128 * joules(2)) / 192) < 1e-9)
    #expect(abs(request.perOutputToken - (64 * joules(0) + 128 * joules(2)) / 128) < 1e-9)
  }

  @Test func slowSensorsGetTheTimeTheyNeed() throws {
    let tree = try RecordedTree(["sys/class/hwmon/hwmon0/name": "power_meter"])
    try tree.write("sys/class/hwmon/hwmon0/power1_average", "90000000")
    let slow = PowerSampler(PowerDiscovery.sensors(tree.files).sources)
    let sockets = try RecordedTree.raplOfTwoSockets()
    let counters = PowerDiscovery.sensors(sockets.files).sources
    #expect(slow.secondsWanted == 7 && counters.count == 1 && PowerSampler(counters).secondsWanted == 0)
    let model = NullModel()
    model.secondsPerToken = 0.0005
    let bench = ModelBench(
      sampler: FigureSampler(watch: Guard(NodeFiles()), seed: 1) { () throws(CapacityError) in }, roofs: Roofs(),
      seed: 4, power: slow, secondsAtLeast: 0.4)
    let result = try bench.measure(model, plan: plan) { _, _ in }
    for figure in result.figures {
      let spans = figure.spans
      #expect(
        try #require(spans.last).end - spans[0].begin >= 0.35 && figure.rate.n + figure.rate.warmUp == spans.count)
    }
    _ = slow.stop()
  }

  /// The counter of a recorded tree, written anew at each reading as if the processor took 100 W. Where the machine
  /// takes this thread away between a reading and its time the figures are off, so that one of several runs must hold.
  @Test func joulesOfACounterBesideTheWork() throws {
    var holds = false
    for _ in 0..<8 where !holds {
      let figures = try figuresAtHundredWatts()
      try #require(!figures.isEmpty)
      holds = try figures.allSatisfy { figure in
        let energy = try #require(figure.bestEnergy)
        #expect(energy.use.energyClass == .c)
        return !energy.perToken.reasons.contains(.powerGap) && abs(energy.use.averageWatts - 100) < 10
          && abs(energy.perToken.value * figure.rate.value / 100 - 1) < 0.1
      }
    }
    #expect(holds)
  }

  private func figuresAtHundredWatts() throws -> [ModelFigure] {
    let tree = try RecordedTree.raplOfOneSocket(0)
    let counter = RecordedTree.rapl + ":0/energy_uj"
    let start = FigureSampler.now()
    let files = NodeFiles(root: tree.files.root) { path in
      guard path == counter else { return 0 }
      // It wraps at 262 J, soon after the start.
      let microjoules = Int((FigureSampler.now() - start) * 100e6) + 261_000_000
      return (try? tree.write(counter, "\(microjoules % 262_143_328)")) == nil ? EIO : 0
    }
    let power = PowerSampler(PowerDiscovery.sensors(files).sources)
    power.start()
    let model = NullModel()
    model.secondsPerToken = 0.0005
    let bench = ModelBench(
      sampler: FigureSampler(watch: Guard(NodeFiles()), seed: 1) { () throws(CapacityError) in }, roofs: Roofs(),
      seed: 4, power: power)
    let measured = try bench.measure(model, plan: plan) { _, _ in }
    return EnergyAccount(power.stop()).filled(measured).figures
  }

  @Test func wrongNumericsMakeEveryFigureInvalid() throws {
    let model = NullModel()
    model.noise = 3
    let result = try bench().measure(model, plan: plan) { _, _ in }
    #expect(result.quality?.passes == false)
    for figure in result.figures {
      #expect(figure.rate.validity == .invalid && figure.rate.reasons.contains(.qualityFloor))
    }
  }

  @Test func cancellingKeepsWhatWasMeasured() {
    let model = NullModel()
    model.failAfter = 20
    model.secondsPerToken = 0.0001
    var last: ModelResult?
    #expect(throws: CapacityError.cancelled) {
      _ = try bench().measure(model, plan: plan) { _, soFar in last = soFar }
    }
    #expect(last?.quality != nil)
  }

  @Test func formulas() {
    let facts = NullModel().facts
    #expect(facts.operationsPerToken(context: 10) == 2e6 + 4 * 2 * 2 * 8 * 10)
    #expect(facts.bytesPerStep(batch: 3, context: 10) == 1e6 + 3 * 64 * 10)
    // 5 tokens from depth 0: on average 2 positions before each, the head for one of five.
    #expect(abs(facts.operationsPerPrefillToken(tokens: 5, depth: 0) - (2e6 + 256 - 2000 * 0.8)) < 1e-6)
    #expect(facts.operationsPerPrefillToken(tokens: 1, depth: 7) == facts.operationsPerToken(context: 7))
  }
}

@Suite struct QualityCheckTests {
  @Test func divergenceOfKnownDistributions() {
    // p = (1/2, 1/2), q = (1/4, 3/4): KL = ½ ln 2 + ½ ln (2/3)
    let q = QualityCheck(exact: [0, 0], served: [0, Float(log(3.0))], vocabulary: 2)
    #expect(abs(q.meanDivergence - (0.5 * log(2) + 0.5 * log(2.0 / 3))) < 1e-6)
    #expect(!q.passes)
  }

  @Test func notANumberFails() {
    #expect(!QualityCheck(exact: [1, 2], served: [.nan, 2], vocabulary: 2).passes)
    #expect(!QualityCheck(exact: [1, 2], served: [.infinity, 2], vocabulary: 2).passes)
  }

  @Test func aDrawMayFallEitherWay() {
    let exact: [Float] = [10, 9.99, 0, 1]
    let served: [Float] = [9.99, 10, 0, 1]
    #expect(QualityCheck(exact: exact, served: served, vocabulary: 4).agreement == 1)
    #expect(QualityCheck(exact: [10, 5], served: [5, 10], vocabulary: 2).agreement == 0)
  }
}
