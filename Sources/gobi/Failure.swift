// What the tool says of an error, and with which exit code it ends.
import ArgumentParser
import Capacity
import Foundation
import Inference

/// The documented exit codes.
enum ExitStatus: Int32 {
  case done = 0, checkFailed = 1, wrongInput = 2, cannotHere = 3, interrupted = 130
}

/// An error of the tool itself: what is wrong, what to do about it, and the code to exit with.
struct Failure: Error, CustomStringConvertible {
  let description: String
  var hint: String?
  var status: ExitStatus = .wrongInput

  init(_ description: String, hint: String? = nil, status: ExitStatus = .wrongInput) {
    self.description = description
    self.hint = hint
    self.status = status
  }

  /// Prints the error, or the help that was asked for, and ends the process.
  static func exit(with error: any Error) -> Never {
    if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
    if let failure = error as? Failure {
      Console.error(failure.description)
      if let hint = failure.hint { Console.note(hint) }
      Foundation.exit(failure.status.rawValue)
    }
    // The parser throws for --help and --version too: those are results.
    if Gobi.exitCode(for: error) == .success {
      Console.out(Gobi.fullMessage(for: error))
      Foundation.exit(ExitStatus.done.rawValue)
    }
    if Gobi.exitCode(for: error) == .validationFailure {
      FileHandle.standardError.write(Data((Gobi.fullMessage(for: error) + "\n").utf8))
      Foundation.exit(ExitStatus.wrongInput.rawValue)
    }
    Console.error("\(error)")
    Foundation.exit(status(of: error).rawValue)
  }

  /// The exit code of an error of the library.
  static func status(of error: any Error) -> ExitStatus {
    switch error {
    case let error as ModelError:
      switch error {
      case .kernel, .budgetExceeded, .outOfMemory: .cannotHere
      case .cancelled: .interrupted
      default: .wrongInput
      }
    case let error as AdapterError:
      switch error {
      case .kernel, .budgetExceeded, .outOfMemory: .cannotHere
      default: .wrongInput
      }
    case let error as SessionError: status(of: error)
    case let error as GenerationError:
      if case .session(let inner) = error { status(of: inner) } else { .wrongInput }
    case let error as CapacityError:
      if case .cancelled = error { .interrupted } else if case .kernel = error { .cannotHere } else { .wrongInput }
    case let error as CertificateError:
      switch error {
      case .foreign, .badSignature, .mismatch, .notCanonical: .checkFailed
      case .key, .request: .wrongInput
      case .cannotWrite: .cannotHere
      }
    case let error as LedgerError:
      switch error {
      case .missing, .foreign, .request: .wrongInput
      case .corrupt, .duplicate, .unsound: .checkFailed
      case .locked, .full, .readOnly, .other: .cannotHere
      }
    case is WeightError, is TextError, is SamplerError, is GrammarError, is ConversionError: .wrongInput
    default: .cannotHere
    }
  }

  private static func status(of error: SessionError) -> ExitStatus {
    switch error {
    case .cancelled: .interrupted
    case .busy, .budgetExceeded, .outOfMemory, .kernel: .cannotHere
    case .unknownSequence, .invalidArgument, .contextExceeded, .windowPassed, .badState: .wrongInput
    }
  }
}
