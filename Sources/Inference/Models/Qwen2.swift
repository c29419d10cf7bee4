// Qwen 2 and 2.5: Llama's block with biases on queries, keys and values.
// Yang et al., "Qwen2 Technical Report".

package struct Qwen2: DecoderArchitecture {
  package static let name = "qwen2"
  package static let modelTypes = ["qwen2"]
  package let decoder: Decoder<PreNormBlock<FeedForward>>

  package static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration {
    try reader.qwen()
  }

  package init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    decoder = try Decoder(configuration, weights) { weights, layer throws(ModelError) in
      let attention = try weights.attention(configuration, layer: layer)
      guard attention.query.bias != nil, attention.key.bias != nil, attention.value.bias != nil else {
        throw .weights(.missingTensor(name: "the biases of attention in layer \(layer)", path: weights.file.path))
      }
      return try weights.preNormBlock(
        configuration, attention: attention, feedForward: weights.feedForward(configuration))
    }
  }
}

extension ConfigurationReader {
  /// The numbers of the Qwen family, whose files may name a window and say in another key whether it is in use.
  func qwen() throws(ModelError) -> ModelConfiguration {
    var configuration = try decoder()
    let usesWindow = try boolIfPresent(ConfigurationKey(nil, "use_sliding_window")) ?? false
    if usesWindow, let window = try intIfPresent(.window, in: 1...Int(Int32.max)) {
      let full = try intIfPresent(ConfigurationKey(nil, "max_window_layers"), in: 0...1 << 20) ?? 0
      configuration.windows = try windows(layers: configuration.layers, window: window) { $0 >= full }
    }
    return configuration
  }
}
