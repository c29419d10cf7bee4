// Float32 matrices: an owned one, and a view of rows that somebody else owns. No arithmetic.

/// A float32 matrix (rows, columns), row-major and contiguous, that owns its memory.
public final class Tensor: @unchecked Sendable {
  public let rows: Int
  public let columns: Int
  private let memory: PageMemory

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) throws(TensorError) {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    let (bytes, overflow2) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
    guard rows >= 0, columns >= 0, !overflow, !overflow2 else { throw .outOfMemory(bytes: .max) }
    self.rows = rows
    self.columns = columns
    memory = try PageMemory(byteCount: bytes)
  }

  /// The values of `row`, valid while the tensor lives.
  public subscript(_ row: Int) -> UnsafeBufferPointer<Float> {
    precondition(row >= 0 && row < rows, "row \(row) of a tensor with \(rows)")
    return UnsafeBufferPointer(start: memory.floats + row * columns, count: columns)
  }

  /// All values in row order, copied.
  public var values: [Float] {
    Array(UnsafeBufferPointer(start: memory.floats, count: rows * columns))
  }

  package var view: TensorView { TensorView(memory.floats, rows: rows, columns: columns) }
}

/// Float32 rows in memory that somebody else owns.
package struct TensorView: @unchecked Sendable {
  package let base: UnsafeMutablePointer<Float>
  package let rows: Int
  package let columns: Int
  /// Floats from the start of one row to the start of the next.
  package let stride: Int

  package init(_ base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
  }

  /// Some columns of every row.
  package func columns(_ range: Range<Int>) -> TensorView {
    TensorView(base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// Some rows.
  package func rows(_ range: Range<Int>) -> TensorView {
    TensorView(base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  package subscript(_ row: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: base + row * stride, count: columns)
  }
}
