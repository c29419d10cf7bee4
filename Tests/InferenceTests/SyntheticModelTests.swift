// Generated models: what they hold, that seeds decide, and that their vocabularies work.
import Foundation
import Inference
import Testing
import TestSupport

@Suite struct SyntheticModelTests {
  private func write(_ shape: String, _ type: String, seed: UInt64 = 0, to path: String) throws -> GGUFFile {
    let model = SyntheticModel(
      shape: try #require(SyntheticShape(name: shape)), type: try #require(FileType(name: type)), seed: seed)
    try model.write(to: path)
    return try GGUFFile(path: path)
  }

  @Test func seedsDecide() throws {
    let folder = try TemporaryFolder()
    let paths = ["a", "b", "c"].map { folder.path("\($0).gguf") }
    for (path, seed) in zip(paths, [7, 7, 8] as [UInt64]) { _ = try write("tiny", "Q4_K_M", seed: seed, to: path) }
    let data = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    #expect(data[0] == data[1])
    #expect(data[0] != data[2])
  }

  /// Sizes of the files that llama.cpp's own quantiser makes of Llama 3.2 1B, but for the vocabulary: 16 layers of
  /// 60.8 M values and an embedding of 262.7 M, tied.
  @Test(arguments: [("Q4_0", 766), ("Q8_0", 1_317), ("Q4_K_M", 803), ("BF16", 2_475)])
  func sizesAreThoseOfTheRealModel(_ type: String, _ megabytes: Int) throws {
    let shape = try #require(SyntheticShape(name: "llama-3.2-1b"))
    let model = SyntheticModel(shape: shape, type: try #require(FileType(name: type)))
    // The vocabulary takes 3 to 4 MB of the file.
    let expected = Double(megabytes) - 3.5
    #expect(abs(Double(model.tensorBytes) / 1e6 - expected) < 1.5)
    #expect(model.parameterCount == 1_235_814_432)
  }

  @Test func parameterCountsAreThePublishedOnes() throws {
    let published: [String: Int] = [
      "smollm2-135m": 134_515_008, "llama-3.2-3b": 3_212_749_824, "llama-3.1-8b": 8_030_261_248,
      "qwen2.5-0.5b": 494_032_768, "qwen2.5-7b": 7_615_616_512, "qwen3-30b-a3b": 30_532_122_624,
      "gemma-3-270m": 268_098_176, "gemma-3-1b": 999_885_952,
    ]
    for (name, count) in published {
      let shape = try #require(SyntheticShape(name: name))
      // Frequencies of RoPE are a tensor in GGUF, and no parameters.
      let divisors = shape.llama3Factor == nil ? 0 : shape.headDimension / 2
      #expect(shape.parameterCount - divisors == count, "\(name)")
    }
  }

  @Test(arguments: ["tiny", "tiny-moe", "tiny-gemma"])
  func weightsAreBellShaped(_ shape: String) throws {
    let folder = try TemporaryFolder()
    let file = try write(shape, "F32", to: folder.path("f32.gguf"))
    for name in file.tensorNames {
      let values = floats(try file.tensor(name)).map(Double.init)
      let columns = try #require(try file.tensor(name).shape.last)
      let mean = values.reduce(0, +) / Double(values.count)
      let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
      let isNorm = name.hasSuffix("norm.weight")
      let expected = isNorm ? 0.05 : name == "token_embd.weight" ? 0.02 : 1 / Double(columns).squareRoot()
      // Five standard errors of so many samples.
      let slack = 5 / Double(values.count).squareRoot()
      #expect(abs(mean - (isNorm ? 1 : 0)) < expected * slack, "\(name)")
      #expect(abs(deviation / expected - 1) < slack, "\(name)")
    }
  }

  @Test func rowsDiffer() throws {
    let folder = try TemporaryFolder()
    let tensor = try write("tiny", "F32", to: folder.path("f32.gguf")).tensor("token_embd.weight")
    let values = floats(tensor)
    let rows = Set((0..<512).map { Array(values[$0 * 256..<($0 + 1) * 256]) })
    // Rows of one segment may meet in a pool of 4,096; most do not.
    #expect(rows.count > 440)
  }

  @Test(arguments: ["tiny", "tiny-moe", "tiny-gemma", "smollm2-135m", "qwen2.5-0.5b", "gemma-3-270m", "llama-3.2-1b"])
  func vocabulariesWork(_ name: String) throws {
    let shape = try #require(SyntheticShape(name: name))
    let keys = Dictionary(uniqueKeysWithValues: shape.metadata.map { ($0.key, $0.value) })
    let tokenizer = try TokenizerLoader.tokenizer { keys[$0] }
    #expect(tokenizer.vocabularySize == shape.vocabulary)
    for text in ["The capital of France is Paris.", "  été\n\n42 🎉 \u{0}\u{7F}", "supercalifragilistic"] {
      let ids = tokenizer.encode(text, parseSpecial: false, addBOS: false, addEOS: false)
      #expect(tokenizer.decode(ids, renderSpecial: true) == text)
      #expect(ids.count <= text.utf8.count)
    }
    let word = tokenizer.encode(" there", parseSpecial: false, addBOS: false, addEOS: false)
    #expect(word.count < 6)
    let eos = try #require(tokenizer.eos)
    #expect(tokenizer.isSpecial(eos))
    #expect(tokenizer.endOfGeneration.contains(eos))
    #expect(keys["tokenizer.ggml.tokens"]?.strings.map { Set($0).count } == shape.vocabulary)
  }

  @Test func chatTemplatesRender() throws {
    for name in ["tiny", "tiny-moe", "tiny-gemma"] {
      let shape = try #require(SyntheticShape(name: name))
      let source = try #require(shape.metadata.first { $0.key == "tokenizer.chat_template" }?.value.string)
      let message = JSONValue.object(JSONObject([("role", .string("user")), ("content", .string("Hi"))]))
      let text = try ChatTemplate(source: source).render(
        messages: [message], addGenerationPrompt: true, variables: [:])
      #expect(text.contains("Hi"))
      #expect(text.contains("user"))
      #expect(text.contains("assistant"))
    }
  }

  @Test func cancellingLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let model = SyntheticModel(
      shape: try #require(SyntheticShape(name: "tiny")), type: try #require(FileType(name: "F16")))
    #expect(throws: ConversionError.cancelled) {
      try model.write(to: folder.path("half.gguf")) { $0 < 0.5 }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func foldersThatAreNotThereAreNamed() throws {
    let folder = try TemporaryFolder()
    let model = SyntheticModel(
      shape: try #require(SyntheticShape(name: "tiny")), type: try #require(FileType(name: "F16")))
    let path = folder.path("missing/model.gguf")
    do {
      try model.write(to: path)
      #expect(Bool(false), "written to a folder that is not there")
    } catch {
      guard case .weights(.cannotWrite(let named, _)) = error else {
        return #expect(Bool(false), "\(error)")
      }
      #expect(named == path)
    }
  }
}
