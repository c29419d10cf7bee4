// Joules from raw readings: of windows, of spans of work, of tokens, class by class. A run and `gobi verify` both go
// through it, so that a report's figures are what its readings say.

public struct EnergyAccount: Sendable {
  private struct Channel {
    var series: PowerSeries
    var trace: PowerTrace
    var name: String { series.channel.name }
  }

  /// Channels that are added up and gave a reading, by class.
  private let channels: [EnergyClass: [Channel]]
  private let site: SiteFactors?
  private let seed: UInt64

  public init(_ series: [PowerSeries], site: SiteFactors? = nil, seed: UInt64 = 1) {
    let usable = series.filter { $0.channel.isCounted && !$0.seconds.isEmpty && $0.isConsistent }
    channels = Dictionary(
      grouping: usable.map { Channel(series: $0, trace: PowerTrace($0)) }, by: \.series.channel.energyClass)
    self.site = site
    self.seed = seed
  }

  /// Classes there are readings of, the best first.
  public var classes: [EnergyClass] { channels.keys.sorted() }

  // MARK: Windows

  /// What `spans` took together. nil for a class without readings, or for no time.
  public func use(_ energyClass: EnergyClass, _ spans: [WorkSpan]) -> PowerUse? {
    guard let list = channels[energyClass], let first = spans.first, let last = spans.last, last.end > first.begin,
      spans.allSatisfy({ $0.end > $0.begin })
    else { return nil }
    let seconds = spans.reduce(0) { $0 + $1.end - $1.begin }
    var gap = 0.0
    var disagreement: Double?
    var reasons: Set<Reason> = []
    for channel in list {
      let whole = channel.trace.window(first.begin...last.end)
      gap = max(gap, whole?.largestGap ?? last.end - first.begin)
      if whole == nil { reasons.insert(.powerGap) }
      if let whole, let counter = whole.counterJoules, counter > 0, last.end - first.begin >= 2 {
        disagreement = max(disagreement ?? 0, abs(whole.joules - counter) / counter)
      }
      if let offset = channel.series.offset, !offset.isGood { reasons.insert(.clockSync) }
    }
    if gap > PowerUse.gapLimit || disagreement ?? 0 > PowerUse.disagreementLimit { reasons.insert(.powerGap) }
    let joules = spans.reduce(0) { $0 + self.joules(list, $1) }
    return PowerUse(
      energyClass: energyClass, coverage: list.map(\.name), joules: joules, seconds: seconds,
      averageWatts: joules / seconds, largestGap: gap, counterDisagreement: disagreement, reasons: reasons.sorted())
  }

  private func joules(_ list: [Channel], _ span: WorkSpan) -> Double {
    list.reduce(0) { $0 + ($1.trace.window(span.begin...span.end)?.joules ?? 0) }
  }

  // MARK: Tokens

  // An interval of three samples or more is looked at as that of a model's rate is.
  private static let rule = StoppingRule(minimumSamples: 3, seconds: 0)

  /// Joules a token of `spans`, of which the first `rate.warmUp` are warm-up. What makes the rate invalid makes its
  /// energy so.
  public func tokens(_ energyClass: EnergyClass, _ spans: [WorkSpan], rate: Figure, protocol: String) -> TokenEnergy? {
    let steady = Array(spans.dropFirst(min(max(rate.warmUp, 0), max(spans.count - 1, 0))))
    guard let list = channels[energyClass], let use = use(energyClass, steady),
      steady.allSatisfy({ $0.tokens > 0 })
    else { return nil }
    let finest = list.map(\.series.resolution).max() ?? 0
    let samples = groups(steady, atLeast: 2 * finest).map { group in
      group.reduce(0) { $0 + joules(list, $1) } / group.reduce(0) { $0 + Double($1.tokens) }
    }
    let figure = Figure(
      samples: samples, unit: "J/token", protocol: `protocol`, rule: Self.rule,
      reasons: Set(use.reasons + rate.reasons), seed: seed)
    return TokenEnergy(use: use, perToken: figure, site: SiteEnergy(site, joules: figure.value, rate: rate.value))
  }

