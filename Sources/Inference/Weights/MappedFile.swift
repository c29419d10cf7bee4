// A whole file, mapped read-only. Knows nothing of what the bytes mean.
import Glibc

/// A file mapped read-only for as long as the value lives.
///
/// The pages are loaded on first touch and shared with the page cache. As with every mapping, somebody who truncates
/// the file while it is open makes later reads fault: replace model files by renaming, not by overwriting.
public final class MappedFile: Sendable {
  public let path: String
  /// The file's bytes. Valid while this object lives: keep the object, not only the pointer. Page-aligned.
  public nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
  /// The file's state when it was mapped; nil for contents that are not on a disk.
  package let identity: FileIdentity?
  /// What must be unmapped: more than `bytes` where a guard page follows.
  private nonisolated(unsafe) let mapping: UnsafeMutableRawBufferPointer

  /// Maps the regular file at `path`.
  ///
  /// - Throws: ``WeightError/cannotOpen(path:reason:)`` if there is no such file, it is not a regular file, or it may
  ///   not be read.
  public init(path: String) throws(WeightError) {
    guard !path.utf8.contains(0) else {
      throw .cannotOpen(path: path, reason: "the path contains a zero byte")
    }
    // Non-blocking, so that opening a pipe that nobody writes to does not hang; regular files ignore the flag.
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .cannotOpen(path: path, reason: systemErrorText(errno)) }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .cannotOpen(path: path, reason: systemErrorText(errno))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .cannotOpen(path: path, reason: "not a regular file")
    }
    let count = Int(status.st_size)
    var mapping = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    if count > 0 {  // mmap refuses zero bytes
      guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
        throw .cannotOpen(path: path, reason: systemErrorText(errno))
      }
      mapping = UnsafeMutableRawBufferPointer(start: start, count: count)
    }
    self.path = path
    self.mapping = mapping
    self.bytes = UnsafeRawBufferPointer(mapping)
    identity = FileIdentity(status)
  }

  /// A private copy of `contents` that stands in for a file at `path`, for contents that never were on a disk.
  ///
  /// The copy ends where an inaccessible page begins, so that reading even one byte past the end faults instead of
  /// going unnoticed. `bytes` is therefore not aligned.
  package init(copying contents: UnsafeRawBufferPointer, path: String) throws(WeightError) {
    let page = Int(getpagesize())
    let (padded, overflow) = contents.count.addingReportingOverflow(2 * page - 1)
    guard !overflow else { throw .cannotOpen(path: path, reason: "too large") }
    let total = padded / page * page  // the contents' pages and the guard
    guard let start = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED
    else { throw .cannotOpen(path: path, reason: systemErrorText(errno)) }
    mapping = UnsafeMutableRawBufferPointer(start: start, count: total)
    let target = UnsafeMutableRawBufferPointer(
      rebasing: mapping[(total - page - contents.count)..<(total - page)])
    target.copyMemory(from: contents)
    guard mprotect(start, total - page, PROT_READ) == 0, mprotect(start + (total - page), page, PROT_NONE) == 0 else {
      let reason = systemErrorText(errno)
      munmap(start, total)
      throw .cannotOpen(path: path, reason: reason)
    }
    self.path = path
    self.bytes = UnsafeRawBufferPointer(target)
    identity = nil
  }

  deinit {
    if let start = mapping.baseAddress { munmap(start, mapping.count) }
  }

  /// Tells the system that the whole pages inside `range` (byte offsets) are not needed now.
  ///
  /// They leave this process's resident memory and come back from the file when they are touched again. Ranges beyond
  /// the file are cut; pages only partly inside stay.
  public func discard(_ range: Range<Int>) {
    // Anonymous memory would come back as zeros, not as the file.
    guard let start = mapping.baseAddress, mapping.count == bytes.count else { return }
    let page = Int(getpagesize())
    let clamped = range.clamped(to: 0..<bytes.count)
    let (lower, overflow) = clamped.lowerBound.addingReportingOverflow(page - 1)
    guard !overflow else { return }
    let first = lower / page * page
    // The file's last page counts as whole when the range reaches the end of the file.
    let end = clamped.upperBound == bytes.count ? bytes.count : clamped.upperBound / page * page
    guard first < end else { return }
    _ = madvise(start + first, end - first, MADV_DONTNEED)
  }
}
