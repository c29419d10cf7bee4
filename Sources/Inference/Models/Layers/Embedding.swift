// The table of token embeddings, which many models use as their output layer as well.

package struct Embedding: Sendable {
  package let table: PackedTensor
  let scale: Float

  /// The embeddings of the pass's tokens: a new matrix (rows, width).
  func callAsFunction(_ pass: Pass) throws(KernelError) -> TensorView {
    let x = try pass.take(columns: table.columns)
    try pass.embed(pass.tokens, in: table, scale: scale, into: x)
    return x
  }
}

extension WeightLoader {
  func embedding(_ configuration: ModelConfiguration) throws(ModelError) -> Embedding {
    Embedding(
      table: try matrix(
        gguf: "token_embd.weight", hf: "embed_tokens.weight", rows: configuration.vocabulary,
        columns: configuration.width),
      scale: configuration.embeddingScale)
  }

  /// The output layer: the file's own, or the embedding's table where the file ties the two.
  func head(_ configuration: ModelConfiguration, tiedTo embedding: Embedding) throws(ModelError) -> PackedTensor {
    let heads = [root, self].filter { $0.has(gguf: "output.weight", hf: "lm_head.weight") }
    if configuration.tiesEmbedding == true || (heads.isEmpty && configuration.tiesEmbedding == nil) {
      return embedding.table
    }
    return try (heads.first ?? root).matrix(
      gguf: "output.weight", hf: "lm_head.weight", rows: configuration.vocabulary, columns: configuration.width)
  }
}
