// One figure of a model: prefill or decode, of the core alone or with a server's tokenising and sampling.

extension ModelBench {
  /// One sample's work: how many tokens, and when it was done.
  private struct Timed {
    var tokens: Int
    var begin: Double
    var end: Double
  }

  private struct Kind {
    var work: ModelFigure.Work
    var scope: ModelFigure.Scope?
    var count: Int
    var depth: Int
    var rule: StoppingRule
    var reasons: Set<Reason>

    var name: String { work.rawValue + (scope == nil ? "" : "-text") }
  }

  /// Times `one` until there are enough samples. A decode stands between two readings of the memory.
  private func figure(
    _ model: any ModelUnderTest, _ kind: Kind, one: () throws(CapacityError) -> Timed
  ) throws(CapacityError) -> ModelFigure {
    let facts = model.facts
    var spans: [WorkSpan] = []
    func measure() throws(CapacityError) -> Figure {
      try sampler.figure(
        SampleKind(unit: "token/s", precision: facts.precisionTag, protocol: kind.name), rule: kind.rule,
        reasons: kind.reasons, atLeast: secondsAtLeast
      ) { () throws(CapacityError) -> Sample in
        let timed = try one()
        spans.append(WorkSpan(begin: timed.begin, end: timed.end, tokens: timed.tokens))
        return Sample(amount: Double(timed.tokens), seconds: timed.end - timed.begin)
      }
    }
    var rate: Figure
    var nearby: NearbyRoof?
    if let probe, kind.work == .decode {
      (rate, nearby) = try probe.around(measure)
      nearby?.mark(&rate)
    } else {
      rate = try measure()
    }
    return ModelFigure(
      work: kind.work, count: kind.count, depth: kind.depth, rate: rate, facts: facts, roofs: roofs,
      spans: poll == nil ? [] : spans, nearby: nearby, scope: kind.scope)
  }

  private func timed(_ tokens: Int, _ body: () throws(CapacityError) -> Void) throws(CapacityError) -> Timed {
    poll?()
    let begin = FigureSampler.now()
    try body()
    let end = FigureSampler.now()
    poll?()
    return Timed(tokens: tokens, begin: begin, end: end)
  }

  private func prefillRule(_ seconds: Double) -> StoppingRule {
    StoppingRule(minimumSamples: 3, maximumSamples: 20, seconds: seconds)
  }

  private func decodeRule(_ seconds: Double) -> StoppingRule {
    StoppingRule(minimumSamples: 5, maximumSamples: 40, seconds: seconds)
  }

  // MARK: Core

  func prefill(
    _ model: any ModelUnderTest, _ count: Int, _ depth: Int, _ seconds: Double, _ reasons: Set<Reason>
  ) throws(CapacityError) -> ModelFigure {
    var random = RandomSource(seed: seed &+ 17)
    let kind = Kind(
      work: .prefill, scope: nil, count: count, depth: depth, rule: prefillRule(seconds), reasons: reasons)
    return try figure(model, kind) { () throws(CapacityError) -> Timed in
      let tokens = tokens(count, &random, model)
      try model.prepare(sequences: 1, depth: depth)
      return try timed(count) { () throws(CapacityError) in try model.prefill(tokens) }
    }
  }

  /// Steps of a decode's sample: a small model's step is a millisecond.
  static let stepsPerSample = 8

  func decode(
    _ model: any ModelUnderTest, _ batch: Int, _ depth: Int, _ seconds: Double, _ reasons: Set<Reason>
  ) throws(CapacityError) -> ModelFigure {
    var random = RandomSource(seed: seed &+ 31)
    let kind = Kind(
      work: .decode, scope: nil, count: batch, depth: depth, rule: decodeRule(seconds), reasons: reasons)
    return try figure(model, kind) { () throws(CapacityError) -> Timed in
      try model.prepare(sequences: batch, depth: depth)
      let steps = (0..<Self.stepsPerSample).map { _ in tokens(batch, &random, model) }
      return try timed(batch * steps.count) { () throws(CapacityError) in
        for tokens in steps {
          try model.decode(tokens)
          try sampler.checkpoint()
        }
      }
    }
  }

  // MARK: End to end

  func prefill(
    _ model: any ServedModel, textOf count: Int, _ seconds: Double, _ reasons: Set<Reason>
  ) throws(CapacityError) -> ModelFigure {
    var random = RandomSource(seed: seed &+ 61)
    let kind = Kind(
      work: .prefill, scope: .endToEnd, count: count, depth: 0, rule: prefillRule(seconds), reasons: reasons)
    return try figure(model, kind) { () throws(CapacityError) -> Timed in
      let text = try model.text(of: count, seed: random.next())
      try model.prepare(sequences: 1, depth: 0)
      return try timed(count) { () throws(CapacityError) in try model.prefill(text: text, tokens: count) }
    }
  }

  func decodeText(
    _ model: any ServedModel, _ batch: Int, _ seconds: Double, _ reasons: Set<Reason>
  ) throws(CapacityError) -> ModelFigure {
    var random = RandomSource(seed: seed &+ 67)
    let kind = Kind(
      work: .decode, scope: .endToEnd, count: batch, depth: 0, rule: decodeRule(seconds), reasons: reasons)
    return try figure(model, kind) { () throws(CapacityError) -> Timed in
      try model.prepare(sequences: batch, depth: 0)
      let first = tokens(batch, &random, model)
      return try timed(batch * Self.stepsPerSample) { () throws(CapacityError) in
        try model.decodeText(from: first, steps: Self.stepsPerSample)
      }
    }
  }
}
