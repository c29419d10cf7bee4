// A sequence's blocks by number: for the engine, which keeps blocks beyond their sequence. It owns its session, so
// nothing here takes turns.

extension Session {
  /// Bytes that a block of positions takes.
  package var kvBlockBytes: Int { pool.blockBytes }
  /// The most blocks that the budget allows, or nil.
  package var kvBlockLimit: Int? { pool.budget.map { $0 / pool.blockBytes } }

  /// Blocks that the sequence holds, shared ones counted too.
  func kvBlockCount(of sequence: SequenceID) throws(SessionError) -> Int { try state(of: sequence).kv.blockCount }

  /// The numbers of the blocks that hold the sequence's first `positions` positions.
  func kvBlocks(of sequence: SequenceID, positions: Int) throws(SessionError) -> [Int32] {
    let kv = try state(of: sequence).kv
    return (0..<min(pool.blockCount(for: positions), kv.blockCount)).map { kv.block(at: $0) }
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
