// Converted and generated files under our own engine: what a conversion writes must compute what its source does.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct ConvertedModelTests {
  private func session(_ path: String) throws -> Session {
    try Session(
      model: Model(ModelSource(path: path), runtime: Runtime(threads: 2), options: ModelOptions()),
      options: SessionOptions(kvFormat: .f32))
  }

  /// Checkpoints of every decoder compute the golden logits from the GGUF that they become.
  @Test(arguments: Golden.decoders)
  func convertedDecodersComputeTheSame(_ name: String) throws {
    let folder = try TemporaryFolder()
    let source = try WeightFiles.open(path: Fixtures.path("golden/\(name)"))
    for (type, bound) in [("F32", GoldenTests.tolerance), ("Q8_0", 0.1)] as [(String, Float)] {
      // Where experts are close, rounding may choose another one: no bound holds then.
      if name == "qwen3_moe", type != "F32" { continue }
      let path = folder.path("\(type).gguf")
      try Quantizer(source: source, type: try #require(FileType(name: type))).write(to: path)
      let session = try session(path)
      for sample in try Golden(name).samples {
        let error = relativeError(try session.allLogits(sample.tokens), try #require(sample.logits).values)
        #expect(error < bound, "\(name) as \(type): \(error)")
      }
    }
  }

  @Test func convertedEncoderComputesTheSame() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("bert.gguf")
    let source = try WeightFiles.open(path: Fixtures.path("golden/bert"))
    try Quantizer(source: source, type: try #require(FileType(name: "F32"))).write(to: path)
    let samples = try Golden("bert").samples
    let encodings = try session(path).encode(samples.map(\.tokens), types: samples.map { $0.types ?? [] })
    for (sample, encoding) in zip(samples, encodings) {
      #expect(encoding.hidden.rows == sample.tokens.count)
      #expect(relativeError(encoding.hidden.values, sample.hidden) < GoldenTests.tolerance)
      let pooled = try #require(encoding.pooled)
      #expect(relativeError(pooled, try #require(sample.pooled).values) < GoldenTests.tolerance)
    }
  }

  /// Generated models run: their logits are finite, and spread as a model's do.
  @Test(arguments: ["tiny", "tiny-moe", "tiny-gemma"], ["Q4_0", "Q4_K_M", "BF16"])
  func generatedModelsRun(_ shape: String, _ type: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.gguf")
    try SyntheticModel(
      shape: try #require(SyntheticShape(name: shape)), type: try #require(FileType(name: type))
    ).write(to: path)
    let logits = try session(path).allLogits([1, 2, 300, 4, 511])
    #expect(logits.count == 5 * 512)
    #expect(logits.allSatisfy { $0.isFinite })
    let square = logits.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(logits.count)
    #expect((0.05...5).contains(square.squareRoot()), "\(square.squareRoot())")
  }
}
