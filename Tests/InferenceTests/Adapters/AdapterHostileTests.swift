// Adapters from somebody who wishes us ill, made for another model, or more than LoRA: each refusal and its reason.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct AdapterHostileTests {
  static func model(_ name: String = "qwen3") throws -> Model { try AdapterTests.model(name) }

  /// What opening ends in, as text.
  private func refusal(_ open: () throws -> Adapter) -> String {
    do {
      let adapter = try open()
      return "none: \(adapter.modules.count) modules"
    } catch let error as AdapterError {
      return error.description
    } catch {
      Issue.record("another error than AdapterError: \(error)")
      return ""
    }
  }

  // MARK: PEFT

  @Test(arguments: [
    ("peft_type", JSONValue.string("IA3"), "peft_type is 'IA3'"), ("peft_type", .null, "peft_type is 'nothing'"),
    ("use_dora", .bool(true), "DoRA"), ("lora_bias", .bool(true), "B has a bias"),
    ("bias", .string("lora_only"), "trained bias"), ("modules_to_save", .array([.string("lm_head")]), "whole modules"),
    ("use_qalora", .bool(true), "QALoRA"), ("trainable_token_indices", .array([.int(3)]), "embeddings"),
    ("layer_replication", .array([.array([.int(0), .int(2)])]), "several times"),
    ("alora_invocation_tokens", .array([.int(3)]), "middle of a text"),
    ("target_parameters", .array([.string("mlp.experts.gate_up_proj")]), "experts"),
    ("init_lora_weights", .string("pissa_niter_4"), "'pissa'"), ("init_lora_weights", .string("OLoRA"), "'olora'"),
    ("r", .int(5), "rank 4, the configuration says 5"), ("r", .int(0), "not a rank"), ("r", .int(-4), "not a rank"),
    ("r", .int(1 << 40), "not a rank"), ("r", .string("4"), "not a rank"), ("r", .null, "not a rank"),
    ("lora_alpha", .null, "not a finite number"), ("lora_alpha", .string("16"), "not a finite number"),
    ("lora_alpha", .double(1e308), "too large"),
    ("rank_pattern", .object(JSONObject([("q_proj", .int(8))])), "the configuration says 8"),
    ("rank_pattern", .object(JSONObject([("q_proj", .string("8"))])), "not a rank"),
    ("rank_pattern", .array([]), "not an object"),
    ("alpha_pattern", .object(JSONObject([(#"layers\.\d+\.mlp"#, .int(8))])), "regular expressions"),
    ("alpha_pattern", .object(JSONObject([("q_proj", .double(.infinity))])), "finite"),
    ("target_modules", .array([.string("k_proj")]), "not among 'target_modules'"),
  ])
  func configurations(_ key: String, _ value: JSONValue, _ reason: String) throws {
    let model = try Self.model()
    let numbers = TestAdapter(for: model, seed: 1)
    let text = refusal { try Adapter(numbers.peft([(key, value)]), model: model) }
    #expect(text.contains(reason), "\(text)")
  }

  @Test func configurationsThatAreFine() throws {
    let model = try Self.model()
    let numbers = TestAdapter(for: model, seed: 1)
    let extra: [(String, JSONValue)] = [
      ("fan_in_fan_out", .bool(true)), ("init_lora_weights", .string("gaussian")), ("modules_to_save", .array([])),
      ("target_modules", .string("all-linear")), ("layers_to_transform", .null), ("lora_dropout", .double(0.1)),
      ("base_model_name_or_path", .string("somewhere/else")), ("inference_mode", .bool(true)), ("use_dora", .null),
    ]
    #expect(try Adapter(numbers.peft(extra), model: model).modules.count == numbers.pairs.count)
  }

  @Test func tensors() throws {
    let model = try Self.model()
    let numbers = TestAdapter(for: model, seed: 2)
    typealias Tensors = [(name: String, dtype: String, shape: [Int], bytes: [UInt8])]
    func open(_ change: (inout Tensors) -> Void) throws -> String {
      var tensors = numbers.tensors()
      change(&tensors)
      return refusal {
        try Adapter(
          AdapterFile(SafetensorsFile(file: mapped(safetensors(tensors))), config: numbers.config()), model: model)
      }
    }
    let base = "base_model.model."
    #expect(try open { _ in }.hasPrefix("none"))
    #expect(try open { $0 = [] }.contains("no pairs"))
    #expect(try open { $0.removeFirst() }.contains("'A of 'model.layers.0.self_attn.q_proj''"))
    #expect(try open { $0.remove(at: 1) }.contains("'B of 'model.layers.0.self_attn.q_proj''"))
    func extra(_ name: String, _ shape: [Int] = [2, 2]) -> (inout Tensors) -> Void {
      { $0.append((name, "F32", shape, encoded([Float](repeating: 0, count: shape.reduce(1, *)), "F32"))) }
    }
    let layer = base + "model.layers.0.self_attn.q_proj"
    #expect(try open(extra(layer + ".lora_magnitude_vector")).contains("DoRA"))
    #expect(try open(extra(layer + ".lora_B.bias")).contains("bias"))
    #expect(try open(extra(base + "model.embed_tokens.lora_embedding_A")).contains("embeddings"))
    #expect(try open(extra(base + "lm_head.weight")).contains("in place of the model's"))
    #expect(try open(extra(layer + ".lora_A.default.weight", [4, 64])).contains("for the same layer"))
    #expect(try open(extra(".lora_A.weight")).contains("in place of the model's"))
    // Both halves of a layer that the model does not have, and more of them than are named.
    let unknown = try open { tensors in
      for index in 0..<7 {
        for (part, shape) in [("A", [4, 1]), ("B", [1, 4])] {
          let name = "\(base)model.layers.\(90 + index).mlp.gate_proj.lora_\(part).weight"
          tensors.append((name, "F32", shape, [UInt8](repeating: 0, count: 16)))
        }
      }
    }
    #expect(unknown.contains("'model.layers.90.mlp.gate_proj'") && unknown.contains("and 2 more"), "\(unknown)")
    let twice = try open { tensors in
      for part in [0, 1] {
        var copy = tensors[part]
        copy.name = copy.name.replacingOccurrences(of: base + "model.", with: base)
        tensors.append(copy)
      }
    }
    #expect(twice.contains("two pairs are for the same layer"), "\(twice)")
    // Shapes.
    #expect(try open { $0[0].shape = [8, 32] }.contains("where B has 8 columns"))
    #expect(try open { $0[0].shape = [256] }.contains("where A has"))
    #expect(try open { ($0[0].shape, $0[0].bytes) = ([0, 64], []) }.contains("where A has"))
    let swapped = try open { tensors in
      (tensors[0].shape, tensors[0].bytes) = ([4, 32], [UInt8](repeating: 0, count: 512))
    }
    #expect(swapped.contains("should have the shape [4, 64]"), "\(swapped)")
    let short = try open { tensors in
      (tensors[1].shape, tensors[1].bytes) = ([63, 4], [UInt8](repeating: 0, count: 63 * 16))
    }
    #expect(short.contains("should have the shape"), "\(short)")
    let huge = try open { tensors in
      let rank = Adapter.maximumRank + 1
      (tensors[0].shape, tensors[0].bytes) = ([rank, 64], [UInt8](repeating: 0, count: rank * 256))
    }
    #expect(huge.contains("where A has"), "\(huge)")
    // Values.
    #expect(try open { $0[0].dtype = "I32" }.contains("format I32"))
    for value in [Float.nan, .infinity, -.infinity] {
      let text = try open { $0[1].bytes.replaceSubrange(20..<24, with: encoded([value], "F32")) }
      #expect(text.contains("row 1, column 1, is not finite"), "\(text)")
    }
  }

  @Test func files() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model()
    let numbers = TestAdapter(for: model, seed: 3)
    func open(_ path: String) -> String { refusal { try Adapter.open(path: path, model: model) } }
    #expect(open(folder.path("absent.gguf")).contains("cannot be opened"))
    #expect(open(folder.url.path).contains("adapter_model.safetensors"))
    let weights = folder.url.appendingPathComponent("adapter_model.safetensors")
    try Data(safetensors(numbers.tensors())).write(to: weights)
    #expect(open(folder.url.path).contains("no adapter_config.json"))
    let config = folder.url.appendingPathComponent("adapter_config.json")
    for (text, reason) in [("{", "malformed"), ("[1]", "not a JSON object"), ("", "malformed")] {
      try Data(text.utf8).write(to: config)
      #expect(open(folder.url.path).contains(reason))
    }
    try Data(numbers.config().serialized().utf8).write(to: config)
    #expect(open(folder.url.path).hasPrefix("none"))
    try Data(safetensors(numbers.tensors()).dropLast(3)).write(to: weights)
    #expect(open(folder.url.path).contains("malformed"))
    // A model is no adapter.
    #expect(open(Fixtures.path("golden/llama/model.f32.gguf")).contains("general.type is"))
    #expect(open(Fixtures.path("golden/qwen3/model.safetensors")).contains("no adapter_config.json"))
    // Nor is there one for an encoder.
    let bert = try Golden.model("bert", runtime: model.runtime)
    #expect(refusal { try Adapter(numbers.peft(), model: bert) }.contains("encoders"))
  }

  @Test func expertsAndOutputsAreRefused() throws {
    let model = try Self.model("qwen3_moe")
    var numbers = TestAdapter(for: model, targets: ["q_proj"], seed: 4)
    #expect(try Adapter(numbers.peft(), model: model).modules.count == 3)
    for module in ["layers.0.mlp.experts.1.up_proj", "layers.0.mlp.gate", "lm_head", "embed_tokens"] {
      let pair = numbers.pairs[0]
      numbers.pairs[1] = TestPair(
        module: module, gguf: "", rank: 4, rows: pair.rows, columns: pair.columns, a: pair.a, b: pair.b)
      let text = refusal { try Adapter(numbers.peft(), model: model) }
      #expect(text.contains("no linear layer 'model.\(module)'"), "\(text)")
    }
  }

  // MARK: GGUF

  @Test func metadata() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("llama")
    let numbers = TestAdapter(for: model, targets: ["q_proj"], seed: 5)
    let right: [(key: String, value: MetadataValue)] = [
      ("general.type", .string("adapter")), ("general.architecture", .string("llama")),
      ("adapter.type", .string("lora")), ("adapter.lora.alpha", .float32(16)),
    ]
    func open(_ metadata: [(key: String, value: MetadataValue)]) throws -> String {
      let path = folder.path("\(UInt64.random(in: 0 ... .max)).gguf")
      try numbers.writeGGUF(path, architecture: "llama", metadata: metadata)
      return refusal { try Adapter.open(path: path, model: model) }
    }
    #expect(try open(right).hasPrefix("none"))
    let wrong: [(String, MetadataValue?, String)] = [
      ("general.type", .string("model"), "general.type is 'model'"), ("general.type", nil, "general.type is 'model'"),
      ("general.type", .uint32(1), "should hold"), ("adapter.type", .string("cvec"), "adapter.type is 'cvec'"),
      ("adapter.type", nil, "adapter.type is 'nothing'"), ("general.architecture", .string("gemma3"), "for 'gemma3'"),
      ("general.architecture", nil, "general.architecture"), ("adapter.lora.alpha", .float32(.nan), "not finite"),
      ("adapter.lora.alpha", .float32(-.infinity), "not finite"), ("adapter.lora.alpha", .float64(1e300), "too large"),
      ("adapter.lora.alpha", .string("16"), "should hold"),
    ]
    for (key, value, reason) in wrong {
      let text = try open(right.filter { $0.key != key } + (value.map { [(key, $0)] } ?? []))
      #expect(text.contains(reason), "\(key): \(text)")
    }
    #expect(try open(right + [("adapter.alora.invocation_tokens", .uint32(1))]).contains("middle of a text"))
    // Without alpha, and with 0, the scale is 1: alpha is the rank.
    let path = folder.path("none.gguf")
    try numbers.writeGGUF(path, architecture: "llama", metadata: right.dropLast())
    var one = numbers
    one.alpha = 4
    #expect(
      try Adapter.open(path: path, model: model).fingerprint == Adapter(one.peft(), model: model).fingerprint)
  }

  @Test func otherTensorsOfGGUF() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("llama")
    for (name, reason) in [
      ("blk.0.attn_norm.weight", "in place of"), ("blk.0.attn_q.lora_a", "in place of"),
      ("blk.0.attn_q.weight.lora_c", "in place of"), ("token_embd.weight.lora_a", "'B of 'token_embd''"),
    ] {
      let path = folder.path(name)
      var writer = try GGUFWriter(
        path: path,
        metadata: [
          ("general.type", .string("adapter")), ("general.architecture", .string("llama")),
          ("adapter.type", .string("lora")),
        ], tensors: [.init(name: name, shape: [1, 64], format: .f32)])
      try [UInt8](repeating: 0, count: 256).withUnsafeBytes { bytes throws(WeightError) in
        try writer.write(bytes, to: name)
      }
      try writer.finish()
      let text = refusal { try Adapter.open(path: path, model: model) }
      #expect(text.contains(reason), "\(name): \(text)")
    }
  }

  // MARK: Damage

  /// Every damaged file is refused with a typed error, or is another adapter that works.
  @Test func mutations() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("llama")
    let numbers = TestAdapter(for: model, targets: ["0.self_attn.q_proj", "1.mlp.down_proj"], seed: 6)
    try numbers.writeGGUF(folder.path("a.gguf"), architecture: "llama")
    let ggufBytes = [UInt8](try Data(contentsOf: folder.url.appendingPathComponent("a.gguf")))
    let peftBytes = safetensors(numbers.tensors())
    let config = Array(numbers.config().serialized().utf8)
    let session = try Session(model: model, options: SessionOptions(context: 64, chunk: 16))
    var generator = SeededGenerator(state: 7)
    var opened = 0
    func attempt(_ open: () throws -> Adapter) {
      do {
        let adapter = try open()
        opened += 1
        guard opened % 8 == 0 else { return }
        let sequence = try session.makeSequence(adapter: adapter)
        try session.evaluate(Batch(sequence, [1, 2, 3]))
        try session.remove(sequence)
      } catch {
        #expect(
          error is AdapterError || error is WeightError || error is JSONError || error is SessionError, "\(error)")
      }
    }
    for round in 0..<400 {
      var bytes = round % 2 == 0 ? ggufBytes : peftBytes
      if round % 10 < 2 {
        bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
      } else {
        generator.mutate(&bytes, within: min(round % 3 == 0 ? bytes.count : 600, bytes.count))
      }
      var damaged = config
      if round % 20 == 1 { generator.mutate(&damaged, within: damaged.count) }
      attempt {
        let file: AdapterFile =
          try round % 2 == 0
          ? AdapterFile(gguf(bytes))
          : AdapterFile(
            SafetensorsFile(file: mapped(bytes)), config: damaged.withUnsafeBytes { try JSONValue(parsing: $0) })
        return try Adapter(file, model: model, budget: 1 << 24)
      }
    }
    #expect(opened > 20 && opened < 380, "\(opened)")
  }
}
