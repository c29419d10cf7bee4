// A small or read-only file system to fail on.
import Capacity
import Foundation
import TestSupport

/// Mounting takes root's rights.
let canMount = (try? Mount("size=16k")) != nil

/// A file system in memory, for as long as the value lives.
final class Mount {
  let folder: TemporaryFolder

  /// `options` of mount: "size=16k", "size=64k,ro".
  init(_ options: String) throws {
    folder = try TemporaryFolder()
    let command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder.url.path]
    _ = try ChildProcess.run(command, seconds: 10)
  }

  deinit { _ = try? ChildProcess.run(["umount", folder.url.path], seconds: 10) }
}
