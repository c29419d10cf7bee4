// The two norms, as layers with weights.

package struct Norm: Sendable {
  enum Kind { case rootMeanSquare, layer }

  let kind: Kind
  let parameters: NormParameters

  /// x normalised, in a new matrix.
  func callAsFunction(_ x: TensorView, _ pass: Pass) throws(KernelError) -> TensorView {
    let y = try pass.take(rows: x.rows, columns: x.columns)
    try callAsFunction(x, into: y, pass)
    return y
  }

  /// x normalised in `groups` equal parts a row; y may be x.
  func callAsFunction(_ x: TensorView, groups: Int = 1, into y: TensorView, _ pass: Pass) throws(KernelError) {
    switch kind {
    case .rootMeanSquare: try pass.rmsNorm(x, groups: groups, parameters, into: y)
    case .layer: try pass.layerNorm(x, parameters, into: y)
    }
  }
}

extension WeightLoader {
  /// An RMS norm over `count` values, named by its stem.
  func rmsNorm(
    gguf: String, hf: String, count: Int, _ configuration: ModelConfiguration
  ) throws(ModelError) -> Norm {
    Norm(
      kind: .rootMeanSquare,
      parameters: NormParameters(
        weight: try vector(gguf: gguf + ".weight", hf: hf + ".weight", count: count),
        offset: configuration.normOffset, epsilon: configuration.normEpsilon))
  }

  /// A layer norm with bias over `count` values, named by its stem.
  func layerNorm(
    gguf: String, hf: String, count: Int, _ configuration: ModelConfiguration
  ) throws(ModelError) -> Norm {
    Norm(
      kind: .layer,
      parameters: NormParameters(
        weight: try vector(gguf: gguf + ".weight", hf: hf + ".weight", count: count),
        bias: try vector(gguf: gguf + ".bias", hf: hf + ".bias", count: count),
        epsilon: configuration.normEpsilon))
  }
}
