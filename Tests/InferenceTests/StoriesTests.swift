// A small trained model, stories260K: from the llama2.c checkpoint into a GGUF file in memory, then its known text.
import Foundation
import Inference
import TestSupport
import Testing

/// The checkpoint's tensors under the names of a GGUF file. llama2.c pairs (2i, 2i+1), as GGUF files of Llama do.
private struct StoriesCheckpoint {
  let dim, hidden, layers, heads, kvHeads, vocabulary, context: Int
  private let data: [UInt8]

  init() throws {
    let file = [UInt8](try Fixtures.data("stories260k/stories260K.bin"))
    data = file
    let header = (0..<7).map { index in
      Int(file.withUnsafeBytes { Int32(littleEndian: $0.loadUnaligned(fromByteOffset: index * 4, as: Int32.self)) })
    }
    (dim, hidden, layers, heads) = (header[0], header[1], header[2], header[3])
    (kvHeads, vocabulary, context) = (header[4], header[5], header[6])
  }

  /// Name, shape (innermost first) and place of every tensor, in the checkpoint's order: each kind for all layers.
  private var tensors: [(name: String, dimensions: [Int], offset: Int)] {
    let kv = dim / heads * kvHeads
    var result: [(String, [Int], Int)] = []
    var offset = 28
    func take(_ name: String, _ dimensions: [Int]) {
      result.append((name, dimensions, offset))
      offset += dimensions.reduce(4, *)
    }
    func layered(_ name: String, _ dimensions: [Int]) {
      for layer in 0..<layers { take("blk.\(layer).\(name).weight", dimensions) }
    }
    take("token_embd.weight", [dim, vocabulary])
    layered("attn_norm", [dim])
    layered("attn_q", [dim, dim])
    layered("attn_k", [dim, kv])
    layered("attn_v", [dim, kv])
    layered("attn_output", [dim, dim])
    layered("ffn_norm", [dim])
    layered("ffn_gate", [dim, hidden])
    layered("ffn_down", [hidden, dim])
    layered("ffn_up", [dim, hidden])
    take("output_norm.weight", [dim])
    return result
  }

  func gguf() throws -> GGUFFile {
    let keys: [(String, Int)] = [
      ("block_count", layers), ("embedding_length", dim), ("feed_forward_length", hidden),
      ("attention.head_count", heads), ("attention.head_count_kv", kvHeads), ("context_length", context),
    ]
    var bytes = GGUFBytes(tensors: UInt64(tensors.count), keys: UInt64(keys.count + 2))
    bytes.key("general.architecture", type: 8)
    bytes.add("llama")
    for (key, value) in keys { bytes.key("llama.\(key)", UInt32(value)) }
    bytes.key("llama.attention.layer_norm_rms_epsilon", type: 6)
    bytes.add(Float(1e-5).bitPattern)
    var offset = 0
    for tensor in tensors {
      bytes.tensor(tensor.name, tensor.dimensions.map(UInt64.init), offset: UInt64(offset))
      offset += (tensor.dimensions.reduce(4, *) + 31) / 32 * 32
    }
    bytes.data(0)
    for tensor in tensors {
      bytes.bytes += data[tensor.offset..<tensor.offset + tensor.dimensions.reduce(4, *)]
      bytes.data(0)
    }
    return try bytes.parse()
  }
}

@Suite struct StoriesTests {
  @Test(arguments: ISA.available)
  func tellsItsStory(_ isa: ISA) throws {
    let expected = try JSONValue(parsing: try Fixtures.text("stories260k/expected_ids.json"))
    let ids = (expected["greedy_ids"]?.array ?? []).compactMap { $0.int.map(Int32.init) }
    try #require(ids.count == 200)
    let model = try Model(
      ModelSource(StoriesCheckpoint().gguf()), runtime: Runtime(threads: 2, isa: isa), options: ModelOptions())
    let session = try Session(model: model, options: SessionOptions(kvFormat: .f32))
    #expect(try session.greedy(after: [1], count: 200) == ids)

    let logits = try NPYArray(contentsOf: Fixtures.url("stories260k/logits_first64.npy"))
    let error = relativeError(try session.allLogits([1] + ids[..<63]), logits.values)
    #expect(error < GoldenTests.tolerance, "\(isa): \(error)")

    let tokenizer = try TokenizerLoader.llama2c([UInt8](try Fixtures.data("stories260k/tok512.bin")))
    #expect(tokenizer.decode(ids) == (try Fixtures.text("stories260k/expected_greedy_200.txt")))
  }
}
