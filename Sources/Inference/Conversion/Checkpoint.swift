// A Hugging Face checkpoint as the metadata of a GGUF file. Tensors and vocabulary: Checkpoint+Tensors, +Tokenizer.
//
// Names of keys: ggml's docs/gguf.md and llama.cpp's gguf-py constants; the meaning of the configuration: transformers.
import Glibc

/// A safetensors folder seen as a GGUF file to be: its metadata and its tensors under GGUF's names.
struct Checkpoint {
  /// The model types that can be converted.
  enum Kind: String {
    case llama, mistral, qwen2, qwen3, qwen3MoE = "qwen3_moe", gemma3 = "gemma3_text", phi3, bert

    /// `general.architecture`. Mistral is a llama; its window, where it has one, is a key of its own.
    var architecture: String {
      switch self {
      case .llama, .mistral: "llama"
      case .qwen3MoE: "qwen3moe"
      case .gemma3: "gemma3"
      default: rawValue
      }
    }
  }

  let kind: Kind
  let file: SafetensorsFile
  let configuration: CheckpointConfiguration
  var metadata: [(key: String, value: MetadataValue)] { list.entries }
  var list: MetadataList
  var tensors: [TensorPlan] = []
  var notes: [String] = []

  /// - Throws: ``ConversionError`` naming the key, tensor or file that is missing or not understood.
  init(_ file: SafetensorsFile) throws(ConversionError) {
    let configuration = try CheckpointConfiguration(file)
    let type = try weights { () throws(WeightError) in try configuration.string("model_type") }
    guard let kind = Kind(rawValue: type) else {
      throw .unknownArchitecture(modelType: String(type.prefix(60)), path: configuration.path)
    }
    (self.file, self.configuration, self.kind) = (file, configuration, kind)
    list = MetadataList(architecture: kind.architecture, name: Self.name(file, configuration))
    try weights { () throws(WeightError) in
      try addDimensions()
      try addPositions()
    }
    try addTensors()
    try addTokenizer()
  }

  /// The model's name: what the configuration was saved under, or the folder.
  private static func name(_ file: SafetensorsFile, _ configuration: CheckpointConfiguration) -> String {
    let path = configuration.json["_name_or_path"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? file.path
    return path.split(separator: "/").last.map(String.init) ?? "model"
  }

  var vocabulary: Int { get throws(WeightError) { try configuration.count("vocab_size") } }
  var heads: Int { get throws(WeightError) { try configuration.count("num_attention_heads") } }

  var expertCount: Int {
    get throws(WeightError) {
      try configuration.count(configuration.json["num_experts"] == nil ? "num_local_experts" : "num_experts")
    }
  }

  /// Values of a head: stated, or the width's share.
  var headDimension: Int {
    get throws(WeightError) {
      if let stated = try configuration.countIfPresent("head_dim") { return stated }
      // Gemma's default is not the width's share.
      if kind == .gemma3 { return 256 }
      let width = try configuration.count("hidden_size")
      guard try width % heads == 0 else {
        throw configuration.wrongType("num_attention_heads", "a divisor of hidden_size (\(width))")
      }
      return try width / heads
    }
  }

  // MARK: Dimensions

  private mutating func addDimensions() throws(WeightError) {
    let config = configuration
    list.model("context_length", try config.uint32("max_position_embeddings"))
    list.model("embedding_length", try config.uint32("hidden_size"))
    list.model("block_count", try config.uint32("num_hidden_layers"))
    list.model("feed_forward_length", try config.uint32("intermediate_size"))
    list.model("attention.head_count", try config.uint32("num_attention_heads"))
    if kind == .bert {
      list.model("attention.layer_norm_epsilon", try config.float("layer_norm_eps"))
      list.model("attention.causal", .bool(false))
      try addPooling()
      return
    }
    let (heads, keyHeads) = (try heads, try config.countIfPresent("num_key_value_heads"))
    list.model("attention.head_count_kv", UInt32(clamping: keyHeads ?? heads))
    list.model("attention.layer_norm_rms_epsilon", try config.float("rms_norm_eps"))
    let statesHead = try config.countIfPresent("head_dim") != nil
    if statesHead || kind == .gemma3 {
      let head = try headDimension
      list.model("attention.key_length", UInt32(clamping: head))
      list.model("attention.value_length", UInt32(clamping: head))
    }
    if kind == .llama || kind == .mistral { list.model("vocab_size", UInt32(clamping: try vocabulary)) }
    if kind == .qwen3MoE { try addExperts() }
    try addAttentionKind()
  }

  private mutating func addExperts() throws(WeightError) {
    let config = configuration
    let step = try config.countIfPresent("decoder_sparse_step") ?? 1
    guard step == 1, (config.json["mlp_only_layers"]?.array ?? []).isEmpty else {
      throw .unsupported(path: config.path, reason: "layers with and without experts in turn")
    }
    guard config.json["norm_topk_prob"]?.bool ?? false else {
      throw .unsupported(path: config.path, reason: "expert weights that are not normalised (norm_topk_prob)")
    }
    list.model("expert_count", UInt32(clamping: try expertCount))
    list.model("expert_used_count", try config.uint32("num_experts_per_tok"))
    list.model("expert_feed_forward_length", try config.uint32("moe_intermediate_size"))
  }

  /// Windows, caps and scales of attention.
  private mutating func addAttentionKind() throws(WeightError) {
    let config = configuration
    // The qwens state a window that they do not use unless `use_sliding_window` says so.
    let isUsed = ![.qwen2, .qwen3, .qwen3MoE].contains(kind) || config.json["use_sliding_window"]?.bool ?? false
    if isUsed, let window = try config.countIfPresent("sliding_window") {
      guard kind != .qwen2, kind != .qwen3, kind != .qwen3MoE else {
        throw .unsupported(path: config.path, reason: "use_sliding_window of \(kind.rawValue)")
      }
      list.model("attention.sliding_window", UInt32(clamping: window))
    }
    guard kind == .gemma3 else { return }
    for key in ["attn_logit_softcapping", "use_bidirectional_attention"] {
      let value = config.json[key]
      guard value == nil || value == .null || value == .bool(false) else {
        throw .unsupported(path: config.path, reason: "\(key) of Gemma 3")
      }
    }
    list.model("final_logit_softcapping", try config.floatIfPresent("final_logit_softcapping"))
    // Readers take one window in six layers to be open; another pattern would run, and run wrong.
    let pattern = try config.countIfPresent("sliding_window_pattern") ?? 6
    let types = config.json["layer_types"]?.array ?? []
    let isRegular = types.enumerated().allSatisfy { ($1.string == "full_attention") == ($0 % 6 == 5) }
    guard pattern == 6, isRegular else {
      throw .unsupported(path: config.path, reason: "layers of full attention other than every sixth")
    }
    if let scalar = try config.floatIfPresent("query_pre_attn_scalar"), try scalar != Float(headDimension) {
      list.model("attention.scale", 1 / scalar.squareRoot())
    }
  }

  /// Pooling as sentence-transformers states it, in a folder of its own: 1 for the mean, 2 for the first token.
  private mutating func addPooling() throws(WeightError) {
    let folder = file.path.hasSuffix("/") ? file.path : file.path + "/"
    let path = folder + "1_Pooling/config.json"
    guard access(path, F_OK) == 0 else { return }
    let mapped = try MappedFile(path: path)
    let pooling: JSONValue
    do { pooling = try JSONValue(parsing: mapped.bytes) } catch {
      throw .malformed(path: path, offset: error.offset, reason: error.reason)
    }
    if pooling["pooling_mode_mean_tokens"]?.bool ?? false { list.model("pooling_type", UInt32(1)) }
    if pooling["pooling_mode_cls_token"]?.bool ?? false { list.model("pooling_type", UInt32(2)) }
  }
}

/// `config.json`, each number checked as it is read.
struct CheckpointConfiguration {
  let json: JSONValue
  let path: String

