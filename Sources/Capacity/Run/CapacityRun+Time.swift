// How long a run should take, part by part, and how far it is.

extension CapacityRun {
  func plan(formats: Int) {
    let budget = options.level.budget
    let memory = Double(options.level.memoryPasses.count + 1) * budget.memory
    planned = Double(Precision.allCases.count) * (budget.compute + budget.computeOne) + 3 * budget.cache + memory
    planned += power == nil ? 0 : budget.idle
    planned += options.flex == nil ? 0 : Self.flexSeconds
    planned += 2 * budget.linpack + Double(formats) * kernelSeconds + Double(models.count) * modelSeconds
  }

  // Encoding and checking a layer in one format takes about as long as two of its figures.
  var kernelSeconds: Double { options.level.budget.kernel * Double(options.level.budget.rows.count + 2) }
  var modelSeconds: Double {
    let budget = options.level.budget
    return budget.modelLoad + max(budget.model.secondsEach, secondsForPower) * Double(budget.model.steps)
  }
  /// The quick level has no time for sensors that need it: their figures are inconclusive there.
  var secondsForPower: Double {
    guard options.level != .quick else { return 0 }
    return options.power.meterFile != nil ? PowerSampler.secondsOfSensors : power?.secondsWanted ?? 0
  }

  /// Runs a part that should take `seconds`, if they are left; else lists it. Failures of a part are listed too.
  func part(
    _ phase: String, seconds: Double, _ report: inout CapacityReport,
    _ body: (inout CapacityReport) throws(CapacityError) -> Void
  ) throws(CapacityError) {
    if isCancelled() { throw .cancelled }
    let spent = FigureSampler.now() - began
    let left = options.level.secondsAllowed - spent
    show(phase)
    defer { finished += seconds }
    // Half of the part's time is enough for a figure, if a wider one.
    guard left >= seconds / 2 else {
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
    let left = min(max(planned - finished - doneOfPart, 0) * pace, max(options.level.secondsAllowed - spent, 0))
    progress(CapacityProgress(phase: phase, fraction: shown, secondsLeft: left))
  }
}
