// The tensors of a checkpoint under GGUF's names, with what changes on the way: order of rows, norms, experts.

extension Checkpoint {
  /// What a tensor of the checkpoint becomes.
  private enum Place {
    case model(String)
    case layer(Int, String)
    case expert(layer: Int, expert: Int, String)
    /// Nothing that inference needs; the reason is for the user, nil where nobody misses it.
    case dropped(reason: String?)
  }

  /// Maps every tensor, in the order in which a forward pass needs them.
  mutating func addTensors() throws(ConversionError) {
    var leading: [TensorPlan] = [], trailing: [TensorPlan] = []
    var layers: [Int: [TensorPlan]] = [:]
    var experts: [Int: [String: [Int: WeightTensor]]] = [:]
    let layerCount = try weights { () throws(WeightError) in try configuration.count("num_hidden_layers") }
    for name in file.tensorNames {
      guard let place = place(of: name) else { throw .unexpectedTensor(name: name, path: file.path) }
      if case .dropped(let reason) = place {
        if let reason { notes.append("\(name): left out, \(reason)") }
        continue
      }
      let tensor = try weights { () throws(WeightError) in try file.tensor(name) }
      switch place {
      case .dropped: continue
      case .model(let name):
        let plan = try plan(tensor, as: name)
        if name.hasPrefix("output") || name.hasPrefix("cls.") { trailing.append(plan) } else { leading.append(plan) }
      case .layer(let layer, let suffix):
        guard layer < layerCount else { throw .unexpectedTensor(name: name, path: file.path) }
        layers[layer, default: []].append(try plan(tensor, as: "blk.\(layer).\(suffix)"))
      case .expert(let layer, let expert, let suffix):
        guard layer < layerCount else { throw .unexpectedTensor(name: name, path: file.path) }
        experts[layer, default: [:]][suffix, default: [:]][expert] = tensor
      }
    }
    for (layer, kinds) in experts {
      for (suffix, tensors) in kinds.sorted(by: { $0.key < $1.key }) {
        layers[layer, default: []].append(try stack(tensors, as: "blk.\(layer).\(suffix)"))
      }
    }
    try requireEqualLayers(layers, count: layerCount)
    try requireEnds(leading + trailing)
    // Computed tensors came first: they belong to the whole model.
    tensors = leading + tensors + layers.sorted { $0.key < $1.key }.flatMap(\.value) + trailing
  }

  // MARK: Names

  private func place(of name: String) -> Place? {
    var path = name[...]
    for prefix in kind == .bert ? ["bert."] : ["model."] where path.hasPrefix(prefix) {
      path = path.dropFirst(prefix.count)
    }
    if path.hasSuffix("rotary_emb.inv_freq") || path == "embeddings.position_ids" { return .dropped(reason: nil) }
    if kind == .bert, name.hasPrefix("cls.") {
      return .dropped(reason: "it predicts masked words, which an encoder does not")
    }
    if path == "lm_head.weight", isTied { return .dropped(reason: "the embedding is the output matrix too") }
    guard let dot = path.lastIndex(of: ".") else { return nil }
    let (stem, ending) = (String(path[..<dot]), String(path[path.index(after: dot)...]))
    guard ending == "weight" || ending == "bias" else { return nil }
    let table = kind == .bert ? Self.bertModel : Self.decoderModel
    if let found = table[stem] { return .model("\(found).\(ending)") }
    let prefix = kind == .bert ? "encoder.layer." : "layers."
    guard stem.hasPrefix(prefix) else { return nil }
    let parts = stem.dropFirst(prefix.count).split(separator: ".", maxSplits: 1)
    guard parts.count == 2, let layer = Int(parts[0]), layer >= 0 else { return nil }
    return layerPlace(layer, stem: String(parts[1]), ending: ending)
  }

