// Several products of the same rows with several weight matrices, in as few parallel regions as there are kinds of
// activation among the weights: usually one.
import CKernels

/// The function in a gated feed-forward layer, or after a product.
package enum Gate: UInt32, Sendable {
  case none = 0
  case silu = 1
  case geluTanh = 2
  case geluErf = 3

  var c: ck_gate { ck_gate(rawValue: rawValue) }
}

/// A list of products that is built, run, and reused: no memory is allocated once it has grown.
package final class MatmulCall {
  private var capacity = 64
  private var count = 0
  private var kinds: UnsafeMutablePointer<ActivationKind>
  private var outputs: UnsafeMutablePointer<ck_matmul_output>
  /// The outputs of one kind, side by side.
  private var selected: UnsafeMutablePointer<ck_matmul_output>

  package init() {
    kinds = .allocate(capacity: capacity)
    outputs = .allocate(capacity: capacity)
    selected = .allocate(capacity: capacity)
  }

  deinit {
    kinds.deallocate()
    outputs.deallocate()
    selected.deallocate()
  }

  /// Starts a new list.
  package func removeAll() { count = 0 }

  /// Adds y (+)= x · weightsᵀ + bias, or act(x · gateᵀ) * (x · weightsᵀ). `rows` says which rows of x, nil all.
  ///
  /// A gate must have weights of the same kind of activation.
  package func add(
    _ weights: PackedTensor, gate: PackedTensor? = nil, act: Gate = .none, bias: UnsafePointer<Float>? = nil,
    into y: TensorView, rows: Range<Int>? = nil, accumulate: Bool = false
  ) {
    if count == capacity { grow() }
    var output = ck_matmul_output()
    output.weights = UnsafePointer(weights.packed)
    output.gate = gate.map { UnsafePointer($0.packed) }
    output.bias = bias
    output.y = y.base
    output.ldy = y.stride
    output.first_row = rows?.lowerBound ?? 0
    output.rows = rows?.count ?? 0
    output.act = act.c
    output.accumulate = accumulate
    outputs[count] = output
    kinds[count] = weights.format.activation
    count += 1
  }

  private func grow() {
    func larger<T>(_ old: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<T> {
      let new = UnsafeMutablePointer<T>.allocate(capacity: capacity * 2)
      new.update(from: old, count: count)
      old.deallocate()
      return new
    }
    kinds = larger(kinds)
    outputs = larger(outputs)
    selected = larger(selected)
    capacity *= 2
  }

  /// Converts x once for each kind of activation, and multiplies.
  ///
  /// - Parameters:
  ///   - gather: row i of the product's x is x[gather[i]]; nil for x itself.
  ///   - rows: rows of the product's x.
  ///   - exact: leaves x in float32, whatever the weights are.
  package func run(
    _ x: TensorView, gather: UnsafePointer<Int32>? = nil, rows: Int, exact: Bool, workspace: Workspace,
    runtime: Runtime
  ) throws(KernelError) {
    guard rows > 0 else { return }
    for kind in ActivationKind.allCases {
      var found = 0
      for index in 0..<count where (exact ? .f32 : kinds[index]) == kind {
        selected[found] = outputs[index]
        found += 1
      }
      if found == 0 { continue }
      let mark = workspace.mark
      defer { workspace.release(to: mark) }
      var activations = ck_activations()
      try check(
        ck_activations_plan(runtime.handle, ck_activation(rawValue: kind.rawValue), rows, x.columns, &activations),
        "ck_activations_plan")
      let bytes = activations.bytes
      activations.data = try memory { () throws(TensorError) in try workspace.take(bytes: bytes) }
      if workspace.isMeasuring { continue }
      try check(
        ck_activations_store(runtime.handle, &activations, x.base, x.stride, gather), "ck_activations_store")
      try withUnsafePointer(to: activations) { activations throws(KernelError) in
        var args = ck_matmul_args()
        args.struct_size = MemoryLayout<ck_matmul_args>.stride
        args.x = activations
        args.outputs = UnsafePointer(selected)
        args.output_count = found
        try check(ck_matmul(runtime.handle, &args), "ck_matmul")
      }
    }
  }
}
