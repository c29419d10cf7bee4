// Takes samples until they are enough, with the guards around them, and makes a figure of them. Knows no bench.
import Dispatch

/// One sample: how much was done in how long, and whether its result was right.
public struct Sample: Sendable, Equatable {
  public var amount: Double
  public var seconds: Double
  public var isRight: Bool

  public init(amount: Double, seconds: Double, isRight: Bool = true) {
    self.amount = amount
    self.seconds = seconds
    self.isRight = isRight
  }
}

/// What a figure's samples have in common.
public struct SampleKind: Sendable {
  public var unit: String
  public var precision: String?
  public var `protocol`: String
  /// Samples shorter than this cannot be timed: TOO_SHORT.
  public var shortest = 0.0002
  /// Of the time for an amount instead of the amount in a time: latencies.
  public var isTime = false

  public init(unit: String, precision: String? = nil, protocol: String, isTime: Bool = false) {
    self.unit = unit
    self.precision = precision
    self.protocol = `protocol`
    self.isTime = isTime
  }
}

public struct FigureSampler {
  let watch: Guard
  let seed: UInt64
  /// Of the monotonic clock: a figure begun before it ends there, with the samples it has.
  let deadline: Double
  /// Asked before every sample; throws to stop.
  let checkpoint: () throws(CapacityError) -> Void

  public init(
    watch: Guard, seed: UInt64, deadline: Double = .infinity,
    checkpoint: @escaping () throws(CapacityError) -> Void
  ) {
    self.watch = watch
    self.seed = seed
    self.deadline = deadline
    self.checkpoint = checkpoint
  }

  /// A figure has no more samples, whatever it is asked for.
  static let mostSamples = 1000

  /// `atLeast`: goes on for so many seconds although the rule is met, for the sake of slow sensors of power.
  public func figure(
    _ kind: SampleKind, rule: StoppingRule, reasons: Set<Reason> = [], atLeast: Double = 0,
    one: () throws(CapacityError) -> Sample
  ) throws(CapacityError) -> Figure {
    var rates: [Double] = []
    var reasons = reasons
    var shortest = Double.infinity
    let start = watch.read()
    let began = Self.now()
    while rates.count < Self.mostSamples {
      try checkpoint()
      let sample = try one()
      if !sample.isRight { reasons.insert(.numericFail) }
      shortest = min(shortest, sample.seconds)
      let seconds = max(sample.seconds, 1e-12)
      rates.append(kind.isTime ? seconds / sample.amount : sample.amount / seconds)
      let now = Self.now()
      if now >= deadline { break }
      if now - began < atLeast { continue }
      if now - began >= rule.seconds || rates.count >= rule.maximumSamples { break }
      // The warm-up is cut before the interval is looked at; looking costs as much as a short sample, so not each time.
      if rates.count >= rule.minimumSamples, rates.count % 3 == 0,
        rule.isMet(by: Array(rates[WarmUp.length(rates)...]), seed: seed)
      {
        break
      }
    }
    if shortest < kind.shortest { reasons.insert(.tooShort) }
    let window = GuardCounts(from: start, to: watch.read())
    return Figure(
      samples: rates, unit: kind.unit, precision: kind.precision, protocol: kind.protocol, rule: rule, reasons: reasons,
      seed: seed, windows: [window])
  }

  /// Seconds of the monotonic clock.
  public static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
}
