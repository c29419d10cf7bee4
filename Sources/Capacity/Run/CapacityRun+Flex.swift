// The curve under caps as a part of a run.

extension CapacityRun {
  static let flexName = "rate under caps"
  static let flexPlan = FlexBench.Plan(settings: 6, secondsEach: 8, settle: 2)
  static var flexSeconds: Double {
    Double(flexPlan.settings + 1) * (flexPlan.secondsEach + flexPlan.settle)
      + Double(flexPlan.settings) * serviceSeconds
  }
  /// Of the load at each setting, where there is a service.
  static let serviceSeconds = 8.0

  /// Of the first model. A cap that cannot be set is listed, as a part that fails is.
  func measureFlex(_ runtime: KernelRuntime, into report: inout CapacityReport) throws(CapacityError) {
    guard let kind = options.flex else { return }
    guard options.level != .quick else {
      report.notMeasured.append(.init(what: Self.flexName, why: "the quick level has no time for it"))
      return
    }
    guard let source = models.first else {
      report.notMeasured.append(.init(what: Self.flexName, why: "it needs a model"))
      return
    }
    try part(Self.flexName, seconds: Self.flexSeconds, &report) { report throws(CapacityError) in
      let model = try source.open(runtime)
      var bench = FlexBench(sampler: sampler, power: power, seed: options.seed)
      let result = report.serving.first { $0.model == source.label }
      bench.service = try result.flatMap { result throws(CapacityError) in try flexService(model, result) }
      defer { bench.service?.system.stop() }
      let work = FlexBench.Work(decoding: model, seed: options.seed)
      switch kind {
      case .load: report.flex.append(try bench.load(work, plan: Self.flexPlan))
      case .power, .frequency:
        let cap = try PowerCap(kind == .power ? .power : .frequency, options.files)
        var curve = try bench.curve(cap, work, plan: Self.flexPlan)
        curve.objective = bench.service == nil ? nil : result?.objective
        report.flex.append(curve)
      }
    }
  }

  /// The service of `result` at its knee; nil where no rate passed.
  private func flexService(_ model: any ModelUnderTest, _ result: ServingResult) throws(CapacityError) -> FlexService? {
    guard let rate = result.knee.passed, let samples = result.best?.samples, let prompt = samples.promptTokens.first,
      let output = samples.outputTokens.first,
      let system = try model.serving(mostSequences: result.mostSequences ?? 16, objective: result.objective)
    else { return nil }
    // What is counted begins after the decode under the same cap: the node has settled.
    let plan = ServingBench.Plan(
      objective: result.objective, lengths: .fixed(prompt: prompt, output: output), lengthsName: result.lengths,
      firstRate: rate, warmUp: 0)
    return FlexService(
      system: system, driver: driver(), plan: plan, rate: rate, seconds: Self.serviceSeconds, seed: options.seed)
  }
}
