// How an engine is set up: its session, its bounds, and the service that it aims at.

public struct EngineOptions: Sendable {
  /// The session that the engine works with. Its `kvBudget` bounds running sequences and the prefix cache together.
  public var session = SessionOptions()
  /// Sequences that are evaluated together.
  public var maximumSequences = 32
  /// Requests that may wait for their first step; one more is refused.
  public var maximumQueue = 1_024
  /// Tokens of one step at most, prompts and generated ones together.
  public var maximumStepTokens = 512
  /// Aim: the time between two tokens of a request. Prompts get what it leaves of a step.
  public var timePerOutputToken: Duration = .milliseconds(100)
  /// Aim: from submission to the first token. Orders requests without a deadline.
  public var timeToFirstToken: Duration = .seconds(2)
  /// A waiting request rises by one priority level each time this has passed.
  public var aging: Duration = .seconds(5)
  /// The most bytes that the prefix cache keeps; 0 switches it off.
  public var cacheBytes = 256 << 20
  /// The most bytes, beyond `kvBudget`, that keys and values of preempted sequences are moved to where computing them
  /// again is expected to take longer.
  public var swapBytes = 0
  /// How tokens are guessed ahead; nil for not at all.
  public var speculation: SpeculationOptions?

  public init() {}

  /// Throws an error that names the first option out of range.
  func validate() throws(EngineError) {
    func require(_ holds: Bool, _ name: String, _ expected: String) throws(EngineError) {
      guard holds else { throw .invalidOption(name: name, expected: expected) }
    }
    try require(maximumSequences > 0 && maximumSequences <= 1 << 16, "maximumSequences", "1 to 65,536")
    try require(maximumQueue > 0, "maximumQueue", "1 at least")
    try require(
      maximumStepTokens >= maximumSequences && maximumStepTokens <= 1 << 20, "maximumStepTokens",
      "at least one a sequence, at most 1,048,576")
    try require(timePerOutputToken > .zero, "timePerOutputToken", "more than 0")
    try require(timeToFirstToken > .zero, "timeToFirstToken", "more than 0")
    try require(aging > .zero, "aging", "more than 0")
    try require(cacheBytes >= 0, "cacheBytes", "0 at least")
    try require(swapBytes >= 0, "swapBytes", "0 at least")
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
