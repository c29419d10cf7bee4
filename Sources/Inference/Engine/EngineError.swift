// What an engine refuses, and how a request can fail. Other requests never notice.

public enum EngineError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalidOption(name: String, expected: String)
  case invalidRequest(field: String, reason: String)
  /// The prompt leaves no room in the context.
  case promptTooLong(tokens: Int, limit: Int)
  /// Prompt and answer would take more than the whole memory budget.
  case overBudget(needed: Int, budget: Int)
  /// As many requests wait as may: try again later.
  case queueFull(limit: Int)
  case deadlineExceeded
  /// The engine drains or has ended.
  case shuttingDown
  case sampler(SamplerError)
  /// No token is left that the request's grammar allows.
  case grammar(GrammarError)
  case session(SessionError)
  /// The system refuses a thread or a descriptor; `code` is an errno.
  case system(call: String, code: Int32)

  public var description: String {
    switch self {
    case .invalidOption(let name, let expected): "\(name): expected \(expected)"
    case .invalidRequest(let field, let reason): "\(field): \(reason)"
    case .promptTooLong(let tokens, let limit): "a prompt of \(tokens) tokens, the context has \(limit) positions"
    case .overBudget(let needed, let budget): "the request needs \(needed) bytes, the budget allows \(budget)"
    case .queueFull(let limit): "\(limit) requests wait already"
    case .deadlineExceeded: "the deadline has passed"
    case .shuttingDown: "the engine is shutting down"
    case .sampler(let error): error.description
    case .grammar(let error): error.description
    case .session(let error): error.description
    case .system(let call, let code): "\(call): errno \(code)"
    }
  }

  init(_ error: GenerationError) {
    switch error {
    case .sampler(let error): self = .sampler(error)
    case .grammar(let error): self = .grammar(error)
    case .session(let error): self = .session(error)
    case .invalidOption(let name, let reason): self = .invalidRequest(field: name, reason: reason)
    case .emptyPrompt: self = .invalidRequest(field: "prompt", reason: "no tokens")
    }
  }
}
