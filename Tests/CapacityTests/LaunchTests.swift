// Several launches of a process: intervals over them, roofs beside figures, merging, and launchers that fail.
import Capacity
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct LaunchStatisticsTests {
  /// Launches that differ by `between` deviations, samples of each by `within`, around 0.
  private func launches(_ count: Int, between: Double, within: Double, _ random: inout RandomSource) -> [[Double]] {
    var normal: Double { (0..<12).reduce(0.0) { sum, _ in sum + Double(random.signedUnit()) } / 2 }
    return (0..<count).map { _ in
      let level = between * normal
      return (0..<12).map { _ in level + within * normal }
    }
  }

  /// Whatever makes the samples differ, and with as few as three launches, about 95 of 100 intervals hold the truth.
  @Test(arguments: [(3, 0.0, 1.0), (3, 1, 0.1), (3, 1, 1), (5, 1, 0.1), (5, 0.3, 1)])
  func intervalsOverLaunchesCover(_ count: Int, _ between: Double, _ within: Double) {
    var random = RandomSource(seed: 11)
    var covered = 0
    var flat = 0
    for trial in 0..<200 {
      let launches = launches(count, between: between, within: within, &random)
      let seed = UInt64(trial)
      if Statistics.bootstrapMedian(launches: launches, resamples: 300, seed: seed).contains(0) { covered += 1 }
      if Statistics.bootstrapMedian(launches.flatMap { $0 }, resamples: 300, seed: seed).contains(0) { flat += 1 }
    }
    #expect((178...200).contains(covered), "\(covered) of 200")
    // Taking all samples for independent ones is what this is not: it covers about half where launches differ.
    if between >= 1 { #expect(flat < 160, "\(flat) of 200") }
  }

  @Test func oneLaunchIsWhatItAlwaysWas() {
    let samples = [5.0, 5.1, 5.2, 5.1, 5] + (0..<15).map { 10 + Double($0 % 3) * 0.01 }
    let figure = Figure(samples: samples, unit: "B/s", protocol: "test", seed: 3)
    #expect(figure == Figure(launches: [samples], unit: "B/s", protocol: "test", seed: 3))
    #expect(figure.launches == [15] && figure.launchWarmUps == [5])
    let interval = Statistics.bootstrapMedian(figure.samples, seed: 3)
    #expect(figure.ci95 == [interval.lowerBound, interval.upperBound])
  }

  @Test func warmUpIsThatOfEachLaunch() {
    let warm = [5.0, 5.1, 5.2, 5.1, 5] + (0..<15).map { 10 + Double($0 % 3) * 0.01 }
    let steady = (0..<12).map { 10 + Double($0 % 4) * 0.01 }
    let figure = Figure(launches: [warm, steady, warm], unit: "B/s", protocol: "test")
    #expect(figure.launches == [15, 12, 15] && figure.launchWarmUps == [5, 0, 5])
    #expect(figure.warmUp == 10 && figure.n == 42 && figure.validity == .valid)
    #expect(figure.takenByLaunch == [warm, steady, warm])
    #expect(figure.recomputed == figure)
  }

  /// Each launch by itself is narrow; together they do not agree.
  @Test func launchesThatDisagreeAreInconclusive() {
    let launches = [100.0, 108, 94].map { level in (0..<12).map { level + Double($0 % 3) * 0.01 } }
    let figure = Figure(launches: launches, unit: "B/s", protocol: "test")
    #expect(figure.validity == .inconclusive && figure.reasons.isEmpty)
    #expect(figure.ci95[0] < 94 && figure.ci95[1] > 108)
    #expect(Figure(samples: launches[0], unit: "B/s", protocol: "test").validity == .valid)
  }

  @Test func aReportWithoutLaunchesIsOfOne() throws {
    let figure = Figure(samples: [10, 10.01, 10, 9.99, 10, 10, 10], unit: "B/s", protocol: "test")
    var json = try #require(JSONSerialization.jsonObject(with: JSONEncoder().encode(figure)) as? [String: Any])
    json["launches"] = nil
    json["launchWarmUps"] = nil
    let old = try JSONDecoder().decode(Figure.self, from: JSONSerialization.data(withJSONObject: json))
    #expect(old == figure && old.launches == [7] && old.launchWarmUps == [0])
  }

  @Test func countsThatDoNotFitAreFound() {
    var figure = Figure(launches: [[10, 10, 10, 10], [10, 10, 10, 10]], unit: "B/s", protocol: "test")
    for launches in [[5, 4], [4], [8, -4, 4], []] {
      figure.launches = launches
      #expect(figure.recomputed != figure)
    }
  }
}

@Suite struct NearbyRoofTests {
  private func rate(_ levels: [Double]) -> Figure {
    let rule = StoppingRule(minimumSamples: 5, seconds: 1)
    return Figure(
      launches: levels.map { level in (0..<6).map { level * (1 + Double($0 % 3) * 0.001) } }, unit: "OP/s",
      protocol: "gemm-layer", rule: rule)
  }

  /// Memory that is twice as fast in one launch as in the others: the rate is not conclusive, its share is.
  @Test func sharesFollowTheMemoryOfTheirLaunch() throws {
    var report = try SmallReport().report()
    let roof = NearbyRoof(
      before: [[30e9, 30e9, 30e9], [60e9, 60e9, 60e9], [30e9, 30e9, 30e9]],
      after: [[30e9, 31e9, 30e9], [60e9, 60e9, 61e9], [30e9, 30e9, 30e9]])
    #expect(roof.isSteady && roof.values == [30e9, 60e9, 30e9])
    let figure = ModelFigure(
      work: .decode, count: 1, depth: 0, rate: rate([20, 40, 20]), facts: report.models[0].facts, roofs: report.roofs,
      nearby: roof)
    let mbu = try #require(figure.mbu)
    #expect(figure.rate.validity == .inconclusive && mbu.validity == .valid)
    #expect(abs(mbu.maximum / mbu.minimum - 1) < 0.01)
    report.models[0].figures.append(figure)
    #expect(ReportCheck(report).problems == [])
    // The samples of the roof are raw samples: a certificate's hash covers them.
    let hash = try RawSamples(report).hash()
    report.models[0].figures[1].nearby?.before[0][0] = 45e9
    #expect(try RawSamples(report).hash() != hash)
    report.models[0].figures[1].nearby?.before[0] = [45e9, 45e9, 45e9]
    #expect(ReportCheck(report).problems.contains { $0.contains("mbu") })
    #expect(ReportCheck(report).problems.contains { $0.contains("rate") })
  }

  @Test func memoryThatChangesMeanwhileIsNotSteady() throws {
    let report = try SmallReport().report()
    let roof = NearbyRoof(before: [[30e9, 30e9, 30e9]], after: [[28e9, 28e9, 28e9]])
    #expect(!roof.isSteady)
    let figure = ModelFigure(
      work: .decode, count: 1, depth: 0, rate: rate([20]), facts: report.models[0].facts, roofs: report.roofs,
      nearby: roof)
    #expect(figure.mbu?.reasons == [.notSteady] && figure.mbu?.validity == .invalid)
    #expect(NearbyRoof(before: [[30e9]], after: [[28.6e9]]).isSteady)
  }

  /// A roof that was not measured in one of the launches is none.
  @Test func roofsOfOtherLaunchesAreNotUsed() throws {
    let report = try SmallReport().report()
    let roof = NearbyRoof(before: [[30e9, 30e9]], after: [[30e9, 30e9]])
    let figure = ModelFigure(
      work: .decode, count: 1, depth: 0, rate: rate([20, 20]), facts: report.models[0].facts, roofs: report.roofs,
      nearby: roof)
    #expect(
      figure.mbu
        == figure.rate.share(
          of: try #require(report.roofs.read).value
            / report.models[0].facts.bytesPerStep(batch: 1, context: 3.5), measuredAs: report.roofs.read,
          protocol: "mbu"))
  }
}

