// What the tests of adapters share: adapters of random numbers in both forms of file, and models that have one merged
// into their weights. No tests.
import Foundation
import Inference
import TestSupport
import Testing

/// Numbers for one layer: A (rank, columns) and B (rows, rank).
struct TestPair {
  let module: String
  let gguf: String
  let rank: Int
  let rows: Int
  let columns: Int
  var a: [Float]
  var b: [Float]
}

/// A LoRA adapter, not yet in any file.
struct TestAdapter {
  var pairs: [TestPair]
  var alpha: Double = 16
  /// Of queries and keys: their rows in a GGUF file of a Llama stand in pairs.
  let headDim: Int
  let isLlama: Bool

  /// Random pairs for the model's linear layers whose names end in one of `targets`, nil for all.
  ///
  /// - Parameter deviation: of B's values; those of A have the length of a row 1.
  init(
    for model: Model, rank: (Int) -> Int = { _ in 4 }, targets: [String]? = nil, seed: UInt64, deviation: Float = 0.1
  ) {
    var random = SeededRandom(seed: seed)
    func values(_ count: Int, _ deviation: Float) -> [Float] {
      (0..<count).map { _ in Float(random.unit() * 2 - 1) * deviation * 1.732 }
    }
    pairs = []
    headDim = model.configuration.headDim
    isLlama = model.configuration.architecture == "llama"
    for site in model.linears where site.firstRow == 0 {
      if let targets, !targets.contains(where: { site.module.hasSuffix($0) }) { continue }
      let rank = rank(pairs.count)
      pairs.append(
        TestPair(
          module: site.module, gguf: site.gguf, rank: rank, rows: site.totalRows, columns: site.columns,
          a: values(rank * site.columns, 1 / Float(site.columns).squareRoot()),
          b: values(rank * site.totalRows, deviation)))
    }
  }

  /// adapter_config.json; values of `extra` replace what is there.
  func config(_ extra: [(String, JSONValue)] = []) -> JSONValue {
    let ranks = pairs.filter { $0.rank != pairs.first?.rank }
      .map { ("model." + $0.module, JSONValue.int(Int64($0.rank))) }
    return .object(
      JSONObject(
        [
          ("peft_type", .string("LORA")), ("r", .int(Int64(pairs.first?.rank ?? 1))), ("lora_alpha", .double(alpha)),
          ("use_rslora", .bool(false)), ("use_dora", .bool(false)), ("bias", .string("none")),
          ("fan_in_fan_out", .bool(false)), ("modules_to_save", .null), ("rank_pattern", .object(JSONObject(ranks))),
          ("alpha_pattern", .object(JSONObject())), ("init_lora_weights", .bool(true)),
        ] + extra))
  }

  /// PEFT's tensors.
  func tensors(as dtype: String = "F32") -> [(name: String, dtype: String, shape: [Int], bytes: [UInt8])] {
    pairs.flatMap { pair in
      [("A", [pair.rank, pair.columns], pair.a), ("B", [pair.rows, pair.rank], pair.b)].map {
        ("base_model.model.model.\(pair.module).lora_\($0.0).weight", dtype, $0.1, encoded($0.2, dtype))
      }
    }
  }

  func peft(_ extra: [(String, JSONValue)] = [], as dtype: String = "F32") throws -> AdapterFile {
    try AdapterFile(
      SafetensorsFile(file: mapped(safetensors(tensors(as: dtype)))), config: config(extra))
  }

  /// Writes the adapter as GGUF, with rows as llama.cpp's converter has them.
  func writeGGUF(
    _ path: String, architecture: String, metadata: [(key: String, value: MetadataValue)]? = nil,
    as format: Format = .f32
  ) throws {
    let metadata =
      metadata ?? [
        ("general.type", .string("adapter")), ("general.architecture", .string(architecture)),
        ("general.name", .string("a test")), ("adapter.type", .string("lora")),
        ("adapter.lora.alpha", .float32(Float(alpha))),
      ]
    let parts = pairs.flatMap { pair in
      [
        (pair.gguf + ".weight.lora_a", [pair.rank, pair.columns], pair.a),
        (pair.gguf + ".weight.lora_b", [pair.rows, pair.rank], inGGUFOrder(pair)),
      ]
    }
    var writer = try GGUFWriter(
      path: path, metadata: metadata, tensors: parts.map { .init(name: $0.0, shape: $0.1, format: format) })
    for (name, _, values) in parts {
      try encoded(values, format.name).withUnsafeBytes { bytes throws(WeightError) in try writer.write(bytes, to: name)
      }
    }
    try writer.finish()
  }

