// What a caller asks of an engine. Several answers to one prompt are several requests with seeds of their own: the
// prefix cache computes their prompt once.

public struct GenerationRequest: Sendable {
  /// Tokens to continue; one at least.
  public var prompt: [Int32]
  /// The seed is in here, and how many alternatives are reported with each token.
  public var sampling: SamplingOptions
  /// Without a limit the answer ends where the context or the memory budget ends.
  public var stop: StopRule
  /// How tokens become text; nil for tokens alone. Stop strings need it.
  public var text: TextOptions?
  /// The texts that may be generated, nil for any. It needs `text`, and is made for the vocabulary of its tokenizer.
  public var constraint: GrammarConstraint?
  /// Greater is more urgent, -100 to 100.
  public var priority: Int
  /// From submission; a request that is not finished by then fails. Nil for none.
  public var deadline: Duration?
  /// Whether the prompt may use what other requests computed, and leave what it computes.
  public var usesCache: Bool
  /// Requests share prefixes only with those of the same key: for tenants that must not learn of each other.
  public var cacheKey: UInt64
  /// What the tokens go through beside the weights. Requests share prefixes only with those of the same adapter, the
  /// same object, at the same scale.
  public var adapter: Adapter?
  /// Multiplies the adapter's own scale; with 0 there is no adapter.
  public var adapterScale: Float

  public init(
    prompt: [Int32], sampling: SamplingOptions = SamplingOptions(), stop: StopRule = StopRule(),
    text: TextOptions? = nil, constraint: GrammarConstraint? = nil, priority: Int = 0, deadline: Duration? = nil,
    usesCache: Bool = true, cacheKey: UInt64 = 0, adapter: Adapter? = nil, adapterScale: Float = 1
  ) {
    self.prompt = prompt
    self.sampling = sampling
    self.stop = stop
    self.text = text
    self.constraint = constraint
    self.priority = priority
    self.deadline = deadline
    self.usesCache = usesCache
    self.cacheKey = cacheKey
    self.adapter = adapter
    self.adapterScale = adapterScale
  }

  /// What must be equal for prefixes to be shared.
  var prefixKey: PrefixKey {
    guard let adapter, adapterScale != 0 else { return PrefixKey(cacheKey: cacheKey) }
    return PrefixKey(cacheKey: cacheKey, adapter: adapter.serial, scale: adapterScale.bitPattern)
  }

  /// Throws unless a model with `vocabulary` tokens can do something with it.
  func validate(vocabulary: Int) throws(EngineError) {
    guard !prompt.isEmpty else { throw .invalidRequest(field: "prompt", reason: "no tokens") }
    if let index = prompt.firstIndex(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw .invalidRequest(
        field: "prompt", reason: "token \(prompt[index]) at \(index) is not in 0..<\(vocabulary)")
    }
    do { try sampling.validate() } catch { throw .sampler(error) }
    if let token = sampling.logitBias.keys.filter({ Int($0) >= vocabulary }).min() {
      throw .sampler(.tokenOutOfRange(token, vocabulary: vocabulary))
    }
    if let maximum = stop.maximumTokens, maximum < 0 {
      throw .invalidRequest(field: "stop", reason: "at most \(maximum) tokens")
    }
    guard stop.strings.isEmpty || text != nil else {
      throw .invalidRequest(field: "stop", reason: "stop strings need text options")
    }
    if let constraint {
      guard let text else { throw .invalidRequest(field: "constraint", reason: "a constraint needs text options") }
      guard constraint.vocabulary.count == text.tokenizer.vocabularySize else {
        throw .invalidRequest(field: "constraint", reason: "it was made for another vocabulary")
      }
    }
    guard (-100...100).contains(priority) else {
      throw .invalidRequest(field: "priority", reason: "\(priority) is not in -100...100")
    }
    if let deadline, deadline <= .zero {
      throw .invalidRequest(field: "deadline", reason: "\(deadline) is not in the future")
    }
  }
}
