// Times a model's prefill and decode, and checks its numerics in the same run. ModelFigure sets them beside the roofs.

public struct ModelResult: Codable, Sendable, Equatable {
  public var facts: ModelFacts
  public var formula: String
  public var quality: QualityCheck?
  public var figures: [ModelFigure]
  /// Joules of a request, one a class of energy readings.
  public var requests: [RequestEnergy] = []
  /// What was left out, and why.
  public var notMeasured: [String] = []

  package init(
    facts: ModelFacts, formula: String, quality: QualityCheck? = nil, figures: [ModelFigure], notMeasured: [String] = []
  ) {
    self.facts = facts
    self.formula = formula
    self.quality = quality
    self.figures = figures
    self.notMeasured = notMeasured
  }
}

public struct ModelBench {
  /// What is measured of a model.
  public struct Plan: Sendable, Equatable {
    public var prefill: [(tokens: Int, depth: Int)]
    public var decode: [(batch: Int, depth: Int)]
    public var secondsEach: Double
    public var qualityTokens: Int

    public init(
      prefill: [(tokens: Int, depth: Int)], decode: [(batch: Int, depth: Int)], secondsEach: Double, qualityTokens: Int
    ) {
      self.prefill = prefill
      self.decode = decode
      self.secondsEach = secondsEach
      self.qualityTokens = qualityTokens
    }

    public static func == (a: Plan, b: Plan) -> Bool {
      a.prefill.map { [$0.tokens, $0.depth] } == b.prefill.map { [$0.tokens, $0.depth] }
        && a.decode.map { [$0.batch, $0.depth] } == b.decode.map { [$0.batch, $0.depth] }
        && a.secondsEach == b.secondsEach && a.qualityTokens == b.qualityTokens
    }

    public var steps: Int { prefill.count + decode.count + 1 }
  }

  let sampler: FigureSampler
  let roofs: Roofs
  let seed: UInt64
  /// Read right before and after timed work; nil where nobody asks for energy.
  let power: PowerSampler?
  /// Each figure takes at least so many seconds: sensors of power need that.
  let secondsAtLeast: Double

  public init(
    sampler: FigureSampler, roofs: Roofs, seed: UInt64, power: PowerSampler? = nil, secondsAtLeast: Double = 0
  ) {
    self.sampler = sampler
    self.roofs = roofs
    self.seed = seed
    self.power = power
    self.secondsAtLeast = secondsAtLeast
  }

  /// `progress` is called before each step with the number of steps done. A step that throws .cancelled ends all.
  public func measure(_ model: any ModelUnderTest, plan: Plan, progress: (Int, ModelResult) -> Void)
    throws(CapacityError) -> ModelResult
  {
    var result = ModelResult(facts: model.facts, formula: ModelFacts.formula, quality: nil, figures: [])
    var done = 0
    progress(done, result)
    result.quality = try quality(model, tokens: plan.qualityTokens)
    // A model whose numerics fail is still timed: its figures say so.
    let reasons: Set<Reason> = result.quality.map { $0.passes ? [] : [.qualityFloor] } ?? []
    for (tokens, depth) in plan.prefill {
      done += 1
      progress(done, result)
      if let why = tooDeep(depth, result) {
        result.notMeasured.append("prefill of \(tokens) at depth \(depth): \(why)")
        continue
      }
      result.figures.append(try prefill(model, tokens, depth, plan.secondsEach, reasons))
    }
    for (batch, depth) in plan.decode {
      done += 1
      progress(done, result)
      if let why = tooDeep(depth * batch, result) {
        result.notMeasured.append("decode of \(batch) at depth \(depth): \(why)")
        continue
      }
      result.figures.append(try decode(model, batch, depth, plan.secondsEach, reasons))
    }
    return result
  }

  // Positions have to be filled before anything is timed at a depth: not for longer than this.
  private static let longestPreparation = 15.0

  private func tooDeep(_ positions: Int, _ result: ModelResult) -> String? {
    guard let rate = result.figures.last(where: { $0.work == .prefill })?.rate.value, rate > 0 else { return nil }
    let seconds = Double(positions) / rate
    return seconds > Self.longestPreparation ? "filling it would take \(Int(seconds)) s" : nil
  }

