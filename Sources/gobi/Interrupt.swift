// Ctrl-C: the first asks work to stop at the next safe point, the second ends the process at once.
import Foundation
import Inference
import Synchronization

/// Whether the user has asked to stop. Long work polls `isRequested` and ends with ``failure``.
enum Interrupt {
  private static let requested = Atomic<Int32>(0)

  /// Set with the request: stops a step inside the kernels.
  static let flag = CancelFlag()

  /// Takes over SIGINT and SIGTERM. Before this they end the process as they always do.
  static func watch() {
    _ = flag.isCancelled  // made now: a signal handler must not be the first to touch it
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      // A second signal of the kind finds the default handler, and ends the process.
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
      action.__sigaction_handler.sa_handler = { _ in Interrupt.request() }
      sigaction(number, &action, nil)
    }
  }

  static var isRequested: Bool { requested.load(ordering: .relaxed) != 0 }

  private static func request() {
    requested.store(1, ordering: .relaxed)
    flag.cancel()
  }

  static var failure: Failure { Failure("interrupted; nothing was written", status: .interrupted) }
}
