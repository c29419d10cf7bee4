// The pre-norm transformer block that Llama and its relatives share, and the stack of blocks that makes a decoder.

/// One layer of a decoder.
package protocol DecoderBlock: Sendable {
  /// Applies the layer to the residual stream x (rows, width), in place but for rows that end here, and returns what
  /// ``Pass/kept(_:)`` keeps of it.
  func callAsFunction(
    _ x: TensorView, layer: Int, _ rope: RopeTables, _ pass: Pass
  ) throws(KernelError) -> TensorView
}

/// Generic over its second half: as an existential, that would be copied and retained in every layer of every step.
package struct PreNormBlock<Layer: FeedForwardLayer>: DecoderBlock {
  let attentionNorm: Norm
  let attention: Attention
  let feedForwardNorm: Norm
  let feedForward: Layer

  package func callAsFunction(
    _ x: TensorView, layer: Int, _ rope: RopeTables, _ pass: Pass
  ) throws(KernelError) -> TensorView {
    let y = try pass.kept(x)
    try pass.scope { () throws(KernelError) in
      try attention(attentionNorm(x, pass), layer: layer, rope, pass, addingTo: y)
    }
    try pass.scope { () throws(KernelError) in
      try feedForward(feedForwardNorm(y, pass), pass, addingTo: y)
    }
    return y
  }
}

extension WeightLoader {
  /// A block with the usual norms around the given layers.
  func preNormBlock<Layer: FeedForwardLayer>(
    _ configuration: ModelConfiguration, attention: Attention, feedForward: Layer
  ) throws(ModelError) -> PreNormBlock<Layer> {
    let width = configuration.width
    return PreNormBlock(
      attentionNorm: try rmsNorm(gguf: "attn_norm", hf: "input_layernorm", count: width, configuration),
      attention: attention,
      feedForwardNorm: try rmsNorm(gguf: "ffn_norm", hf: "post_attention_layernorm", count: width, configuration),
      feedForward: feedForward)
  }
}

/// Embedding, blocks, norm, output.
package struct Decoder<Block: DecoderBlock>: Sendable {
  let embedding: Embedding
  let blocks: [Block]
  let rope: Rope
  /// RoPE of the layers with a window, where it differs.
  let windowRope: Rope?
  let windows: [Int]
  let norm: Norm
  let head: PackedTensor
  let logitSoftcap: Float

  /// A decoder whose blocks are made by `block`.
  init(
    _ configuration: ModelConfiguration, _ weights: WeightLoader,
    block: (WeightLoader, Int) throws(ModelError) -> Block
  ) throws(ModelError) {
    guard let rope = configuration.rope else {
      throw .badConfiguration(key: "rope", reason: "the architecture needs one", path: weights.file.path)
    }
    embedding = try weights.embedding(configuration)
    var blocks: [Block] = []
    for layer in 0..<configuration.layers { blocks.append(try block(weights.layer(layer), layer)) }
    self.blocks = blocks
    self.rope = try Rope(rope, arena: weights.arena)
    windowRope = try configuration.windowRope.map { rope throws(ModelError) in try Rope(rope, arena: weights.arena) }
    windows = configuration.windows
    norm = try weights.rmsNorm(gguf: "output_norm", hf: "norm", count: configuration.width, configuration)
    head = try weights.head(configuration, tiedTo: embedding)
    logitSoftcap = configuration.logitSoftcap
  }

  /// The residual stream (askedCount, width) after the last block, of the rows that were asked for.
  func hidden(_ pass: Pass) throws(KernelError) -> TensorView {
    var x = try embedding(pass)
    let angles = try rope(pass)
    let windowAngles = try windowRope?(pass) ?? angles
    let (blocks, windows) = (blocks.span, windows.span)  // arrays would be retained for each layer
    for layer in blocks.indices {
      try pass.checkCancelled()
      // Of the other rows only the keys and values matter from here on.
      pass.keepsAskedOnly = layer == blocks.count - 1
      x = try blocks[layer](x, layer: layer, windows[layer] > 0 ? windowAngles : angles, pass)
    }
    return x
  }

  /// The logits (m, vocabulary) of normed rows (m, width).
  func logits(of x: TensorView, into logits: TensorView, _ pass: Pass) throws(KernelError) {
    try pass.multiply(x) { $0.add(head, into: logits) }
    if logitSoftcap > 0 { try pass.softcap(logitSoftcap, logits) }
  }
}
