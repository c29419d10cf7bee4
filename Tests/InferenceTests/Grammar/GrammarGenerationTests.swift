// Generation under a grammar, end to end on a tiny model: valid texts, how they end, tokens that are not sampled.
import Inference
import TestSupport
import Testing

@Suite struct GrammarGenerationTests {
  /// 384 tokens, as the golden models have: every byte, parts of JSON, and one that ends.
  private static let tokenizer = ListTokenizer(
    pieces: (0...255).map { [UInt8($0)] }
      + (0..<127).map { index in
        let parts = ["{\"", "\":", ", \"", "\"}", "true", "false", "null", "name", "}}", "[]", "],", "12", "  ", "\n"]
        return Array((parts[index % parts.count] + parts[(index / parts.count + index) % parts.count]).utf8)
      })

  private func generator(
    _ constraint: GrammarConstraint?, seed: UInt64 = 0, tokens: Int = 120, ends: Bool = true
  ) throws -> Generator {
    var sampling = SamplingOptions()
    sampling.temperature = 1
    sampling.seed = seed
    let session = try Session(
      model: Golden.model("qwen3", runtime: Runtime(threads: 1)), options: SessionOptions(context: 256))
    return try Generator(
      session: session, sequence: session.makeSequence(), prompt: [1, 2, 3], tokenizer: Self.tokenizer,
      sampler: Sampler(sampling),
      stop: StopRule(tokens: ends ? Self.tokenizer.endOfGeneration : [], maximumTokens: tokens), constraint: constraint)
  }

  private func run(_ generator: Generator) throws -> String {
    var text = ""
    while let event = try generator.next() {
      switch event {
      case .token(_, let piece), .finished(_, let piece): text += piece
      }
    }
    return text
  }

  @Test func textsSatisfyTheirSchema() throws {
    let vocabulary = GrammarVocabulary(Self.tokenizer)
    let constraint = try GrammarConstraint(
      jsonSchema: #"""
        {"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}, "flag": {"type": "boolean"},
        "n": {"type": "integer", "minimum": -9, "maximum": 120}}, "required": ["name", "flag", "n"]}
        """#, vocabulary: vocabulary)
    for seed in UInt64(0)..<12 {
      let generator = try generator(constraint, seed: seed)
      let text = try run(generator)
      #expect(generator.finishReason == .grammarComplete, "\(text)")
      #expect(generator.forcedTokenCount > 0)
      #expect(generator.tokens.count < 120)
      let value = try JSONValue(parsing: text)
      #expect(value["name"]?.string.map { $0.unicodeScalars.count <= 8 } ?? false)
      #expect(value["flag"]?.bool != nil)
      #expect(value["n"]?.int.map { (-9...120).contains($0) } ?? false)
    }
  }

  @Test func whatEndsAText() throws {
    let vocabulary = GrammarVocabulary(Self.tokenizer)
    let letters = try GrammarConstraint(regex: "[a-c]{3,}", vocabulary: vocabulary)
    let short = try generator(letters, tokens: 2)
    #expect(try run(short).utf8.allSatisfy { (0x61...0x63).contains($0) })
    #expect(short.finishReason == .length)
    #expect(short.grammarState?.isComplete == false)
    // Without a token that ends, a text goes on as far as it may.
    let endless = try generator(letters, tokens: 20, ends: false)
    #expect(try run(endless).utf8.count == 20)
    #expect(endless.finishReason == .length && endless.grammarState?.isComplete == true)
    let either = try generator(letters, tokens: 200)
    let text = try run(either)
    if case .endOfGeneration? = either.finishReason {
      #expect(text.utf8.count >= 3)
    } else {
      #expect(either.finishReason == .length)
    }
    let fixed = try generator(GrammarConstraint(grammar: "root ::= \"yes, \" \"always\"", vocabulary: vocabulary))
    #expect(try run(fixed) == "yes, always")
    #expect(fixed.finishReason == .grammarComplete)
  }

  @Test func whatCannotBeGenerated() throws {
    let poor = ListTokenizer(pieces: (0..<383).map { _ in Array("a".utf8) })
    let constraint = try GrammarConstraint(regex: "ab", vocabulary: GrammarVocabulary(poor))
    var failure: GenerationError?
    do { _ = try run(generator(constraint)) } catch let error as GenerationError { failure = error }
    #expect(failure == .grammar(.noToken))
    let other = try GrammarConstraint(regex: "a", vocabulary: .bytes)
    #expect(throws: GenerationError.self) { try generator(other) }
  }
}
