// Phi-3 and Phi-4: Llama's block, with queries, keys and values in one tensor, gate and up in another, and LongRoPE.
// Abdin et al., "Phi-3 Technical Report".

package struct Phi3: DecoderArchitecture {
  package static let name = "phi3"
  package static let modelTypes = ["phi3"]
  package let decoder: Decoder<PreNormBlock<FeedForward>>

  package static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration {
    var configuration = try reader.decoder()
    if let window = try reader.intIfPresent(.window, in: 0...Int(Int32.max)) {
      configuration.windows = try reader.windows(layers: configuration.layers, window: window) { _ in true }
    }
    return configuration
  }

  package init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError) {
    let (queries, keys, width) = (configuration.queryWidth, configuration.keyWidth, configuration.width)
    let hidden = configuration.feedForward
    decoder = try Decoder(configuration, weights) { weights, layer throws(ModelError) in
      let qkv = try weights.parts(
        gguf: "attn_qkv", hf: "self_attn.qkv_proj", rows: [queries, keys, keys], columns: width)
      let gateUp = try weights.parts(
        gguf: "ffn_up", hf: "mlp.gate_up_proj", rows: [hidden, hidden], columns: width)
      let down = try weights.linear(gguf: "ffn_down", hf: "mlp.down_proj", rows: width, columns: hidden)
      return try weights.preNormBlock(
        configuration,
        attention: weights.attention(configuration, layer: layer, query: qkv[0], key: qkv[1], value: qkv[2]),
        feedForward: FeedForward(gate: gateUp[0], up: gateUp[1], down: down, activation: configuration.activation))
    }
  }
}
