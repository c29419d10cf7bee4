// Checkpoints that are not as they should be, and the settings that need translating: positions, tokenizers.
import Foundation
import Inference
import Testing
import TestSupport

/// A copy of a golden checkpoint whose configuration and companions a test can change.
private struct EditedCheckpoint {
  let folder: TemporaryFolder

  init(_ name: String, config edit: (inout [String: Any]) -> Void = { _ in }) throws {
    folder = try TemporaryFolder()
    let source = Fixtures.url("golden/\(name)")
    for file in ["model.safetensors", "tokenizer.json"] {
      let from = source.appendingPathComponent(file)
      guard FileManager.default.fileExists(atPath: from.path) else { continue }
      try FileManager.default.copyItem(at: from, to: folder.url.appendingPathComponent(file))
    }
    let data = try Data(contentsOf: source.appendingPathComponent("config.json"))
    var config = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    edit(&config)
    try write("config.json", config)
  }

  func write(_ name: String, _ object: Any) throws {
    try JSONSerialization.data(withJSONObject: object).write(to: folder.url.appendingPathComponent(name))
  }

  /// Changes tokenizer.json.
  func editTokenizer(_ edit: (inout [String: Any]) -> Void) throws {
    let url = folder.url.appendingPathComponent("tokenizer.json")
    var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    edit(&object)
    try write("tokenizer.json", object)
  }

  func quantizer() throws -> Quantizer {
    try Quantizer(
      source: WeightFiles.open(path: folder.url.path), type: try #require(FileType(name: "F32")))
  }

  func converted() throws -> GGUFFile {
    let path = folder.path("out.gguf")
    try quantizer().write(to: path)
    return try GGUFFile(path: path)
  }

  /// What is said when the conversion is refused.
  func refusal() -> String? {
    do {
      _ = try quantizer()
      return nil
    } catch { return error is ConversionError ? "\(error)" : "not a ConversionError: \(error)" }
  }
}

@Suite struct CheckpointTests {
  @Test func configurationsThatCannotBeAreNamed() throws {
    let cases: [(String, String, Any?, String)] = [
      ("llama", "model_type", "mamba", "model type 'mamba'"), ("llama", "model_type", nil, "no key 'model_type'"),
      ("llama", "hidden_size", nil, "no key 'hidden_size'"), ("llama", "hidden_size", "64", "key 'hidden_size'"),
      ("llama", "num_hidden_layers", -3, "key 'num_hidden_layers'"),
      ("llama", "num_hidden_layers", 4, "blk.3."), ("llama", "num_hidden_layers", 2, "layers.2."),
      ("llama", "num_hidden_layers", 2_000_000_000, "blk.3."), ("llama", "head_dim", 7, "should have the shape"),
      ("llama", "rms_norm_eps", nil, "no key 'rms_norm_eps'"),
      ("qwen3_moe", "num_local_experts", 5, "expert 4 of"), ("qwen3_moe", "num_local_experts", 3, "experts for"),
      ("qwen3_moe", "num_local_experts", 2_000_000_000, "expert 4 of"),
      ("qwen3_moe", "decoder_sparse_step", 2, "with and without experts"),
      ("gemma3_text", "layer_types", ["full_attention"], "full attention"),
      ("qwen2", "tie_word_embeddings", false, "output.weight"),
    ]
    for (name, key, value, expected) in cases {
      let checkpoint = try EditedCheckpoint(name) { $0[key] = value }
      let refusal = try #require(checkpoint.refusal(), "\(name) with \(key) = \(value ?? "none") was accepted")
      #expect(refusal.contains(expected), "\(key) = \(value ?? "none"): \(refusal)")
    }
  }

  @Test func tiedOutputIsLeftOutAndSaidSo() throws {
    let quantizer = try EditedCheckpoint("llama") { $0["tie_word_embeddings"] = true }.quantizer()
    #expect(!quantizer.tensors.contains { $0.name == "output.weight" })
    #expect(quantizer.notes.contains { $0.contains("lm_head.weight") })
  }

  // MARK: Positions

