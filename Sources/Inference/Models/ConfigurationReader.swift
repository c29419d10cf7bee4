// Reads checked values from GGUF metadata or from a config.json, whichever the model came with. Knows no architecture.

/// The name of one value in both kinds of file. The GGUF name follows `<architecture>.`; the JSON names are tried in
/// order.
package struct ConfigurationKey: Sendable {
  let gguf: String?
  let json: [String]

  init(_ gguf: String?, _ json: String...) {
    self.gguf = gguf
    self.json = json
  }
}

/// A model's configuration as its file has it.
package struct ConfigurationReader: Sendable {
  package enum Source: Sendable {
    case gguf(GGUFFile)
    case json(JSONValue)
  }

  package let source: Source
  package let path: String
  /// What the file calls the architecture: `general.architecture` or `model_type`.
  package let architecture: String
  /// Rows of the embedding table: the vocabulary, whatever the metadata says.
  let weights: any WeightFile

  package init(_ file: GGUFFile) throws(ModelError) {
    source = .gguf(file)
    path = file.path
    weights = file
    do { architecture = try file.value("general.architecture", \.string) } catch { throw .weights(error) }
  }

  package init(_ file: any WeightFile, config: JSONValue) throws(ModelError) {
    path = file.path
    weights = file
    // Multimodal checkpoints keep the language model's part in an object of its own.
    let text = config["text_config"].flatMap { $0["model_type"] == nil ? nil : $0 } ?? config
    source = .json(text)
    guard let type = text["model_type"]?.string else {
      throw .badConfiguration(
        key: "model_type", reason: "config.json does not say which architecture it is", path: path)
    }
    architecture = type
  }

  package var isGGUF: Bool { if case .gguf = source { true } else { false } }

  var json: JSONValue? { if case .json(let value) = source { value } else { nil } }

  /// The key's name in this file, for messages.
  func name(_ key: ConfigurationKey) -> String {
    isGGUF ? "\(architecture).\(key.gguf ?? key.json.first ?? "")" : key.json.first ?? key.gguf ?? ""
  }

  func bad(_ key: ConfigurationKey, _ reason: String) -> ModelError {
    .badConfiguration(key: name(key), reason: reason, path: path)
  }

  // MARK: Values

  /// A value in JSON's terms, or nil if it is missing or null.
  private func scalar(_ key: ConfigurationKey) throws(ModelError) -> JSONValue? {
    switch source {
    case .json(let config):
      for name in key.json {
        if let value = config[name], !value.isNull { return value }
      }
      return nil
    case .gguf(let file):
      guard let name = key.gguf, let value = file["\(architecture).\(name)"] else { return nil }
      if let bool = value.bool { return .bool(bool) }
      if let int = value.int { return .int(Int64(int)) }
      if let double = value.double { return .double(double) }
      if let string = value.string { return .string(string) }
      if let ints = value.ints, !ints.isEmpty, ints.allSatisfy({ $0 == ints[0] }) { return .int(Int64(ints[0])) }
      throw bad(key, "expected one value, found \(value.summary)")
    }
  }

  func intIfPresent(_ key: ConfigurationKey, in range: ClosedRange<Int>) throws(ModelError) -> Int? {
    guard let value = try scalar(key) else { return nil }
    guard let int = value.int else { throw bad(key, "expected an integer, found \(value.serialized())") }
    guard range.contains(int) else { throw bad(key, "\(int) is not in \(range.lowerBound)…\(range.upperBound)") }
    return int
  }

  func int(_ key: ConfigurationKey, in range: ClosedRange<Int>) throws(ModelError) -> Int {
    guard let value = try intIfPresent(key, in: range) else { throw bad(key, "is missing") }
    return value
  }

  func doubleIfPresent(_ key: ConfigurationKey, in range: ClosedRange<Double>) throws(ModelError) -> Double? {
    guard let value = try scalar(key) else { return nil }
    return try checked(value, name(key), in: range)
  }

  func double(_ key: ConfigurationKey, in range: ClosedRange<Double>) throws(ModelError) -> Double {
    guard let value = try doubleIfPresent(key, in: range) else { throw bad(key, "is missing") }
    return value
  }

  /// A finite number in `range`: NaN is in none.
  func checked(_ value: JSONValue, _ name: String, in range: ClosedRange<Double>) throws(ModelError) -> Double {
    guard let double = value.double, range.contains(double) else {
      throw .badConfiguration(
        key: name,
        reason: "\(value.serialized().prefix(60)) is not a number in \(range.lowerBound)…\(range.upperBound)",
        path: path)
    }
    return double
  }

  func boolIfPresent(_ key: ConfigurationKey) throws(ModelError) -> Bool? {
    guard let value = try scalar(key) else { return nil }
    guard let bool = value.bool else { throw bad(key, "expected true or false, found \(value.serialized())") }
    return bool
  }

  func stringIfPresent(_ key: ConfigurationKey) throws(ModelError) -> String? {
    guard let value = try scalar(key) else { return nil }
    guard let string = value.string else { throw bad(key, "expected a string, found \(value.serialized())") }
    return string
  }

  /// Rows of the tensor `name` (columns wide): how large the vocabulary really is.
  func rows(of name: String, columns: Int) throws(ModelError) -> Int {
    do throws(WeightError) {
      let tensor = try weights.tensor(name)
      guard tensor.shape.count == 2, tensor.shape[1] == columns, tensor.shape[0] > 0, tensor.shape[0] <= 1 << 26 else {
        throw WeightError.wrongShape(
          tensor: name, expected: [tensor.shape.first ?? 1, columns], found: tensor.shape, path: path)
      }
      return tensor.shape[0]
    } catch { throw .weights(error) }
  }
}

