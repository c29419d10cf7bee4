// A linear layer: y = x · Wᵀ + b.

package struct Linear: @unchecked Sendable {
  package let weight: PackedTensor
  /// (rows of the weight), in the model's arena.
  package let bias: UnsafePointer<Float>?
  /// Its place in the model's list of linear layers, by which adapters find it.
  package let site: Int

  /// x (m, columns) times the weights: a new matrix (m, rows), or added to `sum`.
  @discardableResult
  func callAsFunction(
    _ x: TensorView, _ pass: Pass, addingTo sum: TensorView? = nil
  ) throws(KernelError) -> TensorView {
    let y = if let sum { sum } else { try pass.take(rows: x.rows, columns: weight.rows) }
    try pass.multiply(x) { $0.add(weight, bias: bias, into: y, accumulate: sum != nil) }
    if pass.hasAdapters { try pass.adapt(x) { $0.add(self, into: y) } }
    return y
  }
}

extension MatmulCall {
  func add(_ linear: Linear, act: Gate = .none, into y: TensorView) {
    add(linear.weight, act: act, bias: linear.bias, into: y)
  }
}