  @Test func llama3ScalingBecomesDivisors() throws {
    let scaling: [String: Any] = [
      "rope_type": "llama3", "rope_theta": 500_000, "factor": 32, "low_freq_factor": 1, "high_freq_factor": 4,
      "original_max_position_embeddings": 8_192,
    ]
    // Before transformers 5 the base stood beside the scaling.
    var older = scaling
    older["rope_theta"] = nil
    let files = [
      try EditedCheckpoint("llama") { $0["rope_parameters"] = scaling },
      try EditedCheckpoint("llama") {
        $0["rope_parameters"] = nil
        $0["rope_theta"] = 500_000
        $0["rope_scaling"] = older
      },
    ]
    for checkpoint in files {
      let file = try checkpoint.converted()
      #expect(file["llama.rope.freq_base"]?.double == 500_000)
      // Pair i of 8 turns 8192 · 500000^(-i/8) / 2π times in the original context: 1304 at 0, 9.5 at 3, 1.84 at 4,
      // 0.36 at 5. Above 4 nothing changes, below 1 the divisor is 32, and pair 4 lies between.
      let divisors = floats(try file.tensor("rope_freqs.weight", shape: [8]))
      #expect(divisors[..<4].allSatisfy { $0 == 1 })
      #expect(divisors[5...].allSatisfy { $0 == 32 })
      let turns = 8_192 * pow(500_000, -0.5) / (2 * Double.pi)
      let share = (turns - 1) / 3
      #expect(abs(Double(divisors[4]) - 1 / ((1 - share) / 32 + share)) < 1e-5)
    }
  }

  @Test func otherScalingsBecomeKeys() throws {
    let yarn = try EditedCheckpoint("qwen2") {
      $0["rope_parameters"] = [
        "rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 64,
      ]
    }.converted()
    #expect(yarn["qwen2.rope.scaling.type"]?.string == "yarn")
    #expect(yarn["qwen2.rope.scaling.factor"]?.double == 4)
    #expect(yarn["qwen2.rope.scaling.original_context_length"]?.int == 64)
    let linear = try EditedCheckpoint("llama") {
      $0["rope_parameters"] = ["rope_type": "linear", "rope_theta": 1e4, "factor": 2]
    }.converted()
    #expect(linear["llama.rope.scaling.type"]?.string == "linear")
    let long = try EditedCheckpoint("phi3") {
      $0["rope_parameters"] = [
        "rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 64,
        "short_factor": [1, 1, 1, 1, 1, 1, 1, 1], "long_factor": [1, 2, 3, 4, 5, 6, 7, 8],
      ]
    }.converted()
    #expect(floats(try long.tensor("rope_factors_long.weight")) == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(floats(try long.tensor("rope_factors_short.weight")) == [Float](repeating: 1, count: 8))
    // 256 positions of 64: sqrt(1 + ln 4 / ln 64).
    #expect(abs((long["phi3.rope.scaling.attn_factor"]?.double ?? 0) - (4.0 / 3).squareRoot()) < 1e-6)
    let unknown = try EditedCheckpoint("llama") { $0["rope_parameters"] = ["rope_type": "spiral"] }
    #expect(unknown.refusal()?.contains("spiral") == true)
    let short = try EditedCheckpoint("phi3") {
      $0["rope_parameters"] = ["rope_type": "longrope", "short_factor": [1], "long_factor": [1]]
    }
    #expect(short.refusal()?.contains("long_factor") == true)
  }

  // MARK: Tokenizers

  @Test func byteLevelVocabularyEncodesAsBefore() throws {
    let checkpoint = try EditedCheckpoint("qwen2")
    try checkpoint.write(
      "tokenizer_config.json",
      ["eos_token": ["content": "<|im_end|>"], "chat_template": "{{ messages }}", "add_bos_token": false])
    let file = try checkpoint.converted()
    #expect(file["tokenizer.chat_template"]?.string == "{{ messages }}")
    #expect(file["tokenizer.ggml.eos_token_id"]?.int == 2)
    #expect(file["tokenizer.ggml.add_bos_token"]?.bool == false)
    let json = try JSONValue(parsing: Fixtures.text("golden/qwen2/tokenizer.json"))
    let expected = try TokenizerLoader.tokenizer(tokenizerJSON: json, config: nil)
    let found = try TokenizerLoader.tokenizer(of: file)
    for text in ["The quick brown fox", "  spaces\n\nand lines", "été 42 🎉", "<|im_start|>user\nhi<|im_end|>", ""] {
      let ids = found.encode(text, parseSpecial: true, addBOS: false, addEOS: false)
      #expect(ids == expected.encode(text, parseSpecial: true, addBOS: false, addEOS: false), "\(text)")
      #expect(ids.isEmpty == text.isEmpty)
    }
  }