/// Gives made-up results in place of starting processes.
private struct FakeLauncher: Launcher {
  /// Relative spread within a launch, and of each launch from the first.
  var spread = 0.002
  var levels = [Double](repeating: 1, count: 10)
  /// Launches that die after half of their results.
  var dying: Set<Int> = []

  func launch(_ plan: LaunchPlan, isCancelled: () -> Bool, receive: (LaunchMessage) -> Void) throws(CapacityError) {
    if isCancelled() { throw .cancelled }
    let report: CapacityReport
    do {
      report = try SmallReport(
        roof: levels[plan.number - 1], seed: plan.seed, spread: spread, statesNominal: false, isWatched: true
      )
      .report()
    } catch { throw .launch(number: plan.number, what: "\(error)") }
    let all = LaunchResult(report)
    var first = LaunchResult()
    first.roofs = all.roofs
    receive(LaunchMessage(phase: "roofs", fraction: 0.5, result: first))
    if isCancelled() { throw .cancelled }
    if dying.contains(plan.number) { throw .launch(number: plan.number, what: "its process ended with status 139") }
    var rest = all
    rest.roofs = Roofs()
    receive(LaunchMessage(phase: "products", fraction: 0.9, result: rest))
    receive(LaunchMessage(isDone: true))
  }
}