  /// B with row i of a head's first half at 2i and of its second half at 2i + 1, where Llama turns it.
  private func inGGUFOrder(_ pair: TestPair) -> [Float] {
    guard isLlama, pair.gguf.hasSuffix("attn_q") || pair.gguf.hasSuffix("attn_k") else { return pair.b }
    var values = pair.b
    for row in 0..<pair.rows {
      let (head, place) = row.quotientAndRemainder(dividingBy: headDim)
      let target = head * headDim + (place < headDim / 2 ? 2 * place : 2 * (place - headDim / 2) + 1)
      values.replaceSubrange(
        target * pair.rank..<(target + 1) * pair.rank, with: pair.b[row * pair.rank..<(row + 1) * pair.rank])
    }
    return values
  }
}

/// Values in a format that the kernels encode.
func encoded(_ values: [Float], _ format: String) -> [UInt8] {
  guard let format = Format(name: format), let count = format.byteCount(of: [values.count]) else {
    Issue.record("\(values.count) values as \(format)")
    return []
  }
  var bytes = [UInt8](repeating: 0, count: count)
  do { try Runtime.encode(format, values, count: values.count, into: &bytes) } catch { Issue.record(error) }
  return bytes
}

private func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// A safetensors file of these tensors, in this order.
func safetensors(_ tensors: [(name: String, dtype: String, shape: [Int], bytes: [UInt8])]) -> [UInt8] {
  var entries: [(String, JSONValue)] = []
  var offset = 0
  for tensor in tensors {
    let end = offset + tensor.bytes.count
    entries.append(
      (
        tensor.name,
        .object(
          JSONObject([
            ("dtype", .string(tensor.dtype)), ("shape", .array(tensor.shape.map { .int(Int64($0)) })),
            ("data_offsets", .array([.int(Int64(offset)), .int(Int64(end))])),
          ]))
      ))
    offset = end
  }
  let header = Array(JSONValue.object(JSONObject(entries)).serialized().utf8)
  return bytes(UInt64(header.count)) + header + tensors.flatMap(\.bytes)
}

/// The golden model with W + scale · B A in place of W, in double precision and rounded once.
func merged(_ name: String, _ adapter: TestAdapter, scale: Double, runtime: Runtime) throws -> Model {
  let file = try SafetensorsFile(path: Fixtures.path("golden/\(name)"))
  var byName: [String: TestPair] = [:]
  for pair in adapter.pairs { byName["model.\(pair.module).weight"] = pair }
  var changed = 0
  let tensors = try file.tensorNames.map { name in
    let tensor = try file.tensor(name)
    var values = floats(tensor)
    if let pair = byName[name] {
      changed += 1
      let own = scale * adapter.alpha / Double(pair.rank)
      for row in 0..<pair.rows {
        for column in 0..<pair.columns {
          var sum = 0.0
          for k in 0..<pair.rank {
            sum += Double(pair.b[row * pair.rank + k]) * Double(pair.a[k * pair.columns + column])
          }
          let place = row * pair.columns + column
          values[place] = Float(Double(values[place]) + own * sum)
        }
      }
    }
    return (name: name, dtype: "F32", shape: tensor.shape, bytes: encoded(values, "F32"))
  }
  try #require(changed == adapter.pairs.count)
  let source = try ModelSource(SafetensorsFile(file: mapped(safetensors(tensors))), config: file.config)
  return try Model(source, runtime: runtime, options: ModelOptions(exactActivations: true))
}

extension Session {
  /// The logits of every token of a new sequence with an adapter.
  func allLogits(_ tokens: [Int32], _ adapter: Adapter?, scale: Float = 1) throws -> [Float] {
    let sequence = try makeSequence(adapter: adapter, scale: scale)
    defer { try? remove(sequence) }
    try evaluate(Batch(sequence, tokens, output: .all))
    return try (0..<tokens.count).flatMap { Array(try logits($0)) }
  }
}
