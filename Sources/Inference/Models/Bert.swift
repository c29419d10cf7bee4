// BERT and the sentence encoders built on it: learnt positions, token types, norms after each half, both directions.
// Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
import Glibc

package struct Bert: Architecture {
  package static let name = "bert"
  package static let modelTypes = ["bert"]

  let words: PackedTensor
  let positions: PackedTensor
  let types: PackedTensor
  let embeddingNorm: Norm
  let blocks: [BertBlock]
  let pooler: Linear?
  /// The head of a cross-encoder or another classifier, which reads the pooler's output.
  let classifier: Linear?

  package static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration {
    let layers = try reader.int(.layers, in: 1...4096)
    let width = try reader.int(.width, in: 1...1 << 20)
    let heads = try reader.int(.heads, in: 1...1 << 16)
    guard width % heads == 0 else { throw reader.bad(.heads, "\(heads) does not divide the width \(width)") }
    let embeddings = HuggingFacePrefix.find(in: reader.weights) + "embeddings."
    func rows(_ gguf: String, _ hf: String) throws(ModelError) -> Int {
      try reader.rows(of: reader.isGGUF ? gguf : embeddings + hf, columns: width)
    }
    let kind = try reader.stringIfPresent(ConfigurationKey(nil, "position_embedding_type")) ?? "absolute"
    guard kind == "absolute" else {
      throw .unsupported(key: "position_embedding_type", reason: "'\(kind.prefix(40))'", path: reader.path)
    }
    return ModelConfiguration(
      architecture: name, name: reader.modelName, layers: layers, width: width, heads: heads, keyValueHeads: heads,
      headDim: width / heads, feedForward: try reader.int(.feedForward, in: 1...1 << 24),
      vocabulary: try rows("token_embd.weight", "word_embeddings.weight"),
      context: try rows("position_embd.weight", "position_embeddings.weight"),
      normEpsilon: Float(try reader.double(.layerNormEpsilon, in: 0...1)), rope: nil, windowRope: nil,
      windows: Array(repeating: 0, count: layers), attentionScale: 1 / Float(width / heads).squareRoot(),
      activation: try reader.activation(default: .geluErf),
      tokenTypes: try rows("token_types.weight", "token_type_embeddings.weight"), isEncoder: true)
  }

  package init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    let width = configuration.width
    func table(_ gguf: String, _ hf: String, _ rows: Int) throws(ModelError) -> PackedTensor {
      try weights.matrix(gguf: gguf, hf: "embeddings.\(hf)", rows: rows, columns: width)
    }
    words = try table("token_embd.weight", "word_embeddings.weight", configuration.vocabulary)
    positions = try table("position_embd.weight", "position_embeddings.weight", configuration.context)
    types = try table("token_types.weight", "token_type_embeddings.weight", configuration.tokenTypes)
    embeddingNorm = try weights.layerNorm(
      gguf: "token_embd_norm", hf: "embeddings.LayerNorm", count: width, configuration)
    var blocks: [BertBlock] = []
    for layer in 0..<configuration.layers {
      blocks.append(try BertBlock(configuration, weights.layer(layer, folder: "encoder.layer")))
    }
    self.blocks = blocks
    pooler =
      weights.has(gguf: "cls.weight", hf: "pooler.dense.weight")
      ? try weights.linear(gguf: "cls", hf: "pooler.dense", rows: width, columns: width) : nil
    if pooler != nil, let labels = weights.root.rows(gguf: "cls.output.weight", hf: "classifier.weight") {
      classifier = try weights.root.linear(gguf: "cls.output", hf: "classifier", rows: labels, columns: width)
    } else {
      classifier = nil
    }
  }

  package func hidden(_ pass: Pass) throws(KernelError) -> TensorView {
    let x = try pass.take(columns: words.columns)
    try pass.embed(pass.tokens, in: words, scale: 1, into: x)
    try pass.scope { () throws(KernelError) in
      let other = try pass.take(columns: words.columns)
      try pass.embed(pass.tokenTypes, in: types, scale: 1, into: other)
      try pass.add(other, to: x)
      try pass.embed(pass.positions, in: positions, scale: 1, into: other)
      try pass.add(other, to: x)
    }
    try embeddingNorm(x, into: x, pass)
    for block in blocks {
      try pass.checkCancelled()
      try block(x, pass)
    }
    return x
  }

  package func normalise(_ x: TensorView, _ pass: Pass) throws(KernelError) {}

  package func logits(of x: TensorView, into logits: TensorView, _ pass: Pass) throws(KernelError) {
    throw KernelError(.unsupported, "logits of an encoder")
  }

  package func pool(_ first: TensorView, _ pass: Pass) throws(KernelError) -> TensorView? {
    guard let pooler else { return nil }
    let pooled = try pooler(first, pass)
    if !pass.isMeasuring {
      for row in 0..<pooled.rows {
        for index in pooled[row].indices { pooled[row][index] = tanhf(pooled[row][index]) }
      }
    }
    return pooled
  }

  package var labels: Int { classifier?.weight.rows ?? 0 }

  package func classify(_ pooled: TensorView, _ pass: Pass) throws(KernelError) -> TensorView? {
    try classifier.map { classifier throws(KernelError) in try classifier(pooled, pass) }
  }
}

package struct BertBlock: Sendable {
  let attention: Attention
  let attentionNorm: Norm
  let up: Linear
  let down: Linear
  let outputNorm: Norm
  let activation: Gate

  init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    let (width, hidden) = (configuration.width, configuration.feedForward)
    func square(_ gguf: String, _ hf: String) throws(ModelError) -> Linear {
      try weights.linear(gguf: gguf, hf: "attention.\(hf)", rows: width, columns: width)
    }
    attention = Attention(
      query: try square("attn_q", "self.query"), key: try square("attn_k", "self.key"),
      value: try square("attn_v", "self.value"), output: try square("attn_output", "output.dense"),
      queryNorm: nil, keyNorm: nil,
      parameters: AttentionParameters(
        heads: configuration.heads, headDim: configuration.headDim, scale: configuration.attentionScale,
        causal: false),
      keyValueHeads: configuration.heads)
    attentionNorm = try weights.layerNorm(
      gguf: "attn_output_norm", hf: "attention.output.LayerNorm", count: width, configuration)
    up = try weights.linear(gguf: "ffn_up", hf: "intermediate.dense", rows: hidden, columns: width)
    down = try weights.linear(gguf: "ffn_down", hf: "output.dense", rows: width, columns: hidden)
    outputNorm = try weights.layerNorm(
      gguf: "layer_output_norm", hf: "output.LayerNorm", count: width, configuration)
    activation = configuration.activation
  }

  /// Applies the layer to x (rows, width) in place. Keys and values are done with when the layer is, so every layer
  /// uses the same place in a block.
  func callAsFunction(_ x: TensorView, _ pass: Pass) throws(KernelError) {
    try pass.scope { () throws(KernelError) in
      try attention(x, layer: 0, nil, pass, addingTo: x)
      try attentionNorm(x, into: x, pass)
    }
    try pass.scope { () throws(KernelError) in
      let hidden = try pass.take(columns: up.weight.rows)
      try pass.multiply(x) { $0.add(up, act: activation, into: hidden) }
      try down(hidden, pass, addingTo: x)
      try outputNorm(x, into: x, pass)
    }
  }
}
