// A file that is read piece by piece into memory of the caller's. Maps nothing, knows no file format.
import Glibc

/// A regular file, opened for reading at any offset from any number of threads at once.
///
/// Unlike a ``MappedFile`` it never faults: somebody who cuts the file off makes a read fail.
package final class InputFile: Sendable {
  package let path: String
  /// Bytes in the file when it was opened.
  package let byteCount: Int
  private let descriptor: Int32

  /// Opens the file, to be read more or less from front to back; a symbolic link is not followed.
  ///
  /// - Throws: ``WeightError/cannotOpen(path:reason:)``.
  /// - Returns: nil if nothing is there.
  package static func ifPresent(_ path: String) throws(WeightError) -> InputFile? {
    guard !path.utf8.contains(0) else { throw .cannotOpen(path: path, reason: "the path contains a zero byte") }
    // Non-blocking, so that a pipe that nobody writes to does not hang.
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
    if descriptor < 0 {
      if errno == ENOENT { return nil }
      throw .cannotOpen(path: path, reason: errno == ELOOP ? "a symbolic link" : systemErrorText(errno))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      Glibc.close(descriptor)
      throw .cannotOpen(path: path, reason: "not a regular file")
    }
    // The system then reads further ahead: 763 MB by two threads in 0.36 s instead of 0.41 to 0.69 (Zen 4 VM, ext4).
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    return InputFile(path: path, byteCount: Int(status.st_size), descriptor: descriptor)
  }

  private init(path: String, byteCount: Int, descriptor: Int32) {
    self.path = path
    self.byteCount = byteCount
    self.descriptor = descriptor
  }

  deinit { Glibc.close(descriptor) }

  /// Fills `target` with the bytes from `offset` on.
  ///
  /// - Throws: ``WeightError/malformed(path:offset:reason:)`` if the file ends before, or
  ///   ``WeightError/cannotOpen(path:reason:)`` if it cannot be read.
  package func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(WeightError) {
    var done = 0
    while done < target.count, let start = target.baseAddress {
      let count = pread(descriptor, start + done, target.count - done, offset + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotOpen(path: path, reason: systemErrorText(errno))
      }
      guard count > 0 else { throw .malformed(path: path, offset: offset + done, reason: "the file ends here") }
      done += count
    }
  }
}
