// A model of the library from text to text: its own tokenizer, and the sampler with what people use.
import Inference

extension SessionModel: ServedModel {
  public var canServeText: Bool { tokenizer != nil }

  public func text(of count: Int, seed: UInt64) throws(CapacityError) -> [UInt8] {
    try wrapped {
      let tokenizer = try servingTokenizer()
      var random = RandomSource(seed: seed)
      var text: [UInt8] = []
      // A text may take fewer tokens than it was made of, where two of them are a third one.
      while tokenizer.encode(text, parseSpecial: false, addBOS: nil, addEOS: false).count < count {
        for _ in 0..<max(count / 2, 1) {
          let token = Int32(random.index(below: max(tokenizer.vocabularySize, 1)))
          text += tokenizer.bytes(of: token, renderSpecial: false)
        }
      }
      return text
    }
  }

  public func prefill(text: [UInt8], tokens count: Int) throws(CapacityError) {
    try wrapped {
      let tokens = try servingTokenizer().encode(text, parseSpecial: false, addBOS: nil, addEOS: false)
      guard tokens.count >= count else {
        throw CapacityError.model(label: facts.label, what: "a text of \(tokens.count) tokens, not \(count)")
      }
      try prefill(Array(tokens.prefix(count)))
      var sampler = try Sampler(Self.sampling)
      _ = try sampler.sample(session.logits(0))
    }
  }

  public func decodeText(from first: [Int32], steps: Int) throws(CapacityError) {
    try wrapped {
      let tokenizer = try servingTokenizer()
      var tokens = first
      var samplers = try first.map { _ in try Sampler(Self.sampling) }
      var decoders = first.map { _ in StreamDecoder(tokenizer: tokenizer) }
      for _ in 0..<steps {
        try decode(tokens)
        for i in tokens.indices {
          let sampled = try samplers[i].sample(session.logits(i))
          samplers[i].accept(sampled.token)
          _ = decoders[i].append(sampled.token)
          tokens[i] = sampled.token
        }
      }
    }
  }

  private func servingTokenizer() throws(CapacityError) -> any Tokenizer {
    guard let tokenizer else { throw .model(label: facts.label, what: "it has no tokenizer") }
    return tokenizer
  }

  /// What servers send by default: temperature and nucleus.
  private static var sampling: SamplingOptions {
    var options = SamplingOptions()
    options.temperature = 0.8
    options.topP = 0.95
    options.topK = 40
    return options
  }
}
