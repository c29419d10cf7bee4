// What a load against a system came to: its trials, the knee among their rates, and what that is worth.

/// What a service delivers: the table of trials, the knee, and what it is worth.
public struct ServingResult: Sendable, Equatable, Codable {
  public var system: String
  /// The model's label, and the tag of most of its products; nil where the system does not tell.
  public var model: String?
  public var precision: String?
  /// Sequences that the system decodes together at most; nil where it does not tell.
  public var mostSequences: Int?
  public var objective: ServiceObjective
  /// In words: tokens of prompts and outputs.
  public var lengths: String
  public var knee: Knee
  /// Of the knee's bracket, as a share of the rate, for it to count as found.
  public var width: Double
  public var seed: UInt64
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
    reasons = Set(knee.trials.filter { $0.passes && $0.rate == knee.passed }.flatMap(\.reasons)).sorted()
    validity = !reasons.isEmpty ? .invalid : knee.isFound(within: width) ? .valid : .inconclusive
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
}
