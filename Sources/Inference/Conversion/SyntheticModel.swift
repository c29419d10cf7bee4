// Models of a published shape with random weights: for measuring, where the real weights are not at hand.

/// Writes a GGUF file of a known model's shape whose weights are seeded noise.
///
/// The file is what a converted model would be: the same tensors, formats and metadata, and a byte-level vocabulary of
/// the true size. What it says is noise; how fast it says it is not. It depends on shape, type and seed alone.
///
///     let model = SyntheticModel(shape: SyntheticShape(name: "llama-3.2-1b")!, type: FileType(name: "Q4_0")!)
///     try model.write(to: "noise.gguf")
public struct SyntheticModel: Sendable {
  public let shape: SyntheticShape
  public let type: FileType
  public let seed: UInt64
  /// What becomes of each tensor, in the order of the file to be written.
  public let tensors: [QuantizedTensor]

  /// How a tensor's values are distributed.
  enum Values {
    /// Around 1: the weights of norms.
    case norm
    /// Around 0 with this standard deviation.
    case noise(Float)
    case computed([Float])
  }

  struct Plan {
    let name: String
    let shape: [Int]
    let values: Values
  }

  private let plans: [Plan]

  public init(shape: SyntheticShape, type: FileType, seed: UInt64 = 0) {
    self.shape = shape
    self.type = type
    self.seed = seed
    let plans = shape.plans
    let model = FileType.Traits(
      layers: shape.layers, grouping: shape.heads / shape.keyValueHeads, tiedOutput: shape.tiedOutput)
    self.plans = plans
    tensors = plans.map { plan in
      let choice = type.format(of: plan.name, shape: plan.shape, in: model)
      return QuantizedTensor(
        name: plan.name, shape: plan.shape, sourceFormat: nil, format: choice.format, insteadOf: choice.insteadOf,
        byteCount: choice.format.byteCount(of: plan.shape) ?? 0)
    }
  }

  /// Values in all tensors.
  public var parameterCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }
  /// Bytes of all tensors; the file has a few megabytes more, mostly vocabulary.
  public var tensorBytes: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Writes the file.
  ///
  /// - Parameters:
  ///   - path: Appears when the file is complete; until then whatever is there stays.
  ///   - progress: Called some times a second with the share that is done (0 to 1); returns false to stop.
  /// - Throws: ``ConversionError/cancelled`` if `progress` returned false, or why the file cannot be written. Nothing
  ///   is left behind then.
  public func write(to path: String, progress: (Double) -> Bool = { _ in true }) throws(ConversionError) {
    guard progress(0) else { throw .cancelled }
    do {
      var writer = try GGUFWriter(
        path: path, metadata: type.describing(shape.metadata),
        tensors: tensors.map { GGUFWriter.Tensor(name: $0.name, shape: $0.shape, format: $0.format) })
      var noise = NoisePool(seed: seed)
      let total = Double(max(1, tensorBytes))
      var done = 0
      for (plan, tensor) in zip(plans, tensors) {
        try noise.forEachChunk(of: plan, as: tensor.format) { bytes throws(ConversionError) in
          do throws(WeightError) { try writer.write(bytes, to: tensor.name) } catch { throw .weights(error) }
          done += bytes.count
          guard progress(Double(done) / total) else { throw .cancelled }
        }
      }
      try writer.finish()
    } catch {
      throw ConversionError(error)
    }
  }
}

// MARK: Tensors

