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
    /// 0: the numerics are not looked at.
    public var qualityTokens: Int
    /// Also the first prefill and the first decode of a server's work: with tokenising and sampling.
    public var endToEnd = false

    public init(
      prefill: [(tokens: Int, depth: Int)], decode: [(batch: Int, depth: Int)], secondsEach: Double,
      qualityTokens: Int, endToEnd: Bool = false
    ) {
      self.endToEnd = endToEnd
      self.prefill = prefill
      self.decode = decode
      self.secondsEach = secondsEach
      self.qualityTokens = qualityTokens
    }

    public static func == (a: Plan, b: Plan) -> Bool {
      a.prefill.map { [$0.tokens, $0.depth] } == b.prefill.map { [$0.tokens, $0.depth] }
        && a.decode.map { [$0.batch, $0.depth] } == b.decode.map { [$0.batch, $0.depth] }
        && a.secondsEach == b.secondsEach && a.qualityTokens == b.qualityTokens && a.endToEnd == b.endToEnd
    }

    public var steps: Int { prefill.count + decode.count + 1 + (endToEnd ? 2 : 0) }
  }

  let sampler: FigureSampler
  let roofs: Roofs
  let seed: UInt64
  /// Reads power right before and after timed work; nil where nobody asks for energy.
  let poll: (() -> Void)?
  /// Each figure takes at least so many seconds: sensors of power need that.
  let secondsAtLeast: Double
  /// Measures the memory around each decode; nil: the roofs' own figure has to do.
  let probe: RoofProbe?

  public init(
    sampler: FigureSampler, roofs: Roofs, seed: UInt64, power: PowerSampler? = nil, secondsAtLeast: Double = 0
  ) {
    self.init(
      sampler: sampler, roofs: roofs, seed: seed, poll: power.map { power in { power.poll() } },
      secondsAtLeast: secondsAtLeast, probe: nil)
  }

  public init(
    sampler: FigureSampler, roofs: Roofs, seed: UInt64, poll: (() -> Void)?, secondsAtLeast: Double, probe: RoofProbe?
  ) {
    self.sampler = sampler
    self.roofs = roofs
    self.seed = seed
    self.poll = poll
    self.secondsAtLeast = secondsAtLeast
    self.probe = probe
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
    guard plan.endToEnd else { return result }
    guard let served = model as? any ServedModel, served.canServeText else {
      result.notMeasured.append("end to end: the model has no tokenizer")
      return result
    }
    if let tokens = plan.prefill.first?.tokens {
      done += 1
      progress(done, result)
      result.figures.append(try prefill(served, textOf: tokens, plan.secondsEach, reasons))
    }
    if let batch = plan.decode.first?.batch {
      done += 1
      progress(done, result)
      result.figures.append(try decodeText(served, batch, plan.secondsEach, reasons))
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
  func tokens(_ count: Int, _ random: inout RandomSource, _ model: any ModelUnderTest) -> [Int32] {
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
}
