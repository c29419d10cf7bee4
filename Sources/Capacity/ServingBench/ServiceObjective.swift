// What a service promises, and when a number of requests shows that it is kept.
import Foundation

/// TTFT and TPOT that a request must keep to count as good, and the share of requests that must.
public struct ServiceObjective: Sendable, Equatable, Codable {
  /// Seconds from the scheduled arrival to the first token.
  public var timeToFirstToken: Double
  /// Seconds a token after the first one.
  public var timePerOutputToken: Double
  /// Of all requests.
  public var share: Double
  /// With which that share is to be shown.
  public var confidence: Double

  public init(
    timeToFirstToken: Double, timePerOutputToken: Double, share: Double = 0.99, confidence: Double = 0.99
  ) {
    self.timeToFirstToken = timeToFirstToken
    self.timePerOutputToken = timePerOutputToken
    self.share = share
    self.confidence = confidence
  }

  /// Whether `misses` of `requests` show that at least `share` of all requests keep the objective: if the share were
  /// just below it, so few misses would be seen with a chance of at most 1 - `confidence` (exact binomial).
  public func isShown(misses: Int, of requests: Int) -> Bool {
    guard misses >= 0, misses < requests else { return false }
    return Self.atMost(misses, of: requests, chance: 1 - share) <= 1 - confidence
  }

  /// The fewest requests with which `misses` can be borne: 459, 662 and 838 for 0, 1 and 2 at 99 % and 99 %.
  public func requestsNeeded(misses: Int) -> Int {
    var low = misses, high = misses + 1
    while !isShown(misses: misses, of: high) { (low, high) = (high, high * 2) }
    while high - low > 1 {
      let middle = (low + high) / 2
      if isShown(misses: misses, of: middle) { high = middle } else { low = middle }
    }
    return high
  }

  /// P(X ≤ k) of a binomial with n draws, summed in logarithms.
  private static func atMost(_ k: Int, of n: Int, chance p: Double) -> Double {
    guard p > 0 else { return 1 }
    var sum = 0.0
    for i in 0...k {
      let ways = lgamma(Double(n + 1)) - lgamma(Double(i + 1)) - lgamma(Double(n - i + 1))
      sum += exp(ways + Double(i) * log(p) + Double(n - i) * log1p(-p))
    }
    return min(sum, 1)
  }
}
