// How long a run should take, part by part, and how far it is.

extension CapacityRun {
  /// This run's, each figure with the share of its time that fits.
  var budget: CapacityLevel.Budget { options.level.budget.scaled(by: scale) }

  /// What follows the last sample: merging and writing.
  var tail: Double {
    if launch != nil { return 0.5 }
    return options.level == .full ? 30 : options.level == .standard ? 8 : 2
  }

  /// Figures are cut down to no less than this share of their time.
  private static let leastScale = 0.25

  /// Sets what is planned, and how far figures are cut down so that it fits; where that is not enough, fewer launches
  /// are planned. What does not fit into one is left out, and listed.
  func plan(products: Int, launches: Int) {
    let beside = secondsOfService + (power == nil ? 0 : budget.idle) + (options.flex == nil ? 0 : Self.flexSeconds)
    let available = options.secondsAllowed - tail - beside
    func seconds(at share: Double) -> Double {
      scale = share
      return secondsOfLaunch(products)
    }
    launchCount = launches
    while launchCount > 1, available < Double(launchCount) * seconds(at: Self.leastScale) { launchCount -= 1 }
    // Planned seconds are a straight line in the scale.
    let (least, whole) = (seconds(at: Self.leastScale), seconds(at: 1))
    let allowed = available / Double(launchCount)
    let share = whole > least ? (allowed - least) / (whole - least) : 1
    scale = Self.leastScale + (1 - Self.leastScale) * min(max(share, 0), 1)
    launchSeconds = secondsOfLaunch(products)
    planned = beside + Double(launchCount) * launchSeconds
  }

  /// Of the search for the knee, which the process does that writes the report.
  var secondsOfService: Double {
    models.isEmpty || launch != nil || !options.level.searchesKnee ? 0 : options.secondsAllowed * Self.shareOfService
  }
  /// Of a run's time, for the search of the knee: a minute and a half at `standard`.
  static let shareOfService = 0.2

  /// Of all parts of one launch.
  private func secondsOfLaunch(_ products: Int) -> Double {
    let budget = budget
    let roofs = Double(Precision.allCases.count) * (budget.compute + budget.computeOne) + 3 * budget.cache
    // And the reads of one thread, and above the quick level two passes on small pages.
    let passes = options.level.memoryPasses.count + (options.level == .quick ? 1 : 3)
    let memory = Double(passes) * budget.memory
    return roofs + memory + 2 * budget.linpack + Double(products) * kernelSeconds
      + models.reduce(0) { $0 + modelSeconds($1) }
  }

  // Encoding a layer and checking its products takes as long at any scale; memory is read around small products.
  var kernelSeconds: Double {
    let fixed = 1 + 4 * budget.probe
    return budget.kernel * Double(budget.rows.count) + fixed
  }

  func modelPlan(_ model: MeasuredModel) -> ModelBench.Plan {
    var plan = model.isLarge ? budget.largeModel : budget.model
    if let launch, !launch.looksAtNumerics { plan.qualityTokens = 0 }
    return plan
  }

  func modelSeconds(_ model: MeasuredModel) -> Double {
    let plan = modelPlan(model)
    return budget.modelLoad * (model.isLarge ? 3 : 1)
      + max(plan.secondsEach + 2 * budget.probe, secondsForPower) * Double(plan.steps)
  }

  /// The quick level has no time for sensors that need it: their figures are inconclusive there.
  var secondsForPower: Double {
    if let launch { return launch.secondsForPower }
    guard options.level != .quick else { return 0 }
    let wanted = options.power.meterFile != nil ? PowerSampler.secondsOfSensors : power?.secondsWanted ?? 0
    // Of several launches each does a part.
    return options.launcher == nil ? wanted : wanted / Double(launchCount)
  }

  var secondsLeft: Double { options.secondsAllowed - (FigureSampler.now() - began) }

  /// Runs a part that should take `seconds`, if they are left; else lists it. Failures of a part are listed too.
  func part(
    _ phase: String, seconds: Double, _ report: inout CapacityReport,
    _ body: (inout CapacityReport) throws(CapacityError) -> Void
  ) throws(CapacityError) {
    if isCancelled() { throw .cancelled }
    show(phase)
    defer {
      finished += seconds
      partEnded(report)
    }
    // Half of the part's time is enough for a figure, if a wider one.
    guard secondsLeft >= seconds / 2 else {
      report.notMeasured.append(.init(what: phase, why: "the \(options.level.rawValue) level's time was over"))
      return
    }
    do {
      try body(&report)
    } catch {
      if error == .cancelled { throw error }
      report.notMeasured.append(.init(what: phase, why: error.description))
    }
  }

  func show(_ phase: String, doneOfPart: Double = 0) {
    let spent = FigureSampler.now() - began
    let done = min((finished + doneOfPart) / max(planned, 1e-9), 1)
    shown = max(shown, done)
    // At the pace so far, once there is one; the plan's pace before.
    let pace = finished > 1 ? spent / (finished + doneOfPart) : 1
    let left = min(max(planned - finished - doneOfPart, 0) * pace, max(options.secondsAllowed - spent, 0))
    progress(CapacityProgress(phase: phase, fraction: shown, secondsLeft: left))
  }
}
