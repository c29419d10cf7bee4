// Norms, gates, sums, softmax, top-k and RoPE over rows: thin calls into CKernels.
import CKernels

/// What a norm multiplies and adds after it has normalised.
package struct NormParameters: @unchecked Sendable {
  /// (n)
  package let weight: UnsafePointer<Float>?
  /// (n); layer norm only.
  package let bias: UnsafePointer<Float>?
  /// Added to the weight.
  package let offset: Float
  package let epsilon: Float

  package init(
    weight: UnsafePointer<Float>?, bias: UnsafePointer<Float>? = nil, offset: Float = 0, epsilon: Float
  ) {
    self.weight = weight
    self.bias = bias
    self.offset = offset
    self.epsilon = epsilon
  }

  fileprivate func arguments(_ x: TensorView, groups: Int, into y: TensorView) -> ck_norm_args {
    var args = ck_norm_args()
    args.struct_size = MemoryLayout<ck_norm_args>.stride
    args.x = UnsafePointer(x.base)
    args.ldx = x.stride
    args.y = y.base
    args.ldy = y.stride
    args.rows = x.rows
    args.groups = groups
    args.n = x.columns / groups
    args.weight = weight
    args.bias = bias
    args.offset = offset
    args.epsilon = epsilon
    return args
  }
}

extension Runtime {
  /// Root mean square norm of each of `groups` equal parts of every row; `y` may be `x`.
  package func rmsNorm(
    _ x: TensorView, groups: Int = 1, _ parameters: NormParameters, into y: TensorView
  ) throws(KernelError) {
    var args = parameters.arguments(x, groups: groups, into: y)
    try check(ck_rms_norm(handle, &args), "ck_rms_norm")
  }

  /// Layer norm of every row; `y` may be `x`.
  package func layerNorm(_ x: TensorView, _ parameters: NormParameters, into y: TensorView) throws(KernelError) {
    var args = parameters.arguments(x, groups: 1, into: y)
    try check(ck_layer_norm(handle, &args), "ck_layer_norm")
  }

  /// y = act(gate) * up; y may be either.
  package func gated(
    _ act: Gate, _ gate: TensorView, _ up: TensorView, into y: TensorView
  ) throws(KernelError) {
    try check(
      ck_gated(handle, act.c, gate.base, gate.stride, up.base, up.stride, y.base, y.stride, y.rows, y.columns),
      "ck_gated")
  }

  /// y += scale * x
  package func add(_ x: TensorView, times scale: Float = 1, to y: TensorView) throws(KernelError) {
    try check(
      ck_add_scaled(handle, scale, x.base, x.stride, y.base, y.stride, y.rows, y.columns), "ck_add_scaled")
  }

  /// y[ids[i]] += scales[i] * x[i], in order of i.
  package func scatterAdd(
    _ x: TensorView, scales: UnsafePointer<Float>, ids: UnsafePointer<Int32>, to y: TensorView
  ) throws(KernelError) {
    try check(
      ck_scatter_add(
        handle, scales, ids, x.base, x.stride, y.base, y.stride, y.rows, x.rows, x.columns),
      "ck_scatter_add")
  }

  /// x = cap * tanh(x / cap)
  package func softcap(_ cap: Float, _ x: TensorView) throws(KernelError) {
    try check(ck_softcap(handle, cap, x.base, x.stride, x.rows, x.columns), "ck_softcap")
  }

  /// Softmax of scale * x, row by row; y may be x.
  package func softmax(_ x: TensorView, scale: Float = 1, into y: TensorView) throws(KernelError) {
    try check(ck_softmax(handle, scale, x.base, x.stride, y.base, y.stride, x.rows, x.columns), "ck_softmax")
  }

  /// The `k` largest of each row, largest first: values and indices (rows, k).
  package func topK(
    _ x: TensorView, _ k: Int, values: UnsafeMutablePointer<Float>, indices: UnsafeMutablePointer<Int32>
  ) throws(KernelError) {
    try check(ck_topk(handle, x.base, x.stride, x.rows, x.columns, k, values, indices), "ck_topk")
  }
}

/// Which values of a head RoPE turns together.
package enum RopePairing: UInt32, Sendable {
  /// (i, i + half)
  case halves = 0
  /// (2i, 2i + 1)
  case interleaved = 1
}

/// Cosines and sines of one pass's positions: (rows, pairs) each.
package struct RopeTables: @unchecked Sendable {
  package let cosines: UnsafeMutablePointer<Float>
  package let sines: UnsafeMutablePointer<Float>
  package let pairs: Int
  package let pairing: RopePairing

  package init(
    cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>, pairs: Int, pairing: RopePairing
  ) {
    self.cosines = cosines
    self.sines = sines
    self.pairs = pairs
    self.pairing = pairing
  }
}

extension Runtime {
  /// Fills the tables for `rows` positions.
  package func ropeTables(
    _ tables: RopeTables, frequencies: UnsafePointer<Float>, magnitude: Float, positions: UnsafePointer<Int32>,
    rows: Int
  ) throws(KernelError) {
    try check(
      ck_rope_table(
        handle, frequencies, tables.pairs, magnitude, positions, rows, tables.cosines, tables.sines),
      "ck_rope_table")
  }

  /// Turns every head of x (rows, heads * headDim) in place.
  package func rope(_ x: TensorView, heads: Int, headDim: Int, _ tables: RopeTables) throws(KernelError) {
    try check(
      ck_rope(
        handle, ck_rope_pairing(rawValue: tables.pairing.rawValue), x.base, x.stride, x.rows, heads, headDim,
        tables.cosines, tables.sines, tables.pairs),
      "ck_rope")
  }
}
