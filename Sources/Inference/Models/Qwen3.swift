// Qwen 3, dense: Llama's block with a norm on every query and key head.
// Yang et al., "Qwen3 Technical Report".

package struct Qwen3: DecoderArchitecture {
  package static let name = "qwen3"
  package static let modelTypes = ["qwen3"]
  package let decoder: Decoder<PreNormBlock<FeedForward>>

  package static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration {
    try reader.qwen()
  }

  package init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    decoder = try Decoder(configuration, weights) { weights, layer throws(ModelError) in
      try weights.preNormBlock(
        configuration, attention: weights.normedAttention(configuration, layer: layer),
        feedForward: weights.feedForward(configuration))
    }
  }
}

extension WeightLoader {
  /// Attention that must have norms on queries and keys.
  func normedAttention(_ configuration: ModelConfiguration, layer: Int) throws(ModelError) -> Attention {
    let attention = try attention(configuration, layer: layer)
    guard attention.queryNorm != nil, attention.keyNorm != nil else {
      throw .weights(.missingTensor(name: "the norm of queries in layer \(layer)", path: file.path))
    }
    return attention
  }
}
