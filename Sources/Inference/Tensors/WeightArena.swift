// Where a model's packed weights live: few large pieces of page memory, or, to plan, none at all.

/// Memory for all weights of one model. Filled by one thread while the model loads, and never changed afterwards.
///
/// A counting arena hands out addresses that nobody may touch, and adds up what they would have taken: the same code
/// that loads a model also plans its memory.
package final class WeightArena: @unchecked Sendable {
  package let isCounting: Bool
  /// Bytes handed out so far.
  package private(set) var byteCount = 0
  private let budget: Int?
  private var segments: [PageMemory] = []
  private var next: UnsafeMutableRawPointer?
  private var left = 0
  private var descriptors: [UnsafeMutableRawPointer] = []

  /// What a piece is aligned to: a cache line, and the widest vector.
  private static let alignment = 64
  /// Large enough that the unused end of a piece does not count, small enough for a tiny model.
  private static let segmentBytes = 64 << 20
  private static let smallSegmentBytes = 1 << 20

  package init(counting: Bool, budget: Int? = nil) {
    isCounting = counting
    self.budget = budget
  }

  deinit {
    for descriptor in descriptors { descriptor.deallocate() }
  }

  /// `bytes` zeroed bytes, 64-byte aligned. In a counting arena the address must not be touched.
  package func allocate(_ bytes: Int) throws(TensorError) -> UnsafeMutableRawPointer {
    let (padded, overflow) = bytes.addingReportingOverflow(Self.alignment - 1)
    guard bytes >= 0, !overflow else { throw .outOfMemory(bytes: bytes) }
    let size = padded / Self.alignment * Self.alignment
    let (total, overflow2) = byteCount.addingReportingOverflow(size)
    guard !overflow2 else { throw .outOfMemory(bytes: bytes) }
    if let budget, total > budget { throw .budgetExceeded(needed: total, budget: budget, what: "the weights") }
    byteCount = total
    if isCounting { return UnsafeMutableRawPointer(bitPattern: Self.alignment).unsafelyUnwrapped }
    if size > left {
      // Pages that are never touched take no memory, so a generous piece costs address space only.
      let segment = try PageMemory(
        byteCount: max(size, total < Self.segmentBytes ? Self.smallSegmentBytes : Self.segmentBytes))
      segments.append(segment)
      next = segment.base
      left = segment.byteCount
    }
    guard let start = next else { throw .outOfMemory(bytes: bytes) }
    next = start + size
    left -= size
    return start
  }

  /// Memory for a description that lives as long as the arena; real in a counting arena, too.
  package func allocateDescriptor<T: BitwiseCopyable>(of type: T.Type) -> UnsafeMutablePointer<T> {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<T>.stride, alignment: MemoryLayout<T>.alignment)
    descriptors.append(memory)
    return memory.bindMemory(to: T.self, capacity: 1)
  }
}
