// The gated feed-forward layer: down(act(gate(x)) * up(x)).

/// What may stand in a block's second half.
package protocol FeedForwardLayer: Sendable {
  /// The layer applied to x (rows, width), in a new matrix or added to `sum`.
  @discardableResult
  func callAsFunction(_ x: TensorView, _ pass: Pass, addingTo sum: TensorView?) throws(KernelError) -> TensorView
}

package struct FeedForward: FeedForwardLayer {
  let gate: Linear
  let up: Linear
  let down: Linear
  let activation: Gate

  @discardableResult
  package func callAsFunction(
    _ x: TensorView, _ pass: Pass, addingTo sum: TensorView? = nil
  ) throws(KernelError) -> TensorView {
    let hidden = try pass.take(rows: x.rows, columns: up.weight.rows)
    // An adapter adds to the sums that the gate is made of. The bits are the same either way, so that rows without one
    // need not be told apart here.
    if isFused && !pass.adapts(gate, up) {
      try pass.multiply(x) { $0.add(up.weight, gate: gate.weight, act: activation, into: hidden) }
    } else {
      let gates = try pass.take(rows: x.rows, columns: gate.weight.rows)
      try pass.multiply(x) {
        $0.add(gate, into: gates)
        $0.add(up, into: hidden)
      }
      if pass.hasAdapters {
        try pass.adapt(x) {
          $0.add(gate, into: gates)
          $0.add(up, into: hidden)
        }
      }
      try pass.gated(activation, gates, hidden, into: hidden)
    }
    return try down(hidden, pass, addingTo: sum)
  }

  /// One product does it unless there are biases, or the two formats want x in different shapes.
  private var isFused: Bool {
    gate.bias == nil && up.bias == nil && gate.weight.format.activation == up.weight.format.activation
  }
}

extension WeightLoader {
  func feedForward(_ configuration: ModelConfiguration) throws(ModelError) -> FeedForward {
    let (hidden, width) = (configuration.feedForward, configuration.width)
    return FeedForward(
      gate: try linear(gguf: "ffn_gate", hf: "mlp.gate_proj", rows: hidden, columns: width),
      up: try linear(gguf: "ffn_up", hf: "mlp.up_proj", rows: hidden, columns: width),
      down: try linear(gguf: "ffn_down", hf: "mlp.down_proj", rows: width, columns: hidden),
      activation: configuration.activation)
  }
}