  private func layerPlace(_ layer: Int, stem: String, ending: String) -> Place? {
    if kind == .qwen3MoE, stem.hasPrefix("mlp.experts.") {
      let parts = stem.split(separator: ".")
      guard parts.count == 4, let expert = Int(parts[2]), expert >= 0, ending == "weight",
        let part = ["gate_proj": "gate", "up_proj": "up", "down_proj": "down"][parts[3]]
      else { return nil }
      return .expert(layer: layer, expert: expert, "ffn_\(part)_exps.weight")
    }
    let found: String? =
      switch kind {
      case .bert: Self.bertLayer[stem]
      case .gemma3: Self.gemmaNorms[stem] ?? Self.decoderLayer[stem]
      case .phi3: Self.phiLayer[stem] ?? Self.decoderLayer[stem]
      case .qwen3MoE: stem == "mlp.gate" ? "ffn_gate_inp" : Self.decoderLayer[stem]
      default: Self.decoderLayer[stem]
      }
    return found.map { .layer(layer, "\($0).\(ending)") }
  }

  private static let decoderModel = ["embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"]
  private static let decoderLayer = [
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
  ]
  /// Gemma normalises both ends of attention and of the feed-forward part.
  private static let gemmaNorms = [
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
  ]
  private static let phiLayer = ["self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"]
  private static let bertModel = [
    "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
    "pooler.dense": "cls",
  ]
  private static let bertLayer = [
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
  ]

  /// Whether the embedding is the output matrix too: what transformers assumes where the configuration is silent.
  var isTied: Bool { configuration.json["tie_word_embeddings"]?.bool ?? (kind == .gemma3) }

  // MARK: Contents

  private func plan(_ tensor: WeightTensor, as name: String) throws(ConversionError) -> TensorPlan {
    var plan = TensorPlan(copying: tensor, as: name)
    // Gemma's norms multiply by one plus the weight; in GGUF the one is in the weight.
    if kind == .gemma3, name.hasSuffix("norm.weight") { plan.addend = 1 }
    let pairsNeighbours = kind.architecture == "llama"
    if pairsNeighbours, [".attn_q.", ".attn_k."].contains(where: { name.contains($0) }) {
      let head = try weights { () throws(WeightError) in try headDimension }
      guard head % 2 == 0, let rows = tensor.shape.first, rows % head == 0 else {
        throw .weights(
          .wrongShape(
            tensor: tensor.name, expected: [head] + tensor.shape.dropFirst(), found: tensor.shape,
            path: tensor.file.path))
      }
      plan.interleavedHead = head
    }
    return plan
  }

  private func stack(_ tensors: [Int: WeightTensor], as name: String) throws(ConversionError) -> TensorPlan {
    let count = try weights { () throws(WeightError) in try expertCount }
    var parts: [WeightTensor] = []
    // One missing number ends the loop, however many the configuration asks for.
    for expert in 0..<count {
      guard let tensor = tensors[expert] else {
        throw .weights(.missingTensor(name: "expert \(expert) of \(name)", path: file.path))
      }
      if let first = parts.first {
        try weights { () throws(WeightError) in try tensor.requireShape(first.shape) }
      }
      parts.append(tensor)
    }
    guard tensors.count == count, let shape = parts.first?.shape, shape.count == 2 else {
      throw .weights(.unsupported(path: file.path, reason: "\(tensors.count) experts for \(name), not \(count)"))
    }
    return TensorPlan(name: name, shape: [count] + shape, content: .stacked(parts))
  }

  // MARK: Completeness

  /// Every layer of these architectures has the same tensors: one that lacks some would load nowhere.
  private func requireEqualLayers(_ layers: [Int: [TensorPlan]], count: Int) throws(ConversionError) {
    func suffixes(_ layer: Int) -> Set<String> {
      Set((layers[layer] ?? []).map { String($0.name.dropFirst("blk.\(layer).".count)) })
    }
    let expected = suffixes(0)
    guard !expected.isEmpty else { throw .weights(.missingTensor(name: "blk.0.*", path: file.path)) }
    // A layer that is missing ends the loop: it is bounded by the tensors, not by the configuration.
    for layer in 1..<max(count, 1) {
      let found = suffixes(layer)
      if found == expected { continue }
      let missing = expected.subtracting(found).min() ?? found.subtracting(expected).min() ?? "*"
      throw .weights(.missingTensor(name: "blk.\(layer).\(missing)", path: file.path))
    }
  }

  private func requireEnds(_ plans: [TensorPlan]) throws(ConversionError) {
    var required = ["token_embd.weight"]
    if kind != .bert { required += ["output_norm.weight"] + (isTied ? [] : ["output.weight"]) }
    for name in required where !plans.contains(where: { $0.name == name }) {
      throw .weights(.missingTensor(name: name, path: file.path))
    }
  }
}
