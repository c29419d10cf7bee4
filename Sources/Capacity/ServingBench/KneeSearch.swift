// The largest arrival rate at which the objective is shown to be kept: a bracket, then bisection.

/// What a search found. The knee lies between the largest rate that passed and the smallest that did not.
public struct Knee: Sendable, Equatable, Codable {
  /// Requests a second; nil if no rate passed.
  public var passed: Double?
  /// nil if none failed.
  public var failed: Double?
  /// In the order they were run.
  public var trials: [LoadTrial]

  package init(trials: [LoadTrial] = []) {
    self.trials = trials
    passed = trials.filter(\.passes).map(\.rate).max()
    failed = trials.filter { !$0.passes }.map(\.rate).min()
  }

  /// Output tokens a second of requests that kept the objective, at the largest rate that passed.
  public var goodput: Double? { trials.filter { $0.passes && $0.rate == passed }.last?.goodRate }

  /// Whether the bracket is as narrow as was asked for.
  public func isFound(within width: Double) -> Bool {
    guard let passed, let failed else { return false }
    return failed <= passed * (1 + width)
  }
}

public struct KneeSearch: Sendable {
  /// The bracket's width at which the search ends, as a share of the rate.
  public var width = 0.05
  public var mostTrials = 16
  /// The step while there is no bracket yet.
  public var step = 1.6

  public init() {}

  /// Starts at `rate` and runs `trial` until the bracket is narrow enough, `mostTrials` are over, or `isOver` says so.
  /// A trial whose stimulus did not hold says nothing about the system: it ends the search upwards.
  public func run(
    from rate: Double, isOver: () -> Bool = { false }, trial: (Double) throws(CapacityError) -> LoadTrial
  ) throws(CapacityError) -> Knee {
    var knee = Knee()
    var next = rate
    while knee.trials.count < mostTrials, !isOver(), !knee.isFound(within: width) {
      knee = Knee(trials: knee.trials + [try trial(next)])
      next = self.next(knee, after: next)
    }
    return knee
  }

  private func next(_ knee: Knee, after rate: Double) -> Double {
    switch (knee.passed, knee.failed) {
    // Rates are a ratio scale: the middle is the geometric one.
    case (let passed?, let failed?): (passed * failed).squareRoot()
    case (let passed?, nil): passed * step
    case (nil, let failed?): failed / step
    case (nil, nil): rate
    }
  }
}
