// Conversion of checkpoints and GGUF files: names, contents, formats, refusals. Encoding itself is tested in C.
import Foundation
import Inference
import Testing
import TestSupport

private func type(_ name: String) throws -> FileType { try #require(FileType(name: name)) }

private func golden(_ name: String) throws -> any WeightFile {
  try WeightFiles.open(path: Fixtures.path("golden/\(name)"))
}

/// Converts and opens the result.
private func convert(
  _ source: any WeightFile, to type: FileType, in folder: TemporaryFolder, options: Quantizer.Options = .init()
) throws -> GGUFFile {
  let path = folder.path("\(UUID().uuidString).gguf")
  try Quantizer(source: source, type: type, options: options).write(to: path)
  return try GGUFFile(path: path)
}

/// The values of a tensor in any format.
private func decoded(_ tensor: WeightTensor) throws -> [Float] {
  var values = [Float](repeating: .nan, count: tensor.count)
  let source = try #require(tensor.bytes.baseAddress)
  let isDecoded = try values.withUnsafeMutableBufferPointer { buffer in
    tensor.format.decode(source, count: tensor.count, into: try #require(buffer.baseAddress))
  }
  #expect(isDecoded)
  return values
}

@Suite struct QuantizerTests {
  /// A checkpoint becomes what the reference conversion of the same weights is: the same tensors under the same names,
  /// the same shapes, the same values (permuted for llama, shifted for gemma), the same keys.
  @Test(arguments: ["llama", "qwen2", "gemma3_text"])
  func checkpointEqualsReference(_ name: String) throws {
    let folder = try TemporaryFolder()
    let expected = try GGUFFile(path: Fixtures.path("golden/\(name)/model.f32.gguf"))
    let found = try convert(golden(name), to: type("F32"), in: folder)
    #expect(Set(found.tensorNames) == Set(expected.tensorNames))
    for tensor in expected.tensorNames {
      let (a, b) = (try expected.tensor(tensor), try found.tensor(tensor))
      #expect(a.shape == b.shape, "\(tensor)")
      #expect(floats(a) == floats(b), "\(tensor)")
    }
    // The reference names the model itself, and gives a padding token that the checkpoint does not state.
    let own = ["general.name", "tokenizer.ggml.padding_token_id"]
    let hasTokenizer = name == "qwen2"
    for (key, value) in expected.metadata where !own.contains(key) {
      if !hasTokenizer, key.hasPrefix("tokenizer.") { continue }
      #expect(found[key] == value, "\(key)")
    }
  }

  @Test(arguments: [
    ("llama", "llama"), ("mistral", "llama"), ("qwen2", "qwen2"), ("qwen3", "qwen3"), ("qwen3_moe", "qwen3moe"),
    ("gemma3_text", "gemma3"), ("phi3", "phi3"), ("bert", "bert"),
  ])
  func everyArchitectureConverts(_ name: String, _ architecture: String) throws {
    let folder = try TemporaryFolder()
    let source = try golden(name)
    let file = try convert(source, to: type("F32"), in: folder)
    #expect(file["general.architecture"]?.string == architecture)
    #expect(file["\(architecture).block_count"]?.int ?? 0 > 0)
    // Nothing is lost and nothing is new: experts are stacked, not dropped.
    let values = file.tensorDescriptions.reduce(0) { $0 + $1.count }
    #expect(values == source.tensorDescriptions.reduce(0) { $0 + $1.count })
  }

  @Test func expertsAreStackedInOrder() throws {
    let folder = try TemporaryFolder()
    let source = try golden("qwen3_moe")
    let file = try convert(source, to: type("F32"), in: folder)
    for (part, name) in [("gate", "gate_proj"), ("up", "up_proj"), ("down", "down_proj")] {
      let stacked = try file.tensor("blk.1.ffn_\(part)_exps.weight", shape: [4, 64, 64])
      let parts = try (0..<4).flatMap { floats(try source.tensor("model.layers.1.mlp.experts.\($0).\(name).weight")) }
      #expect(floats(stacked) == parts)
    }
    #expect(file["qwen3moe.expert_count"]?.int == 4)
    #expect(file["qwen3moe.expert_used_count"]?.int == 2)
    #expect(file["qwen3moe.expert_feed_forward_length"]?.int == 64)
  }

  @Test func llamaPairsNeighbours() throws {
    let folder = try TemporaryFolder()
    let source = try golden("llama")
    let file = try convert(source, to: type("F32"), in: folder)
    let before = floats(try source.tensor("model.layers.0.self_attn.k_proj.weight"))
    let after = floats(try file.tensor("blk.0.attn_k.weight"))
    // Heads of 16 rows: row 3 of the second head is the second half's row 1.
    let (columns, head) = (64, 16)
    #expect(
      Array(after[(head + 3) * columns..<(head + 4) * columns])
        == Array(before[(head + 8 + 1) * columns..<(head + 8 + 2) * columns]))
  }

  /// Every file type converts, says which it is, and comes back within what its bits allow.
  @Test(arguments: FileType.all.map(\.name))
  func everyTypeConverts(_ name: String) throws {
    let folder = try TemporaryFolder()
    let shape = try #require(SyntheticShape(name: "tiny-moe"))
    let original = folder.path("f32.gguf")
    try SyntheticModel(shape: shape, type: type("F32")).write(to: original)
    let source = try GGUFFile(path: original)
    let type = try type(name)
    let file = try convert(source, to: type, in: folder)
    #expect(file["general.file_type"]?.int == type.number.map(Int.init))
    #expect(file["general.quantization_version"]?.int == 2)
    #expect(file["tokenizer.ggml.tokens"] == source["tokenizer.ggml.tokens"])
    #expect(file.tensorNames == source.tensorNames)
    // Relative error of bell-shaped values by bits: a bound that a wrong scale or order would break at once.
    for tensor in file.tensorNames {
      let (before, after) = (try source.tensor(tensor), try file.tensor(tensor))
      let bits = after.format.bitsPerValue
      let bound = bits > 12 ? 0.005 : bits > 8 ? 0.012 : bits > 6 ? 0.03 : bits > 5 ? 0.06 : bits > 4 ? 0.14 : 0.35
      #expect(try relativeError(floats(before), decoded(after)) < bound, "\(tensor) as \(after.format)")
      if before.shape.count == 1 || tensor.contains("ffn_gate_inp") { #expect(after.format == .f32) }
    }
    if type.isPure {
      #expect(try file.tensor("blk.1.attn_v.weight").format == type.base)
      #expect(try file.tensor("output.weight").format == type.base)
    }
  }

  private func relativeError(_ expected: [Float], _ found: [Float]) -> Double {
    var (error, square) = (0.0, 0.0)
    for (a, b) in zip(expected, found) {
      error += Double(a - b) * Double(a - b)
      square += Double(a) * Double(a)
    }
    return (error / max(square, .leastNormalMagnitude)).squareRoot()
  }

  @Test func mixesGiveSensitiveTensorsMoreBits() throws {
    let shape = try #require(SyntheticShape(name: "llama-3.2-1b"))
    func format(_ name: String, _ tensor: String) throws -> String? {
      SyntheticModel(shape: shape, type: try type(name)).tensors.first { $0.name == tensor }?.format.name
    }
    #expect(try format("Q4_0", "token_embd.weight") == "Q6_K")
    #expect(try format("Q8_0", "token_embd.weight") == "Q8_0")
    #expect(try format("Q4_K_M", "blk.0.attn_v.weight") == "Q6_K")
    #expect(try format("Q4_K_M", "blk.2.ffn_down.weight") == "Q4_K")
    #expect(try format("Q4_K_M", "blk.15.ffn_down.weight") == "Q6_K")
    #expect(try format("Q4_K_M", "blk.4.ffn_down.weight") == "Q6_K")
    #expect(try format("Q4_K_S", "blk.3.attn_v.weight") == "Q5_K")
    #expect(try format("Q4_K_S", "blk.4.attn_v.weight") == "Q4_K")
    #expect(try format("Q4_K", "token_embd.weight") == "Q4_K")
    #expect(try format("Q2_K", "blk.7.attn_v.weight") == "Q4_K")
    #expect(try format("Q3_K_M", "blk.7.attn_output.weight") == "Q4_K")
    #expect(try format("Q4_0", "blk.0.attn_norm.weight") == "F32")
    #expect(try format("Q4_0", "rope_freqs.weight") == "F32")
  }

  @Test func shortRowsFallBackAndSaySo() throws {
    // Rows of 64 hold no block of 256; rows of 160 do not either, but hold blocks of 32.
    let quantizer = try Quantizer(source: golden("llama"), type: type("Q4_K"))
    let down = try #require(quantizer.tensors.first { $0.name == "blk.0.ffn_down.weight" })
    #expect(down.format.name == "Q5_0")
    #expect(down.insteadOf?.name == "Q4_K")
    #expect(quantizer.notes.contains { $0.contains("blk.0.ffn_down.weight") && $0.contains("Q5_0 instead of Q4_K") })
    // Rows of 16 hold no block at all.
    let folder = try TemporaryFolder()
    let path = folder.path("narrow.gguf")
    var writer = try GGUFWriter(
      path: path, metadata: [("general.architecture", .string("llama"))],
      tensors: [.init(name: "blk.0.attn_q.weight", shape: [2, 16], format: .f32)])
    try [Float](repeating: 0.5, count: 32).withUnsafeBytes { try writer.write($0, to: "blk.0.attn_q.weight") }
    try writer.finish()
    let narrow = try Quantizer(source: GGUFFile(path: path), type: type("Q8_0"))
    #expect(narrow.tensors.map(\.format) == [.f16])
    #expect(narrow.tensors.map { $0.insteadOf?.name } == ["Q8_0"])
  }

  @Test func threadsDoNotChangeTheFile() throws {
    let folder = try TemporaryFolder()
    let source = try golden("llama")
    let (one, three) = (folder.path("1.gguf"), folder.path("3.gguf"))
    try Quantizer(source: source, type: type("Q4_K_M")).write(to: one)
    try Quantizer(source: source, type: type("Q4_K_M"), options: .init(workers: .threads(3))).write(to: three)
    #expect(try Data(contentsOf: URL(fileURLWithPath: one)) == Data(contentsOf: URL(fileURLWithPath: three)))
  }

  @Test func cancellingLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let quantizer = try Quantizer(source: golden("llama"), type: type("Q8_0"))
    var calls = 0
    #expect(throws: ConversionError.cancelled) {
      try quantizer.write(to: folder.path("half.gguf")) { _ in
        calls += 1
        return calls < 5
      }
    }
    #expect(calls == 5)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }

  @Test func quantisedSourcesAreNotRoundedAgain() throws {
    let folder = try TemporaryFolder()
    let quantised = try convert(golden("llama"), to: type("Q8_0"), in: folder)
    #expect(throws: ConversionError.self) { try Quantizer(source: quantised, type: type("Q4_0")) }
    do {
      _ = try Quantizer(source: quantised, type: type("Q4_0"))
    } catch {
      guard case .alreadyQuantised(_, let format, let path) = error as? ConversionError else {
        return #expect(Bool(false), "\(error)")
      }
      #expect(format.name == "Q8_0")
      #expect(path == quantised.path)
    }
    let allowed = try convert(quantised, to: type("Q4_0"), in: folder, options: .init(allowsRequantization: true))
    #expect(try allowed.tensor("blk.0.attn_q.weight").format.name == "Q4_0")
    // Decoding is exact, and the same format is a copy.
    let wide = try convert(quantised, to: type("F32"), in: folder)
    #expect(try floats(wide.tensor("blk.0.attn_q.weight")) == decoded(quantised.tensor("blk.0.attn_q.weight")))
    let again = try convert(quantised, to: type("Q8_0"), in: folder)
    for name in again.tensorNames {
      let (a, b) = (try again.tensor(name), try quantised.tensor(name))
      #expect(a.bytes.elementsEqual(b.bytes), "\(name)")
    }
  }

  @Test func valuesThatAFormatCannotHoldAreNamed() throws {
    let folder = try TemporaryFolder()
    for (bad, target) in [(Float.nan, "Q4_0"), (.infinity, "Q8_0"), (70_000, "F16")] {
      let path = folder.path("bad.gguf")
      var writer = try GGUFWriter(
        path: path, metadata: [("general.architecture", .string("llama"))],
        tensors: [.init(name: "blk.0.attn_q.weight", shape: [4, 64], format: .f32)])
      var values = [Float](repeating: 0.5, count: 256)
      values[130] = bad
      try values.withUnsafeBytes { try writer.write($0, to: "blk.0.attn_q.weight") }
      try writer.finish()
      let quantizer = try Quantizer(source: GGUFFile(path: path), type: type(target))
      do {
        try quantizer.write(to: folder.path("out.gguf"))
        #expect(Bool(false), "\(bad) went through as \(target)")
      } catch {
        #expect("\(error)".contains("'blk.0.attn_q.weight', row 2"), "\(error)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder.path("out.gguf")))
    }
  }
}
