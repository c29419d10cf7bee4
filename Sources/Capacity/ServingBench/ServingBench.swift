// Goodput of a system within an objective: trials of a Poisson load, and the knee among their rates.

public struct ServingBench: Sendable {
  public struct Plan: Sendable {
    public var objective: ServiceObjective
    public var lengths: RequestLengths
    /// In words, for the report.
    public var lengthsName: String
    /// Requests a second to begin with; about half of what the system is thought to bear.
    public var firstRate: Double
    /// Requests of each trial that do not count.
    public var warmUp: Int
    /// Seconds for all trials together; a trial that is under way is ended then and does not count.
    public var seconds: Double
    public var search = KneeSearch()

    public init(
      objective: ServiceObjective, lengths: RequestLengths, lengthsName: String, firstRate: Double, warmUp: Int = 20,
      seconds: Double = .infinity
    ) {
      self.objective = objective
      self.lengths = lengths
      self.lengthsName = lengthsName
      self.firstRate = firstRate
      self.warmUp = warmUp
      self.seconds = seconds
    }
  }

  let driver: LoadDriver
  let seed: UInt64

  public init(driver: LoadDriver, seed: UInt64) {
    self.driver = driver
    self.seed = seed
  }

  /// `progress` is called before each trial with its number and rate.
  public func measure(
    _ system: any ServingSystem, _ plan: Plan, progress: (Int, Double) -> Void = { _, _ in }
  ) throws(CapacityError) -> ServingResult {
    let end = driver.clock.now + plan.seconds
    var count = 0
    var knee = try plan.search.run(from: plan.firstRate, isOver: { driver.clock.now >= end }) {
      rate throws(CapacityError) in
      progress(count, rate)
      count += 1
      return try trial(system, plan, rate: rate, seed: ServingResult.seed(seed, trial: count - 1), end: end)
    }
    if driver.clock.now >= end, let last = knee.trials.last, !last.passes, last.requests < needed(plan.objective, 0) {
      knee = Knee(trials: knee.trials.dropLast())
    }
    return ServingResult(
      system: system.name, objective: plan.objective, lengths: plan.lengthsName, knee: knee, width: plan.search.width,
      seed: seed)
  }

  /// One load: as many requests as show the objective with 0, 1 or 2 misses; it ends as soon as that is settled.
  package func trial(
    _ system: any ServingSystem, _ plan: Plan, rate: Double, seed: UInt64, end: Double = .infinity
  ) throws(CapacityError) -> LoadTrial {
    let needed = (0...Self.mostMisses).map { self.needed(plan.objective, $0) }
    let stream = try ArrivalStream(.poisson(rate: rate), lengths: plan.lengths, seed: seed)
    let clock = driver.clock
    let log = try driver.run(stream, against: system, patience: Self.patience(plan.objective)) { log in
      clock.now >= end || Self.settled(log, plan, needed) != nil
    }
    return LoadTrial(
      rate: rate, counted: Self.settled(log, plan, needed) ?? Array(log.records.dropFirst(plan.warmUp)),
      gaps: log.gaps, now: log.now, objective: plan.objective, warmUp: min(plan.warmUp, log.records.count))
  }

  /// The requests that settle the question, or nil while it is open: the first ones that are enough for the misses among
  /// them, or, with too many misses, those whose fate is known. Later ones that have not ended say nothing yet.
  private static func settled(_ log: RequestLog, _ plan: Plan, _ needed: [Int]) -> [RequestRecord]? {
    let counted = Array(log.records.dropFirst(plan.warmUp)), now = log.now
    let verdicts = counted.map { $0.keeps(plan.objective, now: now) }
    for (misses, count) in needed.enumerated() where verdicts.count >= count {
      let first = verdicts[..<count]
      if !first.contains(where: { $0 == nil }), first.count(where: { $0 == false }) <= misses {
        return Array(counted[..<count])
      }
    }
    guard verdicts.count(where: { $0 == false }) > mostMisses else { return nil }
    return zip(counted, verdicts).filter { $0.1 != nil }.map { $0.0 }
  }

  /// A rate to begin with: requests that are served one after the other, of four that are sent alone. A system that
  /// batches bears more.
  public static func firstRate(
    of system: any ServingSystem, _ lengths: RequestLengths, _ driver: LoadDriver, seed: UInt64
  ) throws(CapacityError) -> Double {
    var random = RandomSource(seed: seed &+ 0xf125)
    var seconds = 0.0
    let count = 4
    for number in 0..<count {
      let (prompt, output) = lengths.draw(&random)
      let alone = ServingTrace(promptTokens: prompt, outputTokens: output)
      let log = try driver.run(
        ArrivalStream(.trace(alone, speed: 1), lengths: lengths, seed: seed &+ 0xf125 &+ UInt64(number)),
        against: system, patience: 600)
      guard let record = log.records.first, let ended = record.ended, record.error == nil else {
        let what = log.records.first?.error ?? "no answer in 600 s"
        throw .model(label: system.name, what: "a request of \(prompt) and \(output) tokens alone: \(what)")
      }
      seconds += ended - record.sent
    }
    return Double(count) / max(seconds, 1e-6)
  }

  /// A load with more misses than this is given up: three looks keep the chance of a false pass below 2 %.
  private static let mostMisses = 2

  private func needed(_ objective: ServiceObjective, _ misses: Int) -> Int {
    objective.requestsNeeded(misses: misses)
  }

  /// A request that is on time has ended by then, whatever its length; the rest are misses already.
  private static func patience(_ objective: ServiceObjective) -> Double { 30 + 10 * objective.timeToFirstToken }
}
