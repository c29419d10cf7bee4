// When there are enough samples: the interval's half-width is at most 2 % of the median.

public struct StoppingRule: Sendable, Equatable {
  public var minimumSamples: Int
  public var maximumSamples: Int
  /// Seconds after which sampling ends, whatever the interval.
  public var seconds: Double
  /// Of the median.
  public var halfWidth: Double

  public init(minimumSamples: Int = 7, maximumSamples: Int = 60, seconds: Double, halfWidth: Double = 0.02) {
    self.minimumSamples = minimumSamples
    self.maximumSamples = maximumSamples
    self.seconds = seconds
    self.halfWidth = halfWidth
  }

  /// True if `samples`, warm-up cut off, are enough for a figure.
  public func isMet(by samples: [Double], seed: UInt64 = 1) -> Bool { isMet(by: [samples], seed: seed) }

  /// The same of several launches, each with its samples.
  func isMet(by launches: [[Double]], seed: UInt64 = 1) -> Bool {
    let samples = launches.flatMap { $0 }
    guard samples.count >= max(minimumSamples, 2) else { return false }
    let interval = Statistics.bootstrapMedian(launches: launches, resamples: 400, seed: seed)
    return (interval.upperBound - interval.lowerBound) / 2 <= halfWidth * abs(Statistics.median(samples))
  }
}
