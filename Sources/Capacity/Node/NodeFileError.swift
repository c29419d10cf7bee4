// Why a file of /proc or /sys could not be read or written.
import Foundation

public struct NodeFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Without the root.
  public var path: String
  /// errno.
  public var code: Int32

  public init(path: String, code: Int32) {
    self.path = path
    self.code = code
  }

  public var isMissing: Bool { code == ENOENT || code == ENOTDIR || code == ENODEV || code == ENXIO }
  public var isDenied: Bool { code == EACCES || code == EPERM }

  /// "/sys/…: Permission denied".
  public var description: String { "/\(path): \(String(cString: strerror(code)))" }
}
