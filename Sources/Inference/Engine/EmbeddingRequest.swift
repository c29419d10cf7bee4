// What is asked of an embedding engine, and what comes back.

public struct EmbeddingRequest: Sendable {
  /// Tokens without the special ones that open, part and close a text: the engine adds these.
  public enum Input: Sendable, Equatable {
    case text([Int32])
    /// Two texts that an encoder looks at together, as a cross-encoder does.
    case pair([Int32], [Int32])
  }

  public enum Output: Sendable, Equatable {
    /// The pooled hidden states, scaled to length 1 if `normalised`.
    case vector(pooling: Pooling?, normalised: Bool)
    /// What the model's classification head gives: a score a label.
    case labels
  }

  /// What becomes of a text that is longer than the model looks at.
  public enum Excess: Sendable, Equatable {
    /// It is cut into chunks of the full length, each beginning with the last `overlap` tokens of the one before; nil
    /// for an eighth. A vector is the mean of the chunks' vectors, each weighted by the tokens in it that no earlier
    /// chunk had, and scaled after that. A label's score is the highest of the chunks': what is relevant in one place
    /// is relevant (Dai, Callan, "Deeper Text Understanding for IR with Contextual Neural Language Modeling"). Of a
    /// pair the second text is cut, and the first goes with every chunk.
    case chunk(overlap: Int?)
    /// ``EngineError/promptTooLong(tokens:limit:)``
    case refuse
    /// What is beyond is left out.
    case truncate
  }

  public var input: Input
  public var output: Output
  public var excess: Excess
  /// Greater is more urgent, -100 to 100.
  public var priority: Int
  /// From submission; a request with work left then fails. Nil for none.
  public var deadline: Duration?

  public init(
    _ input: Input, output: Output = .vector(pooling: nil, normalised: true), excess: Excess = .chunk(overlap: nil),
    priority: Int = 0, deadline: Duration? = nil
  ) {
    self.input = input
    self.output = output
    self.excess = excess
    self.priority = priority
    self.deadline = deadline
  }
}

/// What a request gave.
public struct TextEmbedding: Sendable, Equatable {
  /// The vector (width), or the scores (labels).
  public var values: [Float]
  public var usage: EmbeddingUsage
}

/// What one request took.
public struct EmbeddingUsage: Sendable, Equatable {
  /// The request's own tokens.
  public var inputTokens = 0
  /// Tokens evaluated: with special ones and overlaps.
  public var evaluatedTokens = 0
  public var chunks = 0
  /// Seconds from submission to the first step.
  public var queueTime = 0.0
  /// Seconds from submission to the result.
  public var totalTime = 0.0

  public init() {}
}
