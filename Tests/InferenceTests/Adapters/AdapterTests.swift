// Adapters: what they compute against merged weights, the two forms of file, batches of several, states.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct AdapterTests {
  static let prompt: [Int32] = (0..<90).map { Int32(($0 * 37 + 11) % 384) }

  static func model(_ name: String, _ form: GoldenForm = .safetensors, isa: ISA? = nil, exact: Bool = true) throws
    -> Model
  {
    try Golden.model(
      name, form, runtime: Runtime(threads: 1, isa: isa), options: ModelOptions(exactActivations: exact))
  }

  /// A quantised model, whose own products go through int8.
  static func quantised(_ shape: String, _ folder: TemporaryFolder, isa: ISA? = nil, threads: Int = 1) throws -> Model {
    let path = folder.path(shape + ".gguf")
    if !FileManager.default.fileExists(atPath: path) {
      try SyntheticModel(shape: #require(SyntheticShape(name: shape)), type: #require(FileType(name: "Q4_0")))
        .write(to: path)
    }
    return try Model.open(path: path, runtime: Runtime(threads: threads, isa: isa))
  }

  /// Golden models on all instruction sets, and larger ones, quantised, where the kernels have vectors.
  static let cases: [(String, ISA)] = ISA.available.flatMap { isa in
    (["llama", "qwen3_moe", "gemma3_text"] + (isa.name == "scalar" ? [] : ["tiny", "tiny-moe"])).map { ($0, isa) }
  }

  // MARK: Values

  /// The oracle: the same model with the adapter merged into its weights. What differs is rounding: of merged weights
  /// (half a unit in 2^24) and of sums of up to 160 products in three to six layers.
  @Test(arguments: ["llama", "mistral", "qwen2", "qwen3", "gemma3_text", "phi3"])
  func mergedWeightsGiveTheSame(_ name: String) throws {
    let model = try Self.model(name)
    let numbers = TestAdapter(for: model, rank: { [4, 1, 7, 16][$0 % 4] }, seed: 3)
    let adapter = try Adapter(numbers.peft(), model: model)
    #expect(adapter.rank == 16)
    #expect(adapter.modules.count == numbers.pairs.count)
    let options = SessionOptions(kvFormat: .f32)
    let session = try Session(model: model, options: options)
    let base = try session.allLogits(Self.prompt)
    for scale in [1, -0.5] as [Float] {
      let oracle = try Session(
        model: merged(name, numbers, scale: Double(scale), runtime: model.runtime), options: options
      ).allLogits(Self.prompt)
      let logits = try session.allLogits(Self.prompt, adapter, scale: scale)
      #expect(relativeError(logits, oracle) < 1e-5, "\(name), scale \(scale)")
      // And it is no small thing that is compared.
      #expect(relativeError(logits, base) > 0.05, "\(name), scale \(scale)")
    }
  }

  @Test func rankStabilisedAndPatterns() throws {
    let model = try Self.model("llama")
    let numbers = TestAdapter(for: model, seed: 4)
    let session = try Session(model: model, options: SessionOptions(kvFormat: .f32))
    func logits(_ extra: [(String, JSONValue)], _ scale: Float = 1) throws -> [Float] {
      try session.allLogits(Self.prompt, Adapter(numbers.peft(extra), model: model), scale: scale)
    }
    // alpha / √4 is twice alpha / 4; powers of two change no other bit.
    #expect(try logits([("use_rslora", .bool(true))]) == logits([], 2))
    #expect(try logits([("lora_alpha", .int(8))]) == logits([], 0.5))
    let all: [(String, JSONValue)] = [
      ("lora_alpha", .int(3)),
      (
        "alpha_pattern",
        .object(
          JSONObject([
            (#"^model.layers.0.self_attn.q_proj$"#, .int(16)), (#"self_attn\.o_proj"#, .int(16)), ("q_proj", .int(16)),
            ("k_proj", .int(16)), ("v_proj", .int(16)), ("gate_proj", .int(16)), ("up_proj", .int(16)),
            ("down_proj", .int(16)), ("proj", .int(5)), ("^layers.0.mlp.up_proj", .int(7)),
          ]))
      ),
    ]
    #expect(try logits(all) == logits([]))
    let targets = JSONValue.array(
      ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"].map { .string($0) })
    #expect(try logits([("target_modules", targets)]) == logits([]))
  }

  /// Both forms, on the model from both forms of its own file: rows of queries and keys lie in two orders.
  @Test(arguments: ["llama", "qwen2", "gemma3_text"])
  func bothFormsAgree(_ name: String) throws {
    let folder = try TemporaryFolder()
    var results: [[Float]] = []
    for form in [GoldenForm.safetensors, .gguf] {
      let model = try Self.model(name, form)
      let numbers = TestAdapter(for: model, seed: 5)
      try numbers.writeGGUF(folder.path("a.gguf"), architecture: model.configuration.architecture)
      let gguf = try Adapter.open(path: folder.path("a.gguf"), model: model)
      let peft = try Adapter(numbers.peft(), model: model)
      #expect(gguf.name == "a test")
      #expect(gguf.fingerprint == peft.fingerprint)
      #expect(gguf.modules == peft.modules)
      #expect(gguf.serial != peft.serial)
      let session = try Session(model: model, options: SessionOptions(kvFormat: .f32))
      let logits = try session.allLogits(Self.prompt, peft)
      #expect(try session.allLogits(Self.prompt, gguf) == logits)
      results.append(logits)
    }
    #expect(relativeError(results[1], results[0]) < 1e-5)
  }

  @Test func foldersAndNarrowFormats() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model("qwen3")
    var numbers = TestAdapter(for: model, rank: { _ in 32 }, seed: 6)
    for index in numbers.pairs.indices {
      numbers.pairs[index].a = numbers.pairs[index].a.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
      numbers.pairs[index].b = numbers.pairs[index].b.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
    }
    let session = try Session(model: model, options: SessionOptions(kvFormat: .f32))
    let wide = try Adapter(numbers.peft(), model: model)
    let logits = try session.allLogits(Self.prompt, wide)
    // bfloat16 holds these values, so the products are the same; only the memory is not.
    try Data(safetensors(numbers.tensors(as: "BF16"))).write(
      to: folder.url.appendingPathComponent("adapter_model.safetensors"))
    try Data(numbers.config().serialized().utf8).write(to: folder.url.appendingPathComponent("adapter_config.json"))
    for path in [folder.url.path, folder.path("adapter_model.safetensors")] {
      let adapter = try Adapter.open(path: path, model: model)
      #expect(try session.allLogits(Self.prompt, adapter) == logits)
      #expect(adapter.byteCount < wide.byteCount)
      #expect(adapter.parameters == wide.parameters)
    }
    // Half and 8 bits lose something, each what is its own.
    let (half, eight) = (folder.path("half.gguf"), folder.path("eight.gguf"))
    try numbers.writeGGUF(half, architecture: "qwen3", as: .f16)
    try numbers.writeGGUF(eight, architecture: "qwen3", as: #require(Format(name: "Q8_0")))
    for (path, most) in [(half, 2e-3), (eight, 0.05)] as [(String, Float)] {
      let found = relativeError(try session.allLogits(Self.prompt, Adapter.open(path: path, model: model)), logits)
      #expect(found > 0 && found < most, "\(path): \(found)")
    }
  }

  /// B of zeros goes through everything that an adapter goes through, and adds nothing: a gate within a product is the
  /// same as one after it. A scale of 0 goes through nothing.
  @Test(arguments: cases) func nothingIsAdded(_ name: String, isa: ISA) throws {
    let folder = try TemporaryFolder()
    let isGolden = !name.hasPrefix("tiny")
    let model = try isGolden ? Self.model(name, isa: isa) : Self.quantised(name, folder, isa: isa)
    let session = try Session(model: model)
    let base = try session.allLogits(Self.prompt)
    var numbers = TestAdapter(for: model, seed: 7)
    #expect(try session.allLogits(Self.prompt, Adapter(numbers.peft(), model: model), scale: 0) == base)
    for index in numbers.pairs.indices { numbers.pairs[index].b = numbers.pairs[index].b.map { _ in 0 } }
    #expect(try session.allLogits(Self.prompt, Adapter(numbers.peft(), model: model)) == base)
  }

  // MARK: Batches

  /// Sequences with four adapters of other ranks and layers, at other scales, and without one.
  @Test(arguments: cases) func sameBitsAloneAndAmongOthers(_ name: String, isa: ISA) throws {
    let folder = try TemporaryFolder()
    let isGolden = !name.hasPrefix("tiny")
    let model =
      try isGolden ? Self.model(name, isa: isa, exact: false) : Self.quantised(name, folder, isa: isa, threads: 2)
    func adapter(_ rank: Int, _ targets: [String]?, _ seed: UInt64, _ dtype: String = "F32") throws -> Adapter {
      try Adapter(
        TestAdapter(for: model, rank: { _ in rank }, targets: targets, seed: seed).peft(as: dtype), model: model)
    }
    let adapters = try [
      adapter(8, nil, 1), adapter(3, ["q_proj", "v_proj"], 2, "BF16"), adapter(16, ["o_proj", "k_proj"], 3, "F16"),
      adapter(8, isGolden ? nil : ["q_proj"], 4),
    ]
    let mates: [(adapter: Adapter?, scale: Float)] = [
      (adapters[0], 1), (nil, 1), (adapters[1], 0.5), (adapters[0], 1), (adapters[2], 1), (adapters[3], -1),
      (adapters[0], 2), (nil, 1), (adapters[1], 0.5), (adapters[0], 0), (adapters[2], 1),
    ]
    let prompts = mates.indices.map { mate in (0..<(5 + 7 * mate)).map { Int32(($0 * (2 * mate + 3) + mate) % 384) } }
    let steps: [Int32] = [7, 57]
    let options = SessionOptions(context: 256, chunk: 64)

    var alone: [[[Float]]] = []
    for (mate, prompt) in zip(mates, prompts) {
      let session = try Session(model: model, options: options)
      let sequence = try session.makeSequence(adapter: mate.adapter, scale: mate.scale)
      var rows: [[Float]] = []
      for part in [prompt] + steps.map({ [$0] }) {
        try session.evaluate(Batch(sequence, part))
        rows.append(Array(try session.logits(0)))
      }
      alone.append(rows)
    }
    for chunk in [512, 9] {
      let session = try Session(model: model, options: SessionOptions(context: 256, chunk: chunk))
      let sequences = try mates.map { try session.makeSequence(adapter: $0.adapter, scale: $0.scale) }
      var batch = Batch()
      for (sequence, prompt) in zip(sequences, prompts) { batch.add(sequence, prompt) }
      for step in 0...steps.count {
        try session.evaluate(batch)
        for mate in mates.indices {
          #expect(Array(try session.logits(mate)) == alone[mate][step], "\(name) \(isa), mate \(mate), chunk \(chunk)")
        }
        batch.removeAll()
        if step < steps.count { for sequence in sequences { batch.add(sequence, steps[step]) } }
      }
    }
    // The adapters had an effect: mates with one differ from the base.
    let session = try Session(model: model, options: options)
    let sequence = try session.makeSequence()
    try session.evaluate(Batch(sequence, prompts[0]))
    #expect(Array(try session.logits(0)) != alone[0][0])
  }

  @Test func rowsThatAreAskedFor() throws {
    let model = try Self.model("llama")
    let session = try Session(model: model, options: SessionOptions(chunk: 40))
    let adapter = try Adapter(TestAdapter(for: model, seed: 8).peft(), model: model)
    let all = try session.allLogits(Self.prompt, adapter)
    let vocabulary = model.configuration.vocabulary
    // A mate before and one after, some rows of the middle one: what is kept in the last layer is not what came in.
    let mates = try [session.makeSequence(), session.makeSequence(adapter: adapter), session.makeSequence()]
    var batch = Batch()
    batch.add(mates[0], Self.prompt[..<25], output: .all)
    batch.add(mates[1], Self.prompt, output: .from(61))
    batch.add(mates[2], Self.prompt[..<30], output: .none)
    try session.evaluate(batch)
    #expect(try session.logitRows == 25 + 29)
    for row in 61..<90 {
      #expect(Array(try session.logits(25 + row - 61)) == Array(all[row * vocabulary..<(row + 1) * vocabulary]))
    }
  }

  // MARK: Sequences

  @Test func branchesAndStates() throws {
    let model = try Self.model("qwen3")
    let numbers = TestAdapter(for: model, seed: 9)
    let adapter = try Adapter(numbers.peft(), model: model)
    let session = try Session(model: model)
    let sequence = try session.makeSequence(adapter: adapter, scale: 0.5)
    try session.evaluate(Batch(sequence, Self.prompt[..<70]))
    let branch = try session.branch(sequence, at: 50)
    #expect(try session.adapter(of: branch)?.adapter === adapter)
    #expect(try session.adapter(of: branch)?.scale == 0.5)
    try session.evaluate(Batch(branch, Self.prompt[50..<70]))
    let branched = Array(try session.logits(0))
    let saved = try session.save(sequence)
    let other = try Session(model: model)
    // The same content from another file will do.
    let again = try Adapter(numbers.peft(), model: model)
    let restored = try other.restore(saved, adapter: again, scale: 0.5)
    try session.evaluate(Batch(sequence, CollectionOfOne(5)))
    try other.evaluate(Batch(restored, CollectionOfOne(5)))
    #expect(Array(try session.logits(0)) == Array(try other.logits(0)))
    try session.trim(sequence, to: 69)
    try session.evaluate(Batch(sequence, CollectionOfOne(Self.prompt[69])))
    #expect(Array(try session.logits(0)) == branched)

    let foreign = try Adapter(TestAdapter(for: model, seed: 10).peft(), model: model)
    for (adapter, scale) in [(nil, 1), (foreign, 0.5), (again, 1), (again, 0)] as [(Adapter?, Float)] {
      let error = #expect(throws: SessionError.self) { try other.restore(saved, adapter: adapter, scale: scale) }
      guard case .badState(let offset, let reason) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(offset == 48 && reason.contains("adapter"))
    }
    let plain = try session.makeSequence()
    try session.evaluate(Batch(plain, CollectionOfOne(1)))
    let without = try session.save(plain)
    #expect(throws: SessionError.self) { try other.restore(without, adapter: again) }
    #expect(try other.position(of: other.restore(without)) == 1)
  }

  @Test func settingAnAdapter() throws {
    let model = try Self.model("qwen3")
    let session = try Session(model: model)
    let adapter = try Adapter(TestAdapter(for: model, seed: 11).peft(), model: model)
    let sequence = try session.makeSequence()
    try session.setAdapter(adapter, scale: 2, of: sequence)
    try session.evaluate(Batch(sequence, Self.prompt))
    let logits = Array(try session.logits(0))
    #expect(throws: SessionError.self) { try session.setAdapter(nil, of: sequence) }
    try session.trim(sequence, to: 0)
    try session.setAdapter(nil, of: sequence)
    try session.evaluate(Batch(sequence, Self.prompt))
    #expect(Array(try session.logits(0)) != logits)
    #expect(try session.adapter(of: sequence) == nil)
    for scale in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude] {
      #expect(throws: SessionError.self) { try session.makeSequence(adapter: adapter, scale: scale) }
    }
    // A model's adapter is no other's, nor one for other kernels.
    let llama = try Session(model: Self.model("llama"))
    #expect(throws: SessionError.self) { try llama.makeSequence(adapter: adapter) }
    for isa in ISA.available where isa != model.runtime.isa {
      let other = try Session(model: Self.model("qwen3", isa: isa))
      #expect(throws: SessionError.self) { try other.makeSequence(adapter: adapter) }
    }
    #expect(try session.sequenceCount == 1)
  }

  @Test func memoryIsCounted() throws {
    let model = try Self.model("qwen3")
    let numbers = TestAdapter(for: model, rank: { _ in 16 }, seed: 12)
    let adapter = try Adapter(numbers.peft(), model: model)
    #expect(adapter.byteCount >= adapter.parameters * 4)
    #expect(adapter.byteCount < adapter.parameters * 5)
    #expect(adapter.parameters == numbers.pairs.reduce(0) { $0 + $1.a.count + $1.b.count })
    _ = try Adapter(numbers.peft(), model: model, budget: adapter.byteCount)
    #expect(throws: AdapterError.self) { try Adapter(numbers.peft(), model: model, budget: adapter.byteCount - 1) }
    let plans = try [0, 16, 256].map { try model.memoryPlan(chunk: 64, adapterRank: $0) }
    #expect(plans[0] == (try model.memoryPlan(chunk: 64)))
    #expect(plans[0].workspace < plans[1].workspace && plans[1].workspace < plans[2].workspace)
    #expect(throws: ModelError.self) { try model.memoryPlan(adapterRank: -1) }
    // What is planned is enough for a full chunk of all layers at the greatest rank, beside ones of other ranks.
    let session = try Session(model: model, options: SessionOptions(chunk: 90))
    let small = try Adapter(TestAdapter(for: model, rank: { 1 + $0 % 5 }, seed: 13).peft(), model: model)
    let sequences = try [session.makeSequence(adapter: small), session.makeSequence(adapter: adapter)]
    var batch = Batch(sequences[0], Self.prompt[..<40], output: .all)
    batch.add(sequences[1], Self.prompt[..<50], output: .all)
    try session.evaluate(batch)
    #expect(try (0..<90).allSatisfy { try session.logits($0).allSatisfy(\.isFinite) })
  }
}
