// What the tests of models and sessions share: golden models, greedy decoding, comparison. No tests.
import Foundation
import Inference
import TestSupport
import Testing

/// The forms in which a golden model comes.
enum GoldenForm: String, CaseIterable, Sendable {
  case safetensors
  /// safetensors with the configuration as transformers 4 wrote it.
  case configV4
  case gguf
}

/// A tiny random model with what a public implementation computes with it.
struct Golden {
  struct Sample {
    let name: String
    let tokens: [Int32]
    let types: [Int32]?
    let greedy: [Int32]
    /// (tokens, vocabulary); nil for encoders.
    let logits: NPYArray?
    /// (tokens, width), after the last layer and the final norm.
    let hidden: [Float]
    let pooled: NPYArray?
    let mean: NPYArray?
  }

  let name: String
  let samples: [Sample]

  static let decoders = ["llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "gemma3_text", "phi3"]

  /// Every model in every form that it has.
  static let cases: [(String, GoldenForm)] = decoders.flatMap { name in
    GoldenForm.allCases.filter { $0 != .gguf || hasGGUF(name) }.map { (name, $0) }
  }

  static func hasGGUF(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: Fixtures.path("golden/\(name)/model.f32.gguf"))
  }

  init(_ name: String) throws {
    self.name = name
    let json = try JSONValue(parsing: try Fixtures.text("golden/\(name)/expected.json"))
    func array(_ value: JSONValue?) throws -> NPYArray? {
      try value?.string.map { try NPYArray(contentsOf: Fixtures.url("golden/\(name)/\($0)")) }
    }
    func ids(_ value: JSONValue?) -> [Int32]? { value?.array.map { $0.compactMap { $0.int.map(Int32.init) } } }
    samples = try (json["sequences"]?.array ?? []).map { sample in
      let hidden = try #require(try array(sample["hidden"]))
      // The file has the embeddings, then every layer's output: (layers + 1, tokens, width).
      try #require(hidden.shape.count == 3)
      return Sample(
        name: sample["name"]?.string ?? "", tokens: ids(sample["tokens"]) ?? [], types: ids(sample["token_types"]),
        greedy: ids(sample["greedy"]) ?? [], logits: try array(sample["logits"]),
        hidden: hidden.values.suffix(hidden.shape[1] * hidden.shape[2]), pooled: try array(sample["pooler_output"]),
        mean: try array(sample["mean_l2"]))
    }
    try #require(samples.count >= 2)
  }

  static func source(_ name: String, _ form: GoldenForm) throws -> ModelSource {
    let folder = Fixtures.path("golden/\(name)")
    switch form {
    case .safetensors: return try ModelSource(path: folder)
    case .configV4:
      let config = try JSONValue(parsing: try Fixtures.text("golden/\(name)/config.v4.json"))
      return try ModelSource(SafetensorsFile(path: folder), config: config)
    case .gguf: return try ModelSource(path: folder + "/model.f32.gguf")
    }
  }

  static func model(
    _ name: String, _ form: GoldenForm = .safetensors, runtime: Runtime, options: ModelOptions = ModelOptions()
  ) throws -> Model {
    try Model(source(name, form), runtime: runtime, options: options)
  }
}

/// The largest difference, as a share of the largest expected magnitude. Not a number if anything is.
func relativeError(_ values: some Sequence<Float>, _ expected: [Float]) -> Float {
  var worst: Float = 0
  var count = 0
  for (value, wanted) in zip(values, expected) {
    let difference = abs(value - wanted)
    if difference.isNaN { return .nan }
    worst = max(worst, difference)
    count += 1
  }
  guard count == expected.count else { return .nan }
  return worst / (expected.map(abs).max() ?? 1)
}

extension Session {
  /// The logits of every token of a new sequence, row by row.
  func allLogits(_ tokens: [Int32]) throws -> [Float] {
    let sequence = try makeSequence()
    defer { try? remove(sequence) }
    try evaluate(Batch(sequence, tokens, output: .all))
    return try (0..<tokens.count).flatMap { Array(try logits($0)) }
  }

  /// The likeliest token after the last row of the last step.
  func likeliest() throws -> Int32 {
    let row = try logits(try logitRows - 1)
    return Int32(row.indices.max { row[$0] < row[$1] } ?? 0)
  }

  /// `count` tokens after `prompt`, each the likeliest.
  func greedy(after prompt: [Int32], count: Int) throws -> [Int32] {
    let sequence = try makeSequence()
    defer { try? remove(sequence) }
    try evaluate(Batch(sequence, prompt))
    var tokens = [try likeliest()]
    while tokens.count < count {
      try evaluate(Batch(sequence, CollectionOfOne(tokens[tokens.count - 1])))
      tokens.append(try likeliest())
    }
    return tokens
  }
}
