// What the kernels report when they refuse or fail: the C status as a Swift error. No recovery.
import CKernels
import Glibc

/// A kernel call that did not succeed.
public struct KernelError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Status: Sendable, Equatable {
    /// A size, stride or enumeration out of range.
    case invalidArgument
    /// Valid, but no kernel serves it here.
    case unsupported
    case outOfMemory
    /// The cancel flag was seen; outputs hold unspecified values.
    case cancelled
    /// A system call failed with this `errno`.
    case system(Int32)
    case busy
    case numeric
    /// A status that this version does not know.
    case unknown(Int)
  }

  public let status: Status
  /// The call, such as `ck_matmul`, with what it was called for.
  public let operation: String

  public init(_ status: Status, _ operation: String) {
    self.status = status
    self.operation = operation
  }

  public var description: String {
    switch status {
    case .invalidArgument: "\(operation): invalid argument"
    case .unsupported: "\(operation): no kernel serves this here"
    case .outOfMemory: "\(operation): out of memory"
    case .cancelled: "\(operation): cancelled"
    case .system(let code): "\(operation): \(systemErrorText(code))"
    case .busy: "\(operation): busy"
    case .numeric: "\(operation): singular matrix"
    case .unknown(let code): "\(operation): status \(code)"
    }
  }

  init(_ error: TensorError) { self.init(.outOfMemory, error.description) }
}

extension KernelError.Status {
  init(_ status: ck_status) {
    switch status {
    case CK_INVALID_ARGUMENT: self = .invalidArgument
    case CK_UNSUPPORTED: self = .unsupported
    case CK_OUT_OF_MEMORY: self = .outOfMemory
    case CK_CANCELLED: self = .cancelled
    case CK_SYSTEM: self = .system(errno)
    case CK_BUSY: self = .busy
    case CK_NUMERIC: self = .numeric
    default: self = .unknown(Int(status.rawValue))
    }
  }
}

/// Throws unless `status` is CK_OK. The name becomes a string only then.
@inline(__always)
func check(_ status: ck_status, _ operation: StaticString) throws(KernelError) {
  if status != CK_OK { throw KernelError(.init(status), "\(operation)") }
}

/// `body`'s result, its lack of memory told as the kernels tell theirs.
@inline(__always)
package func memory<R>(_ body: () throws(TensorError) -> R) throws(KernelError) -> R {
  do { return try body() } catch { throw KernelError(error) }
}
