// When something was worked on, and how many tokens that were: what energy is divided by.

public struct WorkSpan: Codable, Sendable, Equatable {
  /// Of the monotonic clock.
  public var begin: Double
  public var end: Double
  public var tokens: Int

  public init(begin: Double, end: Double, tokens: Int) {
    self.begin = begin
    self.end = end
    self.tokens = tokens
  }
}
