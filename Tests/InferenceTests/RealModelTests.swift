// Published models, where they are at hand: the texts that others' programs generate, perplexity, sentence vectors.
import Foundation
import Inference
import TestSupport
import Testing

@Suite(.serialized) struct RealModelTests {
  /// The greedy text of `count` tokens after a raw prompt.
  private func greedy(_ path: String, _ prompt: String, count: Int, exact: Bool = true) throws -> String {
    let model = try Model.open(
      path: path, runtime: Runtime(), options: ModelOptions(exactActivations: exact))
    let tokenizer = try TokenizerLoader.tokenizer(of: GGUFFile(path: path))
    let session = try Session(model: model)
    let tokens = try session.greedy(after: tokenizer.encode(prompt, parseSpecial: false), count: count)
    return tokenizer.decode(tokens)
  }

  @Test(.enabled(if: RealModels.exists(RealModels.smolLM2), "\(RealModels.reason)"))
  func smolLM2() throws {
    let france = try greedy(RealModels.smolLM2, "The capital of France is", count: 24)
    #expect(france == " Paris.\n\nThe answer is: 2018-01-22 12:1")
    let water = try greedy(RealModels.smolLM2, "Water boils at a temperature of", count: 24)
    #expect(
      water
        == " around 1,000°C, which is significantly higher than the boiling point of water. This is due")
    // Activations in 8 bits may turn a later token, not one of the first.
    let rounded = try greedy(RealModels.smolLM2, "The capital of France is", count: 4, exact: false)
    #expect(rounded == " Paris.\n\n")
  }

  @Test(.enabled(if: RealModels.exists(RealModels.smolLM2), "\(RealModels.reason)"), arguments: [true, false])
  func perplexityOfSmolLM2(_ exact: Bool) throws {
    let text = try Fixtures.text("text/tinyshakespeare-6000.txt")
    let tokenizer = try TokenizerLoader.tokenizer(of: GGUFFile(path: RealModels.smolLM2))
    let tokens = Array(tokenizer.encode(text, parseSpecial: false, addBOS: false).prefix(512))
    let model = try Model.open(
      path: RealModels.smolLM2, runtime: Runtime(), options: ModelOptions(exactActivations: exact))
    let session = try Session(model: model)
    let all = try Perplexity.evaluate(tokens, session: session)
    let later = try Perplexity.evaluate(
      tokens, session: session, options: Perplexity.Options(window: 512, firstTarget: 256))
    #expect(all.targets == 511 && later.targets == 256)
    // The values were computed in float32; activations in 8 bits add their own noise.
    let tolerance = exact ? 0.001 : 0.01
    #expect(abs(all.value / 36.0728 - 1) < tolerance, "\(all.value)")
    #expect(abs(later.value / 28.9943 - 1) < tolerance, "\(later.value)")
  }

  /// The recorded texts come from activations in 8 bits, and so from one of many roundings. In exact arithmetic the
  /// first one's 18th token leads by 0.012 logits only; what is promised ends there.
  @Test(.enabled(if: RealModels.exists(RealModels.gemma3), "\(RealModels.reason)"))
  func gemma3() throws {
    let france = try greedy(RealModels.gemma3, "The capital of France is", count: 24)
    #expect(france.hasPrefix(" the capital of the country of France. It is the largest city in France"), "\(france)")
    let water = try greedy(RealModels.gemma3, "Water boils at a temperature of", count: 24)
    #expect(
      water == " 100 degrees Celsius.\n\nThe boiling point of water is 100 degrees Celsius.\n\nThe boiling", "\(water)")
    let rounded = try greedy(RealModels.gemma3, "The capital of France is", count: 10, exact: false)
    #expect(rounded == " the capital of the country of France. It is", "\(rounded)")
    let boiling = try greedy(RealModels.gemma3, "Water boils at a temperature of", count: 8, exact: false)
    #expect(boiling.hasPrefix(" 100 degrees Celsius"), "\(boiling)")
  }

  @Test(.enabled(if: RealModels.exists(RealModels.miniLM), "\(RealModels.reason)"))
  func miniLMKnowsWhatIsAlike() throws {
    let file = try SafetensorsFile(path: RealModels.miniLM)
    let json = try #require(try file.tokenizerJSON)
    let tokenizer = try TokenizerLoader.tokenizer(tokenizerJSON: json, config: file.tokenizerConfig)
    let session = try Session(model: Model.open(path: RealModels.miniLM, runtime: Runtime()))
    let texts = ["A man is eating food.", "A man is eating a piece of bread.", "The girl is carrying a baby."]
    let vectors = try session.encode(texts.map { tokenizer.encode($0) }).map(\.mean)
    func cosine(_ a: Int, _ b: Int) -> Float { zip(vectors[a], vectors[b]).reduce(0) { $0 + $1.0 * $1.1 } }
    #expect(abs(cosine(0, 0) - 1) < 1e-5)
    // The model's card gives 0.755 for the first pair.
    #expect(abs(cosine(0, 1) - 0.755) < 0.01, "\(cosine(0, 1))")
    #expect(cosine(0, 2) < 0.3)
  }

  /// Cancelling inside a long prefill ends it within 10 ms.
  @Test(.enabled(if: RealModels.exists(RealModels.smolLM2), "\(RealModels.reason)"))
  func cancellingAPrefillIsQuick() throws {
    let model = try Model.open(path: RealModels.smolLM2, runtime: Runtime())
    let session = try Session(model: model)
    let sequence = try session.makeSequence()
    let flag = CancelFlag()
    nonisolated(unsafe) var cancelled = ContinuousClock.now
    let thread = Thread {
      Thread.sleep(forTimeInterval: 0.1)
      cancelled = ContinuousClock.now
      flag.cancel()
    }
    thread.start()
    #expect(throws: SessionError.cancelled) {
      try session.evaluate(Batch(sequence, (0..<4096).map { Int32($0 % 1000) }), cancel: flag)
    }
    let delay = ContinuousClock.now - cancelled
    #expect(delay < .milliseconds(10), "\(delay)")
    #expect(try session.position(of: sequence) == 0)
  }
}
