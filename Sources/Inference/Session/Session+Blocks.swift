// A sequence's blocks by number: for the engine, which keeps blocks beyond their sequence. It owns its session, so
// nothing here takes turns.

extension Session {
  /// Bytes that a block takes, of which a sequence has one a lane for each 64 positions.
  package var kvBlockBytes: Int { pool.blockBytes }
  /// The most blocks that the budget allows, or nil.
  package var kvBlockLimit: Int? { pool.budget.map { $0 / pool.blockBytes } }

  /// The most blocks that a sequence of so many positions takes while it grows in small steps.
  package func kvBlocks(for positions: Int) -> Int { pool.lanes.blocks(for: positions, of: pool.positions) }
  /// The most positions that a sequence can have within the budget.
  var kvPositionLimit: Int { kvBlockLimit.map { pool.lanes.positions(within: $0, of: pool.positions) } ?? .max }

  /// Blocks that the sequence holds, shared ones counted too.
  func kvBlockCount(of sequence: SequenceID) throws(SessionError) -> Int { try state(of: sequence).kv.heldCount }

  /// The numbers of the blocks that hold the sequence's first `positions` positions, lane after lane for each 64
  /// positions; ``KVSequence/none`` for what a window has passed.
  func kvBlocks(of sequence: SequenceID, positions: Int) throws(SessionError) -> [Int32] {
    try state(of: sequence).kv.blocks(of: positions)
  }

  /// Whether the sequence can be trimmed to `position`.
  func kvReaches(_ sequence: SequenceID, _ position: Int) throws(SessionError) -> Bool {
    try state(of: sequence).kv.reaches(position)
  }

  /// Gives back what windows have passed.
  func passWindow(of sequence: SequenceID) throws(SessionError) {
    let state = try state(of: sequence)
    state.kv.passWindow(at: state.position)
  }

  /// How many blocks the sequence would take from the pool to grow by `count` positions.
  func kvBlocksNeeded(by sequence: SequenceID, adding count: Int) throws(SessionError) -> Int {
    let state = try state(of: sequence)
    return state.kv.blocksNeeded(for: state.position..<state.position + count)
  }

  /// A new sequence whose first `position` positions lie in `blocks`, which the same adapter gave; a shared block is
  /// copied before it is written.
  func makeSequence(
    sharing blocks: [Int32], position: Int, adapter: Adapter?, scale: Float
  ) throws(SessionError) -> SequenceID {
    insert(
      KVSequence(pool: pool, sharing: blocks), position: position, adapter: try use(of: adapter, scale: scale))
  }
}