@Suite struct LaunchRunTests {
  private func run(
    _ launcher: FakeLauncher, seconds: Double? = nil, isCancelled: @escaping () -> Bool = { false },
    progress: @escaping (CapacityProgress) -> Void = { _ in }
  ) throws -> CapacityReport {
    var options = CapacityOptions(level: .standard, version: "test")
    options.threads = 1
    options.launcher = launcher
    options.seconds = seconds
    return try CapacityRun(options, models: []).run(progress: progress, isCancelled: isCancelled)
  }

  @Test func figuresAreOfFiveLaunches() throws {
    var phases: [CapacityProgress] = []
    let report = try run(FakeLauncher(), progress: { phases.append($0) })
    #expect(report.isComplete && report.launches?.count == 5)
    #expect(Set(try #require(report.launches).map(\.seed)).count == 5)
    // A node whose family is known has shares of what is nominal for it beside.
    let figures = report.figures.filter { $0.protocol != "nominal-share" }
    for (name, figure) in figures.enumerated() { #expect(figure.launches == [12, 12, 12, 12, 12], "\(name)") }
    #expect(figures.count == 7 && figures.allSatisfy { $0.validity == .valid })
    #expect(ReportCheck(report).problems == [])
    #expect(try CapacityReport(json: report.json(), path: "x") == report)
    #expect(zip(phases, phases.dropFirst()).allSatisfy { $0.fraction <= $1.fraction && $1.fraction <= 1 })
    #expect(phases.contains { $0.phase == "launch 2 of 5: products" } && phases.last?.fraction == 1)
  }

  /// Launches that do not agree are repeated while there is time, and no longer.
  @Test func moreLaunchesWhereFiguresAreInconclusive() throws {
    var launcher = FakeLauncher()
    launcher.levels = [1, 1.1, 0.9, 1, 1.05, 0.95, 1, 1.1, 0.9, 1]
    let report = try run(launcher)
    #expect(report.launches?.count == 10)
    #expect(report.figures.contains { $0.validity == .inconclusive && $0.launches.count == 10 })
    #expect(ReportCheck(report).problems == [])
  }

  /// A short run has fewer launches, and never none.
  @Test(arguments: [(590.0, 5), (75, 2), (12, 1)])
  func asManyLaunchesAsThereIsTimeFor(seconds: Double, count: Int) throws {
    var launcher = FakeLauncher()
    launcher.spread = 0.0001
    let report = try run(launcher, seconds: seconds)
    #expect(report.launches?.count == count)
  }

  @Test func whatADyingLaunchToldCounts() throws {
    let report = try run(FakeLauncher(dying: [2]))
    #expect(report.isComplete && report.launches?.count == 5)
    #expect(report.launches?[1].failure?.contains("status 139") == true)
    #expect(report.notMeasured.contains { $0.what.contains("launch 2") && $0.why.contains("139") })
    #expect(report.roofs.compute[0].figure.launches.count == 5 && report.kernels[0].rate.launches.count == 4)
    #expect(ReportCheck(report).problems == [])
  }

  @Test func launchesThatAllDieEndTheRun() throws {
    let report = try run(FakeLauncher(dying: [1, 2, 3, 4, 5, 6]))
    #expect(report.launches?.count == 2 && report.kernels.isEmpty)
    #expect(ReportCheck(report).problems == [])
  }

  @Test func cancellingKeepsTheLaunchesBefore() throws {
    var asked = 0
    let report = try run(
      FakeLauncher(),
      isCancelled: {
        asked += 1; return asked > 4
      })
    #expect(!report.isComplete && report.notMeasured.contains { $0.why.contains("cancelled") })
    #expect(report.roofs.compute[0].figure.launches.count >= 1)
    #expect(ReportCheck(report).problems == [])
  }

  /// In a launch that is this very process: what it measures comes out part by part.
  @Test func aLaunchTellsWhatItMeasures() throws {
    var options = CapacityOptions(level: .quick, version: "test")
    options.formats = ["Q4_0"]
    let plan = LaunchPlan(
      number: 2, options: options, runtime: (1, KernelTestISA.name), models: [], seconds: 20, scale: 0.25,
      power: (true, 0))
    #expect(try LaunchPlan(json: plan.json()) == plan && plan.seed != options.seed)
    var result = LaunchResult()
    var messages = 0
    #expect(throws: CapacityError.cancelled) {
      try CapacityRun.carryOut(plan, isCancelled: { result.roofs.compute.count >= 2 }) { message in
        messages += 1
        if let new = message.result { result.add(new) }
      }
    }
    #expect(result.roofs.compute.count >= 2 && messages > result.roofs.compute.count)
    for roof in result.roofs.compute { #expect(roof.figure.seed == plan.seed && roof.figure.recomputed == roof.figure) }
  }
}

/// The best instruction set here, by its name.
private enum KernelTestISA {
  static let name = (try? KernelRuntime(threads: 1))?.isa ?? "scalar"
}

@Suite struct ProcessLauncherTests {
  private var plan: LaunchPlan {
    LaunchPlan(
      number: 1, options: CapacityOptions(level: .standard, version: "t"), runtime: (1, "x"), models: [], seconds: 2,
      scale: 1, power: (false, 0))
  }