extension ConfigurationReader {
  /// What nearly all decoders have: the numbers that their files share. RoPE pairs halves unless told otherwise.
  package func decoder(interleaved: Bool = false) throws(ModelError) -> ModelConfiguration {
    let layers = try int(.layers, in: 1...4096)
    let width = try int(.width, in: 1...1 << 20)
    let heads = try int(.heads, in: 1...1 << 16)
    let kvHeads = try intIfPresent(.keyValueHeads, in: 1...1 << 16) ?? heads
    guard heads % kvHeads == 0 else { throw bad(.keyValueHeads, "\(kvHeads) does not divide \(heads) heads") }
    let headDim = try headDim(width: width, heads: heads)
    let embedding = isGGUF ? "token_embd.weight" : HuggingFacePrefix.find(in: weights) + "embed_tokens.weight"
    var configuration = ModelConfiguration(
      architecture: architecture, name: modelName, layers: layers, width: width, heads: heads,
      keyValueHeads: kvHeads, headDim: headDim, feedForward: try int(.feedForward, in: 1...1 << 24),
      vocabulary: try rows(of: embedding, columns: width), context: try int(.context, in: 1...Int(Int32.max)),
      normEpsilon: Float(try double(.rmsEpsilon, in: 0...1)), rope: nil, windowRope: nil,
      windows: Array(repeating: 0, count: layers), attentionScale: 1 / Float(headDim).squareRoot(),
      activation: try activation(default: .silu), tiesEmbedding: try boolIfPresent(.tied))
    configuration.rope = try rope(headDim: headDim, context: configuration.context, interleaved: interleaved)
    return configuration
  }

  /// What the file calls the model.
  var modelName: String? {
    switch source {
    case .gguf(let file): file["general.name"]?.string
    case .json(let config): config["_name_or_path"]?.string
    }
  }

  private func headDim(width: Int, heads: Int) throws(ModelError) -> Int {
    guard let headDim = try intIfPresent(.headDim, in: 1...8192) else {
      guard width % heads == 0 else { throw bad(.heads, "\(heads) does not divide the width \(width)") }
      return width / heads
    }
    if let valueDim = try intIfPresent(.valueDim, in: 1...8192), valueDim != headDim {
      throw .unsupported(key: name(.valueDim), reason: "values of \(valueDim), keys of \(headDim)", path: path)
    }
    return headDim
  }

  /// The feed-forward layer's function.
  func activation(default fallback: Gate) throws(ModelError) -> Gate {
    guard let name = try stringIfPresent(.activation) else { return fallback }
    switch name {
    case "silu", "swish": return .silu
    case "gelu_pytorch_tanh", "gelu_new", "gelu_fast": return .geluTanh
    case "gelu": return .geluErf
    default: throw .unsupported(key: self.name(.activation), reason: "the function '\(name)'", path: path)
    }
  }

  /// The windows of all layers: `window` where HF's `layer_types` or else `isSliding` says so.
  func windows(layers: Int, window: Int, isSliding: (Int) -> Bool) throws(ModelError) -> [Int] {
    guard let types = json?["layer_types"]?.array else { return (0..<layers).map { isSliding($0) ? window : 0 } }
    guard types.count == layers else {
      throw .badConfiguration(key: "layer_types", reason: "\(types.count) entries for \(layers) layers", path: path)
    }
    var windows: [Int] = []
    for type in types {
      switch type.string {
      case "sliding_attention": windows.append(window)
      case "full_attention": windows.append(0)
      default:
        throw .unsupported(key: "layer_types", reason: "the type \(type.serialized().prefix(60))", path: path)
      }
    }
    return windows
  }
}

extension ConfigurationKey {
  static let layers = ConfigurationKey("block_count", "num_hidden_layers")
  static let width = ConfigurationKey("embedding_length", "hidden_size")
  static let heads = ConfigurationKey("attention.head_count", "num_attention_heads")
  static let keyValueHeads = ConfigurationKey("attention.head_count_kv", "num_key_value_heads")
  static let headDim = ConfigurationKey("attention.key_length", "head_dim")
  static let valueDim = ConfigurationKey("attention.value_length")
  static let feedForward = ConfigurationKey("feed_forward_length", "intermediate_size")
  static let context = ConfigurationKey("context_length", "max_position_embeddings")
  static let rmsEpsilon = ConfigurationKey("attention.layer_norm_rms_epsilon", "rms_norm_eps")
  static let layerNormEpsilon = ConfigurationKey("attention.layer_norm_epsilon", "layer_norm_eps")
  static let window = ConfigurationKey("attention.sliding_window", "sliding_window")
  static let activation = ConfigurationKey(nil, "hidden_act", "hidden_activation")
  static let tied = ConfigurationKey(nil, "tie_word_embeddings")
  static let expertCount = ConfigurationKey("expert_count", "num_experts", "num_local_experts")
  static let expertsUsed = ConfigurationKey("expert_used_count", "num_experts_per_tok")
  static let expertWidth = ConfigurationKey("expert_feed_forward_length", "moe_intermediate_size")
}
