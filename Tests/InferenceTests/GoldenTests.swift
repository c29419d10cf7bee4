// Golden models: tiny, random, and computed by a public implementation. Every architecture, form and instruction set.
import Inference
import TestSupport
import Testing

@Suite struct GoldenTests {
  /// What is promised; a float32 path stays far below it.
  static let promised: Float = 2e-3
  /// What float32 arithmetic in another order may differ by here: some thousand roundings of 6e-8.
  static let tolerance: Float = 1e-4

  @Test(arguments: Golden.cases, ISA.available)
  func decoder(_ model: (String, GoldenForm), isa: ISA) throws {
    let golden = try Golden(model.0)
    let runtime = try Runtime(threads: 2, isa: isa)
    #expect(runtime.isa == isa)
    let loaded = try Golden.model(model.0, model.1, runtime: runtime)
    let session = try Session(model: loaded, options: SessionOptions(kvFormat: .f32))
    for sample in golden.samples {
      let expected = try #require(sample.logits)
      #expect(expected.shape == [sample.tokens.count, loaded.configuration.vocabulary])
      let error = relativeError(try session.allLogits(sample.tokens), expected.values)
      #expect(error < Self.tolerance, "logits of \(model) \(sample.name) on \(isa): \(error)")

      let greedy = try session.greedy(after: sample.tokens, count: sample.greedy.count)
      #expect(greedy == sample.greedy, "greedy tokens of \(model) \(sample.name) on \(isa)")

      let sequence = try session.makeSequence()
      let hidden = try session.hiddenStates(Batch(sequence, sample.tokens, output: .all))
      #expect(relativeError(hidden.values, sample.hidden) < Self.tolerance)
      try session.remove(sequence)
    }
    #expect(try session.kvBytes == 0)
  }

  @Test(arguments: Golden.decoders, [KVFormat.f16, .bf16, .q8])
  func smallerKeysAndValues(_ name: String, format: KVFormat) throws {
    let golden = try Golden(name)
    let session = try Session(
      model: Golden.model(name, runtime: Runtime(threads: 1)), options: SessionOptions(kvFormat: format))
    for sample in golden.samples {
      let error = relativeError(try session.allLogits(sample.tokens), try #require(sample.logits).values)
      // F16 rounds to 2⁻¹¹, BF16 to 2⁻⁸, 8 bits to 2⁻⁸ of the largest of 32; random layers make it twenty times more.
      let bound: Float = format == .f16 ? 1e-2 : format == .bf16 ? 8e-2 : 0.15
      #expect(error < bound, "\(name) \(sample.name): \(error)")
      #expect(error > 0)
    }
  }

  @Test(arguments: [GoldenForm.safetensors, .configV4], ISA.available)
  func encoder(_ form: GoldenForm, isa: ISA) throws {
    let golden = try Golden("bert")
    let model = try Golden.model("bert", form, runtime: Runtime(threads: 2, isa: isa))
    let session = try Session(model: model, options: SessionOptions(chunk: 16, kvFormat: .f32))
    let encodings = try session.encode(
      golden.samples.map(\.tokens), types: golden.samples.map { $0.types ?? [] })
    #expect(encodings.count == golden.samples.count)
    for (sample, encoding) in zip(golden.samples, encodings) {
      let pooled = try #require(encoding.pooled)
      #expect(relativeError(encoding.hidden.values, sample.hidden) < Self.tolerance)
      #expect(relativeError(pooled, try #require(sample.pooled).values) < Self.tolerance)
      #expect(relativeError(encoding.mean, try #require(sample.mean).values) < Self.tolerance)
      // Alone, a text gives the same bits.
      let alone = try session.encode([sample.tokens], types: sample.types.map { [$0] })
      #expect(alone[0].hidden.values == encoding.hidden.values)
    }
    #expect(throws: SessionError.self) { try session.evaluate(Batch()) }
  }

  @Test func configurationsOfBothTransformersVersionsAreEqual() throws {
    for name in Golden.decoders + ["bert"] {
      func configuration(_ form: GoldenForm) throws -> ModelConfiguration {
        let source = try Golden.source(name, form)
        return try #require(Architectures.named(by: source.reader)).configuration(source.reader)
      }
      #expect(try configuration(.safetensors) == configuration(.configV4), "\(name)")
    }
  }
}
