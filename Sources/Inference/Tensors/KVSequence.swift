// One sequence's blocks, lane by lane: growing, sharing, going back, and giving back what windows have passed.

/// One sequence's blocks, in order of position. Copies share nothing by themselves: use ``init(branchOf:upTo:)``.
package final class KVSequence {
  /// The blocks of one lane.
  private struct Lane {
    /// ``KVSequence/none`` where a block was given back.
    var blocks: [Int32] = []
    /// The blocks' addresses, for the kernels; nil likewise.
    var addresses: UnsafeMutablePointer<UnsafeMutableRawPointer?> = .allocate(capacity: Lane.firstCapacity)
    var capacity = Lane.firstCapacity

    static let firstCapacity = 16

    mutating func append(_ block: Int32, _ address: UnsafeMutableRawPointer?) {
      if blocks.count == capacity {
        let larger = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: capacity * 2)
        larger.update(from: addresses, count: capacity)
        addresses.deallocate()
        addresses = larger
        capacity *= 2
      }
      addresses[blocks.count] = address
      blocks.append(block)
    }
  }

  /// Which lanes a call is about.
  package enum Part {
    case all, full, windowed
  }

  /// Stands where a block was given back.
  package static let none: Int32 = -1

  package let pool: KVBlocks
  private var lanes: [Lane]
  /// The first index from which on windowed lanes have every block.
  package private(set) var windowStart = 0

  package init(pool: KVBlocks) {
    self.pool = pool
    lanes = (0..<pool.lanes.count).map { _ in Lane() }
  }

  deinit {
    for lane in lanes {
      for block in lane.blocks where block != Self.none { pool.release(block) }
      lane.addresses.deallocate()
    }
  }

  private func range(_ part: Part) -> Range<Int> {
    switch part {
    case .all: 0..<lanes.count
    case .full: 0..<pool.lanes.full
    case .windowed: pool.lanes.full..<lanes.count
    }
  }

  // MARK: What is there

  /// Blocks of a lane, given back ones counted too.
  package func blockCount(of lane: Int = 0) -> Int { lanes[lane].blocks.count }

  /// Blocks that all lanes hold.
  package var heldCount: Int {
    let all = lanes.reduce(0) { $0 + $1.blocks.count }
    guard windowStart > 0 else { return all }
    return all - range(.windowed).reduce(0) { $0 + lanes[$1].blocks.count { $0 == Self.none } }
  }

  /// The block that holds a lane's positions from `index * pool.positions` on, or ``none``.
  package func block(at index: Int, lane: Int = 0) -> Int32 { lanes[lane].blocks[index] }

  package func addresses(of lane: Int) -> UnsafeMutablePointer<UnsafeMutableRawPointer?> { lanes[lane].addresses }

  /// The blocks of the first `positions` positions, lane after lane for each index.
  package func blocks(of positions: Int) -> [Int32] {
    let count = min(pool.blockCount(for: positions), lanes[0].blocks.count)
    var blocks: [Int32] = []
    blocks.reserveCapacity(count * lanes.count)
    for index in 0..<count {
      for lane in lanes { blocks.append(index < lane.blocks.count ? lane.blocks[index] : Self.none) }
    }
    return blocks
  }

  // MARK: Sharing

  /// A sequence that shares the blocks which hold the first `count` positions of `other`.
  package convenience init(branchOf other: KVSequence, upTo count: Int) {
    self.init(pool: other.pool, sharing: other.blocks(of: count))
  }

  /// A sequence that begins with `shared` blocks of `pool`, lane after lane for each index, which stay their other
  /// owners' too. Only windowed lanes may lack some.
  package convenience init(pool: KVBlocks, sharing shared: [Int32]) {
    self.init(pool: pool)
    for (place, block) in shared.enumerated() {
      if block == Self.none {
        lanes[place % lanes.count].append(block, nil)
        windowStart = place / lanes.count + 1
      } else {
        pool.retain(block)
        lanes[place % lanes.count].append(block, pool.address(of: block))
      }
    }
  }

  // MARK: Growing

  /// How many blocks ``prepare(for:_:)`` would take from the pool.
  package func blocksNeeded(for range: Range<Int>) -> Int {
    guard !range.isEmpty else { return 0 }
    let first = range.lowerBound / pool.positions, end = pool.blockCount(for: range.upperBound)
    return lanes.reduce(0) { sum, lane in
      let held = max(min(lane.blocks.count, end), first)
      let shared = (first..<held).count { pool.isShared(lane.blocks[$0]) }
      return sum + max(end - lane.blocks.count, 0) + shared
    }
  }

  /// Makes the positions `range` writable in some lanes: allocates what is missing and copies what is shared.
  ///
  /// - Throws: ``TensorError`` if the pool has no room; what was there before is unchanged, and ``shrink(to:)`` takes
  ///   back what was added.
  package func prepare(for range: Range<Int>, _ part: Part = .all) throws(TensorError) {
    guard !range.isEmpty else { return }
    for lane in self.range(part) {
      for index in (range.lowerBound / pool.positions)..<pool.blockCount(for: range.upperBound) {
        if index >= lanes[lane].blocks.count {
          let block = try pool.allocate()
          lanes[lane].append(block, pool.address(of: block))
        } else {
          let shared = lanes[lane].blocks[index]
          guard pool.isShared(shared) else { continue }
          let copy = try pool.copy(shared)
          pool.release(shared)
          lanes[lane].blocks[index] = copy
          lanes[lane].addresses[index] = pool.address(of: copy)
        }
      }
    }
  }

  /// Leaves a new sequence's windowed lanes without their first `count` blocks.
  package func skipWindow(to count: Int) {
    for lane in range(.windowed) {
      while lanes[lane].blocks.count < count { lanes[lane].append(Self.none, nil) }
    }
    windowStart = max(windowStart, count)
  }

  // MARK: Giving back

  /// Gives back the blocks that the first `count` positions do not need.
  package func shrink(to count: Int) {
    let needed = pool.blockCount(for: count)
    for lane in lanes.indices {
      while lanes[lane].blocks.count > needed {
        let block = lanes[lane].blocks.removeLast()
        if block != Self.none { pool.release(block) }
      }
    }
    windowStart = needed == 0 ? 0 : windowStart
  }

  /// Whether the first `position` positions can be gone on from: whether their last query's window is there.
  package func reaches(_ position: Int) -> Bool {
    position == 0 || pool.lanes.firstBlock(at: position, of: pool.positions) >= windowStart
  }

  /// The least position above 0 that can be gone on from.
  package var firstReachable: Int { windowStart == 0 ? 0 : windowStart * pool.positions + pool.lanes.window - 1 }

  /// Gives back what windows will not see again once `position` positions are there, some slack left.
  ///
  /// - Parameter kept: of this many positions everything stays that is there: those before a step that may fail.
  package func passWindow(at position: Int, keeping kept: Int = 0) {
    guard pool.lanes.windowed > 0 else { return }
    let end = pool.lanes.firstBlock(at: position - KVLanes.slack, of: pool.positions)
    let start = max(windowStart, pool.blockCount(for: kept))
    guard start < end else { return }
    for lane in range(.windowed) {
      for index in start..<min(end, lanes[lane].blocks.count) where lanes[lane].blocks[index] != Self.none {
        pool.release(lanes[lane].blocks[index])
        lanes[lane].blocks[index] = Self.none
        lanes[lane].addresses[index] = nil
      }
    }
    if kept == 0 { windowStart = end }
  }
}
