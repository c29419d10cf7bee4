// Attention with grouped queries; with norms on queries and keys, biases, a window or a cap where a model has them.

package struct Attention: Sendable {
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  /// Over each head's values.
  let queryNorm: Norm?
  let keyNorm: Norm?
  let parameters: AttentionParameters
  let keyValueHeads: Int

  /// Attention of the pass's rows x (rows, width) over their sequences, in a new matrix or added to `sum`: the rows
  /// that ``Pass/kept(_:)`` keeps.
  ///
  /// - Parameter layer: where this layer's keys and values lie in a block.
  @discardableResult
  func callAsFunction(
    _ x: TensorView, layer: Int, _ rope: RopeTables?, _ pass: Pass, addingTo sum: TensorView? = nil
  ) throws(KernelError) -> TensorView {
    let (heads, headDim) = (parameters.heads, parameters.headDim)
    let (queryWidth, keyWidth) = (heads * headDim, keyValueHeads * headDim)
    // Queries, keys and values stand side by side, so that one rotation does for queries and keys.
    let qkv = try pass.take(columns: queryWidth + 2 * keyWidth)
    let q = qkv.columns(0..<queryWidth)  // (rows, heads, headDim)
    let k = qkv.columns(queryWidth..<queryWidth + keyWidth)  // (rows, keyValueHeads, headDim)
    let v = qkv.columns(queryWidth + keyWidth..<qkv.columns)  // (rows, keyValueHeads, headDim)
    try pass.multiply(x) {
      $0.add(query, into: q)
      $0.add(key, into: k)
      $0.add(value, into: v)
    }
    if pass.hasAdapters {
      try pass.adapt(x) {
        $0.add(query, into: q)
        $0.add(key, into: k)
        $0.add(value, into: v)
      }
    }
    try queryNorm?(q, groups: heads, into: q, pass)
    try keyNorm?(k, groups: keyValueHeads, into: k, pass)
    if let rope {
      try pass.rope(
        qkv.columns(0..<queryWidth + keyWidth), heads: heads + keyValueHeads, headDim: headDim, rope)
    }
    try pass.store(keys: k, values: v, layer: layer)
    let mixed = try pass.take(columns: queryWidth)
    try pass.attend(q, layer: layer, parameters, into: mixed)
    return try output(pass.kept(mixed), pass, addingTo: sum)
  }
}

extension WeightLoader {
  /// The attention of `layer`, whose queries, keys and values are tensors of their own.
  func attention(_ configuration: ModelConfiguration, layer: Int) throws(ModelError) -> Attention {
    let (queries, keys, width) = (configuration.queryWidth, configuration.keyWidth, configuration.width)
    return try attention(
      configuration, layer: layer,
      query: linear(gguf: "attn_q", hf: "self_attn.q_proj", rows: queries, columns: width),
      key: linear(gguf: "attn_k", hf: "self_attn.k_proj", rows: keys, columns: width),
      value: linear(gguf: "attn_v", hf: "self_attn.v_proj", rows: keys, columns: width))
  }

  /// The attention of `layer` around given projections.
  func attention(
    _ configuration: ModelConfiguration, layer: Int, query: Linear, key: Linear, value: Linear
  ) throws(ModelError) -> Attention {
    let hasNorms = has(gguf: "attn_q_norm.weight", hf: "self_attn.q_norm.weight")
    return Attention(
      query: query, key: key, value: value,
      output: try linear(
        gguf: "attn_output", hf: "self_attn.o_proj", rows: configuration.width, columns: configuration.queryWidth),
      queryNorm: hasNorms ? try headNorm("attn_q_norm", "self_attn.q_norm", configuration) : nil,
      keyNorm: hasNorms ? try headNorm("attn_k_norm", "self_attn.k_norm", configuration) : nil,
      parameters: AttentionParameters(
        heads: configuration.heads, headDim: configuration.headDim, scale: configuration.attentionScale,
        softcap: configuration.attentionSoftcap, window: configuration.windows[layer]),
      keyValueHeads: configuration.keyValueHeads)
  }

  private func headNorm(
    _ gguf: String, _ hf: String, _ configuration: ModelConfiguration
  ) throws(ModelError) -> Norm {
    try rmsNorm(gguf: gguf, hf: hf, count: configuration.headDim, configuration)
  }
}
