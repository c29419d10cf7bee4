// A flag that threads and event loops can wait for: a descriptor that is readable while it is raised.
import Glibc

/// Safe to raise from any thread. A pipe, because Swift's Glibc knows no eventfd.
final class Signal: Sendable {
  /// Readable while the signal is raised.
  let descriptor: Int32
  private let writer: Int32

  init() throws(EngineError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .system(call: "pipe", code: errno) }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    descriptor = ends[0]
    writer = ends[1]
  }

  deinit {
    close(descriptor)
    close(writer)
  }

  func raise() {
    var byte: UInt8 = 1
    _ = write(writer, &byte, 1)  // a full pipe is raised already
  }

  func clear() {
    var bytes: UInt64 = 0
    while read(descriptor, &bytes, 8) == 8 {}
  }

  /// Waits until it is raised, at most `seconds` where they are given.
  func wait(seconds: Double? = nil) {
    let milliseconds = seconds.map { Int32(min(max($0 * 1e3, 0).rounded(.up), 1e6)) } ?? -1
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while poll(&entry, 1, milliseconds) < 0, errno == EINTR {}
  }
}
