// One figure of two reports: whether it changed, by rank tests on the reports' own raw samples.

public struct FigureChange: Codable, Sendable, Equatable {
  public enum Verdict: String, Codable, Sendable {
    case better, worse, same
    /// Not compared; `why` tells the reason.
    case refused
  }

  /// One side: what its report says.
  public struct Side: Codable, Sendable, Equatable {
    public var value: Double
    public var precision: String?
    public var validity: Validity
    public var reasons: [Reason]
    public var samples: Int
    /// Launches of the program that the samples come from.
    public var launches: Int

    init(_ figure: Figure) {
      value = figure.value
      precision = figure.precision
      validity = figure.validity
      reasons = figure.reasons
      samples = figure.samples.count
      launches = 1
    }
  }

  public var name: String
  public var layer: CapacityLayer
  public var unit: String
  public var before: Side
  public var after: Side
  /// Of the Mann-Whitney test, two-sided. nil where nothing was compared.
  public var p: Double?
  /// Hodges-Lehmann, as a fraction of the median before.
  public var shift: Double?
  public var verdict: Verdict
  /// Why nothing was compared.
  public var why: String?
  /// The figure's share of its roof moved by at most 2 %: it went where its roof went.
  public var followsRoof: Bool
  /// Standard deviation of launches' medians within a side, as a fraction of the median before. nil with one launch a
  /// side: how far launches of one build differ is not known.
  public var launchSpread: Double?
  /// Of Student's t on the launches' medians.
  public var launchP: Double?
  /// The samples differ, but not by more than launches of one side do: the same.
  public var isWithinLaunches = false

  /// How far launches of one build may differ, as a fraction of the median, where the operator says so and the reports
  /// do not. One launch a side of the same build has been seen to differ by 47 %, with the best of p (docs/METRICS.md).
  public var assumedSpread: Double?

  /// INVALID on a side: shown and marked, and no ground to call anything slower.
  public var isInvalid: Bool { before.validity == .invalid || after.validity == .invalid }
  public var isChange: Bool { verdict == .better || verdict == .worse }
  /// It may be launch against launch, and not build against build: how far launches differ is not known, or assumed to
  /// be as far as this.
  public var isUnproven: Bool { isChange && launchSpread == nil && abs(shift ?? 0) <= assumedSpread ?? .infinity }
  /// A change that counts.
  public var counts: Bool { isChange && !isInvalid && !isUnproven }
  /// One that ends in exit code 1.
  public var isSlower: Bool { verdict == .worse && counts }

  init(_ before: NamedFigure, _ after: NamedFigure, assumedSpread: Double? = nil) {
    self.init(
      before, after, launches: (before.figure.samplesByLaunch, after.figure.samplesByLaunch),
      assumedSpread: assumedSpread)
  }

  /// With the samples of each launch; together they are those of the figures.
  package init(
    _ before: NamedFigure, _ after: NamedFigure, launches: (before: [[Double]], after: [[Double]]),
    assumedSpread: Double? = nil
  ) {
    name = before.name
    layer = before.layer
    unit = before.figure.unit
    self.before = Side(before.figure)
    self.after = Side(after.figure)
    (self.before.launches, self.after.launches) = (launches.before.count, launches.after.count)
    followsRoof = false
    self.assumedSpread = assumedSpread
    verdict = .refused
    why = Self.refusal(before.figure, after.figure)
    guard why == nil else { return }
    let found = LaunchComparison(before: launches.before, after: launches.after)
    let comparison = found.samples
    guard comparison.relativeShift.isFinite else {
      why = "the samples have no median to hold a shift against"
      return
    }
    p = comparison.test.p
    shift = comparison.relativeShift
    // What is no number has no place in JSON.
    launchSpread = found.spread.flatMap { $0.isFinite ? $0 : nil }
    launchP = launchSpread == nil ? nil : found.p
    verdict = .same
    guard comparison.isChange else { return }
    isWithinLaunches = launchSpread != nil && found.exceedsLaunches == false
    guard !isWithinLaunches else { return }
    verdict = (comparison.relativeShift > 0) == before.largerIsBetter ? .better : .worse
    if let a = before.share, let b = after.share, a > 0, b > 0 { followsRoof = abs(b / a - 1) <= 0.02 }
  }

  private static func refusal(_ a: Figure, _ b: Figure) -> String? {
    if a.precision != b.precision {
      return "precision tags are never mixed: \(a.precision ?? "none") and \(b.precision ?? "none")"
    }
    if a.unit != b.unit { return "units differ: \(a.unit) and \(b.unit)" }
    if a.protocol != b.protocol { return "measured differently: \(a.protocol) and \(b.protocol)" }
    for figure in [a, b] {
      if figure.samples.isEmpty { return "no samples" }
      if figure.samples.count > FigureSampler.mostSamples { return "more than \(FigureSampler.mostSamples) samples" }
    }
    // Two sets so small have no order with p < 0.01, whatever the values.
    if MannWhitney.smallestP(a.samples.count, b.samples.count) >= 0.01 { return "too few samples to show a change" }
    return nil
  }
}
