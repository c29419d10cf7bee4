// Saving and restoring a sequence: versioned, checksummed, bound to the model. A saved sequence is hostile input.

/// The fixed part of a saved sequence, little-endian, before the blocks and the checksum.
private enum SavedState {
  static let magic: UInt64 = 0x5145_5349_424F_4701  // bytes 01 "GOBISEQ"
  static let version: UInt64 = 4
  /// Words: magic, version, model, KV format, block bytes, positions a block, adapter (0 for none), position, first block
  /// of the layers with a window.
  static let words = 9
  static let headerBytes = words * 8
  static let checksumBytes = 8
}

extension Session {
  /// What a saved sequence must match, in the order of the header.
  private func header(_ adapter: AdapterUse?) -> [(name: String, word: UInt64)] {
    var format = Fingerprint()
    format.add(kvFormat.rawValue)
    return [
      ("magic number", SavedState.magic), ("version", SavedState.version), ("model", model.fingerprint),
      ("KV format", format.value), ("block size", UInt64(pool.blockBytes)),
      ("positions a block", UInt64(pool.positions)), ("adapter", adapter?.fingerprint ?? 0),
    ]
  }

  /// The sequence as bytes that ``restore(_:adapter:scale:)`` takes in any session with the same model and KV format, on
  /// any machine: blocks are laid out alike on every instruction set. What windows
  /// have passed is not in it.
  public func save(_ sequence: SequenceID) throws(SessionError) -> [UInt8] {
    try exclusively { () throws(SessionError) in
      let state = try state(of: sequence)
      let blocks = state.kv.blocks(of: state.position).filter { $0 != KVSequence.none }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(SavedState.headerBytes + blocks.count * pool.blockBytes + SavedState.checksumBytes)
      for (_, word) in header(state.adapter) { bytes.append(littleEndian: word) }
      bytes.append(littleEndian: UInt64(state.position))
      bytes.append(littleEndian: UInt64(state.kv.windowStart))
      for block in blocks {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: pool.address(of: block), count: pool.blockBytes))
      }
      var checksum = Fingerprint()
      bytes.withUnsafeBytes { checksum.add($0) }
      bytes.append(littleEndian: checksum.value)
      return bytes
    }
  }

  /// A new sequence from what ``save(_:)`` gave.
  ///
  /// - Parameters:
  ///   - adapter: the adapter that the sequence had, if it had one; from whatever file, with the same content.
  ///   - scale: the scale that it had there.
  /// - Throws: ``SessionError/badState(offset:reason:)`` if the bytes are damaged or belong to another model or adapter.
  public func restore(
    _ bytes: UnsafeRawBufferPointer, adapter: Adapter? = nil, scale: Float = 1
  ) throws(SessionError) -> SequenceID {
    try exclusively { () throws(SessionError) in
      let adapter = try use(of: adapter, scale: scale)
      let (position, windowStart) = try checkedPosition(bytes, adapter)
      let kv = KVSequence(pool: pool)
      kv.skipWindow(to: windowStart)
      do throws(TensorError) {
        try kv.prepare(for: 0..<position, .full)
        try kv.prepare(for: windowStart * pool.positions..<max(position, windowStart * pool.positions), .windowed)
      } catch { throw SessionError(error) }
      var start = SavedState.headerBytes
      for block in kv.blocks(of: position) where block != KVSequence.none {
        UnsafeMutableRawBufferPointer(start: pool.address(of: block), count: pool.blockBytes)
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + pool.blockBytes]))
        start += pool.blockBytes
      }
      return insert(kv, position: position, adapter: adapter)
    }
  }

  /// A new sequence from what ``save(_:)`` gave.
  public func restore(
    _ bytes: [UInt8], adapter: Adapter? = nil, scale: Float = 1
  ) throws(SessionError) -> SequenceID {
    do { return try bytes.withUnsafeBytes { try restore($0, adapter: adapter, scale: scale) } } catch let error
      as SessionError
    { throw error } catch {
      throw .badState(offset: 0, reason: "\(error)")
    }
  }

  /// Checks everything that can be checked, and returns how many positions the bytes hold, and the first block that
  /// they have of layers with a window.
  private func checkedPosition(
    _ bytes: UnsafeRawBufferPointer, _ adapter: AdapterUse?
  ) throws(SessionError) -> (position: Int, windowStart: Int) {
    func word(_ index: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    guard bytes.count >= SavedState.headerBytes + SavedState.checksumBytes else {
      throw .badState(offset: bytes.count, reason: "ends within the header")
    }
    for (index, field) in header(adapter).enumerated() where word(index) != field.word {
      throw .badState(offset: index * 8, reason: "another \(field.name) than this session's")
    }
    let last = SavedState.words - 2
    guard let position = Int(exactly: word(last)), position <= context else {
      throw .badState(offset: last * 8, reason: "\(word(last)) positions, the session's context is \(context)")
    }
    let lanes = pool.lanes, count = pool.blockCount(for: position)
    let latest = lanes.windowed > 0 ? lanes.firstBlock(at: position, of: pool.positions) : 0
    guard let windowStart = Int(exactly: word(last + 1)), windowStart <= latest else {
      throw .badState(
        offset: (last + 1) * 8, reason: "windows from block \(word(last + 1)) on, \(position) positions need \(latest)")
    }
    let body = bytes.count - SavedState.headerBytes - SavedState.checksumBytes
    guard body == (lanes.full * count + lanes.windowed * (count - windowStart)) * pool.blockBytes else {
      throw .badState(
        offset: SavedState.headerBytes, reason: "\(body) bytes of blocks do not hold \(position) positions")
    }
    var checksum = Fingerprint()
    checksum.add(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - SavedState.checksumBytes)]))
    let found = UInt64(
      littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - SavedState.checksumBytes, as: UInt64.self))
    guard checksum.value == found else {
      throw .badState(offset: bytes.count - SavedState.checksumBytes, reason: "the checksum does not fit the content")
    }
    return (position, windowStart)
  }
}
