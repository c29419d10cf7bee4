// gobi_adapter_*.
import CGobi
import Inference

final class AdapterBox: HandleObject {
  static let kind: UInt64 = 13
  static let noun = "adapter"
  let adapter: Adapter
  init(_ adapter: Adapter) { self.adapter = adapter }
}

@c @implementation public func gobi_adapter_open(
  _ path: UnsafePointer<CChar>!, _ model: OpaquePointer!, _ options: UnsafePointer<gobi_adapter_options>!,
  _ adapter: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(adapter, "adapter")
    let path = try text(path, "path")
    let model = try object(model, ModelBox.self).model
    let opened = try Adapter.open(path: path, model: model, budget: bytes(GobiABI.options(options).budget))
    result.pointee = makeHandle(AdapterBox(opened))
  }
}

@c @implementation public func gobi_adapter_close(_ adapter: OpaquePointer!) {
  destroyHandle(adapter, AdapterBox.self)
}

@c @implementation public func gobi_adapter_describe(
  _ adapter: OpaquePointer!, _ info: UnsafeMutablePointer<gobi_adapter_info>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let adapter = try object(adapter, AdapterBox.self).adapter
    try fill(info, "info") { info in
      info.parameters = UInt64(adapter.parameters)
      info.bytes = UInt64(adapter.byteCount)
      info.fingerprint = adapter.fingerprint
      info.rank = UInt32(clamping: adapter.rank)
      info.modules = UInt32(clamping: adapter.modules.count)
    }
  }
}