extension SyntheticShape {
  /// Every tensor of the architecture, in the order in which a forward pass needs them.
  var plans: [SyntheticModel.Plan] {
    var plans: [SyntheticModel.Plan] = []
    func add(_ name: String, _ shape: [Int], _ values: SyntheticModel.Values) {
      plans.append(.init(name: name, shape: shape, values: values))
    }
    // Rows of unit length keep activations near 1 through any number of layers.
    func matrix(_ name: String, _ shape: [Int]) {
      add(name + ".weight", shape, .noise(1 / Float(shape.last ?? 1).squareRoot()))
    }
    func norm(_ name: String, _ width: Int) { add(name + ".weight", [width], .norm) }
    // With this deviation the logits of a tied output spread over about one.
    add("token_embd.weight", [vocabulary, width], .noise(0.02))
    if let factor = llama3Factor {
      add("rope_freqs.weight", [headDimension / 2], .computed(llama3Divisors(factor)))
    }
    let (queries, keys) = (heads * headDimension, keyValueHeads * headDimension)
    for layer in 0..<layers {
      let prefix = "blk.\(layer)."
      norm(prefix + "attn_norm", width)
      matrix(prefix + "attn_q", [queries, width])
      matrix(prefix + "attn_k", [keys, width])
      matrix(prefix + "attn_v", [keys, width])
      matrix(prefix + "attn_output", [width, queries])
      if architecture == .qwen2 {
        for (name, count) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
          add(prefix + name + ".bias", [count], .noise(0.02))
        }
      }
      if architecture == .gemma3 || architecture == .qwen3moe {
        norm(prefix + "attn_q_norm", headDimension)
        norm(prefix + "attn_k_norm", headDimension)
      }
      if architecture == .gemma3 {
        norm(prefix + "post_attention_norm", width)
        norm(prefix + "post_ffw_norm", width)
      }
      norm(prefix + "ffn_norm", width)
      if experts > 0 {
        matrix(prefix + "ffn_gate_inp", [experts, width])
        matrix(prefix + "ffn_gate_exps", [experts, feedForward, width])
        matrix(prefix + "ffn_up_exps", [experts, feedForward, width])
        matrix(prefix + "ffn_down_exps", [experts, width, feedForward])
      } else {
        matrix(prefix + "ffn_gate", [feedForward, width])
        matrix(prefix + "ffn_up", [feedForward, width])
        matrix(prefix + "ffn_down", [width, feedForward])
      }
    }
    norm("output_norm", width)
    if !tiedOutput { matrix("output", [vocabulary, width]) }
    return plans
  }

  private func llama3Divisors(_ factor: Float) -> [Float] {
    RopeFactors.llama3(
      dimensions: headDimension, base: Double(ropeBase), factor: Double(factor), low: 1, high: 4,
      originalContext: 8_192)
  }

  /// Values in all tensors of a model of this shape.
  public var parameterCount: Int { plans.reduce(0) { $0 + $1.shape.reduce(1, *) } }

  // MARK: Metadata

  package var metadata: [(key: String, value: MetadataValue)] {
    var list = MetadataList(architecture: architecture.rawValue, name: "\(name), random weights")
    func count(_ value: Int) -> UInt32 { UInt32(clamping: value) }
    list.model("context_length", count(context))
    list.model("embedding_length", count(width))
    list.model("block_count", count(layers))
    // The dense width of a model with experts has no tensor; the key is needed all the same.
    list.model("feed_forward_length", count(experts > 0 ? feedForward * expertsUsed : feedForward))
    list.model("attention.head_count", count(heads))
    list.model("attention.head_count_kv", count(keyValueHeads))
    list.model("attention.layer_norm_rms_epsilon", epsilon)
    list.model("attention.key_length", count(headDimension))
    list.model("attention.value_length", count(headDimension))
    list.model("rope.freq_base", ropeBase)
    if architecture == .llama {
      list.model("rope.dimension_count", count(headDimension))
      list.model("vocab_size", count(vocabulary))
    }
    if let window = slidingWindow {
      list.model("attention.sliding_window", count(window))
      list.model("rope.freq_base_swa", Float(10_000))
    }
    if experts > 0 {
      list.model("expert_count", count(experts))
      list.model("expert_used_count", count(expertsUsed))
      list.model("expert_feed_forward_length", count(feedForward))
    }
    SyntheticVocabulary(shape: self).add(to: &list)
    return list.entries
  }
}
