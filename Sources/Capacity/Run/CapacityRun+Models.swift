// Models as parts of a run.

extension CapacityRun {
  func measureModels(
    _ models: [MeasuredModel], _ runtime: KernelRuntime, _ node: NodeManifest, into report: inout CapacityReport
  ) throws(CapacityError) {
    guard !models.isEmpty else { return }
    let probe = try probe(runtime, node)
    let bench = ModelBench(
      sampler: sampler, roofs: report.roofs, seed: options.seed, poll: poll, secondsAtLeast: secondsForPower,
      probe: probe)
    for source in models {
      let plan = modelPlan(source)
      try part("\(source.label): load", seconds: modelSeconds(source), &report) { report throws(CapacityError) in
        let model = try source.open(runtime)
        let place = report.models.count
        // Each step's result is put into the report at once: a cancelled run keeps it.
        let result = try bench.measure(model, plan: plan) { step, soFar in
          self.show("\(source.label): \(Self.words(step, plan))", doneOfPart: Double(step) * plan.secondsEach)
          if place == report.models.count { report.models.append(soFar) } else { report.models[place] = soFar }
          self.partEnded(report)
        }
        report.models[place] = result
      }
    }
  }

  /// What reads DRAM around figures; nil where its arrays find no memory: the roofs' own figure has to do then.
  func probe(_ runtime: KernelRuntime, _ node: NodeManifest) throws(CapacityError) -> RoofProbe? {
    if let sharedProbe { return sharedProbe }
    do {
      sharedProbe = try RoofProbe(runtime: runtime, sampler: sampler, node: node, seconds: budget.probe)
      return sharedProbe
    } catch {
      if error == .cancelled { throw error }
      return nil
    }
  }

  static func words(_ step: Int, _ plan: ModelBench.Plan) -> String {
    if step == 0 { return "numerics" }
    if step <= plan.prefill.count {
      let (tokens, depth) = plan.prefill[step - 1]
      return "prefill \(tokens)" + (depth > 0 ? " at depth \(depth)" : "")
    }
    let place = step - 1 - plan.prefill.count
    guard place < plan.decode.count else {
      return place == plan.decode.count ? "prefill end to end" : "decode end to end"
    }
    let (batch, depth) = plan.decode[place]
    return "decode, batch \(batch)" + (depth > 0 ? " at depth \(depth)" : "")
  }
}
