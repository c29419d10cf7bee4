// The first bytes of a panel cache file: what the panels are of, and a checksum of every piece. Reads and writes no file.

/// The header that a file must have, word by word; little-endian:
///
///     magic | version | model | panels | sources | payload bytes | pieces | piece bytes
///     a checksum for each piece
///     zeros up to a multiple of 64 bytes, the last word of which is the checksum of all before it
///
/// Nothing in a file decides a size or a place: all of that follows from the model, and the file must agree.
struct PanelCacheHeader {
  private static let magic: UInt64 = 0x4C4E_4150_4942_4F47  // bytes "GOBIPANL"
  private static let version: UInt64 = 1
  private static let alignment = 64

  private let fields: [(name: String, word: UInt64)]
  private let pieces: Int
  let payloadBytes: Int

  /// - Parameters:
  ///   - model: names, shapes, formats and samples of the weights.
  ///   - panels: what lies where in the payload, and in which layout.
  ///   - sources: the state of the files that the weights come from.
  init(
    model: Fingerprint, panels: Fingerprint, sources: Fingerprint, payloadBytes: Int, pieces: Int, pieceBytes: Int
  ) {
    fields = [
      ("kind of file", Self.magic), ("version of the cache", Self.version), ("model", model.value),
      ("panel layout", panels.value), ("state of the model's files", sources.value),
      ("payload size", UInt64(payloadBytes)), ("number of pieces", UInt64(pieces)),
      ("size of a piece", UInt64(pieceBytes)),
    ]
    self.pieces = pieces
    self.payloadBytes = payloadBytes
  }

  /// Bytes of the fixed fields: the first that are read of a file.
  var fieldBytes: Int { fields.count * 8 }

  /// Bytes of the whole header, and where the payload starts.
  var byteCount: Int {
    ((fields.count + pieces + 1) * 8 + Self.alignment - 1) / Self.alignment * Self.alignment
  }

  var fileBytes: Int { byteCount + payloadBytes }

  /// The header of a file whose pieces have these checksums.
  func bytes(_ checksums: [UInt64]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    for (_, word) in fields { bytes.append(littleEndian: word) }
    for checksum in checksums { bytes.append(littleEndian: checksum) }
    bytes.append(contentsOf: repeatElement(0, count: byteCount - 8 - bytes.count))
    let checksum = bytes.withUnsafeBytes { Fingerprint.interleaved($0) }
    bytes.append(littleEndian: checksum)
    return bytes
  }

  /// Throws unless `bytes` begins with the fields that are expected.
  func check(_ bytes: UnsafeRawBufferPointer, path: String) throws(PanelCacheError) {
    guard bytes.count >= fieldBytes else {
      throw .damaged(path: path, offset: bytes.count, reason: "the file ends within its header")
    }
    for (index, field) in fields.enumerated() where Self.word(index, of: bytes) != field.word {
      throw .stale(path: path, what: field.name)
    }
  }

  /// The checksums of the pieces, from a whole header.
  func checksums(in bytes: UnsafeRawBufferPointer, path: String) throws(PanelCacheError) -> [UInt64] {
    try check(bytes, path: path)
    guard bytes.count == byteCount else {
      throw .damaged(path: path, offset: bytes.count, reason: "the file ends within its header")
    }
    let last = byteCount - 8
    guard Fingerprint.interleaved(UnsafeRawBufferPointer(rebasing: bytes[..<last])) == Self.word(last / 8, of: bytes)
    else {
      throw .damaged(path: path, offset: last, reason: "the header's checksum does not fit")
    }
    return (0..<pieces).map { Self.word(fields.count + $0, of: bytes) }
  }

  private static func word(_ index: Int, of bytes: UnsafeRawBufferPointer) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
  }
}
