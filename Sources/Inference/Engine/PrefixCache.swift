// Keys and values of sequences that ended or go on, block by block in a radix tree over their tokens. Bounded in
// bytes; gives up the block that was used longest ago. Used by the engine's thread alone.

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
    let block: Int32
    /// The key of the tree.
    let key: PrefixKey
    /// Nil for a tree's root, which has no block.
    unowned(unsafe) let parent: Node?
    var children: [[Int32]: Node] = [:]
    // Neighbours in order of use.
    unowned(unsafe) var newer: Node?
    unowned(unsafe) var older: Node?

    init(_ tokens: [Int32], block: Int32, key: PrefixKey, parent: Node?) {
      self.tokens = tokens
      self.block = block
      self.key = key
      self.parent = parent
    }
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
    guard var node = roots[key] else { return ([], 0) }
    var blocks: [Int32] = []
    var index = tokens.startIndex
    while index + pool.positions <= tokens.endIndex,
      let child = node.children[Array(tokens[index..<index + pool.positions])]
    {
      blocks.append(child.block)
      index += pool.positions
      node = child
    }
    if let (child, length) = partial(tokens[index...], under: node) {
      blocks.append(child.block)
      index += length
      node = child
    }
    touch(node)
    return (blocks, index - tokens.startIndex)
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

  /// Keeps the blocks of a sequence that holds `tokens`; those that the tree has already stay as they are.
  package func insert(_ tokens: ArraySlice<Int32>, blocks: [Int32], key: PrefixKey) {
    guard limit > 0, !tokens.isEmpty else { return }
    let root = roots[key] ?? Node([], block: -1, key: key, parent: nil)
    var node = root
    var index = tokens.startIndex
    for block in blocks where index < tokens.endIndex {
      let part = Array(tokens[index..<min(index + pool.positions, tokens.endIndex)])
      index += part.count
      if let child = node.children[part] {
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
      let child = Node(part, block: block, key: key, parent: node)
      pool.retain(block)
      node.children[part] = child
      count += 1
      pushNewest(child)
      node = child
    }
    roots[key] = root
    touch(node)
    while count > limit, let node = oldest { evict(node) }
  }

  // MARK: Giving up

  /// Blocks that would come free if the tree were emptied.
  package var reclaimable: Int {
    var blocks = 0
    var node = oldest
    while let current = node {
      if !pool.isShared(current.block) { blocks += 1 }
      node = current.newer
    }
    return blocks
  }

  /// Frees up to `wanted` blocks that only the tree holds, the oldest first; returns how many.
  @discardableResult
  package func reclaim(_ wanted: Int) -> Int {
    var freed = 0
    var node = oldest
    while freed < wanted, let current = node {
      let next = current.newer
      // What sequences use lies above what only the tree holds, and is passed over.
      if current.children.isEmpty, !pool.isShared(current.block) {
        evict(current)
        freed += 1
      }
      node = next
    }
    return freed
  }

  package func removeAll() {
    while let node = oldest { evict(node) }
  }

  private func evict(_ node: Node) {
    remove(node)
    evicted += 1
  }

  /// Takes out a node without children.
  private func remove(_ node: Node) {
    unlink(node)
    count -= 1
    pool.release(node.block)
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
