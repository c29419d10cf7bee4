// The two clocks that readings of power are stamped with; tests put their own in their place.
import Foundation

public struct PowerClock: Sendable {
  /// Seconds of the clock that measurements are timed with.
  public var monotonic: @Sendable () -> Double
  /// Seconds since 1970, UTC: what a meter outside stamps its readings with.
  public var wall: @Sendable () -> Double

  public init(monotonic: @escaping @Sendable () -> Double, wall: @escaping @Sendable () -> Double) {
    self.monotonic = monotonic
    self.wall = wall
  }

  public static let live = PowerClock(monotonic: FigureSampler.now) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
