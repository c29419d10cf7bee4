// Packing weights into panels, and reading rows back: the load-time side of matmul, and the embedding look-up.
import CKernels

/// What rows are converted to before they are multiplied.
package enum ActivationKind: UInt32, Sendable, CaseIterable {
  case f32 = 0
  case bf16 = 1
  /// int8 with a scale for 32 values.
  case q8x32 = 2
  /// int8 with a scale for 256 values.
  case q8x256 = 3
}

extension Format {
  /// What rows are converted to before they meet weights of this format.
  package var activation: ActivationKind {
    ck_format_describe(ck_format(rawValue: UInt32(rawValue)))
      .flatMap { ActivationKind(rawValue: UInt32($0.pointee.activation.rawValue)) } ?? .f32
  }
}

extension PackedTensor {
  /// The description that the kernels take.
  var packed: UnsafeMutablePointer<ck_packed> { descriptor.assumingMemoryBound(to: ck_packed.self) }

  /// The memory that the panels take.
  package var panels: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: packed.pointee.data, count: byteCount)
  }

  /// What tells this layout of panels from others: its version and the rows of a panel. Equal layouts of equal weights
  /// are equal bytes, on every machine.
  package var layout: [UInt64] { [UInt64(packed.pointee.layout), UInt64(packed.pointee.panel_rows)] }
}

/// Refuses a shape whose panels could not be counted.
package enum PackingError: Error {
  case kernel(KernelError)
  case memory(TensorError)
}

extension Runtime {
  /// Sets panels for a matrix (rows, columns) aside in `arena`. Nothing is in them yet.
  package func plan(
    _ format: Format, rows: Int, columns: Int, in arena: WeightArena
  ) throws(PackingError) -> PackedTensor {
    let packed = arena.allocateDescriptor(of: ck_packed.self)
    packed.initialize(to: ck_packed())
    let status = ck_packed_plan(handle, ck_format(rawValue: UInt32(format.rawValue)), rows, columns, packed)
    guard status == CK_OK else {
      throw .kernel(KernelError(.init(status), "ck_packed_plan of \(format) (\(rows), \(columns))"))
    }
    do {
      packed.pointee.data = try arena.allocate(packed.pointee.bytes)
    } catch { throw .memory(error) }
    return PackedTensor(
      format: format, rows: rows, columns: columns, byteCount: packed.pointee.bytes, descriptor: packed)
  }

  /// Packs the rows in `source`, `stride` bytes apart, into the rows of `tensor` from `firstRow` on.
  package func store(
    _ source: UnsafeRawPointer, stride: Int, rows: Int, into tensor: PackedTensor, at firstRow: Int
  ) throws(KernelError) {
    try check(ck_packed_store(handle, tensor.packed, firstRow, rows, source, stride), "ck_packed_store")
  }

  /// Rows `ids` (`out.rows` of them) of `tensor`, times `scale`, into `out` (count, columns).
  package func rows(
    _ ids: UnsafePointer<Int32>, of tensor: PackedTensor, scale: Float, into out: TensorView
  ) throws(KernelError) {
    try check(
      ck_packed_rows(handle, tensor.packed, ids, out.rows, scale, out.base, out.stride), "ck_packed_rows")
  }

  /// Decodes `count` values to float32.
  package static func decode(
    _ format: Format, _ blocks: UnsafeRawPointer, count: Int, into values: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    try check(ck_decode(ck_format(rawValue: UInt32(format.rawValue)), blocks, count, values), "ck_decode")
  }

  /// Encodes `count` values, a multiple of the format's block.
  package static func encode(
    _ format: Format, _ values: UnsafePointer<Float>, count: Int, importance: UnsafePointer<Float>? = nil,
    into blocks: UnsafeMutableRawPointer
  ) throws(KernelError) {
    try check(
      ck_encode(ck_format(rawValue: UInt32(format.rawValue)), values, count, importance, blocks), "ck_encode")
  }
}
