// What can go wrong between an adapter's file and an adapter that is ready.

public enum AdapterError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file is malformed, or lacks a tensor or key.
  case weights(WeightError)
  /// The file holds something else than a LoRA adapter.
  case notAnAdapter(reason: String, path: String)
  /// The adapter was made for another kind of model.
  case wrongModel(reason: String, path: String)
  /// The model has no linear layers of these names: the first of them, by the file's own names, and how many there are.
  case unknownModules([String], count: Int, path: String)
  /// The adapter has more to it than what is run here, which without it would say something else.
  case unsupported(what: String, reason: String, path: String)
  /// A value that cannot be, or contradicts another; `key` names the tensor or key.
  case badValue(key: String, reason: String, path: String)
  /// The adapter would take more than the caller allows.
  case budgetExceeded(needed: Int, budget: Int)
  /// The system has no room for this many bytes.
  case outOfMemory(bytes: Int)
  case kernel(KernelError)

  public var description: String {
    switch self {
    case .weights(let error): error.description
    case .notAnAdapter(let reason, let path): "\(path): not a LoRA adapter: \(reason)"
    case .wrongModel(let reason, let path): "\(path): not for this model: \(reason)"
    case .unknownModules(let names, let count, let path):
      "\(path): the model has no linear layer '\(names.joined(separator: "', '"))'"
        + (count > names.count ? " and \(count - names.count) more" : "")
    case .unsupported(let what, let reason, let path): "\(path): '\(what)' is not supported: \(reason)"
    case .badValue(let key, let reason, let path): "\(path): '\(key)': \(reason)"
    case .budgetExceeded(let needed, let budget):
      "the adapter would take \(needed) bytes of memory, the budget allows \(budget)"
    case .outOfMemory(let bytes): "the system has no room for \(bytes) bytes"
    case .kernel(let error): error.description
    }
  }

  init(_ error: TensorError) {
    switch error {
    case .outOfMemory(let bytes): self = .outOfMemory(bytes: bytes)
    case .budgetExceeded(let needed, let budget, _): self = .budgetExceeded(needed: needed, budget: budget)
    }
  }

  init(_ error: PackingError) {
    switch error {
    case .kernel(let error): self = .kernel(error)
    case .memory(let error): self.init(error)
    }
  }
}
