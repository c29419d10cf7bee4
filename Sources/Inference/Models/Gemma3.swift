// Gemma 3, text: norms before and after each half of a block, five layers with a window to one without, and scaled
// embeddings. Gemma Team, "Gemma 3 Technical Report".

package struct Gemma3: DecoderArchitecture {
  package static let name = "gemma3"
  package static let modelTypes = ["gemma3_text"]
  package let decoder: Decoder<Gemma3Block>

  package static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration {
    var configuration = try reader.decoder()
    configuration.activation = try reader.activation(default: .geluTanh)
    configuration.embeddingScale = Float(configuration.width).squareRoot()
    // Weights are stored less one; converters to GGUF add it.
    configuration.normOffset = reader.isGGUF ? 0 : 1
    func softcap(_ name: String) throws(ModelError) -> Float {
      let key = ConfigurationKey(name, name)
      return Float(try reader.doubleIfPresent(key, in: 0...1e4) ?? 0)
    }
    configuration.logitSoftcap = try softcap("final_logit_softcapping")
    configuration.attentionSoftcap = try softcap("attn_logit_softcapping")
    let scalar = try reader.doubleIfPresent(ConfigurationKey(nil, "query_pre_attn_scalar"), in: 1e-3...1e6)
    // Of the models in GGUF only the one of 62 layers (27B) scales by something else than the head's size.
    let plain =
      reader.isGGUF && configuration.layers == 62 ? configuration.width / configuration.heads : configuration.headDim
    configuration.attentionScale = Float(1 / (scalar ?? Double(plain)).squareRoot())

    let window = try reader.intIfPresent(.window, in: 1...Int(Int32.max)) ?? 512
    let pattern =
      try reader.intIfPresent(
        ConfigurationKey("attention.sliding_window_pattern", "sliding_window_pattern", "_sliding_window_pattern"),
        in: 1...1 << 20) ?? 6
    configuration.windows = try reader.windows(layers: configuration.layers, window: window) { ($0 + 1) % pattern != 0 }
    configuration.windowRope = try windowRope(reader, configuration)
    return configuration
  }

  /// The layers with a window turn with a base of their own, and are never scaled.
  private static func windowRope(
    _ reader: ConfigurationReader, _ configuration: ModelConfiguration
  ) throws(ModelError) -> RopeConfiguration? {
    if reader.isGGUF {
      guard var rope = configuration.rope else { return nil }
      rope.base = try reader.doubleIfPresent(ConfigurationKey("rope.freq_base_swa"), in: 1...1e12) ?? 10_000
      rope.scaling = .none
      return rope
    }
    return try reader.rope(
      headDim: configuration.headDim, context: configuration.context, interleaved: false,
      layerType: "sliding_attention")
  }

  package init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    decoder = try Decoder(configuration, weights) { weights, layer throws(ModelError) in
      try Gemma3Block(configuration, weights, layer: layer)
    }
  }
}

package struct Gemma3Block: DecoderBlock {
  let attentionNorm: Norm
  let attention: Attention
  let postAttentionNorm: Norm
  let feedForwardNorm: Norm
  let feedForward: FeedForward
  let postFeedForwardNorm: Norm

  init(_ configuration: ModelConfiguration, _ weights: WeightLoader, layer: Int) throws(ModelError) {
    func norm(_ gguf: String, _ hf: String) throws(ModelError) -> Norm {
      try weights.rmsNorm(gguf: gguf, hf: hf, count: configuration.width, configuration)
    }
    attentionNorm = try norm("attn_norm", "input_layernorm")
    attention = try weights.normedAttention(configuration, layer: layer)
    postAttentionNorm = try norm("post_attention_norm", "post_attention_layernorm")
    feedForwardNorm = try norm("ffn_norm", "pre_feedforward_layernorm")
    feedForward = try weights.feedForward(configuration)
    postFeedForwardNorm = try norm("post_ffw_norm", "post_feedforward_layernorm")
  }

  package func callAsFunction(
    _ x: TensorView, layer: Int, _ rope: RopeTables, _ pass: Pass
  ) throws(KernelError) -> TensorView {
    let y = try pass.kept(x)
    try pass.scope { () throws(KernelError) in
      let attended = try attention(attentionNorm(x, pass), layer: layer, rope, pass)
      try postAttentionNorm(attended, into: attended, pass)
      try pass.add(attended, to: y)
    }
    try pass.scope { () throws(KernelError) in
      let fed = try feedForward(feedForwardNorm(y, pass), pass)
      try postFeedForwardNorm(fed, into: fed, pass)
      try pass.add(fed, to: y)
    }
    return y
  }
}
