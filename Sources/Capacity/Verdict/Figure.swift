// A measured value in the form that METRICS fixes: with unit, precision tag, interval, count, protocol and verdict.

/// One figure of a report. An invalid one keeps its value, marked, with the reasons.
public struct Figure: Codable, Sendable, Equatable {
  public var value: Double
  /// SI: "OP/s" for integer and "FLOP/s" for floating operations, "B/s", "s", "token/s", "J/token", "Hz", or "1" for a
  /// ratio.
  public var unit: String
  /// in×in:acc→out[:block], or nil where no arithmetic is measured.
  public var precision: String?
  public var statistic: String
  /// Low and high end of the 95 % interval.
  public var ci95: [Double]
  public var n: Int
  /// How it was measured: a name explained in docs/METRICS.md.
  public var `protocol`: String
  public var validity: Validity
  public var reasons: [Reason]
  public var minimum: Double
  public var maximum: Double
  /// Leading samples that the change-point test found to be warm-up; they are not in `samples`.
  public var warmUp: Int
  /// In the order they were taken, outliers included.
  public var samples: [Double]
  /// The samples that were cut.
  public var warmUpSamples: [Double]
  /// When the samples are enough for VALID: at least so many, and an interval whose half-width is this share of the
  /// median.
  public var minimumSamples: Int
  public var halfWidth: Double
  /// Of the interval's resampling.
  public var seed: UInt64
  /// How many of `samples` are far from their median (Statistics.outliers): flagged, and kept. nil in reports of versions
  /// that did not say.
  public var outliers: Int?
  /// What the guards counted while the samples were taken, one entry a launch: what they found is worked out from it. nil
  /// where no guard watched.
  public var windows: [GuardCounts]?

  /// Samples of each launch of a process, in order, warm-up cut: they lie one after the other in `samples`.
  public var launches: [Int]
  /// How many were cut of each launch; they lie one after the other in `warmUpSamples`.
  public var launchWarmUps: [Int]

  /// The median of `taken`, without its warm-up.
  public init(
    samples taken: [Double], unit: String, precision: String? = nil, protocol: String,
    rule: StoppingRule = StoppingRule(seconds: 0), reasons: Set<Reason> = [], seed: UInt64 = 1,
    windows: [GuardCounts]? = nil
  ) {
    self.init(
      launches: [taken], unit: unit, precision: precision, protocol: `protocol`, rule: rule, reasons: reasons,
      seed: seed, windows: windows)
  }

  /// The median over the launches of a process, each without its own warm-up.
  public init(
    launches taken: [[Double]], unit: String, precision: String? = nil, protocol: String,
    rule: StoppingRule = StoppingRule(seconds: 0), reasons: Set<Reason> = [], seed: UInt64 = 1,
    windows: [GuardCounts]? = nil
  ) {
    let cuts = taken.map { WarmUp.length($0) }
    let parts = zip(taken, cuts).map { Array($0[$1...]) }
    let steady = parts.flatMap { $0 }
    var reasons = reasons
    for window in windows ?? [] { reasons.formUnion(GuardWindow(window).reasons) }
    if !parts.allSatisfy({ WarmUp.isSteady($0) }) { reasons.insert(.notSteady) }
    let interval = Statistics.bootstrapMedian(launches: parts, seed: seed)
    value = Statistics.median(steady)
    self.unit = unit
    self.precision = precision
    statistic = "median"
    ci95 = [interval.lowerBound, interval.upperBound]
    n = steady.count
    self.protocol = `protocol`
    let isMet = rule.isMet(by: parts, seed: seed)
    validity = !reasons.isEmpty ? .invalid : isMet ? .valid : .inconclusive
    self.reasons = reasons.sorted()
    minimum = steady.min() ?? .nan
    maximum = steady.max() ?? .nan
    warmUp = cuts.reduce(0, +)
    samples = steady
    warmUpSamples = zip(taken, cuts).flatMap { $0[..<$1] }
    minimumSamples = rule.minimumSamples
    halfWidth = rule.halfWidth
    self.seed = seed
    launches = parts.map(\.count)
    launchWarmUps = cuts
    outliers = parts.reduce(0) { $0 + Statistics.outliers($1).count }
    self.windows = windows
  }

