// The kernels of one instruction set and the pool of threads that runs them. Operations are in Runtime+*.swift.
import CKernels

/// What serves one operation in a runtime, and why.
public struct KernelDescription: Sendable, Equatable {
  /// Such as `matmul`.
  public let operation: String
  /// The weight format, empty where the operation knows none.
  public let format: String
  /// The kernel's name.
  public let kernel: String
  /// The instruction set it was compiled for.
  public let isa: String
  public let reason: String
}

/// Chosen kernels and a pool of threads. May be shared by models and sessions: their operations take turns.
public final class Runtime: Sendable {
  nonisolated(unsafe) let handle: OpaquePointer

  /// Starts the pool.
  ///
  /// - Parameters:
  ///   - threads: nil for the least of affinity mask, container quota and physical cores.
  ///   - isa: nil for `GOBI_ISA` from the environment or else the best available one.
  /// - Throws: `.unsupported` if the processor does not run the instruction set that was asked for: never another one.
  public init(threads: Int? = nil, isa: ISA? = nil) throws(KernelError) {
    guard let count = UInt32(exactly: threads ?? 0), threads != 0 else {
      throw KernelError(.invalidArgument, "a runtime with \(threads ?? 0) threads")
    }
    var options = ck_runtime_options()
    options.struct_size = MemoryLayout<ck_runtime_options>.stride
    options.threads = count
    options.isa = isa.map { ck_isa(rawValue: $0.rawValue) } ?? CK_ISA_AUTO
    var created: OpaquePointer?
    try check(ck_runtime_create(&options, &created), "ck_runtime_create")
    guard let created else { throw KernelError(.unknown(0), "ck_runtime_create") }
    handle = created
  }

  deinit { ck_runtime_destroy(handle) }

  /// Threads that work on an operation, the calling one included.
  public var threads: Int { Int(ck_runtime_threads(handle)) }

  /// The instruction set whose kernels run.
  public var isa: ISA { ISA(rawValue: ck_runtime_isa(handle).rawValue) ?? ISA.all[ISA.all.count - 1] }

  /// Which kernel serves each operation.
  public var kernels: [KernelDescription] {
    var rows: [KernelDescription] = []
    var info = ck_kernel_info()
    while ck_describe(handle, rows.count, &info) == CK_OK {
      rows.append(
        KernelDescription(
          operation: text(info.operation), format: text(info.format), kernel: text(info.kernel),
          isa: text(info.isa), reason: text(info.reason)))
    }
    return rows
  }

  private func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
}
