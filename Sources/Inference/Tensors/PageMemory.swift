// Anonymous memory on huge pages: what weights, activations and KV blocks live in. Knows nothing of what it holds.
// The one file of this folder that calls into CKernels, because the allocator is the kernels' own.
import CKernels

/// Zeroed memory, aligned to 64 bytes at least and to 2 MiB when large; freed with the object.
package final class PageMemory: @unchecked Sendable {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// - Throws: ``TensorError/outOfMemory(bytes:)`` if `byteCount` cannot be had.
  package init(byteCount: Int) throws(TensorError) {
    guard byteCount >= 0 else { throw .outOfMemory(bytes: byteCount) }
    var memory: UnsafeMutableRawPointer?
    guard ck_memory_allocate(max(byteCount, 64), &memory) == CK_OK, let memory else {
      throw .outOfMemory(bytes: byteCount)
    }
    base = memory
    self.byteCount = max(byteCount, 64)
  }

  deinit { ck_memory_free(base, byteCount) }

  /// The memory as `count` float32.
  package var floats: UnsafeMutablePointer<Float> { base.assumingMemoryBound(to: Float.self) }
}

/// `count` values of a plain type in page memory: what the token loop uses in place of an array.
package final class PageBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  package let base: UnsafeMutablePointer<Element>
  package let count: Int
  private let memory: PageMemory

  package init(count: Int) throws(TensorError) {
    let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !overflow, count >= 0 else { throw .outOfMemory(bytes: .max) }
    memory = try PageMemory(byteCount: bytes)
    base = memory.base.bindMemory(to: Element.self, capacity: max(count, 1))
    self.count = count
  }

  package subscript(_ index: Int) -> Element {
    get { base[index] }
    set { base[index] = newValue }
  }
}
