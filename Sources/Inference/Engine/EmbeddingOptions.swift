// How an embedding engine is set up.

public struct EmbeddingOptions: Sendable {
  /// The session that the engine works with; its `context` bounds what the model looks at together.
  public var session = SessionOptions()
  /// Tokens of one chunk at most, special ones included; nil for the session's context. A model that was trained on
  /// shorter texts than it has positions for (all-MiniLM-L6-v2: 256) is better asked for these.
  public var maximumTokens: Int?
  /// What stands before a text, between the two of a pair, and behind a text: `[CLS]`, `[SEP]` and `[SEP]` for BERT.
  public var opening: [Int32] = []
  public var separator: [Int32] = []
  public var closing: [Int32] = []
  /// What requests that name no pooling get; nil for the mean of an encoder and the last token of a decoder. What the
  /// model was made for tells ``Pooling/of(path:)``.
  public var pooling: Pooling?
  /// Requests that may wait, and tokens of all of them together.
  public var maximumQueue = 1_024
  public var maximumQueuedTokens = 8 << 20
  /// Tokens of one step at most; one chunk always fits. Rows of a step are not padded, so it needs no texts of like
  /// lengths.
  public var maximumStepTokens = 2_048
  /// Chunks of one step at most.
  public var maximumStepChunks = 64
  /// Aim: from submission to the result. Orders requests without a deadline.
  public var timeToResult: Duration = .seconds(2)
  /// A waiting request rises by one priority level each time this has passed.
  public var aging: Duration = .seconds(5)

  public init() {}

  /// With the special tokens that `tokenizer` puts around texts.
  public init(tokenizer: any Tokenizer) {
    if tokenizer.addsBOS, let bos = tokenizer.bos { opening = [bos] }
    if tokenizer.addsEOS, let eos = tokenizer.eos {
      separator = [eos]
      closing = [eos]
    }
  }

  /// Throws an error that names the first option out of range.
  func validate(vocabulary: Int) throws(EngineError) {
    func require(_ holds: Bool, _ name: String, _ expected: String) throws(EngineError) {
      guard holds else { throw .invalidOption(name: name, expected: expected) }
    }
    try require(maximumQueue > 0, "maximumQueue", "1 at least")
    try require(maximumQueuedTokens > 0, "maximumQueuedTokens", "1 at least")
    try require(maximumStepTokens > 0 && maximumStepTokens <= 1 << 20, "maximumStepTokens", "1 to 1,048,576")
    try require(maximumStepChunks > 0 && maximumStepChunks <= 1 << 16, "maximumStepChunks", "1 to 65,536")
    try require(timeToResult > .zero, "timeToResult", "more than 0")
    try require(aging > .zero, "aging", "more than 0")
    for (name, tokens) in [("opening", opening), ("separator", separator), ("closing", closing)] {
      try require(
        tokens.allSatisfy { $0 >= 0 && Int($0) < vocabulary }, name, "tokens in 0..<\(vocabulary)")
    }
  }
}