  /// Spans that follow each other, together at least `seconds` long; what is left over goes to the last group.
  private func groups(_ spans: [WorkSpan], atLeast seconds: Double) -> [[WorkSpan]] {
    var groups: [[WorkSpan]] = []
    var open: [WorkSpan] = []
    var length = 0.0
    for span in spans {
      open.append(span)
      length += span.end - span.begin
      if length >= seconds {
        groups.append(open)
        (open, length) = ([], 0)
      }
    }
    if !open.isEmpty {
      if groups.isEmpty { groups.append(open) } else { groups[groups.count - 1] += open }
    }
    return groups
  }

  // MARK: Settling

  /// Seconds from `start` until the power of a class has gone 90 % of its way to what it is in the last half before
  /// `end`, by means over quarter seconds. nil where it changes by less than 5 %, or is read less than twice a second.
  func settling(_ energyClass: EnergyClass, from start: Double, to end: Double) -> Double? {
    let step = 0.25
    guard let list = channels[energyClass], (2...86_400).contains(end - start),
      list.allSatisfy({ $0.series.resolution < step * 2 })
    else { return nil }
    let power = { (time: Double) in
      self.joules(list, WorkSpan(begin: time, end: time + step, tokens: 0)) / step
    }
    let before = power(start - step)
    let after = joules(list, WorkSpan(begin: (start + end) / 2, end: end, tokens: 0)) / ((end - start) / 2)
    guard before > 0, abs(after - before) > 0.05 * before else { return nil }
    for i in 0..<Int((end - start) / step) {
      let time = start + Double(i) * step
      if abs(power(time) - before) >= 0.9 * abs(after - before) { return time + step - start }
    }
    return nil
  }

  // MARK: Clocks

  /// The offset of a meter's file: by its power against what other channels took at each time, or, without others,
  /// against when this process worked: all of `busy` (monotonic clock), and neither before nor after. `ahead` is the
  /// wall clock less the monotonic one.
  package static func offset(
    of meter: PowerSeries, from others: [PowerSeries], busy: ClosedRange<Double>, ahead: Double
  ) -> ClockOffset {
    guard let stamps = meter.stamps, let watts = meter.watts else {
      return ClockOffset(kind: .unknown, seconds: 0, uncertainty: nil)
    }
    let account = EnergyAccount(others.filter { $0.channel.energyClass != .d })
    let half = 0.5
    if let best = account.classes.first, let channels = account.channels[best] {
      return ClockOffset(stamps: stamps, watts: watts) { time in
        account.joules(channels, WorkSpan(begin: time - ahead - half, end: time - ahead + half, tokens: 0))
      }
    }
    return ClockOffset(stamps: stamps, watts: watts) { time in busy.contains(time - ahead) ? 1 : 0 }
  }

  // MARK: Reports

  /// A model's rows with the energy of their spans, and its request.
  public func filled(_ model: ModelResult) -> ModelResult {
    var model = model
    for i in model.figures.indices {
      let figure = model.figures[i]
      model.figures[i].energy = classes.compactMap {
        tokens($0, figure.spans, rate: figure.rate, protocol: "energy-\(figure.work.rawValue)")
      }
    }
    model.requests = classes.compactMap { RequestEnergy(model.figures, $0) }
    return model
  }

  /// A curve with the energy of its points, by the best class.
  public func filled(_ curve: FlexCurve) -> FlexCurve {
    var curve = curve
    let best = classes.first
    for i in curve.points.indices {
      let point = curve.points[i]
      curve.points[i].energy = point.rate.flatMap { rate in
        best.flatMap { tokens($0, point.spans, rate: rate, protocol: "energy-flex") }
      }
      curve.points[i].power = best.flatMap { use($0, point.spans) }
      curve.points[i].settling = best.flatMap { settling($0, from: point.setAt, to: point.spans.last?.end ?? 0) }
    }
    return curve
  }

  /// What the node took in `span`, by each class.
  public func idle(_ span: WorkSpan?) -> [PowerUse] {
    span.map { span in classes.compactMap { use($0, [span]) } } ?? []
  }
}
