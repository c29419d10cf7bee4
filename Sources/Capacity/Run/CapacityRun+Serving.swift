// The service part of a run: S at the service's own batch and depth, and goodput within the objective.

extension CapacityLevel {
  /// Whether there is time for the search of the knee.
  var searchesKnee: Bool { self != .quick }
}

extension CapacityRun {
  /// Stated figures, and for what is not stated those that follow from the processor's family.
  func holdAgainstNominal(into report: inout CapacityReport) {
    let derived = NominalDerivation(report.node)
    let stated = options.nominal ?? NominalFigures(peaks: [])
    report.nominal = NominalShare.of(stated.filled(with: derived.figures), report.roofs)
    for omission in derived.notDerived {
      let isStated = omission.what == NominalDerivation.bandwidth ? stated.memory != nil : !stated.peaks.isEmpty
      if !isStated { report.notMeasured.append(omission) }
    }
  }

  /// The model that is served: the first that is trained, else the first.
  private func served(_ report: CapacityReport) -> (place: Int, source: MeasuredModel)? {
    let places = report.models.indices.sorted {
      (report.models[$0].facts.isGenerated ? 1 : 0, $0) < (report.models[$1].facts.isGenerated ? 1 : 0, $1)
    }
    for place in places {
      if let source = models.first(where: { $0.label == report.models[place].facts.label }) { return (place, source) }
    }
    return nil
  }

  /// Lists why there is no goodput where there is none.
  func measureServing(_ runtime: KernelRuntime, _ node: NodeManifest, into report: inout CapacityReport)
    throws(CapacityError)
  {
    guard let (place, source) = served(report) else { return }
    let name = "goodput of \(source.label)"
    let seconds = options.secondsAllowed * Self.shareOfService
    guard options.level.searchesKnee else {
      report.notMeasured.append(.init(what: name, why: "the quick level has no time for it"))
      return
    }
    try part(name, seconds: seconds, &report) { report throws(CapacityError) in
      let left = secondsLeft - tail
      let model = try source.open(runtime)
      let most = options.serving.sequences(threads: runtime.threads)
      guard let system = try model.serving(mostSequences: most, objective: options.serving.objective) else {
        throw .model(label: source.label, what: "it has no engine that serves")
      }
      defer { system.stop() }
      let result = report.models[place]
      let choice = ServingChoice(
        options.serving, prefill: result.largest(.prefill)?.rate.value, decode: result.largest(.decode)?.rate.value,
        seconds: min(seconds, left))
      let depth = choice.prompt + choice.output / 2
      try self.check(result, choice)
      try measureRegime(model, place, most, depth: depth, probe: try probe(runtime, node), into: &report)
      report.serving.append(
        try search(
          system, choice, most, depth, result.facts, seconds: min(seconds, secondsLeft - tail)))
    }
  }

  func driver() -> LoadDriver {
    let asked = CancelQuestion(ask: isCancelled)
    return LoadDriver { asked.ask() }
  }

  /// S where the service works: its batch, in the middle of its requests.
  private func measureRegime(
    _ model: any ModelUnderTest, _ place: Int, _ batch: Int, depth: Int, probe: RoofProbe?,
    into report: inout CapacityReport
  ) throws(CapacityError) {
    let bench = ModelBench(
      sampler: sampler, roofs: report.roofs, seed: options.seed, poll: poll, secondsAtLeast: secondsForPower,
      probe: probe)
    let plan = ModelBench.Plan(
      prefill: [], decode: [(batch, depth)], secondsEach: max(budget.model.secondsEach, 4), qualityTokens: 0)
    let fails = report.models[place].quality.map { !$0.passes } ?? false
    var figures = try bench.measure(model, plan: plan) { _, _ in }.figures
    try model.prepare(sequences: 0, depth: 0)
    // The numerics were checked before, on these weights.
    if fails {
      figures = figures.map {
        var rate = $0.rate
        rate.mark(.qualityFloor)
        return ModelFigure(
          work: $0.work, count: $0.count, depth: $0.depth, rate: rate, facts: report.models[place].facts,
          roofs: report.roofs, spans: $0.spans, nearby: $0.nearby)
      }
    }
    report.models[place].figures += figures
  }

  /// Throws where one sequence alone breaks the objective: no rate would pass, and to find that out takes all the time.
  private func check(_ result: ModelResult, _ choice: ServingChoice) throws(CapacityError) {
    let objective = options.serving.objective
    let alone = result.figures.first { $0.work == .decode && $0.count == 1 && $0.depth == 0 && $0.scope == nil }?.rate
      .value
    if let alone, alone > 0, 1 / alone > objective.timePerOutputToken {
      let takes = Quantity.text(1 / alone, "s"), asked = Quantity.text(objective.timePerOutputToken, "s")
      throw .model(
        label: result.facts.label, what: "a sequence alone takes \(takes) a token, and the objective is \(asked)")
    }
    let prefill = result.largest(.prefill)?.rate.value
    if let prefill, prefill > 0, Double(choice.prompt) / prefill > objective.timeToFirstToken {
      let takes = Quantity.text(Double(choice.prompt) / prefill, "s")
      let asked = Quantity.text(objective.timeToFirstToken, "s")
      throw .model(
        label: result.facts.label,
        what: "a prompt of \(choice.prompt) tokens alone takes \(takes), and the objective is \(asked)")
    }
  }

  private func search(
    _ system: any ServingSystem, _ choice: ServingChoice, _ most: Int, _ depth: Int, _ facts: ModelFacts,
    seconds: Double
  ) throws(CapacityError) -> ServingResult {
    let driver = driver()
    let lengths = RequestLengths.fixed(prompt: choice.prompt, output: choice.output)
    // From above: a rate that is too high fails soon.
    let firstRate: Double
    if let bearable = choice.bearable {
      firstRate = 0.9 * bearable
    } else {
      firstRate = try ServingBench.firstRate(of: system, lengths, driver, seed: options.seed)
    }
    let plan = ServingBench.Plan(
      objective: options.serving.objective, lengths: lengths, lengthsName: choice.name, firstRate: firstRate,
      seconds: seconds)
    let watch = Guard(options.files)
    let start = watch.read()
    var result = try ServingBench(driver: driver, seed: options.seed).measure(system, plan) { number, rate in
      self.show("\(system.name): load \(number + 1), \(Quantity.number(rate)) requests/s")
    }
    result.describes(
      model: facts.label, precision: facts.precisionTag, mostSequences: most, depth: depth,
      window: GuardWindow(from: start, to: watch.read()))
    return result
  }
}

/// The driver asks on the thread that the run is on, as all of a run does.
private struct CancelQuestion: @unchecked Sendable {
  let ask: () -> Bool
}

extension ModelResult {
  /// The row of the largest batch or prompt from an empty sequence.
  func largest(_ work: ModelFigure.Work) -> ModelFigure? {
    figures.filter { $0.work == work && $0.depth == 0 && $0.scope == nil }.max { $0.count < $1.count }
  }
}
