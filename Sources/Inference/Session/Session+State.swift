// Saving and restoring a sequence: versioned, checksummed, bound to the model. A saved sequence is hostile input.

/// The fixed part of a saved sequence, little-endian, before the blocks and the checksum.
private enum SavedState {
  static let magic: UInt64 = 0x5145_5349_424F_4701  // bytes 01 "GOBISEQ"
  static let version: UInt64 = 3
  /// Words: magic, version, model, KV format, block bytes, positions a block, adapter (0 for none), position.
  static let words = 8
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
  /// any machine: blocks are laid out alike on every instruction set.
  public func save(_ sequence: SequenceID) throws(SessionError) -> [UInt8] {
    try exclusively { () throws(SessionError) in
      let state = try state(of: sequence)
      let blocks = pool.blockCount(for: state.position)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(SavedState.headerBytes + blocks * pool.blockBytes + SavedState.checksumBytes)
      for (_, word) in header(state.adapter) { bytes.append(littleEndian: word) }
      bytes.append(littleEndian: UInt64(state.position))
      for block in 0..<blocks {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: state.kv.addresses[block], count: pool.blockBytes))
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
      let position = try checkedPosition(bytes, adapter)
      let kv = KVSequence(pool: pool)
      do throws(TensorError) { try kv.prepare(for: 0..<position) } catch { throw SessionError(error) }
      for block in 0..<kv.blockCount {
        let start = SavedState.headerBytes + block * pool.blockBytes
        guard let target = kv.addresses[block] else { continue }
        UnsafeMutableRawBufferPointer(start: target, count: pool.blockBytes)
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + pool.blockBytes]))
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

  /// Checks everything that can be checked, and returns how many positions the bytes hold.
  private func checkedPosition(
    _ bytes: UnsafeRawBufferPointer, _ adapter: AdapterUse?
  ) throws(SessionError) -> Int {
    func word(_ index: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    guard bytes.count >= SavedState.headerBytes + SavedState.checksumBytes else {
      throw .badState(offset: bytes.count, reason: "ends within the header")
    }
    for (index, field) in header(adapter).enumerated() where word(index) != field.word {
      throw .badState(offset: index * 8, reason: "another \(field.name) than this session's")
    }
    let last = SavedState.words - 1
    guard let position = Int(exactly: word(last)), position <= context else {
      throw .badState(offset: last * 8, reason: "\(word(last)) positions, the session's context is \(context)")
    }
    let body = bytes.count - SavedState.headerBytes - SavedState.checksumBytes
    guard body == pool.blockCount(for: position) * pool.blockBytes else {
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
    return position
  }
}