  /// The messages that a shell script in place of a launch gives, and the error it ends with.
  private func launch(_ script: String, grace: Double = 10, isCancelled: () -> Bool = { false })
    -> (messages: [LaunchMessage], error: CapacityError?)
  {
    var messages: [LaunchMessage] = []
    do {
      try ProcessLauncher(["/bin/sh", "-c", script], grace: grace)
        .launch(plan, isCancelled: isCancelled) { messages.append($0) }
      return (messages, nil)
    } catch { return (messages, error) }
  }

  @Test func messagesArriveAndThePlanIsHandedOver() throws {
    // $0 is the plan.
    let found = launch(
      #"case "$0" in '{'*'"seconds":2'*) ;; *) exit 9 ;; esac; echo '{"phase":"a","fraction":0.5}'; echo '{"isDone":true}'"#
    )
    #expect(found.error == nil && found.messages.map(\.phase) == ["a", nil])
  }

  @Test func aDyingLaunchIsReported() {
    let found = launch(#"echo '{"phase":"a"}'; exit 7"#)
    #expect(found.messages.count == 1)
    #expect(found.error == .launch(number: 1, what: "its process ended with status 7"))
    #expect(launch("kill -SEGV $$").error == .launch(number: 1, what: "its process ended with status 139"))
  }

  @Test func aHangingLaunchIsEnded() {
    let start = FigureSampler.now()
    let found = launch(#"echo '{"phase":"a"}'; sleep 60"#, grace: -1.5)
    #expect(found.messages.count == 1 && FigureSampler.now() - start < 30)
    guard case .launch(1, let what) = found.error else {
      Issue.record("no error of the launch")
      return
    }
    #expect(what.contains("was ended"))
  }

  @Test func rubbishIsAnError() {
    guard case .option(_, let what) = launch("echo rubbish; sleep 60").error else {
      Issue.record("no error")
      return
    }
    #expect(what.contains("rubbish"))
    #expect(launch("exit 0").error != nil)
    guard case .launch = ProcessLauncherTests.cannotStart else {
      Issue.record("no error")
      return
    }
  }

  private static var cannotStart: CapacityError? {
    let plan = ProcessLauncherTests().plan
    do { try ProcessLauncher(["/nowhere/gobi"]).launch(plan, isCancelled: { false }) { _ in } } catch { return error }
    return nil
  }

  @Test func cancellingEndsTheLaunch() {
    let start = FigureSampler.now()
    var asked = 0
    let found = launch(
      "sleep 60",
      isCancelled: {
        asked += 1; return asked > 2
      })
    #expect(found.error == .cancelled && FigureSampler.now() - start < 30)
  }
}

@Suite struct StandardModelTests {
  @Test func everyRowIsAModelOfTheLibrary() throws {
    for model in StandardModel.all { #expect(model.synthetic != nil, "\(model.label)") }
    #expect(Set(StandardModel.all.map(\.fileName)).count == StandardModel.all.count)
    for shape in ["llama-3.2-1b", "llama-3.1-8b", "qwen3-30b-a3b"] {
      #expect(Set(StandardModel.all.filter { $0.shape == shape }.map(\.type)) == ["Q4_0", "Q8_0", "BF16"])
    }
    #expect(StandardModel.all[1].label == "qwen3-30b-a3b Q4_0, 6 of 48 layers, generated")
  }

  @Test func whatDoesNotFitIsRefusedByName() {
    let model = StandardModel.all[0]
    let plenty = 1 << 40
    #expect(model.refusal(memory: plenty, disk: plenty, seconds: 600, isThere: false) == nil)
    #expect(model.refusal(memory: 1 << 30, disk: plenty, seconds: 600, isThere: false)?.contains("memory") == true)
    #expect(model.refusal(memory: plenty, disk: 1000, seconds: 600, isThere: false)?.contains("disk") == true)
    #expect(model.refusal(memory: plenty, disk: 1000, seconds: 600, isThere: true) == nil)
    #expect(model.refusal(memory: plenty, disk: plenty, seconds: 60, isThere: true)?.contains("60 s") == true)
  }
}

@Suite struct EndToEndTests {
  /// A small generated model from text to text: two rows more, held against the same roofs.
  @Test func tokenisingAndSamplingAreTimed() throws {
    let folder = try TemporaryFolder()
    let shape = try #require(SyntheticShape(name: "tiny"))
    try SyntheticModel(shape: shape, type: #require(FileType(name: "Q8_0"))).write(to: folder.path("tiny.gguf"))
    let model = try SessionModel(path: folder.path("tiny.gguf"), label: "tiny", options: .init(threads: 1))
    #expect(model.canServeText)
    let text = try model.text(of: 40, seed: 3)
    #expect(try #require(model.tokenizer).encode(text, parseSpecial: false, addBOS: nil, addEOS: false).count >= 40)
    let bench = ModelBench(
      sampler: FigureSampler(watch: Guard(NodeFiles()), seed: 1) { () throws(CapacityError) in }, roofs: Roofs(),
      seed: 4)
    let plan = ModelBench.Plan(
      prefill: [(32, 0)], decode: [(2, 0)], secondsEach: 0.05, qualityTokens: 0, endToEnd: true)
    var steps: [Int] = []
    let result = try bench.measure(model, plan: plan) { step, _ in steps.append(step) }
    #expect(result.figures.map(\.scope) == [nil, nil, .endToEnd, .endToEnd] && steps == [0, 1, 2, 3, 4])
    #expect(result.figures.map(\.title).last == "decode, batch 2, end to end")
    #expect(result.figures.allSatisfy { $0.rate.value > 0 } && result.figures[2].count == 32)
    #expect(result.figures[3].rate.protocol == "decode-text")
  }
}
