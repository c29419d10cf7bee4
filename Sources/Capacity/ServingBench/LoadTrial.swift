// One load at one rate: what came of it, and whether it shows that the objective is kept.

/// The outcome of a load at one arrival rate.
public struct LoadTrial: Sendable, Equatable, Codable {
  /// Requests a second that were asked for.
  public var rate: Double
  /// Requests a second that were sent, over the counted ones; nil for fewer than two.
  public var achievedRate: Double?
  /// Requests that count: what came before is warm-up.
  public var requests: Int
  public var warmUp: Int
  /// Requests that broke the objective, or failed.
  public var misses: Int
  public var errors: Int
  /// Seconds; nil where no request came so far. p50, p90 and p99 over requests, exact.
  public var timeToFirstToken: Quantiles?
  public var timePerOutputToken: Quantiles?
  /// Seconds between two tokens of a request, over all requests.
  public var interTokenLatency: Quantiles?
  /// How late requests were sent, seconds after they were due.
  public var lateness: Quantiles?
  /// Output tokens a second, over all counted requests that ended well.
  public var outputRate: Double
  /// The same of those that kept the objective.
  public var goodRate: Double
  public var seconds: Double
  /// What a prefix cache saved; nil where the system does not tell of one.
  public var reuse: Reuse?
  public var reasons: [Reason]
  /// Whether the objective is shown to be kept at this rate.
  public var passes: Bool
  /// What all of this follows from; nil where it was not to be kept.
  public var samples: TrialSamples?

  public struct Quantiles: Sendable, Equatable, Codable {
    public var p50, p90, p99, largest: Double

    init?(_ samples: [Double]) {
      guard let largest = samples.max() else { return nil }
      self.largest = largest
      p50 = Statistics.quantile(samples, 0.5)
      p90 = Statistics.quantile(samples, 0.9)
      p99 = Statistics.quantile(samples, 0.99)
    }

    init?(_ histogram: LatencyHistogram) {
      guard let p50 = histogram.quantile(0.5), let p90 = histogram.quantile(0.9), let p99 = histogram.quantile(0.99)
      else { return nil }
      (self.p50, self.p90, self.p99, largest) = (p50, p90, p99, histogram.largest)
    }
  }

  /// Prompt tokens of the counted requests that began: all of them, those that an endless cache would have had by the
  /// trace's hashes, and those that the system's cache had.
  public struct Reuse: Sendable, Equatable, Codable {
    public var promptTokens: Int
    public var reusableTokens: Int
    public var cachedTokens: Int

    init?(_ records: [RequestRecord]) {
      let told = records.filter { $0.cachedTokens != nil }
      guard !told.isEmpty else { return nil }
      promptTokens = told.reduce(0) { $0 + $1.request.promptTokens }
      reusableTokens = told.reduce(0) { $0 + $1.request.reusableTokens }
      cachedTokens = told.reduce(0) { $0 + ($1.cachedTokens ?? 0) }
    }
  }

  /// The largest difference between asked and achieved rate, and of an output's length from what was asked for.
  static let rateLimit = 0.01
  static let lengthLimit = 0.1

  /// - Parameters:
  ///   - counted: requests that count; those that are open at `now` have not kept the objective.
  ///   - gaps: between tokens of a request, over all requests.
  ///   - warmUp: how many came before those that count.
  package init(
    rate: Double, counted: [RequestRecord], gaps: LatencyHistogram, now: Double, objective: ServiceObjective,
    warmUp: Int
  ) {
    let good = counted.filter { $0.keeps(objective, now: now) == true }
    let well = counted.filter { $0.isDone && $0.error == nil }
    self.rate = rate
    self.warmUp = warmUp
    requests = counted.count
    misses = counted.count - good.count
    errors = counted.count { $0.error != nil }
    timeToFirstToken = Quantiles(counted.compactMap(\.timeToFirstToken))
    timePerOutputToken = Quantiles(well.compactMap(\.timePerOutputToken))
    interTokenLatency = Quantiles(gaps)
    lateness = Quantiles(counted.map { $0.sent - $0.request.arrival })
    let begin = counted.first?.request.arrival ?? 0
    let end = max(counted.compactMap(\.ended).max() ?? begin, counted.last?.request.arrival ?? begin)
    seconds = end - begin
    outputRate = seconds > 0 ? Double(well.reduce(0) { $0 + $1.tokens }) / seconds : 0
    goodRate = seconds > 0 ? Double(good.reduce(0) { $0 + $1.tokens }) / seconds : 0
    reuse = Reuse(counted)
    if let first = counted.first, let last = counted.last, last.sent > first.sent {
      achievedRate = rate * (last.request.arrival - first.request.arrival) / (last.sent - first.sent)
    }
    var found: Set<Reason> = []
    if !Self.stimulusHolds(counted, objective) { found.insert(.stimulus) }
    if Self.queueRises(counted) { found.insert(.oversaturated) }
    if Self.lengthIsOff(well) { found.insert(.outputLength) }
    reasons = found.sorted()
    passes = found.isEmpty && objective.isShown(misses: misses, of: requests)
    samples = TrialSamples(counted: counted, gaps: gaps, now: now)
  }

  /// The same trial worked out anew from its samples; nil where it has none, or such that no load has.
  func recomputed(_ objective: ServiceObjective) -> LoadTrial? {
    guard let samples, let records = samples.records, let gaps = samples.gaps, samples.now.isFinite else { return nil }
    return LoadTrial(
      rate: rate, counted: records, gaps: gaps, now: samples.now, objective: objective, warmUp: warmUp)
  }

  /// Whether what was sent is what was asked for: the rate within 1 %, and no more than 1 % of the requests later than
  /// a hundredth of the time to the first token that they may take.
  private static func stimulusHolds(_ records: [RequestRecord], _ objective: ServiceObjective) -> Bool {
    guard let first = records.first, let last = records.last, records.count > 1 else { return true }
    let asked = last.request.arrival - first.request.arrival, sent = last.sent - first.sent
    guard asked > 0, abs(sent / asked - 1) <= rateLimit else { return asked == 0 }
    let late = records.count { $0.sent - $0.request.arrival > objective.timeToFirstToken / 100 }
    return Double(late) <= rateLimit * Double(records.count)
  }

  /// Whether requests wait longer and longer: times to the first token, in order of arrival, rise by the Mann-Kendall
  /// test (p < 0.01), and their later half is more than 1.5 times the earlier one.
  private static func queueRises(_ records: [RequestRecord]) -> Bool {
    let waits = records.compactMap(\.timeToFirstToken)
    guard waits.count >= 20, Trend(waits).isRising(level: 0.01) else { return false }
    let half = waits.count / 2
    return Statistics.median(Array(waits[half...])) > 1.5 * Statistics.median(Array(waits[..<half]))
  }

  private static func lengthIsOff(_ records: [RequestRecord]) -> Bool {
    let asked = records.reduce(0) { $0 + $1.request.outputTokens }, given = records.reduce(0) { $0 + $1.tokens }
    return abs(Double(given - asked)) > lengthLimit * Double(asked)
  }
}
