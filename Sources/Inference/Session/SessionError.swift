// What can go wrong while a session works. After any of them the session is as it was before the call.

public enum SessionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Another thread is in the middle of a call on this session.
  case busy
  /// The sequence was removed, or belongs to another session.
  case unknownSequence(SequenceID)
  case invalidArgument(argument: String, reason: String)
  /// The sequence would grow beyond the session's context.
  case contextExceeded(needed: Int, limit: Int)
  /// Layers with a window have given back what the sequence would need to go on from `position`: it can go back to 0 or
  /// to `first` at least.
  case windowPassed(position: Int, first: Int)
  /// The KV cache would grow beyond the session's budget.
  case budgetExceeded(needed: Int, budget: Int)
  case outOfMemory(bytes: Int)
  /// The caller's flag was set.
  case cancelled
  case kernel(KernelError)
  /// A saved sequence is damaged, hostile, or from another model; `offset` is a byte in it.
  case badState(offset: Int, reason: String)

  public var description: String {
    switch self {
    case .busy: "the session is in use by another thread"
    case .unknownSequence(let sequence): "the session has no sequence \(sequence)"
    case .invalidArgument(let argument, let reason): "\(argument): \(reason)"
    case .contextExceeded(let needed, let limit): "\(needed) positions, the session's context is \(limit)"
    case .windowPassed(let position, let first):
      "position \(position) needs what windows have passed; the sequence can go back to 0, or to \(first) at least"
    case .budgetExceeded(let needed, let budget):
      "the KV cache would take \(needed) bytes, the budget allows \(budget)"
    case .outOfMemory(let bytes): "the system has no room for \(bytes) bytes"
    case .cancelled: "cancelled"
    case .kernel(let error): error.description
    case .badState(let offset, let reason): "saved sequence, byte \(offset): \(reason)"
    }
  }

  init(_ error: TensorError) {
    switch error {
    case .outOfMemory(let bytes): self = .outOfMemory(bytes: bytes)
    case .budgetExceeded(let needed, let budget, _): self = .budgetExceeded(needed: needed, budget: budget)
    }
  }

  init(_ error: KernelError) { self = error.status == .cancelled ? .cancelled : .kernel(error) }

  init(_ error: ModelError) {
    switch error {
    case .kernel(let error): self.init(error)
    case .outOfMemory(let bytes): self = .outOfMemory(bytes: bytes)
    default: self = .invalidArgument(argument: "model", reason: error.description)
    }
  }
}