  // The same stimulus is never used twice: each sample draws new tokens.
  private func tokens(_ count: Int, _ random: inout RandomSource, _ model: any ModelUnderTest) -> [Int32] {
    (0..<count).map { _ in Int32(random.index(below: max(model.facts.vocabulary, 1))) }
  }

  private func quality(_ model: any ModelUnderTest, tokens count: Int) throws(CapacityError) -> QualityCheck? {
    guard count > 0 else { return nil }
    try sampler.checkpoint()
    var random = RandomSource(seed: seed)
    let tokens = tokens(count, &random, model)
    let served = try model.logits(of: tokens, exact: false)
    try sampler.checkpoint()
    let exact = try model.logits(of: tokens, exact: true)
    guard served.count == exact.count, exact.count == count * model.facts.vocabulary else {
      throw .model(label: model.facts.label, what: "logits of a wrong shape")
    }
    return QualityCheck(exact: exact, served: served, vocabulary: model.facts.vocabulary)
  }

  private func prefill(
    _ model: any ModelUnderTest, _ count: Int, _ depth: Int, _ seconds: Double, _ reasons: Set<Reason>
  ) throws(CapacityError) -> ModelFigure {
    var random = RandomSource(seed: seed &+ 17)
    let facts = model.facts
    var spans: [WorkSpan] = []
    let rate = try sampler.figure(
      SampleKind(unit: "token/s", precision: facts.precisionTag, protocol: "prefill"),
      rule: StoppingRule(minimumSamples: 3, maximumSamples: 20, seconds: seconds), reasons: reasons,
      atLeast: secondsAtLeast
    ) { () throws(CapacityError) -> Sample in
      let tokens = tokens(count, &random, model)
      try model.prepare(sequences: 1, depth: depth)
      power?.poll()
      let start = FigureSampler.now()
      try model.prefill(tokens)
      let end = FigureSampler.now()
      spans.append(span(start, end, count))
      return Sample(amount: Double(count), seconds: end - start)
    }
    return ModelFigure(
      work: .prefill, count: count, depth: depth, rate: rate, facts: facts, roofs: roofs,
      spans: power == nil ? [] : spans)
  }

  private func span(_ begin: Double, _ end: Double, _ tokens: Int) -> WorkSpan {
    power?.poll()
    return WorkSpan(begin: begin, end: end, tokens: tokens)
  }

  /// Steps of a decode's sample: a small model's step is a millisecond.
  static let stepsPerSample = 8

  private func decode(
    _ model: any ModelUnderTest, _ batch: Int, _ depth: Int, _ seconds: Double, _ reasons: Set<Reason>
  ) throws(CapacityError) -> ModelFigure {
    var random = RandomSource(seed: seed &+ 31)
    let facts = model.facts
    var spans: [WorkSpan] = []
    let rate = try sampler.figure(
      SampleKind(unit: "token/s", precision: facts.precisionTag, protocol: "decode"),
      rule: StoppingRule(minimumSamples: 5, maximumSamples: 40, seconds: seconds), reasons: reasons,
      atLeast: secondsAtLeast
    ) { () throws(CapacityError) -> Sample in
      try model.prepare(sequences: batch, depth: depth)
      let steps = (0..<Self.stepsPerSample).map { _ in tokens(batch, &random, model) }
      var spent = 0.0
      power?.poll()
      let began = FigureSampler.now()
      var ended = began
      for tokens in steps {
        let start = FigureSampler.now()
        try model.decode(tokens)
        ended = FigureSampler.now()
        spent += ended - start
        try sampler.checkpoint()
      }
      spans.append(span(began, ended, batch * steps.count))
      return Sample(amount: Double(batch * steps.count), seconds: spent)
    }
    return ModelFigure(
      work: .decode, count: batch, depth: depth, rate: rate, facts: facts, roofs: roofs,
      spans: power == nil ? [] : spans)
  }
}
