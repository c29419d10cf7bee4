// The curve of a node under caps on power or clock, or under less load: rate, joules and step times at each of five or
// more settings and idle, in random order. Limits are put back whatever happens.
import Foundation

public struct FlexBench {
  /// What is done at each setting: a step of `tokens` tokens.
  public struct Work {
    public var label: String
    public var tokensPerStep: Int
    public var precisionTag: String
    public var step: () throws(CapacityError) -> Void

    public init(
      label: String, tokensPerStep: Int, precisionTag: String, step: @escaping () throws(CapacityError) -> Void
    ) {
      self.label = label
      self.tokensPerStep = tokensPerStep
      self.precisionTag = precisionTag
      self.step = step
    }
  }

  /// What is set, and for how long each.
  public struct Plan: Sendable, Equatable {
    public var settings: Int
    public var secondsEach: Double
    /// After a limit is set, before anything is counted.
    public var settle: Double

    /// At least five settings.
    public init(settings: Int = 6, secondsEach: Double = 10, settle: Double = 3) {
      self.settings = max(settings, 5)
      self.secondsEach = secondsEach
      self.settle = settle
    }
  }

  let sampler: FigureSampler
  let power: PowerSampler?
  let seed: UInt64

  public init(sampler: FigureSampler, power: PowerSampler?, seed: UInt64) {
    self.sampler = sampler
    self.power = power
    self.seed = seed
  }

  /// One measured setting, before its energy is known.
  struct Raw {
    var cap: Double
    var isIdle: Bool
    var setAt: Double
    var rate: Figure?
    var spans: [WorkSpan]
    var steps: [Double]
  }

  /// Under each of the limits that `cap` allows, and idle. Readings are given by `series` once all is measured.
  public func curve(_ cap: PowerCap, _ work: Work, plan: Plan, series: () -> [PowerSeries])
    throws(CapacityError) -> FlexCurve
  {
    let levels = shuffled(cap.levels(plan.settings))
    let raw = try cap.whileSetting { set throws(CapacityError) in
      var raw = [try idle(plan)]
      for level in levels {
        try sampler.checkpoint()
        try set(level)
        raw.append(try measure(work, plan, cap: level, share: 1, stepSeconds: 0))
      }
      return raw
    }
    return curve(cap.kind == .power ? .power : .frequency, cap.kind.unit, work, raw, series())
  }

  /// Under shares of the full load: steps begin when they are scheduled to, as many a second as that share of the rate
  /// at full load.
  public func load(_ work: Work, plan: Plan, series: () -> [PowerSeries]) throws(CapacityError) -> FlexCurve {
    let full = try measure(work, plan, cap: 1, share: 1, stepSeconds: 0)
    let seconds = Statistics.median(full.steps)
    var raw = [full, try idle(plan)]
    for share in shuffled((1..<plan.settings).map { Double($0) / Double(plan.settings) }) {
      try sampler.checkpoint()
      raw.append(try measure(work, plan, cap: share, share: share, stepSeconds: seconds))
    }
    return curve(.load, "1", work, raw, series())
  }

  private func shuffled(_ levels: [Double]) -> [Double] {
    var random = RandomSource(seed: seed &+ 0xf1e)
    return levels.shuffled(using: &random)
  }

  private func idle(_ plan: Plan) throws(CapacityError) -> Raw {
    let setAt = FigureSampler.now()
    try wait(until: setAt + plan.settle)
    power?.poll()
    let begin = FigureSampler.now()
    try wait(until: begin + plan.secondsEach)
    let span = WorkSpan(begin: begin, end: FigureSampler.now(), tokens: 0)
    power?.poll()
    return Raw(cap: 0, isIdle: true, setAt: setAt, rate: nil, spans: [span], steps: [])
  }

  private func wait(until time: Double) throws(CapacityError) {
    while true {
      let left = time - FigureSampler.now()
      guard left > 0 else { return }
      try sampler.checkpoint()
      usleep(UInt32(min(left, 0.05) * 1e6))
    }
  }

  /// Samples of half a second: what is worked in them, and, below full load, what is waited.
  private func measure(_ work: Work, _ plan: Plan, cap: Double, share: Double, stepSeconds: Double)
    throws(CapacityError) -> Raw
  {
    var raw = Raw(cap: cap, isIdle: false, setAt: FigureSampler.now(), rate: nil, spans: [], steps: [])
    while FigureSampler.now() - raw.setAt < plan.settle { try work.step() }
    var scheduled = FigureSampler.now()
    // All of the time is used, for the sake of the energy; the verdict is that of the usual rule.
    var rate = try sampler.figure(
      SampleKind(unit: "token/s", precision: work.precisionTag, protocol: "flex"),
      rule: StoppingRule(minimumSamples: 5, maximumSamples: 200, seconds: plan.secondsEach, halfWidth: 0)
    ) { () throws(CapacityError) -> Sample in
      power?.poll()
      let begin = FigureSampler.now()
      var count = 0
      repeat {
        if share < 1 {
          try wait(until: scheduled)
          scheduled = max(scheduled + stepSeconds / share, FigureSampler.now() - 1)
        }
        let start = FigureSampler.now()
        try work.step()
        raw.steps.append(FigureSampler.now() - start)
        count += work.tokensPerStep
        try sampler.checkpoint()
      } while FigureSampler.now() - begin < 0.5
      if share < 1 { try wait(until: scheduled) }
      let end = FigureSampler.now()
      power?.poll()
      raw.spans.append(WorkSpan(begin: begin, end: end, tokens: count))
      return Sample(amount: Double(count), seconds: end - begin)
    }
    rate.halfWidth = StoppingRule(seconds: 0).halfWidth
    raw.rate = rate.recomputed
    return raw
  }

  // MARK: Results

  private func curve(
    _ kind: FlexCurve.Kind, _ unit: String, _ work: Work, _ raw: [Raw], _ series: [PowerSeries]
  ) -> FlexCurve {
    let account = EnergyAccount(series, seed: seed)
    let points = raw.map { raw -> FlexPoint in
      let best = account.classes.first
      let energy = raw.rate.flatMap { rate in
        best.flatMap { account.tokens($0, raw.spans, rate: rate, protocol: "energy-flex") }
      }
      return FlexPoint(
        cap: raw.cap, isIdle: raw.isIdle, rate: raw.rate, energy: energy,
        power: best.flatMap { account.use($0, raw.spans) },
        stepP99: raw.steps.isEmpty ? nil : Statistics.quantile(raw.steps, 0.99),
        settling: best.flatMap { account.settling($0, from: raw.setAt, to: raw.spans.last?.end ?? raw.setAt) })
    }
    return FlexCurve(kind: kind, unit: unit, model: work.label, points: points, seed: seed)
  }
}
