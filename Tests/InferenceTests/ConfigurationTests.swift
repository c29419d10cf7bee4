// Configurations: scaled RoPE by its formulas, and files whose numbers or tensors cannot be true.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct ConfigurationTests {
  // MARK: RoPE

  private func frequencies(
    _ scaling: RopeConfiguration.Scaling, base: Double = 10_000, dimensions: Int = 64, context: Int = 4096
  ) -> RopeFrequencies {
    RopeConfiguration(base: base, dimensions: dimensions, isInterleaved: false, scaling: scaling)
      .frequencies(context: context)
  }

  @Test func plainAndLinear() {
    let plain = frequencies(.none)
    #expect(plain.values.count == 32 && plain.values[0] == 1 && plain.magnitude == 1)
    #expect(abs(plain.values[16] - 0.01) < 1e-9)
    let linear = frequencies(.linear(factor: 4))
    for (a, b) in zip(plain.values, linear.values) { #expect(abs(a / 4 - b) < 1e-9) }
  }

  /// Values of transformers' `_compute_llama3_parameters` for Llama 3.1: base 500,000, 128 dimensions, factor 8.
  @Test func llama3() {
    let plain = frequencies(.none, base: 500_000, dimensions: 128)
    let scaled = frequencies(
      .llama3(factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 8192), base: 500_000, dimensions: 128)
    for (frequency, value) in zip(plain.values, scaled.values) {
      let wavelength = 2 * Float.pi / frequency
      switch wavelength {
      case ..<2048: #expect(value == frequency)
      case 8192...: #expect(abs(value - frequency / 8) <= frequency * 1e-6)
      default: #expect(value < frequency && value > frequency / 8)
      }
    }
    #expect(zip(scaled.values, scaled.values.dropFirst()).allSatisfy { $0 > $1 })
  }

  @Test func yarn() {
    let plain = frequencies(.none)
    let yarn = frequencies(
      .yarn(factor: 4, originalContext: 2048, fastBeta: 32, slowBeta: 1, attention: nil))
    #expect(abs(yarn.magnitude - 1.138_629) < 1e-5)  // 0.1 ln 4 + 1
    // Pair 0 turns 326 times in 2,048 positions: untouched. The last turns less than once: divided.
    #expect(yarn.values[0] == plain.values[0])
    #expect(abs(yarn.values[31] - plain.values[31] / 4) < 1e-9)
    // low = floor(64 ln(2048 / 64π) / 2 ln 10⁴) = 8, high = ceil(64 ln(2048 / 2π) / 2 ln 10⁴) = 21
    #expect(yarn.values[8] == plain.values[8])
    #expect(yarn.values[9] < plain.values[9])
    let middle = Float(6.0 / 13)
    #expect(abs(yarn.values[14] - plain.values[14] * (1 - middle * 0.75)) < 1e-7)
    #expect(abs(yarn.values[21] - plain.values[21] / 4) < 1e-7)
  }

  @Test func longRopeGoesByTheSessionsContext() {
    let short = [Float](repeating: 1, count: 32)
    let long = (0..<32).map { Float($0 + 1) }
    let scaling = RopeConfiguration.Scaling.longRope(
      short: short, long: long, originalContext: 4096, attention: 1.19)
    #expect(frequencies(scaling, context: 4096).values == frequencies(.none).values)
    let stretched = frequencies(scaling, context: 4097)
    #expect(stretched.magnitude == 1.19)
    #expect(abs(stretched.values[1] * 2 - frequencies(.none).values[1]) < 1e-7)
  }

  @Test func scalingIsReadFromEitherStyle() throws {
    func rope(_ change: (inout JSONObject) -> Void) throws -> RopeConfiguration.Scaling? {
      var config = try #require(try JSONValue(parsing: Fixtures.text("golden/phi3/config.v4.json")).object)
      change(&config)
      let source = try ModelSource(
        SafetensorsFile(path: Fixtures.path("golden/phi3")), config: .object(config))
      return try #require(Architectures.named(by: source.reader)).configuration(source.reader).rope?.scaling
    }
    #expect(try rope { _ in } == RopeConfiguration.Scaling.none)
    #expect(try rope { $0["rope_scaling"] = ["type": "linear", "factor": 2.0] } == .linear(factor: 2))
    #expect(
      try rope { $0["rope_parameters"] = ["rope_type": "linear", "factor": 2, "rope_theta": 5000.0] }
        == .linear(factor: 2))
    let eight = JSONValue.array((0..<8).map { .double(1 + Double($0)) })
    let long: JSONValue = ["type": "su", "short_factor": eight, "long_factor": eight]
    let scaling = try rope {
      $0["rope_scaling"] = long
      $0["original_max_position_embeddings"] = 64
    }
    guard case .longRope(_, let factors, let original, let attention) = scaling else {
      Issue.record("\(String(describing: scaling))")
      return
    }
    #expect(factors.count == 8 && original == 64)
    #expect(abs(attention - (1 + log(4.0) / log(64.0)).squareRoot()) < 1e-12)
    #expect(throws: ModelError.self) { try rope { $0["rope_scaling"] = ["type": "linear", "factor": 0] } }
    #expect(throws: ModelError.self) { try rope { $0["rope_scaling"] = ["type": "dynamic", "factor": 2] } }
    #expect(throws: ModelError.self) { try rope { $0["rope_scaling"] = ["type": "su", "short_factor": [1]] } }
    #expect(throws: ModelError.self) { try rope { $0["rope_theta"] = -1 } }
    #expect(throws: ModelError.self) { try rope { $0["partial_rotary_factor"] = 0.01 } }
  }

  // MARK: Hostile numbers

  static let hostile: [(String, JSONValue)] = [
    ("num_hidden_layers", 0), ("num_hidden_layers", -1), ("num_hidden_layers", 1_000_000),
    ("num_hidden_layers", 4), ("num_hidden_layers", "three"), ("num_hidden_layers", 3.5), ("num_hidden_layers", nil),
    ("hidden_size", 0), ("hidden_size", 65), ("hidden_size", .int(.max)), ("num_attention_heads", 0),
    ("num_attention_heads", 5), ("num_attention_heads", -4), ("num_key_value_heads", 0), ("num_key_value_heads", 3),
    ("num_key_value_heads", 1), ("head_dim", 0), ("head_dim", 17), ("head_dim", 32), ("head_dim", .int(.min)),
    ("intermediate_size", 0), ("intermediate_size", 161), ("intermediate_size", .int(.max)),
    ("max_position_embeddings", 0), ("max_position_embeddings", -5), ("rms_norm_eps", -1), ("rms_norm_eps", "1e-5"),
    ("rms_norm_eps", 2), ("rms_norm_eps", []), ("hidden_act", "tanh"), ("hidden_act", 3), ("model_type", "rwkv"),
    ("model_type", nil), ("model_type", 4), ("tie_word_embeddings", "yes"), ("num_local_experts", 8),
    ("sliding_window", -1), ("rope_parameters", ["rope_theta": "big"]), ("rope_parameters", ["rope_theta": 0]),
  ]

  @Test(arguments: hostile)
  func aConfigurationThatCannotBeTrueIsRefused(_ change: (String, JSONValue)) throws {
    let folder = Fixtures.path("golden/llama")
    var config = try #require(try SafetensorsFile(path: folder).config?.object)
    config[change.0] = change.1
    let error = #expect(throws: ModelError.self) {
      try Model(
        ModelSource(SafetensorsFile(path: folder), config: .object(config)), runtime: Runtime(threads: 1),
        options: ModelOptions())
    }
    #expect(error?.description.isEmpty == false)
  }

  @Test func mutatedGGUFsLoadOrEndInAnError() throws {
    let bytes = [UInt8](try Fixtures.data("golden/qwen2/model.f32.gguf"))
    let runtime = try Runtime(threads: 1)
    var random = SeededGenerator(state: 3)
    var loaded = 0
    for _ in 0..<200 {
      var mutated = bytes
      random.mutate(&mutated, within: 1_200)  // the numbers stand before the vocabulary
      do {
        let model = try Model(ModelSource(gguf(mutated)), runtime: runtime, options: ModelOptions(budget: 64 << 20))
        let session = try Session(model: model, options: SessionOptions(context: 64, chunk: 8))
        try session.evaluate(Batch(session.makeSequence(), [1, 2, 3]))
        loaded += 1
      } catch is WeightError {} catch is ModelError {} catch is SessionError {}
    }
    #expect(loaded > 0, "most changes of names and strings leave a model that runs")
  }

  @Test func missingPartsAreNamed() throws {
    let runtime = try Runtime(threads: 1)
    #expect(
      throws: ModelError.weights(
        .missingTensor(name: "model.layers.0.self_attn.qkv_proj.weight", path: Fixtures.path("golden/llama")))
    ) {
      var config = try #require(try SafetensorsFile(path: Fixtures.path("golden/llama")).config?.object)
      config["model_type"] = "phi3"
      _ = try Model(
        ModelSource(SafetensorsFile(path: Fixtures.path("golden/llama")), config: .object(config)), runtime: runtime,
        options: ModelOptions())
    }
    #expect(throws: ModelError.self) { try Model.open(path: Fixtures.path("golden/none"), runtime: runtime) }
    #expect(throws: ModelError.self) {
      try Model.open(path: Fixtures.path("golden/llama/config.json"), runtime: runtime)
    }
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      at: Fixtures.url("golden/llama/model.safetensors"), to: folder.url.appendingPathComponent("model.safetensors"))
    #expect(throws: ModelError.missingConfiguration(path: folder.url.path)) {
      try Model.open(path: folder.url.path, runtime: runtime)
    }
  }

  @Test func headsThatNoKernelServesAreRefused() throws {
    let path = Fixtures.path("tiny/llama-2-tiny-random.gguf")
    #expect(
      throws: ModelError.unsupported(
        key: "llama.attention.key_length", reason: "no attention kernel serves heads of 4 values", path: path)
    ) { try Model.open(path: path, runtime: Runtime(threads: 1)) }
  }

  @Test func budgetAndCancelStopTheLoading() throws {
    let runtime = try Runtime(threads: 1)
    let path = Fixtures.path("golden/llama")
    let error = #expect(throws: ModelError.self) {
      try Model.open(path: path, runtime: runtime, options: ModelOptions(budget: 100_000))
    }
    guard case .budgetExceeded(let needed, 100_000) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(needed > 100_000)
    let flag = CancelFlag()
    #expect(throws: ModelError.cancelled(path: path)) {
      try Model.open(
        path: path, runtime: runtime, options: ModelOptions(progress: { if $0 > 0.5 { flag.cancel() } }, cancel: flag))
    }
  }

  @Test func runtimesRefuseWhatIsNotThere() throws {
    #expect(throws: KernelError.self) { try Runtime(threads: -1) }
    #expect(throws: KernelError.self) { try Runtime(threads: 0) }
    #expect(throws: KernelError.self) { try Runtime(threads: 1 << 30) }
    for isa in ISA.all where !isa.isAvailable {
      #expect(throws: KernelError.self) { try Runtime(threads: 1, isa: isa) }
    }
    #expect(ISA(name: "avx9000") == nil)
    let runtime = try Runtime(threads: 1)
    #expect(runtime.kernels.contains { $0.operation == "attention" })
    #expect(runtime.kernels.allSatisfy { !$0.kernel.isEmpty && !$0.reason.isEmpty })
  }
}
