// The one error type of the conversion layer: why a model could not be quantised or generated.

/// What kept a model from being converted or generated. Nothing is left at the output's path.
public enum ConversionError: Error, Sendable, Equatable {
  /// The source cannot be read, or the output not written; the error names file, tensor, key and offset.
  case weights(WeightError)
  /// A checkpoint whose `model_type` is not among those that are known.
  case unknownArchitecture(modelType: String, path: String)
  /// A tensor of the checkpoint that the architecture does not have: dropping it would change the model.
  case unexpectedTensor(name: String, path: String)
  /// The source is quantised already, and a second rounding was not allowed.
  case alreadyQuantised(tensor: String, format: Format, path: String)
  /// A tokenizer that GGUF's metadata cannot express.
  case unsupportedTokenizer(path: String, reason: String)
  /// An option or argument that cannot be.
  case invalidArgument(argument: String, reason: String)
  /// The progress callback asked to stop.
  case cancelled
}

extension ConversionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .weights(let error):
      error.description
    case .unknownArchitecture(let modelType, let path):
      "\(path): the model type '\(modelType)' is not one that can be converted"
    case .unexpectedTensor(let name, let path):
      "\(path): the tensor '\(name)' has no place in this architecture"
    case .alreadyQuantised(let tensor, let format, let path):
      "\(path): tensor '\(tensor)' is quantised already (\(format)); rounding it again loses more than asked for"
    case .unsupportedTokenizer(let path, let reason):
      "\(path): the tokenizer cannot be converted: \(reason)"
    case .invalidArgument(let argument, let reason):
      "\(argument): \(reason)"
    case .cancelled:
      "cancelled"
    }
  }
}

extension ConversionError {
  /// `error` as one of this layer, where a block throws its own errors and those of the layer below.
  init(_ error: any Error) {
    self =
      error as? ConversionError ?? (error as? WeightError).map { .weights($0) }
      ?? .invalidArgument(argument: "conversion", reason: "\(error)")
  }
}

/// Lets code of this layer use the one below it.
func weights<R: ~Copyable>(_ body: () throws(WeightError) -> R) throws(ConversionError) -> R {
  do { return try body() } catch { throw .weights(error) }
}
