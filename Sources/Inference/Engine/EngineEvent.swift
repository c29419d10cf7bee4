// What a request brings, and what it took.

/// The events of one request, in order: `started`, tokens, and one of `finished` and `failed`, which is the last.
public enum EngineEvent: Sendable, Equatable {
  /// The request left the queue; so many of its prompt's tokens need not be computed.
  case started(cachedTokens: Int)
  /// A token, and the text that can be shown now.
  case token(SampledToken, text: String)
  /// The end, and what text was still held back.
  case finished(FinishReason, text: String, usage: GenerationUsage)
  case failed(EngineError, usage: GenerationUsage)

  public var isLast: Bool {
    switch self {
    case .started, .token: false
    case .finished, .failed: true
    }
  }
}

/// What one request took.
public struct GenerationUsage: Sendable, Equatable {
  public var promptTokens = 0
  /// Of the prompt's, those that the prefix cache held.
  public var cachedTokens = 0
  /// A stop token counts.
  public var completionTokens = 0
  /// Of these, those that the grammar forced: they were not drawn, and several of them share a step.
  public var forcedTokens = 0
  /// Seconds from submission to the first step, nil if there was none.
  public var queueTime: Double?
  /// Seconds from submission to the first token.
  public var timeToFirstToken: Double?
  /// Seconds from the first token to the last.
  public var decodeTime = 0.0
  /// Times that the request had to make room for others.
  public var preemptions = 0
  /// Positions computed again because of that.
  public var recomputedTokens = 0
  /// The most bytes of keys and values that the sequence had, shared ones included.
  public var peakKVBytes = 0

  public init() {}

  /// Mean seconds from token to token; nil with fewer than two.
  public var timePerOutputToken: Double? {
    completionTokens > 1 ? decodeTime / Double(completionTokens - 1) : nil
  }
}
