// Writing what the kernel lets an administrator set: power limits and clocks. Nothing is ever created.
import Foundation

extension NodeFiles {
  /// Replaces the text of a file that is there already.
  public func write(_ text: String, to path: String) throws(NodeFileError) {
    let injected = fault(path)
    if injected != 0 { throw NodeFileError(path: path, code: injected) }
    let descriptor = open(full(path), O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard descriptor >= 0 else { throw NodeFileError(path: path, code: errno) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    // sysfs takes a value whole or not at all.
    let count = Foundation.write(descriptor, bytes, bytes.count)
    guard count == bytes.count else { throw NodeFileError(path: path, code: count < 0 ? errno : EIO) }
  }
}