  @Test func sentencePieceVocabularyEncodesAsBefore() throws {
    let checkpoint = try EditedCheckpoint("qwen2") { $0["bos_token_id"] = 1 }
    var vocabulary = ["<unk>": 0, "<s>": 1, "</s>": 2]
    for byte in 0..<256 { vocabulary[String(format: "<0x%02X>", byte)] = 3 + byte }
    let pieces = ["▁", "a", "b", "c", "▁a", "ab", "▁ab", "abc", "▁abc"]
    for (index, piece) in pieces.enumerated() { vocabulary[piece] = 259 + index }
    try checkpoint.write(
      "tokenizer.json",
      [
        "added_tokens": ["<unk>", "<s>", "</s>"].enumerated().map {
          ["id": $0.offset, "content": $0.element, "special": true]
        },
        "normalizer": [
          "type": "Sequence",
          "normalizers": [
            ["type": "Prepend", "prepend": "▁"], ["type": "Replace", "pattern": ["String": " "], "content": "▁"],
          ],
        ],
        "model": [
          "type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "fuse_unk": true, "vocab": vocabulary,
          "merges": ["▁ a", "a b", "▁a b", "▁ ab", "ab c", "▁ab c", "▁ abc"],
        ],
      ])
    let file = try checkpoint.converted()
    #expect(file["tokenizer.ggml.model"]?.string == "llama")
    #expect(file["tokenizer.ggml.add_space_prefix"]?.bool == true)
    #expect(file["tokenizer.ggml.unknown_token_id"]?.int == 0)
    let types = try #require(file["tokenizer.ggml.token_type"]?.ints)
    #expect(types.count == 384)
    #expect(Array(types[..<4]) == [2, 3, 3, 6])
    #expect(types[383] == 5)
    let url = checkpoint.folder.url.appendingPathComponent("tokenizer.json")
    let json = try JSONValue(parsing: String(contentsOf: url, encoding: .utf8))
    let expected = try TokenizerLoader.tokenizer(tokenizerJSON: json, config: nil)
    let found = try TokenizerLoader.tokenizer(of: file)
    for text in ["abc", "ab abc b", "a  b", "cab é"] {
      let ids = found.encode(text, parseSpecial: false, addBOS: false, addEOS: false)
      #expect(ids == expected.encode(text, parseSpecial: false, addBOS: false, addEOS: false), "\(text)")
    }
    #expect(found.encode("abc", parseSpecial: false, addBOS: false, addEOS: false) == [267])
  }

  @Test func wordPieceVocabularyMarksWords() throws {
    let checkpoint = try EditedCheckpoint("bert")
    try checkpoint.write(
      "tokenizer.json",
      [
        "added_tokens": [
          ["id": 0, "content": "[PAD]", "special": true], ["id": 2, "content": "[CLS]", "special": true],
        ],
        "normalizer": ["type": "BertNormalizer", "lowercase": true, "strip_accents": NSNull()],
        "model": [
          "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
          "vocab": ["[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "play": 4, "##ing": 5],
        ],
      ])
    let file = try checkpoint.converted()
    #expect(file["tokenizer.ggml.model"]?.string == "bert")
    #expect(file["tokenizer.ggml.token_type_count"]?.int == 2)
    #expect(file["tokenizer.ggml.normalizer.lowercase"]?.bool == true)
    let tokens = try #require(file["tokenizer.ggml.tokens"]?.strings)
    #expect(Array(tokens[4..<6]) == ["▁play", "ing"])
    #expect(tokens[0] == "[PAD]")
  }

  @Test func tokenizersThatGGUFCannotExpressAreRefused() throws {
    let edits: [(String, (inout [String: Any]) -> Void)] = [
      ("Unigram", { $0["model"] = ["type": "Unigram", "vocab": ["a": 0]] }),
      ("no vocabulary", { $0["model"] = ["type": "BPE"] }),
      (
        "word rules",
        {
          $0["pre_tokenizer"] = [
            "type": "Sequence",
            "pretokenizers": [["type": "Split", "pattern": ["Regex": "x+"]], ["type": "ByteLevel"]],
          ]
        }
      ),
      ("below the embedding's 384 rows", { $0["added_tokens"] = [["id": 384, "content": "beyond", "special": true]] }),
      ("below the embedding's 384 rows", { $0["added_tokens"] = [["id": -1, "content": "below", "special": true]] }),
    ]
    for (expected, edit) in edits {
      let checkpoint = try EditedCheckpoint("qwen2")
      try checkpoint.editTokenizer(edit)
      let refusal = try #require(checkpoint.refusal())
      #expect(refusal.contains(expected), "\(refusal)")
    }
  }
}
