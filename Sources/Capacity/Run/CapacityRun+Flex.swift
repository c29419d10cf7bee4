// The curve under caps as a part of a run.

extension CapacityRun {
  static let flexName = "rate under caps"
  static let flexPlan = FlexBench.Plan(settings: 6, secondsEach: 8, settle: 2)
  static var flexSeconds: Double {
    Double(flexPlan.settings + 1) * (flexPlan.secondsEach + flexPlan.settle)
  }

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
    let bench = FlexBench(sampler: sampler, power: power, seed: options.seed)
    try part(Self.flexName, seconds: Self.flexSeconds, &report) { report throws(CapacityError) in
      let work = FlexBench.Work(decoding: try source.open(runtime), seed: options.seed)
      switch kind {
      case .load: report.flex.append(try bench.load(work, plan: Self.flexPlan))
      case .power, .frequency:
        let cap = try PowerCap(kind == .power ? .power : .frequency, options.files)
        report.flex.append(try bench.curve(cap, work, plan: Self.flexPlan))
      }
    }
  }
}
