// gobi_cancel_* and gobi_runtime_*.
import CGobi
import Inference

final class CancelBox: HandleObject {
  static let kind: UInt64 = 2
  static let noun = "cancel"
  let flag = CancelFlag()
}

/// The flag behind a handle that may be NULL.
func cancelFlag(_ handle: OpaquePointer?) throws(ABIError) -> CancelFlag? {
  handle == nil ? nil : try object(handle, CancelBox.self).flag
}

final class RuntimeBox: HandleObject {
  static let kind: UInt64 = 3
  static let noun = "runtime"
  let runtime: Runtime
  /// Rows do not change while a runtime lives.
  let kernels: [KernelDescription]

  init(_ runtime: Runtime) {
    self.runtime = runtime
    kernels = runtime.kernels
  }
}

@c @implementation public func gobi_cancel_create(
  _ cancel: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try output(cancel, "cancel").pointee = makeHandle(CancelBox()) }
}

@c @implementation public func gobi_cancel_destroy(_ cancel: OpaquePointer!) { destroyHandle(cancel, CancelBox.self) }

@c @implementation public func gobi_cancel_set(_ cancel: OpaquePointer!) -> gobi_status {
  guard let box = objectIfValid(cancel, CancelBox.self) else { return gobi_status(GOBI_INVALID_ARGUMENT) }
  box.flag.cancel()
  return gobi_status(GOBI_OK)
}

@c @implementation public func gobi_cancel_reset(_ cancel: OpaquePointer!) -> gobi_status {
  guard let box = objectIfValid(cancel, CancelBox.self) else { return gobi_status(GOBI_INVALID_ARGUMENT) }
  box.flag.reset()
  return gobi_status(GOBI_OK)
}

@c @implementation public func gobi_runtime_create(
  _ options: UnsafePointer<gobi_runtime_options>!, _ runtime: UnsafeMutablePointer<OpaquePointer?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(runtime, "runtime")
    let options = try GobiABI.options(options)
    var isa: ISA?
    if let name = options.isa.map({ String(cString: $0) }) {
      guard let named = ISA(name: name) else {
        throw ABIError(
          GOBI_INVALID_ARGUMENT, "isa: '\(name)' is none of \(ISA.all.map(\.name).joined(separator: ", "))")
      }
      isa = named
    }
    let created = try Runtime(threads: options.threads == 0 ? nil : Int(options.threads), isa: isa)
    result.pointee = makeHandle(RuntimeBox(created))
  }
}

@c @implementation public func gobi_runtime_destroy(_ runtime: OpaquePointer!) {
  destroyHandle(runtime, RuntimeBox.self)
}

@c @implementation public func gobi_runtime_threads(_ runtime: OpaquePointer!) -> UInt32 {
  UInt32(objectIfValid(runtime, RuntimeBox.self)?.runtime.threads ?? 0)
}

@c @implementation public func gobi_runtime_isa(
  _ runtime: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try copy(object(runtime, RuntimeBox.self).runtime.isa.name, buffer, capacity, needed) }
}

@c @implementation public func gobi_runtime_kernel_count(_ runtime: OpaquePointer!) -> Int {
  objectIfValid(runtime, RuntimeBox.self)?.kernels.count ?? 0
}

@c @implementation public func gobi_runtime_kernel(
  _ runtime: OpaquePointer!, _ index: Int, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let kernels = try object(runtime, RuntimeBox.self).kernels
    guard kernels.indices.contains(index) else {
      throw ABIError(GOBI_INVALID_ARGUMENT, "index: \(UInt(bitPattern: index)) of \(kernels.count) kernels")
    }
    let row = kernels[index]
    let json: JSONValue = [
      "operation": .string(row.operation), "format": .string(row.format), "kernel": .string(row.kernel),
      "isa": .string(row.isa), "reason": .string(row.reason),
    ]
    try copy(json.serialized(), buffer, capacity, needed)
  }
}
