// What can go wrong while memory for tensors is set aside. Nothing here knows a model or a file.

/// Memory that could not be had, or may not be used.
public enum TensorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The system has no room for this many bytes.
  case outOfMemory(bytes: Int)
  /// The caller's own cap forbids it: `needed` bytes in all, `budget` allowed.
  case budgetExceeded(needed: Int, budget: Int, what: String)

  public var description: String {
    switch self {
    case .outOfMemory(let bytes): "the system has no room for \(bytes) bytes"
    case .budgetExceeded(let needed, let budget, let what):
      "\(what) would take \(needed) bytes, the budget allows \(budget)"
    }
  }
}
