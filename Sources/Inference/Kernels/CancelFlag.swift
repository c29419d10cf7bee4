// A flag that stops a step from another thread. The kernels poll it between tiles.
import CKernels
import Synchronization

/// Set from any thread to stop the steps that were given it; they end with an error within milliseconds.
public final class CancelFlag: Sendable {
  // The kernels read the flag through a pointer, so it needs an address of its own.
  private nonisolated(unsafe) let flag: UnsafeMutablePointer<Atomic<Int32>>

  public init() {
    flag = .allocate(capacity: 1)
    flag.initialize(to: Atomic(0))
  }

  deinit {
    flag.deinitialize(count: 1)
    flag.deallocate()
  }

  public func cancel() { flag.pointee.store(1, ordering: .releasing) }
  /// Makes the flag usable again.
  public func reset() { flag.pointee.store(0, ordering: .releasing) }
  public var isCancelled: Bool { flag.pointee.load(ordering: .acquiring) != 0 }

  /// Lets the operations that this thread calls in `body` see the flag.
  package static func watching<R, E: Error>(_ flag: CancelFlag?, _ body: () throws(E) -> R) throws(E) -> R {
    guard let flag else { return try body() }
    ck_set_cancel_flag(UnsafeRawPointer(flag.flag).assumingMemoryBound(to: Int32.self))
    defer { ck_set_cancel_flag(nil) }
    return try withExtendedLifetime(flag) { () throws(E) in try body() }
  }
}
