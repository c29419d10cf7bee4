// The kernels' runtime as Capacity uses it: creation, errors and memory. Measures nothing.
import CKernels

/// What a bench could not do, and why.
public enum CapacityError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A kernel call failed: the call and the status's name.
  case kernel(call: String, status: String)
  case cancelled
  /// A model could not be opened or evaluated.
  case model(label: String, what: String)
  /// A report could not be read or written.
  case report(path: String, what: String)
  /// A launch of a process did not come to its end.
  case launch(number: Int, what: String)
  /// The option's name and what is wrong with it.
  case option(name: String, what: String)

  public var description: String {
    switch self {
    case .kernel(let call, let status): "\(call) failed: \(status)"
    case .cancelled: "the run was cancelled"
    case .model(let label, let what): "model \(label): \(what)"
    case .report(let path, let what): "\(path): \(what)"
    case .launch(let number, let what): "launch \(number): \(what)"
    case .option(let name, let what): "\(name): \(what)"
    }
  }
}

/// Throws unless `status` is CK_OK. CK_CANCELLED has an error of its own.
func check(_ status: ck_status, _ call: String) throws(CapacityError) {
  switch status {
  case CK_OK: return
  case CK_CANCELLED: throw .cancelled
  default: throw .kernel(call: call, status: String(cString: ck_status_name(status)))
  }
}

public final class KernelRuntime {
  /// For the calls of CKernels; freed with this object.
  public let handle: OpaquePointer
  public let threads: Int
  public let isa: String

  /// `threads` 0: as many as this node gives; `isa` nil: the best, or GOBI_ISA's.
  public init(threads: Int = 0, isa: String? = nil) throws(CapacityError) {
    var options = ck_runtime_options()
    options.struct_size = MemoryLayout<ck_runtime_options>.size
    options.isa = CK_ISA_AUTO
    guard let count = UInt32(exactly: threads) else {
      throw .option(name: "threads", what: "\(threads) is not a count")
    }
    options.threads = count
    if let isa {
      options.isa = ck_isa_named(isa)
      if options.isa == CK_ISA_AUTO { throw .option(name: "isa", what: "there is no ISA named \(isa)") }
      if !ck_isa_available(options.isa) { throw .option(name: "isa", what: "this machine cannot run \(isa)") }
    }
    var created: OpaquePointer?
    try check(ck_runtime_create(&options, &created), "ck_runtime_create")
    guard let created else { throw .kernel(call: "ck_runtime_create", status: "no runtime") }
    handle = created
    self.threads = Int(ck_runtime_threads(created))
    self.isa = String(cString: ck_isa_name(ck_runtime_isa(created)))
  }

  deinit { ck_runtime_destroy(handle) }

  /// All rows of the kernel list: what serves what, and why.
  public func kernels() -> [(operation: String, format: String, kernel: String, isa: String, reason: String)] {
    var rows: [(operation: String, format: String, kernel: String, isa: String, reason: String)] = []
    var info = ck_kernel_info()
    while ck_describe(handle, rows.count, &info) == CK_OK {
      rows.append(
        (
          String(cString: info.operation), String(cString: info.format), String(cString: info.kernel),
          String(cString: info.isa), String(cString: info.reason)
        ))
    }
    return rows
  }
}

/// Aligned memory of the kernels' allocator, freed with the object. On huge pages when large.
public final class KernelMemory {
  public let base: UnsafeMutableRawPointer
  public let bytes: Int

  // What is larger takes a huge page of its own: on small pages a product of 0.6 MB of weights differed by 5 % from
  // launch to launch, by which pages it was given and so which sets of the second-level cache they meet in (Zen 4).
  private static let mostOnSmallPages = 32 << 10
  private static let hugePage = 2 << 20

  /// At least 64 bytes, zeroed.
  public init(bytes: Int) throws(CapacityError) {
    var memory: UnsafeMutableRawPointer?
    self.bytes = bytes > Self.mostOnSmallPages ? max(bytes, Self.hugePage) : max(bytes, 64)
    try check(ck_memory_allocate(self.bytes, &memory), "ck_memory_allocate")
    guard let memory else { throw .kernel(call: "ck_memory_allocate", status: "no memory") }
    base = memory
  }

  deinit { ck_memory_free(base, bytes) }

  /// The first `count` floats; they must lie within the memory.
  public func floats(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
    precondition(count * 4 <= bytes, "a view must lie within its memory")
    return UnsafeMutableBufferPointer(start: base.assumingMemoryBound(to: Float.self), count: count)
  }
}
