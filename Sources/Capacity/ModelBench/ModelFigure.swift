// One row of a model's table: its rate, the shares of the roofs that follow from it, and its energy.

public struct ModelFigure: Codable, Sendable, Equatable {
  public enum Work: String, Codable, Sendable { case prefill, decode }
  /// With tokenising before and sampling after, as a server does it.
  public enum Scope: String, Codable, Sendable { case endToEnd = "end-to-end" }
  public var work: Work
  /// nil: core, the model's own work alone.
  public var scope: Scope?
  /// Tokens of a prefill; sequences of a decode step.
  public var count: Int
  /// Positions before the first timed one.
  public var depth: Int
  public var rate: Figure
  /// S·F_tok ÷ R_pk.
  public var mfu: Figure?
  /// steps/s · (active weight bytes + batch · KV bytes) ÷ B_pk; decode only.
  public var mbu: Figure?
  /// The memory's read rate around a decode; nil: `mbu` is of the roofs' own B_pk.
  public var nearby: NearbyRoof?
  /// When each sample was worked on, warm-up too; empty where power was not looked for.
  public var spans: [WorkSpan] = []
  /// J/token, one a class of readings, the best class first. Empty: not measured, and EnergyReport tells why.
  public var energy: [TokenEnergy] = []

  package init(
    work: Work, count: Int, depth: Int, rate: Figure, mfu: Figure? = nil, mbu: Figure? = nil, scope: Scope? = nil
  ) {
    self.work = work
    self.scope = scope
    self.count = count
    self.depth = depth
    self.rate = rate
    self.mfu = mfu
    self.mbu = mbu
  }

  /// With the shares that `facts` and `roofs` give.
  package init(
    work: Work, count: Int, depth: Int, rate: Figure, facts: ModelFacts, roofs: Roofs, spans: [WorkSpan] = [],
    nearby: NearbyRoof? = nil, scope: Scope? = nil
  ) {
    self.init(work: work, count: count, depth: depth, rate: rate, scope: scope)
    self.spans = spans
    self.nearby = nearby
    // Where the ISA has no instruction for the precision, its kernels run on the float units.
    let peak = roofs.peak(facts.precision) ?? roofs.peak(.f32)
    let operations = facts.operationsPerToken(of: self)
    mfu = peak.map { rate.share(of: $0.value / operations, measuredAs: $0, protocol: "mfu") }
    guard work == .decode else { return }
    let bytes = facts.bytesPerToken(of: self)
    mbu =
      nearby.flatMap { roof in
        rate.share(ofEach: roof.values.map { $0 / bytes }, beside: roof, protocol: "mbu")
      } ?? roofs.read.map { rate.share(of: $0.value / bytes, measuredAs: $0, protocol: "mbu") }
  }

  /// "prefill 512", "decode, batch 4", without the depth.
  public var title: String {
    (work == .prefill ? "prefill \(count)" : "decode, batch \(count)") + (scope == nil ? "" : ", end to end")
  }

  /// The energy by the best class of readings.
  public var bestEnergy: TokenEnergy? { energy.first }
}

extension ModelFacts {
  /// F_tok of a row: its tokens on average.
  func operationsPerToken(of row: ModelFigure) -> Double {
    switch row.work {
    case .prefill: operationsPerPrefillToken(tokens: row.count, depth: row.depth)
    case .decode: operationsPerToken(context: Self.context(of: row))
    }
  }

  /// What a decode step of a row reads, for each of its tokens.
  func bytesPerToken(of row: ModelFigure) -> Double {
    bytesPerStep(batch: row.count, context: Self.context(of: row)) / Double(max(row.count, 1))
  }

  /// Positions before a decoded token, on average over a sample's steps.
  private static func context(of row: ModelFigure) -> Double {
    Double(row.depth) + Double(ModelBench.stepsPerSample - 1) / 2
  }
}
