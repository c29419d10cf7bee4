// An error as the OpenAI API tells it: a status, and an object with message, type, param and code.
import Inference

/// What a request ends in where it is not served.
public struct APIError: Error, Sendable, Equatable, CustomStringConvertible {
  /// HTTP's status code.
  public var status: Int
  /// `invalid_request_error`, `rate_limit_error`, `server_error` and so on.
  public var type: String
  public var message: String
  /// The request's field that is at fault.
  public var param: String?
  /// A word for programs.
  public var code: String?
  /// Seconds after which trying again may help.
  public var retryAfter: Int?
  /// Methods that the path has, for 405.
  public var allow: String?

  public init(
    _ status: Int, type: String = "invalid_request_error", _ message: String, param: String? = nil,
    code: String? = nil, retryAfter: Int? = nil, allow: String? = nil
  ) {
    self.status = status
    self.type = type
    self.message = message
    self.param = param
    self.code = code
    self.retryAfter = retryAfter
    self.allow = allow
  }

  public var description: String { "\(status): \(message)" }

  /// The body of the response, and what a stream says where it breaks off.
  public var json: JSONValue {
    .object([
      (
        "error",
        .object([
          ("message", .string(message)), ("type", .string(type)), ("param", .init(param)), ("code", .init(code)),
        ])
      )
    ])
  }

  // MARK: The usual ones

  static func invalid(_ param: String?, _ reason: String, code: String? = nil) -> APIError {
    APIError(400, param.map { "\($0): \(reason)" } ?? reason, param: param, code: code)
  }

  static func unsupported(_ param: String, _ reason: String) -> APIError {
    invalid(param, reason, code: "unsupported_parameter")
  }

  static func unknownModel(_ name: String) -> APIError {
    APIError(404, "the model '\(name.prefix(200))' does not exist", param: "model", code: "model_not_found")
  }

  static let draining = APIError(
    503, type: "server_error", "the server is shutting down", code: "shutting_down", retryAfter: 1)

  static func queueFull(_ limit: Int) -> APIError {
    APIError(
      429, type: "rate_limit_error", "\(limit) requests wait already", code: "queue_full", retryAfter: 1)
  }

  static func tooLong(_ tokens: Int, limit: Int, param: String) -> APIError {
    invalid(
      param, "\(tokens) tokens; the model's context has \(limit) positions", code: "context_length_exceeded")
  }

  static let tooLate = APIError(
    504, type: "timeout_error", "the request was not finished within the server's time limit",
    code: "deadline_exceeded")

  static let cancelled = APIError(
    499, type: "server_error", "the request was cancelled", code: "cancelled")

  static func failed(_ reason: String) -> APIError { APIError(500, type: "server_error", reason, code: "failed") }
}

extension APIError {
  /// What an engine's refusal is for the client. `prompt` is the field that the prompt came from.
  init(_ error: EngineError, prompt: String) {
    switch error {
    case .promptTooLong(let tokens, let limit): self = .tooLong(tokens, limit: limit, param: prompt)
    case .invalidRequest(let field, let reason): self = .invalid(field == "prompt" ? prompt : field, reason)
    case .overBudget:
      self = .invalid("max_tokens", error.description, code: "memory_budget_exceeded")
    case .queueFull(let limit): self = .queueFull(limit)
    case .deadlineExceeded: self = .tooLate
    case .shuttingDown: self = .draining
    case .session(.cancelled): self = .cancelled
    case .sampler(.tokenOutOfRange): self = .invalid("logit_bias", error.description)
    case .sampler(.invalidOption(let name, let expected)): self = .invalid(name, "expected \(expected)")
    case .session(.outOfMemory), .session(.budgetExceeded), .system:
      self = APIError(503, type: "server_error", error.description, code: "out_of_memory", retryAfter: 1)
    default: self = .failed(error.description)
    }
  }
}
