// A file that appears whole or not at all: written under a temporary name, then renamed. Knows no file format.
import Glibc

/// Writes a file under a temporary name in the target's folder and renames it when it is finished.
///
/// Until ``finish()`` returns, whatever was at the path stays as it was. A value that goes away unfinished, or after a
/// failure, takes the temporary file with it. Not for use from two threads at once.
package final class OutputFile {
  package let path: String
  /// Bytes written so far.
  package private(set) var count = 0
  private let temporaryPath: String
  private var descriptor: Int32

  /// Creates the temporary file.
  ///
  /// - Throws: ``WeightError/cannotWrite(path:reason:)``.
  package init(path: String) throws(WeightError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw .cannotWrite(path: path, reason: "not a path")
    }
    self.path = path
    // Exclusive creation decides who gets the name; the random part only makes a second try rare.
    var attempt = 0
    while true {
      let candidate = "\(path).\(String(UInt32.random(in: 0...UInt32.max), radix: 16)).tmp"
      let opened = Glibc.open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if opened >= 0 {
        (temporaryPath, descriptor) = (candidate, opened)
        return
      }
      attempt += 1
      guard errno == EEXIST, attempt < 16 else {
        throw .cannotWrite(path: path, reason: systemErrorText(errno))
      }
    }
  }

  deinit { abandon() }

  /// Appends `bytes`. After an error nothing more can be written and the temporary file is gone.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(WeightError) {
    guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: "an earlier write failed") }
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let written = Glibc.write(descriptor, start, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw failure(errno)
      }
      count += written
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
  }

  /// Appends zeros until the file's length is a multiple of `alignment`, at least 1.
  package func pad(to alignment: Int) throws(WeightError) {
    let zeros = [UInt8](repeating: 0, count: min(alignment, 4_096))
    var missing = (alignment - count % alignment) % alignment
    while missing > 0 {
      let step = min(missing, zeros.count)
      try write(zeros, upTo: step)
      missing -= step
    }
  }

  package func write(_ bytes: [UInt8]) throws(WeightError) { try write(bytes, upTo: bytes.count) }

  private func write(_ bytes: [UInt8], upTo end: Int) throws(WeightError) {
    try bytes.withUnsafeBufferPointer { buffer throws(WeightError) in
      try write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[..<end])))
    }
  }

  /// Brings to the disk what was written so far. Without it ``finish()`` may have to wait for all of a large file.
  package func flush() throws(WeightError) {
    guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: "an earlier write failed") }
    guard fdatasync(descriptor) == 0 else { throw failure(errno) }
  }

  /// Brings the contents to the disk and gives the file its name.
  package func finish() throws(WeightError) {
    guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: "an earlier write failed") }
    guard fsync(descriptor) == 0 else { throw failure(errno) }
    let closed = Glibc.close(descriptor)
    descriptor = -1
    guard closed == 0, rename(temporaryPath, path) == 0 else {
      let reason = systemErrorText(errno)
      unlink(temporaryPath)
      throw .cannotWrite(path: path, reason: reason)
    }
    syncFolder()
  }

  /// Makes the new name survive a loss of power. The file is complete by now, and not every file system lets folders
  /// be synced: a refusal is no failure.
  private func syncFolder() {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let opened = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { return }
    fsync(opened)
    Glibc.close(opened)
  }

  private func failure(_ code: Int32) -> WeightError {
    abandon()
    return .cannotWrite(path: path, reason: systemErrorText(code))
  }

  private func abandon() {
    guard descriptor >= 0 else { return }
    Glibc.close(descriptor)
    descriptor = -1
    unlink(temporaryPath)
  }
}
