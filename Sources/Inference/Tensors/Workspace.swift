// Scratch memory for a forward pass, handed out and taken back in stack order. Can be run empty, to measure.

/// A stack of float32 matrices and raw scratch for one pass. A measuring workspace hands out addresses that nobody may
/// touch and records how much a pass would have needed: sizes are found by running the pass's own code.
package final class Workspace {
  /// The most bytes that were in use at once.
  package private(set) var peak = 0
  package let isMeasuring: Bool
  private var memory: PageMemory?
  private var capacity: Int
  private var base: UnsafeMutableRawPointer
  private var used = 0

  private static let alignment = 64

  /// A workspace of `byteCount` bytes.
  package init(byteCount: Int) throws(TensorError) {
    let memory = try PageMemory(byteCount: byteCount)
    self.memory = memory
    base = memory.base
    capacity = memory.byteCount
    isMeasuring = false
  }

  /// A workspace that measures.
  package init() {
    memory = nil
    base = UnsafeMutableRawPointer(bitPattern: Self.alignment).unsafelyUnwrapped
    capacity = .max
    isMeasuring = true
  }

  /// Takes other memory of `byteCount` bytes, between passes. What was handed out before is gone. The object stays the
  /// same, so that layers, which ask for it all the time, need not retain it.
  package func grow(to byteCount: Int) throws(TensorError) {
    let memory = try PageMemory(byteCount: byteCount)
    self.memory = memory
    base = memory.base
    capacity = memory.byteCount
    used = 0
  }

  /// `bytes` bytes, 64-byte aligned, contents unspecified.
  package func take(bytes: Int) throws(TensorError) -> UnsafeMutableRawPointer {
    let (padded, overflow) = bytes.addingReportingOverflow(Self.alignment - 1)
    let size = padded / Self.alignment * Self.alignment
    let (end, overflow2) = used.addingReportingOverflow(size)
    guard bytes >= 0, !overflow, !overflow2, end <= capacity else { throw .outOfMemory(bytes: bytes) }
    // When measuring, the sum may be any number: only the sizes count.
    let start = isMeasuring ? base : base + used
    used = end
    peak = max(peak, end)
    return start
  }

  /// A matrix of unspecified contents.
  package func take(rows: Int, columns: Int) throws(TensorError) -> TensorView {
    let floats = try take(Float.self, count: rows, by: columns)
    return TensorView(floats, rows: rows, columns: columns)
  }

  /// `count` × `by` values of a plain type.
  package func take<T: BitwiseCopyable>(
    _ type: T.Type, count: Int, by: Int = 1
  ) throws(TensorError) -> UnsafeMutablePointer<T> {
    let (product, overflow) = count.multipliedReportingOverflow(by: by)
    let (bytes, overflow2) = product.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    guard !overflow, !overflow2 else { throw .outOfMemory(bytes: .max) }
    return try take(bytes: bytes).assumingMemoryBound(to: T.self)
  }

  /// How much is in use: give it to ``release(to:)`` to take back all that was handed out since.
  package var mark: Int { used }

  package func release(to mark: Int) { used = mark }
}
