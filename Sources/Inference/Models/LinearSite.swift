// The linear layers of a model by name: what an adapter's tensors are matched with. No weights.

/// One linear layer, or one of several that a file keeps on top of each other in one tensor.
package struct LinearSite: Sendable {
  /// GGUF's name without its ending, such as `blk.0.attn_q`.
  package let gguf: String
  /// The name in transformers from `layers.` on, such as `layers.0.self_attn.q_proj`.
  package let module: String
  /// Where its rows start among the `totalRows` of the tensor.
  package let firstRow: Int
  package let rows: Int
  package let totalRows: Int
  package let columns: Int

  /// Whether RoPE turns what the layer gives, so that the order of its rows depends on how RoPE pairs them.
  var isTurned: Bool { gguf.hasSuffix(".attn_q") || gguf.hasSuffix(".attn_k") }
}
