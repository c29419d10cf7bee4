// What tells one state of a file from another without reading it: its inode, size and times. Never its contents.
import Glibc

/// A regular file as the file system describes it. Every write through the file system sets `changed`, which nobody can
/// set back: equal identities mean equal contents, as far as the file system's clock can tell.
package struct FileIdentity: Sendable, Hashable {
  /// Seconds and nanoseconds since 1970.
  private struct Time: Hashable {
    let seconds: Int
    let nanoseconds: Int

    init(_ time: timespec) { (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec) }
  }

  // The device is left out: its number may change when the machine starts anew.
  private let inode: UInt64
  private let size: Int64
  private let modified: Time
  private let changed: Time

  init(_ status: stat) {
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = Time(status.st_mtim)
    changed = Time(status.st_ctim)
  }

  /// Of what is at `path` now; nil if there is nothing.
  package init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The identity as numbers, to be kept in a file.
  package var words: [UInt64] {
    [inode, UInt64(bitPattern: size)]
      + [modified.seconds, modified.nanoseconds, changed.seconds, changed.nanoseconds].map {
        UInt64(bitPattern: Int64($0))
      }
  }

  /// The coarsest clock of a file system, in seconds: that of FAT.
  private static let clockStep = 2

  /// Whether the last change lies so far back that another one would get another time.
  package var isSettled: Bool {
    var now = timespec()
    guard clock_gettime(CLOCK_REALTIME, &now) == 0 else { return false }
    let (next, overflow) = max(modified.seconds, changed.seconds).addingReportingOverflow(Self.clockStep)
    return !overflow && now.tv_sec > next
  }
}
