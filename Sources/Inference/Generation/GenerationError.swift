// What can go wrong while text is generated.

public enum GenerationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// An option is out of range.
  case invalidOption(name: String, reason: String)
  /// There is nothing to continue.
  case emptyPrompt
  case sampler(SamplerError)
  case grammar(GrammarError)
  case session(SessionError)

  public var description: String {
    switch self {
    case .invalidOption(let name, let reason): "\(name): \(reason)"
    case .emptyPrompt: "the prompt has no tokens"
    case .sampler(let error): error.description
    case .grammar(let error): error.description
    case .session(let error): error.description
    }
  }
}
