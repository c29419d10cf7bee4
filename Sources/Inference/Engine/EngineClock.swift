// The engine's time, which tests replace.
import Glibc

/// Seconds from some start, never backwards.
package struct EngineClock: Sendable {
  package let now: @Sendable () -> Double
  /// Told of every step that was run: a virtual clock moves here.
  package let charge: (@Sendable (StepShape) -> Void)?
  /// As `charge`, of the draft model's steps.
  package let chargeDraft: (@Sendable (StepShape) -> Void)?

  package init(
    now: @escaping @Sendable () -> Double, charge: (@Sendable (StepShape) -> Void)? = nil,
    chargeDraft: (@Sendable (StepShape) -> Void)? = nil
  ) {
    self.now = now
    self.charge = charge
    self.chargeDraft = chargeDraft
  }

  package static let monotonic = EngineClock(now: {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  })
}
