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
  /// What is served under each cap; nil: decode alone is told.
  public var service: FlexService?

  public init(sampler: FigureSampler, power: PowerSampler?, seed: UInt64) {
    self.sampler = sampler
    self.power = power
    self.seed = seed
  }

  /// Under each of the limits that `cap` allows, and idle. EnergyAccount adds the energy once all readings are there.
  public func curve(_ cap: PowerCap, _ work: Work, plan: Plan) throws(CapacityError) -> FlexCurve {
    let levels = shuffled(cap.levels(plan.settings))
    let points = try cap.whileSetting { set throws(CapacityError) in
      var points = [try idle(plan)]
      for level in levels {
        try sampler.checkpoint()
        try set(level)
        var point = try measure(work, plan, cap: level, share: 1, stepSeconds: 0).point
        point.service = try service?.trial(points.count)
        points.append(point)
      }
      return points
    }
    return FlexCurve(
      kind: cap.kind == .power ? .power : .frequency, unit: cap.kind.unit, model: work.label, points: points,
      seed: seed)
  }

  /// Under shares of the full load: steps begin when they are scheduled to, as many a second as that share of the rate
  /// at full load.
  public func load(_ work: Work, plan: Plan) throws(CapacityError) -> FlexCurve {
    let full = try measure(work, plan, cap: 1, share: 1, stepSeconds: 0)
    let seconds = Statistics.median(full.steps)
    var points = [full.point, try idle(plan)]
    for share in shuffled((1..<plan.settings).map { Double($0) / Double(plan.settings) }) {
      try sampler.checkpoint()
      points.append(try measure(work, plan, cap: share, share: share, stepSeconds: seconds).point)
    }
    return FlexCurve(kind: .load, unit: "1", model: work.label, points: points, seed: seed)
  }

  private func shuffled(_ levels: [Double]) -> [Double] {
    var random = RandomSource(seed: seed &+ 0xf1e)
    return levels.shuffled(using: &random)
  }

  private func idle(_ plan: Plan) throws(CapacityError) -> FlexPoint {
    let setAt = FigureSampler.now()
    try wait(until: setAt + plan.settle)
    power?.poll()
    let begin = FigureSampler.now()
    try wait(until: begin + plan.secondsEach)
    let span = WorkSpan(begin: begin, end: FigureSampler.now(), tokens: 0)
    power?.poll()
    return FlexPoint(cap: 0, isIdle: true, setAt: setAt, spans: [span])
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
    throws(CapacityError) -> (point: FlexPoint, steps: [Double])
  {
    var point = FlexPoint(cap: cap, isIdle: false, setAt: FigureSampler.now(), spans: [])
    var steps: [Double] = []
    while FigureSampler.now() - point.setAt < plan.settle { try work.step() }
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
        steps.append(FigureSampler.now() - start)
        count += work.tokensPerStep
        try sampler.checkpoint()
      } while FigureSampler.now() - begin < 0.5
      if share < 1 { try wait(until: scheduled) }
      let end = FigureSampler.now()
      power?.poll()
      point.spans.append(WorkSpan(begin: begin, end: end, tokens: count))
      return Sample(amount: Double(count), seconds: end - begin)
    }
    rate.halfWidth = StoppingRule(seconds: 0).halfWidth
    point.rate = rate.recomputed
    point.stepP99 = Statistics.quantile(steps, 0.99)
    return (point, steps)
  }
}
