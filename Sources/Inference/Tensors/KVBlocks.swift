// Blocks of keys and values: allocated as sequences fill, counted, shared between sequences and copied when written.
// Knows how large a block is, not what lies in it. Which sequence has which is in KVSequence.
import Glibc

/// The formats in which keys and values can be kept.
public enum KVFormat: String, Sendable, CaseIterable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case q8 = "Q8_0"
}

/// A pool of blocks, each holding the keys and values of a lane's layers for a fixed number of positions. Used by one
/// thread at a time. A block is zero when it is handed out.
package final class KVBlocks {
  /// Positions in a block.
  package let positions: Int
  package let blockBytes: Int
  /// The most bytes that blocks in use may take, or nil.
  package let budget: Int?
  /// The lists of blocks that a sequence has.
  package let lanes: KVLanes
  /// Blocks in use.
  package private(set) var inUse = 0

  private var slabs: [PageMemory] = []
  private var blocks: [UnsafeMutableRawPointer] = []
  private var references: [Int32] = []
  private var free: [Int32] = []
  /// Bytes at the end of the last slab that no block covers yet: still zero from the system.
  private var fresh = 0

  private static let slabBytes = 8 << 20

  package init(blockBytes: Int, positions: Int, budget: Int?, lanes: KVLanes = .single) {
    self.lanes = lanes
    self.blockBytes = blockBytes
    self.positions = positions
    self.budget = budget
  }

  package var bytesInUse: Int { inUse * blockBytes }

  /// Blocks of one lane that `positions` positions take.
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

  /// A block with one reference and the same content.
  package func copy(_ block: Int32) throws(TensorError) -> Int32 {
    let copy = try allocate()
    memcpy(address(of: copy), address(of: block), blockBytes)
    return copy
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