  init(_ file: SafetensorsFile) throws(ConversionError) {
    let folder = file.path.hasSuffix("/") ? String(file.path.dropLast()) : file.path
    guard let config = file.config, config.object != nil else {
      throw .weights(.cannotOpen(path: folder, reason: "no config.json beside the weights"))
    }
    json = config
    path =
      (file.files.first?.path).map { String($0[...($0.lastIndex(of: "/") ?? $0.startIndex)]) + "config.json" }
      ?? "config.json"
  }

  func wrongType(_ key: String, _ expected: String) -> WeightError {
    .wrongType(
      key: key, expected: expected, found: String((json[key]?.serialized() ?? "nothing").prefix(60)), path: path)
  }

  /// What the key holds; null is as good as nothing.
  private func value(_ key: String) -> JSONValue? {
    guard let value = json[key], value != .null else { return nil }
    return value
  }

  func string(_ key: String) throws(WeightError) -> String {
    guard let value = value(key) else { throw .missingKey(key: key, path: path) }
    guard let string = value.string else { throw wrongType(key, "a string") }
    return string
  }

  /// A positive count that fits in 32 bits, as GGUF's do.
  func countIfPresent(_ key: String) throws(WeightError) -> Int? {
    guard let value = value(key) else { return nil }
    guard let count = value.int, count > 0, count <= Int(Int32.max) else { throw wrongType(key, "a positive integer") }
    return count
  }

  func count(_ key: String) throws(WeightError) -> Int {
    guard let count = try countIfPresent(key) else { throw .missingKey(key: key, path: path) }
    return count
  }

  func uint32(_ key: String) throws(WeightError) -> UInt32 { UInt32(clamping: try count(key)) }

  func floatIfPresent(_ key: String) throws(WeightError) -> Float? {
    guard let value = value(key) else { return nil }
    guard let number = value.double, number.isFinite else { throw wrongType(key, "a number") }
    return Float(number)
  }

  func float(_ key: String) throws(WeightError) -> Float {
    guard let number = try floatIfPresent(key) else { throw .missingKey(key: key, path: path) }
    return number
  }
}
