// One model's file in a folder of packed panels: where it is, reading it into place, writing it. The format of its
// header is PanelCacheHeader's, and when to read or write is WeightLoader's. docs/decisions/0004 says why it is so.
import Glibc
import Synchronization

/// The panels of one model, in memory and in the file that keeps them. Used while the model loads, by one thread.
struct PanelCache {
  /// A run of bytes that is read, written and checked as one.
  private struct Piece: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer
    /// From the start of the file's payload.
    let offset: Int
  }

  /// Small enough to be in the second-level cache still when its checksum is made.
  private static let pieceBytes = 512 << 10
  /// Pieces between two looks at the progress: about 10 ms from the page cache.
  private static let roundPieces = 128
  /// What pieces begin at a multiple of, within the payload.
  private static let alignment = 64

  let path: String
  /// Bytes of all pieces together.
  let byteCount: Int
  private let folder: String
  private let sources: [MappedFile]
  private let header: PanelCacheHeader
  private let pieces: [Piece]
  private let workers: Workers

  /// The file in `folder` for what `loader` has set aside.
  ///
  /// - Throws: ``PanelCacheError`` if the weights are not on a disk, or `folder` cannot be a folder.
  init(folder: String, of loader: WeightLoader) throws(PanelCacheError) {
    guard !folder.isEmpty, !folder.utf8.contains(0) else {
      throw .cannotRead(path: folder, reason: "not the name of a folder")
    }
    self.folder = folder
    sources = loader.file.files
    workers = .threads(loader.runtime.threads)
    var places: [String] = []
    var states = Fingerprint()
    for file in sources {
      guard let identity = file.identity, let place = Self.realPath(of: file.path) else {
        throw .unstableSource(path: file.path, reason: "not a file on a disk")
      }
      places.append(place)
      for word in identity.words { states.add(word) }
    }
    // One file a place that models lie at: a newer model there takes the file of the older one.
    path = "\(folder)/\(Self.name(of: places))"

    var panels = Fingerprint()
    var pieces: [Piece] = []
    var (end, byteCount) = (0, 0)
    for job in loader.jobs {
      job.describe(to: &panels)
      let target = job.target
      for first in stride(from: 0, to: target.count, by: Self.pieceBytes) {
        let last = min(first + Self.pieceBytes, target.count)
        pieces.append(
          Piece(memory: UnsafeMutableRawBufferPointer(rebasing: target[first..<last]), offset: end + first))
      }
      byteCount += target.count
      // The arena holds all targets, padded alike, so that the sum is known to be a size.
      end += (target.count + Self.alignment - 1) / Self.alignment * Self.alignment
    }
    self.pieces = pieces
    self.byteCount = byteCount
    header = PanelCacheHeader(
      model: loader.fingerprint, panels: panels, sources: states, payloadBytes: end, pieces: pieces.count,
      pieceBytes: Self.pieceBytes)
  }

  /// The path without links and dots, so that every way to a file is the same place.
  private static func realPath(of path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The beginning of the first file's name, for people who look into the folder, and a number for all their paths.
  private static func name(of places: [String]) -> String {
    let letters = (places.first?.split(separator: "/").last ?? "").prefix(64).map { letter -> Character in
      letter.isASCII && (letter.isLetter || letter.isNumber || "._-".contains(letter)) ? letter : "_"
    }
    var number = Fingerprint()
    for place in places { number.add(place) }
    let digits = String(number.value, radix: 16)
    return String(letters) + "-" + String(repeating: "0", count: 16 - digits.count) + digits + ".panels"
  }

  // MARK: Reading

  /// Reads the panels into their places and checks every byte of them.
  ///
  /// - Returns: nil, or why there are no panels; all places are zero again then.
  /// - Throws: ``ModelError/cancelled(path:)``.
  func read(_ progress: inout LoadProgress) throws(ModelError) -> PanelCacheError? {
    let file: InputFile
    let checksums: [UInt64]
    do throws(PanelCacheError) { (file, checksums) = try open() } catch { return error }
    let failure = FirstFailure()
    let (pieces, start, cancel) = (pieces, header.byteCount, progress.cancel)
    for first in stride(from: 0, to: pieces.count, by: Self.roundPieces) {
      let round = first..<min(first + Self.roundPieces, pieces.count)
      workers.loop(round.count) { index in
        guard failure.error == nil, cancel?.isCancelled != true else { return }
        let piece = pieces[first + index]
        do throws(WeightError) {
          try file.read(into: piece.memory, at: start + piece.offset)
          if Fingerprint.interleaved(UnsafeRawBufferPointer(piece.memory)) == checksums[first + index] { return }
          failure.set(.damaged(path: file.path, offset: start + piece.offset, reason: "the checksum does not fit"))
        } catch { failure.set(PanelCacheError(reading: error)) }
      }
      if let error = failure.error {
        // Packing relies on memory that is zero.
        for piece in pieces[..<round.upperBound] { piece.memory.initializeMemory(as: UInt8.self, repeating: 0) }
        return error
      }
      try progress.advance(pieces[round].reduce(0) { $0 + $1.memory.count })
    }
    return nil
  }

  /// The file, if its header is the expected one, and its checksums.
  private func open() throws(PanelCacheError) -> (InputFile, [UInt64]) {
    do {
      guard let file = try InputFile.ifPresent(path) else { throw PanelCacheError.missing(path: path) }
      var bytes = [UInt8](repeating: 0, count: min(header.byteCount, file.byteCount))
      try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
      let checksums = try bytes.withUnsafeBytes { try header.checksums(in: $0, path: path) }
      guard file.byteCount == header.fileBytes else {
        throw PanelCacheError.damaged(
          path: path, offset: min(file.byteCount, header.fileBytes),
          reason: "the file has \(file.byteCount) bytes, expected are \(header.fileBytes)")
      }
      return (file, checksums)
    } catch let error as PanelCacheError {
      throw error
    } catch let error as WeightError {
      throw PanelCacheError(reading: error)
    } catch {
      throw .cannotRead(path: path, reason: "\(error)")
    }
  }

  // MARK: Writing

  /// Writes the panels under a temporary name, brings them to the disk and gives the file its name.
  ///
  /// - Returns: nil, or why there is no new file; nothing is left of it then.
  /// - Throws: ``ModelError/cancelled(path:)``.
  func write(_ progress: inout LoadProgress) throws(ModelError) -> PanelCacheError? {
    do {
      try checkSources()
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        throw PanelCacheError.cannotWrite(path: folder, reason: systemErrorText(errno))
      }
      let output = try OutputFile(path: path)
      try output.write(header.bytes(checksums()))
      for (index, piece) in pieces.enumerated() {
        try output.pad(to: Self.alignment)
        try output.write(UnsafeRawBufferPointer(piece.memory))
        if index % Self.roundPieces == 0 { try output.flush() }
        try progress.advance(piece.memory.count)
      }
      try output.pad(to: Self.alignment)
      try checkSources()
      try output.finish()
      return nil
    } catch let error as PanelCacheError {
      return error
    } catch let error as ModelError {
      throw error
    } catch let error as WeightError {
      return PanelCacheError(writing: error)
    } catch {
      return .cannotWrite(path: path, reason: "\(error)")
    }
  }

  /// Throws unless the panels are surely those of the files' recorded state.
  private func checkSources() throws(PanelCacheError) {
    for file in sources {
      guard let identity = file.identity, FileIdentity(path: file.path) == identity else {
        throw .unstableSource(path: file.path, reason: "the file changed while it was packed")
      }
      guard identity.isSettled else {
        throw .unstableSource(
          path: file.path, reason: "the file changed a moment ago: its panels will be kept at a later loading")
      }
    }
  }

  private func checksums() -> [UInt64] {
    let results = Checksums(count: pieces.count)
    let pieces = pieces
    workers.loop(pieces.count) { index in
      results.values[index] = Fingerprint.interleaved(UnsafeRawBufferPointer(pieces[index].memory))
    }
    return Array(results.values)
  }
}

/// One result a piece, written by several threads at once, each to places of its own.
private final class Checksums: @unchecked Sendable {
  let values: UnsafeMutableBufferPointer<UInt64>

  init(count: Int) {
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }
}

/// The first error of several threads.
private final class FirstFailure: Sendable {
  private let state = Mutex<PanelCacheError?>(nil)

  var error: PanelCacheError? { state.withLock { $0 } }

  func set(_ error: PanelCacheError) { state.withLock { if $0 == nil { $0 = error } } }
}

extension PanelCacheError {
  fileprivate init(reading error: WeightError) {
    switch error {
    case .malformed(let path, let offset, let reason): self = .damaged(path: path, offset: offset, reason: reason)
    case .cannotOpen(let path, let reason): self = .cannotRead(path: path, reason: reason)
    default: self = .cannotRead(path: "", reason: error.description)
    }
  }

  fileprivate init(writing error: WeightError) {
    if case .cannotWrite(let path, let reason) = error {
      self = .cannotWrite(path: path, reason: reason)
    } else {
      self = .cannotWrite(path: "", reason: error.description)
    }
  }
}
