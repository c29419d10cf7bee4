// Memory that C may look at until the next call.

/// Memory that is written over, and stays where it is until more is needed. T is trivial in every use.
final class Lent<T> {
  private var memory = UnsafeMutableBufferPointer<T>.allocate(capacity: 64)

  deinit { memory.deallocate() }

  func set(_ values: UnsafeBufferPointer<T>, end: T) -> UnsafePointer<T>? {
    if memory.count <= values.count {
      memory.deallocate()
      memory = .allocate(capacity: values.count * 2)
    }
    _ = memory.update(fromContentsOf: values)
    memory[values.count] = end
    return memory.baseAddress.map { UnsafePointer($0) }
  }
}

extension Lent<CChar> {
  /// The text with a terminating 0.
  func set(_ string: inout String) -> UnsafePointer<CChar>? {
    string.withUTF8 { bytes in bytes.withMemoryRebound(to: CChar.self) { set($0, end: 0) } }
  }
}
