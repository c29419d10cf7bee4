// Statuses and error objects: how Swift errors reach C. Decides no status by text.
import CGobi
import Glibc
import Inference

/// A status with its message.
struct ABIError: Error {
  let status: gobi_status
  let message: String

  init(_ status: Int, _ message: String) {
    self.status = gobi_status(status)
    self.message = message
  }
}

/// What a `gobi_error *` points to.
final class ErrorObject: HandleObject {
  static let kind: UInt64 = 1
  static let noun = "error"
  let status: gobi_status
  let message: UnsafeMutablePointer<CChar>?

  init(_ error: ABIError) {
    status = error.status
    message = strdup(error.message)
  }

  deinit { free(message) }
}

/// Runs `body` and tells its error to C.
func call(
  _ error: UnsafeMutablePointer<OpaquePointer?>?, _ body: () throws -> Void
) -> gobi_status {
  error?.pointee = nil
  do {
    try body()
    return gobi_status(GOBI_OK)
  } catch let failure {
    let failure = abiError(failure)
    error?.pointee = makeHandle(ErrorObject(failure))
    return failure.status
  }
}

private func abiError(_ error: any Error) -> ABIError {
  switch error {
  case let error as ABIError: error
  case let error as WeightError: ABIError(status(error), error.description)
  case let error as ModelError: ABIError(status(error), error.description)
  case let error as KernelError: ABIError(status(error), error.description)
  case let error as SessionError: ABIError(status(error), error.description)
  case let error as TextError: ABIError(GOBI_BAD_TEXT, error.description)
  case let error as JSONError: ABIError(GOBI_BAD_TEXT, error.description)
  case let error as SamplerError: ABIError(GOBI_INVALID_ARGUMENT, error.description)
  case let error as GrammarError: ABIError(status(error), error.description)
  case let error as EngineError: ABIError(error)
  case let error as AdapterError: ABIError(status(error), error.description)
  case let error as ChatError: ABIError(status(error), error.description)
  default: ABIError(GOBI_FAILED, "\(error)")
  }
}

private func status(_ error: WeightError) -> Int {
  switch error {
  case .invalidArgument: GOBI_INVALID_ARGUMENT
  case .unsupported: GOBI_UNSUPPORTED
  default: GOBI_BAD_FILE
  }
}

private func status(_ error: ModelError) -> Int {
  switch error {
  case .weights(let error): status(error)
  case .kernel(let error): status(error)
  case .unsupportedArchitecture, .unsupported: GOBI_UNSUPPORTED
  case .badConfiguration, .missingConfiguration: GOBI_BAD_FILE
  case .budgetExceeded, .outOfMemory: GOBI_OUT_OF_MEMORY
  case .cancelled: GOBI_CANCELLED
  }
}

private func status(_ error: KernelError) -> Int {
  switch error.status {
  case .invalidArgument: GOBI_INVALID_ARGUMENT
  case .unsupported: GOBI_UNSUPPORTED
  case .outOfMemory: GOBI_OUT_OF_MEMORY
  case .cancelled: GOBI_CANCELLED
  case .busy: GOBI_BUSY
  case .system, .numeric, .unknown: GOBI_FAILED
  }
}

private func status(_ error: SessionError) -> Int {
  switch error {
  case .busy: GOBI_BUSY
  case .unknownSequence, .invalidArgument, .windowPassed: GOBI_INVALID_ARGUMENT
  case .contextExceeded: GOBI_CONTEXT_EXCEEDED
  case .budgetExceeded, .outOfMemory: GOBI_OUT_OF_MEMORY
  case .cancelled: GOBI_CANCELLED
  case .kernel(let error): status(error)
  case .badState: GOBI_BAD_STATE
  }
}

private func status(_ error: GrammarError) -> Int {
  switch error {
  case .unsupported, .unsupportedKeyword, .limit, .noToken: GOBI_UNSUPPORTED
  case .syntax, .unknownRule, .leftRecursion, .matchesNothing, .invalidJSON, .malformedSchema, .unresolvedReference:
    GOBI_BAD_TEXT
  }
}

private func status(_ error: EngineError) -> Int {
  switch error {
  case .invalidOption, .invalidRequest, .sampler: GOBI_INVALID_ARGUMENT
  case .promptTooLong: GOBI_CONTEXT_EXCEEDED
  case .overBudget: GOBI_OUT_OF_MEMORY
  case .queueFull: GOBI_QUEUE_FULL
  case .deadlineExceeded: GOBI_DEADLINE_EXCEEDED
  case .shuttingDown: GOBI_SHUTTING_DOWN
  case .session(let error): status(error)
  case .grammar(let error): status(error)
  case .system: GOBI_FAILED
  }
}

private func status(_ error: AdapterError) -> Int {
  switch error {
  case .weights(let error): status(error)
  case .notAnAdapter, .wrongModel, .unknownModules, .badValue: GOBI_BAD_FILE
  case .unsupported: GOBI_UNSUPPORTED
  case .budgetExceeded, .outOfMemory: GOBI_OUT_OF_MEMORY
  case .kernel(let error): status(error)
  }
}

private func status(_ error: ChatError) -> Int {
  switch error {
  case .invalidTool: GOBI_BAD_TEXT
  case .unknownTool: GOBI_INVALID_ARGUMENT
  case .cannotForce: GOBI_UNSUPPORTED
  case .grammar(let error): status(error)
  }
}

extension ABIError {
  /// How a request failed, which C is told in an event.
  init(_ error: EngineError) { self.init(GobiABI.status(error), error.description) }
}

private let noText: StaticString = ""
private let statusNames: [StaticString] = [
  "ok", "invalid argument", "buffer too small", "busy", "out of memory", "cancelled", "bad file", "unsupported",
  "context exceeded", "bad state", "bad text", "failed", "queue full", "deadline exceeded", "shutting down",
]

/// A C string that lives as long as the program.
private func constant(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation public func gobi_version() -> UInt32 {
  UInt32(GOBI_VERSION_MAJOR * 1_000_000 + GOBI_VERSION_MINOR * 1_000 + GOBI_VERSION_PATCH)
}

@c @implementation public func gobi_status_name(_ status: gobi_status) -> UnsafePointer<CChar>! {
  statusNames.indices.contains(Int(status)) ? constant(statusNames[Int(status)]) : constant("unknown status")
}

@c @implementation public func gobi_error_message(_ error: OpaquePointer!) -> UnsafePointer<CChar>! {
  objectIfValid(error, ErrorObject.self)?.message.map { UnsafePointer($0) } ?? constant(noText)
}

@c @implementation public func gobi_error_code(_ error: OpaquePointer!) -> gobi_status {
  objectIfValid(error, ErrorObject.self)?.status ?? gobi_status(GOBI_OK)
}

@c @implementation public func gobi_error_free(_ error: OpaquePointer!) { destroyHandle(error, ErrorObject.self) }
