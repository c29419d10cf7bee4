// What can go wrong between a weight file and a model that is ready. Sessions have an error type of their own.

public enum ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file is malformed, or lacks a tensor or key.
  case weights(WeightError)
  /// A kernel refused; which architecture or tensor it served stands in the operation's text.
  case kernel(KernelError)
  /// The file is for an architecture that the library does not run.
  case unsupportedArchitecture(name: String, path: String)
  /// The file asks for a variation that the library does not run.
  case unsupported(key: String, reason: String, path: String)
  /// A value of the configuration cannot be true, or contradicts another.
  case badConfiguration(key: String, reason: String, path: String)
  /// A safetensors model without a `config.json`.
  case missingConfiguration(path: String)
  /// The model would take more than the caller allows.
  case budgetExceeded(needed: Int, budget: Int)
  /// The system has no room for this many bytes.
  case outOfMemory(bytes: Int)
  /// The caller's flag stopped the loading.
  case cancelled(path: String)

  public var description: String {
    switch self {
    case .weights(let error): error.description
    case .kernel(let error): error.description
    case .unsupportedArchitecture(let name, let path):
      "\(path): the architecture '\(name)' is not supported; known are \(Architectures.names.joined(separator: ", "))"
    case .unsupported(let key, let reason, let path): "\(path): '\(key)' is not supported: \(reason)"
    case .badConfiguration(let key, let reason, let path): "\(path): '\(key)': \(reason)"
    case .missingConfiguration(let path): "\(path): no config.json beside the weights"
    case .budgetExceeded(let needed, let budget):
      "the model would take \(needed) bytes of memory, the budget allows \(budget)"
    case .outOfMemory(let bytes): "the system has no room for \(bytes) bytes"
    case .cancelled(let path): "\(path): loading was cancelled"
    }
  }

  init(_ error: TensorError) {
    switch error {
    case .outOfMemory(let bytes): self = .outOfMemory(bytes: bytes)
    case .budgetExceeded(let needed, let budget, _): self = .budgetExceeded(needed: needed, budget: budget)
    }
  }
}
