// The one error type of the weights layer: what is wrong with a model file, and where. No recovery logic.
import Glibc

/// What went wrong while a model file was opened, parsed, used or written.
///
/// Every case names the file; byte offsets count from the start of that file.
public enum WeightError: Error, Sendable, Equatable {
  /// The file cannot be opened, examined or mapped; `reason` is the system's text.
  case cannotOpen(path: String, reason: String)
  /// The file cannot be created, written or renamed; `reason` is the system's text. Nothing is left at `path`.
  case cannotWrite(path: String, reason: String)
  /// The bytes at `offset` break the rules of the file's format.
  case malformed(path: String, offset: Int, reason: String)
  /// The file is well formed but has no tensor of this name.
  case missingTensor(name: String, path: String)
  /// The file is well formed but lacks a metadata key that is needed.
  case missingKey(key: String, path: String)
  /// The key is there with a value of another type, or one that does not fit.
  case wrongType(key: String, expected: String, found: String, path: String)
  /// The tensor is there with another shape. Shapes are outermost first: (rows, columns).
  case wrongShape(tensor: String, expected: [Int], found: [Int], path: String)
  /// The file is well formed, and this part of it is something that the library does not read.
  case unsupported(path: String, reason: String)
  /// The caller of a writer asked for something that the format cannot hold.
  case invalidArgument(argument: String, reason: String)
}

extension WeightError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason):
      "\(path): cannot be opened: \(reason)"
    case .cannotWrite(let path, let reason):
      "\(path): cannot be written: \(reason)"
    case .malformed(let path, let offset, let reason):
      "\(path): malformed at byte \(offset): \(reason)"
    case .missingTensor(let name, let path):
      "\(path): has no tensor '\(name)'"
    case .missingKey(let key, let path):
      "\(path): has no key '\(key)'"
    case .wrongType(let key, let expected, let found, let path):
      "\(path): key '\(key)' should hold \(expected), found \(found)"
    case .wrongShape(let tensor, let expected, let found, let path):
      "\(path): tensor '\(tensor)' should have the shape \(expected), found \(found)"
    case .unsupported(let path, let reason):
      "\(path): not supported: \(reason)"
    case .invalidArgument(let argument, let reason):
      "\(argument): \(reason)"
    }
  }
}

/// The system's text for an `errno` value.
package func systemErrorText(_ code: Int32) -> String {
  // Thread-safe in glibc since 2.32: the buffer for unknown codes belongs to the thread.
  String(cString: strerror(code))
}
