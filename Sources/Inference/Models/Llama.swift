// Llama 1 to 3, and the models that share its blocks: Mistral (with a window), SmolLM, TinyLlama.
// Touvron et al., "LLaMA: Open and Efficient Foundation Language Models"; Jiang et al., "Mistral 7B".

package struct Llama: DecoderArchitecture {
  package static let name = "llama"
  package static let modelTypes = ["llama", "mistral"]
  package let decoder: Decoder<PreNormBlock<FeedForward>>

  package static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration {
    // GGUF files keep the paper's order of the rows of queries and keys; safetensors have them regrouped in halves.
    var configuration = try reader.decoder(interleaved: reader.isGGUF)
    if let experts = try reader.intIfPresent(.expertCount, in: 0...1 << 20), experts > 0 {
      throw .unsupported(key: reader.name(.expertCount), reason: "a Llama of \(experts) experts", path: reader.path)
    }
    if let window = try reader.intIfPresent(.window, in: 0...Int(Int32.max)) {
      configuration.windows = try reader.windows(layers: configuration.layers, window: window) { _ in true }
    }
    return configuration
  }

  package init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    decoder = try Decoder(configuration, weights) { weights, layer throws(ModelError) in
      try weights.preNormBlock(
        configuration, attention: weights.attention(configuration, layer: layer),
        feedForward: weights.feedForward(configuration))
    }
  }
}
