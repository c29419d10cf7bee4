// Keys and values of sequences that ended or go on, block by block in a radix tree over their tokens. Bounded in
// bytes; gives up the block that was used longest ago. Used by the engine's thread alone.
//
// A node has a block of each lane. Those of lanes with a window may be missing: sequences give theirs back, and under
// pressure the tree does. A match then ends where the window before it is there.

/// What keys and values depend on beside the tokens, and who may know of them.
package struct PrefixKey: Hashable, Sendable {
  /// ``GenerationRequest/cacheKey``
  package let cacheKey: UInt64
  /// ``Adapter/serial``, 0 for none; a fingerprint might be made to equal another's.
  package let adapter: UInt64
  /// The bits of the adapter's scale.
  package let scale: UInt32

  package init(cacheKey: UInt64, adapter: UInt64 = 0, scale: UInt32 = 0) {
    (self.cacheKey, self.adapter, self.scale) = (cacheKey, adapter, scale)
  }
}

/// A tree whose edges are the tokens of one block each. A block's keys and values depend on all tokens before it, which
/// are those of its ancestors: so a path that matches a prompt's tokens holds the prompt's keys and values.
package final class PrefixCache {
  private final class Node {
    /// As many as a block holds; fewer only in the last node of a path.
    let tokens: [Int32]
    /// One a lane; ``KVSequence/none`` for lanes with a window where they are missing.
    var blocks: [Int32]
    /// The key of the tree.
    let key: PrefixKey
    /// Nil for a tree's root, which has no block.
    unowned(unsafe) let parent: Node?
    var children: [[Int32]: Node] = [:]
    // Neighbours in order of use.
    unowned(unsafe) var newer: Node?
    unowned(unsafe) var older: Node?

    init(_ tokens: [Int32], blocks: [Int32], key: PrefixKey, parent: Node?) {
      self.tokens = tokens
      self.blocks = blocks
      self.key = key
      self.parent = parent
    }

    /// Blocks that it has.
    var held: Int { blocks.count { $0 != KVSequence.none } }
    /// Whether it has all of them; the lanes with a window are the last.
    var isWhole: Bool { blocks.last != KVSequence.none }
  }

  private let pool: KVBlocks
  /// The most blocks that are kept.
  private let limit: Int
  private var roots: [PrefixKey: Node] = [:]
  // A path is marked as used from its end to its root, so a parent is always newer than its children: the oldest node
  // has none.
  private unowned(unsafe) var newest: Node?
  private unowned(unsafe) var oldest: Node?
  /// Blocks that the tree holds.
  package private(set) var count = 0
  package private(set) var evicted = 0

  /// Nodes whose children are looked at one by one for a partial match, at most.
  private static let partialSearch = 64

  package init(pool: KVBlocks, bytes: Int) {
    self.pool = pool
    limit = bytes / pool.blockBytes
  }

  deinit { removeAll() }

  package var byteCount: Int { count * pool.blockBytes }

  // MARK: Use

  /// The longest beginning of `tokens` that the tree holds, and its blocks; only a part of the last block may count.
  package func match(_ tokens: ArraySlice<Int32>, key: PrefixKey) -> (blocks: [Int32], tokens: Int) {
    guard let root = roots[key] else { return ([], 0) }
    var node = root
    var path: [Node] = []
    var index = tokens.startIndex
    while index + pool.positions <= tokens.endIndex,
      let child = node.children[Array(tokens[index..<index + pool.positions])]
    {
      path.append(child)
      index += pool.positions
      node = child
    }
    if let (child, length) = partial(tokens[index...], under: node) {
      path.append(child)
      index += length
    }
    let count = withinWindows(&path, index - tokens.startIndex)
    touch(path.last ?? root)
    let first = pool.lanes.windowed > 0 ? pool.lanes.firstBlock(at: count, of: pool.positions) : 0
    return (
      path.enumerated().flatMap { index, node in
        // What the window has passed by then is not taken along.
        index < first
          ? node.blocks[..<pool.lanes.full] + Array(repeating: KVSequence.none, count: pool.lanes.windowed)
          : node.blocks[...]
      }, count
    )
  }

  /// Shortens a path of `count` tokens until all of its last window's blocks are there; returns how many tokens are left.
  private func withinWindows(_ path: inout [Node], _ count: Int) -> Int {
    guard pool.lanes.windowed > 0 else { return count }
    var count = count
    while count > 0 {
      let first = pool.lanes.firstBlock(at: count, of: pool.positions)
      guard let gap = (first..<max(path.count, first)).last(where: { !path[$0].isWhole }) else { break }
      path.removeLast(path.count - gap)
      count = gap * pool.positions
    }
    return count
  }

  /// The child of `node` that shares most tokens with the beginning of `tokens`.
  private func partial(_ tokens: ArraySlice<Int32>, under node: Node) -> (Node, Int)? {
    guard !tokens.isEmpty, node.children.count <= Self.partialSearch else { return nil }
    var best: (Node, Int)?
    for child in node.children.values {
      let length = zip(child.tokens, tokens).prefix { $0 == $1 }.count
      if length > best?.1 ?? 0 { best = (child, length) }
    }
    return best
  }

  /// Keeps the blocks of a sequence that holds `tokens`, lane after lane for each node; those that the tree has already
  /// stay as they are.
  package func insert(_ tokens: ArraySlice<Int32>, blocks: [Int32], key: PrefixKey) {
    guard limit > 0, !tokens.isEmpty else { return }
    let root = roots[key] ?? Node([], blocks: [], key: key, parent: nil)
    var node = root
    var index = tokens.startIndex
    let lanes = pool.lanes.count
    for place in 0..<blocks.count / lanes where index < tokens.endIndex {
      let own = blocks[place * lanes..<(place + 1) * lanes]
      let part = Array(tokens[index..<min(index + pool.positions, tokens.endIndex)])
      index += part.count
      if let child = node.children[part] {
        complete(child, own)
        node = child
        continue
      }
      // An unfinished block that this one continues has no use any more; one that says more than this one stays.
      if node.children.count <= Self.partialSearch {
        let whole = node.children.values.first { $0.tokens.count > part.count && $0.tokens.starts(with: part) }
        if let whole {
          node = whole
          continue
        }
        for child in node.children.values
        where child.tokens.count < part.count && part.starts(with: child.tokens) {
          remove(child)
        }
      }
      let child = Node(part, blocks: Array(own), key: key, parent: node)
      for block in own where block != KVSequence.none { pool.retain(block) }
      node.children[part] = child
      count += child.held
      pushNewest(child)
      node = child
    }
    roots[key] = root
    touch(node)
    while count > limit, let node = oldest { evict(node) }
  }

  /// Gives a node what it lacks of the same tokens' blocks.
  private func complete(_ node: Node, _ own: ArraySlice<Int32>) {
    guard !node.isWhole, own.last != KVSequence.none else { return }
    for (lane, block) in own.enumerated() where node.blocks[lane] == KVSequence.none {
      pool.retain(block)
      node.blocks[lane] = block
      count += 1
    }
  }

  // MARK: Giving up

  /// Blocks of a node that nobody else has.
  private func ownBlocks(_ node: Node) -> Int { node.blocks.count { $0 != KVSequence.none && !pool.isShared($0) } }

  /// Blocks that would come free if the tree were emptied.
  package var reclaimable: Int {
    var blocks = 0
    var node = oldest
    while let current = node {
      blocks += ownBlocks(current)
      node = current.newer
    }
    return blocks
  }

  /// Frees `wanted` blocks that only the tree holds, the oldest first, and what goes with them; returns how many.
  @discardableResult
  package func reclaim(_ wanted: Int) -> Int {
    var freed = 0
    var node = oldest
    while freed < wanted, let current = node {
      let next = current.newer
      // What sequences use lies above what only the tree holds, and is passed over; but their windows may have passed it.
      let own = ownBlocks(current)
      if current.children.isEmpty, own == current.held {
        evict(current)
        freed += own
      } else if own > 0 {
        freed += giveUpWindow(current)
      }
      node = next
    }
    return freed
  }

  package func removeAll() {
    while let node = oldest { evict(node) }
  }

  private func evict(_ node: Node) {
    evicted += node.held
    remove(node)
  }

  /// Gives up the blocks of lanes with a window that only the tree holds; returns how many.
  private func giveUpWindow(_ node: Node) -> Int {
    var freed = 0
    for lane in pool.lanes.full..<node.blocks.count
    where node.blocks[lane] != KVSequence.none && !pool.isShared(node.blocks[lane]) {
      pool.release(node.blocks[lane])
      node.blocks[lane] = KVSequence.none
      freed += 1
    }
    count -= freed
    evicted += freed
    return freed
  }

  /// Takes out a node without children.
  private func remove(_ node: Node) {
    unlink(node)
    count -= node.held
    for block in node.blocks where block != KVSequence.none { pool.release(block) }
    guard let parent = node.parent else { return }
    parent.children[node.tokens] = nil
    if parent.children.isEmpty, parent.parent == nil { roots[node.key] = nil }
  }

  // MARK: Order of use

  private func touch(_ last: Node) {
    var node: Node? = last
    while let current = node, let parent = current.parent {
      unlink(current)
      pushNewest(current)
      node = parent
    }
  }

  private func pushNewest(_ node: Node) {
    node.older = newest
    node.newer = nil
    newest?.newer = node
    newest = node
    if oldest == nil { oldest = node }
  }

  private func unlink(_ node: Node) {
    if let newer = node.newer { newer.older = node.older } else { newest = node.older }
    if let older = node.older { older.newer = node.newer } else { oldest = node.newer }
    node.newer = nil
    node.older = nil
  }
}
