// Qwen 3 with experts: Qwen 3's attention, and a mixture of experts in the layers that the file says.
// Yang et al., "Qwen3 Technical Report".

package struct Qwen3MoE: DecoderArchitecture {
  package static let name = "qwen3moe"
  package static let modelTypes = ["qwen3_moe"]
  package let decoder: Decoder<PreNormBlock<DenseOrSparse>>

  package static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration {
    var configuration = try reader.qwen()
    let count = try reader.int(.expertCount, in: 1...1 << 14)
    let step = try reader.intIfPresent(ConfigurationKey(nil, "decoder_sparse_step"), in: 1...1 << 20) ?? 1
    let dense = Set((reader.json?["mlp_only_layers"]?.array ?? []).compactMap(\.int))
    configuration.experts = ExpertConfiguration(
      count: count, used: try reader.int(.expertsUsed, in: 1...count),
      width: try reader.int(.expertWidth, in: 1...1 << 24),
      // GGUF files do not say; every model that was published in that form renormalises.
      renormalises: try reader.boolIfPresent(ConfigurationKey(nil, "norm_topk_prob")) ?? reader.isGGUF,
      sparseLayers: (0..<configuration.layers).map { !dense.contains($0) && ($0 + 1) % step == 0 })
    return configuration
  }

  package init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    guard let experts = configuration.experts else {
      throw .badConfiguration(key: "num_experts", reason: "is missing", path: weights.file.path)
    }
    decoder = try Decoder(configuration, weights) { weights, layer throws(ModelError) in
      let feedForward: DenseOrSparse =
        experts.sparseLayers[layer]
        ? .sparse(try weights.mixture(configuration, experts)) : .dense(try weights.feedForward(configuration))
      return try weights.preNormBlock(
        configuration, attention: weights.normedAttention(configuration, layer: layer), feedForward: feedForward)
    }
  }
}

/// The second half of a block in a model where some layers have experts and others do not.
package enum DenseOrSparse: FeedForwardLayer {
  case dense(FeedForward)
  case sparse(MixtureOfExperts)

  @discardableResult
  package func callAsFunction(
    _ x: TensorView, _ pass: Pass, addingTo sum: TensorView? = nil
  ) throws(KernelError) -> TensorView {
    switch self {
    case .dense(let layer): try layer(x, pass, addingTo: sum)
    case .sparse(let layer): try layer(x, pass, addingTo: sum)
    }
  }
}
