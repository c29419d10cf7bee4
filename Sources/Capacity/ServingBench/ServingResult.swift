// What a load against a system came to: its trials, the knee among their rates, and what that is worth.

/// What a service delivers: the table of trials, the knee, and what it is worth.
public struct ServingResult: Sendable, Equatable, Codable {
  public var system: String
  /// The model's label, and the tag of most of its products; nil where the system does not tell.
  public var model: String?
  public var precision: String?
  /// Sequences that the system decodes together at most; nil where it does not tell.
  public var mostSequences: Int?
  /// Positions that a request has halfway through its output, where S is measured to hold G against; nil likewise.
  public var depth: Int?
  public var objective: ServiceObjective
  /// In words: tokens of prompts and outputs.
  public var lengths: String
  public var knee: Knee
  /// Of the knee's bracket, as a share of the rate, for it to count as found.
  public var width: Double
  public var seed: UInt64
  /// What went on on the node meanwhile; nil where nobody looked, as for a server elsewhere.
  public var window: GuardWindow?
  /// Why the knee is not worth more; empty for a valid one.
  public var reasons: [Reason]
  public var validity: Validity

  /// The verdict follows from the trials.
  package init(
    system: String, objective: ServiceObjective, lengths: String, knee: Knee, width: Double, seed: UInt64
  ) {
    self.system = system
    self.objective = objective
    self.lengths = lengths
    self.knee = knee
    self.width = width
    self.seed = seed
    (reasons, validity) = ([], .inconclusive)
    judge()
  }

  private mutating func judge() {
    reasons = Set((best?.reasons ?? []) + (window?.reasons ?? [])).sorted()
    validity = !reasons.isEmpty ? .invalid : knee.isFound(within: width) ? .valid : .inconclusive
  }

  /// Says what served, and what the guards saw meanwhile.
  package mutating func describes(
    model: String?, precision: String?, mostSequences: Int?, depth: Int?, window: GuardWindow?
  ) {
    self.model = model
    self.precision = precision
    self.mostSequences = mostSequences
    self.depth = depth
    self.window = window
    judge()
  }

  /// The load at the largest rate that passed.
  public var best: LoadTrial? { knee.trials.last { $0.passes && $0.rate == knee.passed } }

  /// G(SLO) in output tokens a second; nil where no rate passed. One load has one such rate: that it holds is shown by
  /// the objective's own test, and how well it is known by the bracket, not by an interval of samples.
  public var goodput: Figure? {
    guard let best else { return nil }
    var figure = Figure(
      samples: [best.goodRate], unit: "token/s", precision: precision, protocol: "goodput",
      rule: StoppingRule(minimumSamples: 1, seconds: 0), reasons: Set(reasons))
    if reasons.isEmpty { figure.validity = validity }
    return figure
  }

  /// The same result without what its trials follow from: a few lines in place of a few thousand.
  public var withoutSamples: ServingResult {
    var short = self
    for i in short.knee.trials.indices { short.knee.trials[i].samples = nil }
    return short
  }

  /// What is wrong with it: that it does not follow from its trials' samples, or that these are not its seed's.
  package var problems: [String] {
    guard knee.trials.count <= Self.mostTrials else { return ["more than \(Self.mostTrials) trials"] }
    var found: [String] = []
    for (i, trial) in knee.trials.enumerated() {
      guard let again = trial.recomputed(objective) else {
        found.append("knee.trials[\(i)]: it has no samples, or such that no load has")
        continue
      }
      if again != trial { found.append("knee.trials[\(i)] is not what its samples give") }
      let isDrawn = trial.samples?.follows(rate: trial.rate, seed: Self.seed(seed, trial: i), warmUp: trial.warmUp)
      if isDrawn != true { found.append("knee.trials[\(i)]: its requests are not those that its seed draws") }
    }
    var again = ServingResult(
      system: system, objective: objective, lengths: lengths, knee: Knee(trials: knee.trials), width: width, seed: seed)
    again.describes(
      model: model, precision: precision, mostSequences: mostSequences, depth: depth,
      window: window)
    if again != self { found.append("the knee or its verdict is not what its trials give") }
    return found
  }

  static let mostTrials = 64

  /// Of a trial's arrivals: a stimulus is never used twice.
  static func seed(_ seed: UInt64, trial: Int) -> UInt64 { seed &+ UInt64(trial + 1) }
}
