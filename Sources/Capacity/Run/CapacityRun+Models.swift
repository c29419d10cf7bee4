// Models as parts of a run.

extension CapacityRun {
  func measureModels(_ runtime: KernelRuntime, into report: inout CapacityReport) throws(CapacityError) {
    let budget = options.level.budget
    let bench = ModelBench(
      sampler: sampler, roofs: report.roofs, seed: options.seed, power: power, secondsAtLeast: secondsForPower)
    for source in models {
      try part("\(source.label): load", seconds: modelSeconds, &report) { report throws(CapacityError) in
        let model = try source.open(runtime)
        let place = report.models.count
        // Each step's result is put into the report at once: a cancelled run keeps it.
        let result = try bench.measure(model, plan: budget.model) { step, soFar in
          self.show(
            "\(source.label): \(Self.words(step, budget.model))", doneOfPart: Double(step) * budget.model.secondsEach)
          if place == report.models.count { report.models.append(soFar) } else { report.models[place] = soFar }
        }
        report.models[place] = result
        if place == 0, let kind = options.flex { try measureFlex(kind, model, into: &report) }
      }
    }
    if options.flex != nil, report.flex.isEmpty, !report.notMeasured.contains(where: { $0.what == Self.flexName }) {
      report.notMeasured.append(.init(what: Self.flexName, why: "it needs a model"))
    }
  }

  static func words(_ step: Int, _ plan: ModelBench.Plan) -> String {
    if step == 0 { return "numerics" }
    if step <= plan.prefill.count {
      let (tokens, depth) = plan.prefill[step - 1]
      return "prefill \(tokens)" + (depth > 0 ? " at depth \(depth)" : "")
    }
    let (batch, depth) = plan.decode[min(step - 1 - plan.prefill.count, plan.decode.count - 1)]
    return "decode, batch \(batch)" + (depth > 0 ? " at depth \(depth)" : "")
  }
}
