// What a load's trial follows from, kept beside it: every counted request's times, in columns, and the gaps between
// tokens. A few hundred requests a trial: a load ends as soon as its question is settled.

public struct TrialSamples: Codable, Sendable, Equatable {
  /// Seconds after the load's start at which the trial was settled: what was open then had not kept the objective.
  public var now: Double
  /// One entry a counted request in each column, in order of arrival. Times are seconds after the load's start; nil for
  /// what never came.
  public var arrival: [Double]
  public var sent: [Double]
  public var firstToken: [Double?]
  public var lastToken: [Double?]
  public var ended: [Double?]
  public var promptTokens: [Int]
  public var outputTokens: [Int]
  /// That came.
  public var tokens: [Int]
  /// Of each that failed, its place in the columns and why.
  public var errors: [Failed]
  /// Of gaps between tokens: the histogram's places that are not empty, and how many gaps each holds.
  public var gapPlaces: [Int]
  public var gapCounts: [Int]
  public var largestGap: Double

  public struct Failed: Codable, Sendable, Equatable {
    public var request: Int
    public var why: String
  }
}