  /// The same figure worked out anew from its samples, seed, rule and the guards' counts. What a check said is not in
  /// these and is taken over; so is what the guards found, where there are no counts.
  public var recomputed: Figure {
    let known: Set<Reason> = windows == nil ? [.notSteady] : GuardWindow.findings.union([.notSteady])
    var figure = Figure(
      launches: takenByLaunch, unit: unit, precision: precision, protocol: `protocol`,
      rule: StoppingRule(minimumSamples: minimumSamples, seconds: 0, halfWidth: halfWidth),
      reasons: Set(reasons).subtracting(known), seed: seed, windows: windows)
    if outliers == nil { figure.outliers = nil }
    return figure
  }

  /// `self` divided by `roof`: a share. The interval is this figure's own. `measured` is the figure that `roof` comes
  /// from: its reasons are the share's too, and of the two verdicts the worse one counts. Above 1.02 of the roof it is
  /// IMPOSSIBLE.
  public func share(of roof: Double, measuredAs measured: Figure? = nil, protocol: String) -> Figure {
    var share = self
    share.value /= roof
    share.ci95 = ci95.map { $0 / roof }
    share.minimum /= roof
    share.maximum /= roof
    share.samples = samples.map { $0 / roof }
    share.warmUpSamples = warmUpSamples.map { $0 / roof }
    share.unit = "1"
    share.protocol = `protocol`
    share.windows = nil  // the figure has them, and this one its reasons
    if let measured {
      share.reasons = Set(reasons + measured.reasons).sorted()
      if measured.validity == .invalid || share.validity == .valid { share.validity = measured.validity }
    }
    if share.value > Figure.largestShare { share.mark(.impossible) }
    return share
  }

  /// A share of a roof above this is a mistake, not a speed.
  public static let largestShare = 1.02

  public mutating func mark(_ reason: Reason) {
    validity = .invalid
    if !reasons.contains(reason) { reasons = (reasons + [reason]).sorted() }
  }
}

extension Figure {
  private enum CodingKeys: String, CodingKey {
    case value, unit, precision, statistic, ci95, n, `protocol`, validity, reasons, minimum, maximum, warmUp, samples
    case warmUpSamples, minimumSamples, halfWidth, seed, launches, launchWarmUps, outliers
    case windows
  }

  /// A report that says nothing of launches was made by one.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    value = try values.decode(Double.self, forKey: .value)
    unit = try values.decode(String.self, forKey: .unit)
    precision = try values.decodeIfPresent(String.self, forKey: .precision)
    statistic = try values.decode(String.self, forKey: .statistic)
    ci95 = try values.decode([Double].self, forKey: .ci95)
    n = try values.decode(Int.self, forKey: .n)
    `protocol` = try values.decode(String.self, forKey: .protocol)
    validity = try values.decode(Validity.self, forKey: .validity)
    reasons = try values.decode([Reason].self, forKey: .reasons)
    minimum = try values.decode(Double.self, forKey: .minimum)
    maximum = try values.decode(Double.self, forKey: .maximum)
    warmUp = try values.decode(Int.self, forKey: .warmUp)
    samples = try values.decode([Double].self, forKey: .samples)
    warmUpSamples = try values.decode([Double].self, forKey: .warmUpSamples)
    minimumSamples = try values.decode(Int.self, forKey: .minimumSamples)
    halfWidth = try values.decode(Double.self, forKey: .halfWidth)
    seed = try values.decode(UInt64.self, forKey: .seed)
    launches = try values.decodeIfPresent([Int].self, forKey: .launches) ?? [samples.count]
    launchWarmUps = try values.decodeIfPresent([Int].self, forKey: .launchWarmUps) ?? [warmUpSamples.count]
    outliers = try values.decodeIfPresent(Int.self, forKey: .outliers)
    windows = try values.decodeIfPresent([GuardCounts].self, forKey: .windows)
  }
}
