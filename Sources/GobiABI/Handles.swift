// Handles: what C holds for a Swift object. Each is a small block with a magic word and a kind, checked before use.
import CGobi

/// An object that C can hold.
protocol HandleObject: AnyObject {
  /// Tells this kind of handle from others.
  static var kind: UInt64 { get }
  /// What messages call it.
  static var noun: String { get }
}

/// The block that a handle points to. It owns one reference to its object.
private struct HandleBlock {
  static let magic: UInt64 = 0x4C44_4E48_4942_4F47  // "GOBIHNDL"
  var magic: UInt64
  var kind: UInt64
  var object: Unmanaged<AnyObject>
}

/// A handle that owns `object` until ``destroyHandle(_:_:)``.
func makeHandle<T: HandleObject>(_ object: T) -> OpaquePointer {
  let block = UnsafeMutablePointer<HandleBlock>.allocate(capacity: 1)
  block.initialize(
    to: HandleBlock(magic: HandleBlock.magic, kind: T.kind, object: Unmanaged.passRetained(object as AnyObject)))
  return OpaquePointer(block)
}

private func block<T: HandleObject>(
  _ handle: OpaquePointer?, _ type: T.Type
) -> UnsafeMutablePointer<HandleBlock>? {
  guard let handle, UInt(bitPattern: handle) % UInt(MemoryLayout<HandleBlock>.alignment) == 0 else { return nil }
  let block = UnsafeMutablePointer<HandleBlock>(handle)
  return block.pointee.magic == HandleBlock.magic && block.pointee.kind == T.kind ? block : nil
}

/// The object behind `handle`, or nil if it is NULL or a handle of another kind.
func objectIfValid<T: HandleObject>(_ handle: OpaquePointer?, _ type: T.Type = T.self) -> T? {
  block(handle, type)?.pointee.object.takeUnretainedValue() as? T
}

/// The object behind `handle`.
func object<T: HandleObject>(_ handle: OpaquePointer?, _ type: T.Type = T.self) throws(ABIError) -> T {
  if let object = objectIfValid(handle, type) { return object }
  throw ABIError(GOBI_INVALID_ARGUMENT, "\(T.noun): \(handle == nil ? "NULL" : "a handle of another kind")")
}

/// Gives the handle back. Does nothing for NULL and for handles of another kind.
func destroyHandle<T: HandleObject>(_ handle: OpaquePointer?, _ type: T.Type) {
  guard let block = block(handle, type) else { return }
  // So that a later use is told while the memory has not been handed out again.
  block.pointee.magic = 0
  block.pointee.object.release()
  block.deinitialize(count: 1)
  block.deallocate()
}
