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

    init(_ figure: Figure) {
      value = figure.value
      precision = figure.precision
      validity = figure.validity
      reasons = figure.reasons
      samples = figure.samples.count
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

  /// INVALID on a side: shown and marked, and no ground to call anything slower.
  public var isInvalid: Bool { before.validity == .invalid || after.validity == .invalid }
  public var isChange: Bool { verdict == .better || verdict == .worse }
  /// A change that counts.
  public var isSlower: Bool { verdict == .worse && !isInvalid }

  init(_ before: NamedFigure, _ after: NamedFigure) {
    name = before.name
    layer = before.layer
    unit = before.figure.unit
    self.before = Side(before.figure)
    self.after = Side(after.figure)
    followsRoof = false
    verdict = .refused
    why = Self.refusal(before.figure, after.figure)
    guard why == nil else { return }
    let comparison = Comparison(before: before.figure.samples, after: after.figure.samples)
    guard comparison.relativeShift.isFinite else {
      why = "the samples have no median to hold a shift against"
      return
    }
    p = comparison.test.p
    shift = comparison.relativeShift
    guard comparison.isChange else {
      verdict = .same
      return
    }
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
