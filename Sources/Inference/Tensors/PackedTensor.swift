// A weight matrix in the kernels' panels. Pure storage: Kernels/ plans, fills and multiplies it.

/// A weight matrix (rows, columns) packed into panels, in an arena that outlives it.
package struct PackedTensor: @unchecked Sendable {
  package let format: Format
  package let rows: Int
  package let columns: Int
  /// Bytes of the panels, padding included.
  package let byteCount: Int
  /// The kernels' own description of the panels; opaque here. It lies in the arena.
  package let descriptor: UnsafeMutableRawPointer
}
