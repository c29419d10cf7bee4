// Blocks of keys and values: allocated as sequences fill, counted, shared between sequences and copied when written.
// Knows how large a block is, not what lies in it.
import Glibc

/// The formats in which keys and values can be kept.
public enum KVFormat: String, Sendable, CaseIterable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case q8 = "Q8_0"
}

/// A pool of blocks, each holding all layers' keys and values of a fixed number of positions. Used by one thread at a
/// time. A block is zero when it is handed out.
package final class KVBlocks {
  /// Positions in a block.
  package let positions: Int
  package let blockBytes: Int
  /// The most bytes that blocks in use may take, or nil.
  package let budget: Int?
  /// Blocks in use.
  package private(set) var inUse = 0

  private var slabs: [PageMemory] = []
  private var blocks: [UnsafeMutableRawPointer] = []
  private var references: [Int32] = []
  private var free: [Int32] = []
  /// Bytes at the end of the last slab that no block covers yet: still zero from the system.
  private var fresh = 0

  private static let slabBytes = 8 << 20

  package init(blockBytes: Int, positions: Int, budget: Int?) {
    self.blockBytes = blockBytes
    self.positions = positions
    self.budget = budget
  }

  package var bytesInUse: Int { inUse * blockBytes }

  /// Blocks that `positions` positions take.
  package func blockCount(for count: Int) -> Int { (count + positions - 1) / positions }

  package func address(of block: Int32) -> UnsafeMutableRawPointer { blocks[Int(block)] }

  /// A zeroed block with one reference.
  ///
  /// - Throws: ``TensorError/budgetExceeded(needed:budget:what:)`` or ``TensorError/outOfMemory(bytes:)``; the pool is
  ///   then as it was.
  package func allocate() throws(TensorError) -> Int32 {
    if let budget, bytesInUse + blockBytes > budget {
      throw .budgetExceeded(needed: bytesInUse + blockBytes, budget: budget, what: "the KV cache")
    }
    if let block = free.popLast() {
      memset(blocks[Int(block)], 0, blockBytes)
      references[Int(block)] = 1
      inUse += 1
      return block
    }
    if fresh < blockBytes {
      slabs.append(try PageMemory(byteCount: max(blockBytes, Self.slabBytes / blockBytes * blockBytes)))
      fresh = slabs[slabs.count - 1].byteCount
    }
    let slab = slabs[slabs.count - 1]
    let block = Int32(blocks.count)
    blocks.append(slab.base + (slab.byteCount - fresh))
    fresh -= blockBytes
    references.append(1)
    inUse += 1
    return block
  }

  package func retain(_ block: Int32) { references[Int(block)] += 1 }

  package func release(_ block: Int32) {
    references[Int(block)] -= 1
    guard references[Int(block)] == 0 else { return }
    free.append(block)
    inUse -= 1
  }

  package func isShared(_ block: Int32) -> Bool { references[Int(block)] > 1 }
}

/// One sequence's blocks, in order of position. Copies share nothing by themselves: use ``branch(of:upTo:)``.
package final class KVSequence {
  package let pool: KVBlocks
  private var blocks: [Int32] = []
  private var addressCapacity = 16
  /// The blocks' addresses, for the kernels.
  package private(set) var addresses: UnsafeMutablePointer<UnsafeMutableRawPointer?>

  package init(pool: KVBlocks) {
    self.pool = pool
    addresses = .allocate(capacity: addressCapacity)
  }

  deinit {
    for block in blocks { pool.release(block) }
    addresses.deallocate()
  }

  package var blockCount: Int { blocks.count }

  /// A sequence that shares the blocks which hold the first `count` positions of `other`.
  package convenience init(branchOf other: KVSequence, upTo count: Int) {
    self.init(pool: other.pool)
    for block in other.blocks.prefix(pool.blockCount(for: count)) {
      pool.retain(block)
      append(block)
    }
  }

  /// A sequence that begins with `shared` blocks of `pool`, which stay their other owners' too.
  package convenience init(pool: KVBlocks, sharing shared: [Int32]) {
    self.init(pool: pool)
    for block in shared {
      pool.retain(block)
      append(block)
    }
  }

  /// The block that holds the positions from `index * pool.positions` on.
  package func block(at index: Int) -> Int32 { blocks[index] }

  /// How many blocks ``prepare(for:)`` would take from the pool.
  package func blocksNeeded(for range: Range<Int>) -> Int {
    guard !range.isEmpty else { return 0 }
    let held = min(blocks.count, pool.blockCount(for: range.upperBound))
    let shared = (range.lowerBound / pool.positions..<max(held, range.lowerBound / pool.positions))
      .count { pool.isShared(blocks[$0]) }
    return max(pool.blockCount(for: range.upperBound) - blocks.count, 0) + shared
  }

  /// Makes the positions `range` writable: allocates what is missing and copies what is shared.
  ///
  /// - Throws: ``TensorError`` if the pool has no room; what was there before is unchanged, and ``shrink(to:)`` takes
  ///   back what was added.
  package func prepare(for range: Range<Int>) throws(TensorError) {
    guard !range.isEmpty else { return }
    for index in (range.lowerBound / pool.positions)..<pool.blockCount(for: range.upperBound) {
      if index >= blocks.count {
        append(try pool.allocate())
      } else if pool.isShared(blocks[index]) {
        let copy = try pool.allocate()
        memcpy(pool.address(of: copy), pool.address(of: blocks[index]), pool.blockBytes)
        pool.release(blocks[index])
        blocks[index] = copy
        addresses[index] = pool.address(of: copy)
      }
    }
  }

  /// Gives back the blocks that the first `count` positions do not need.
  package func shrink(to count: Int) {
    let needed = pool.blockCount(for: count)
    while blocks.count > needed { pool.release(blocks.removeLast()) }
  }

  private func append(_ block: Int32) {
    if blocks.count == addressCapacity {
      let larger = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: addressCapacity * 2)
      larger.update(from: addresses, count: addressCapacity)
      addresses.deallocate()
      addresses = larger
      addressCapacity *= 2
    }
    addresses[blocks.count] = pool.address(of: block)
    blocks.append(block)
  }
}
