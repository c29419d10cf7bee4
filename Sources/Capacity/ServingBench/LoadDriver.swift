// Sends requests when they are due, whatever has become of those before: an open loop. The clock can be a simulated one.
import Foundation
import Synchronization

/// Time for a load: seconds from any origin.
public protocol LoadClock: Sendable {
  var now: Double { get }
  /// Returns at `time` or later.
  func sleep(until time: Double)
}

/// The machine's monotonic clock.
public struct MonotonicClock: LoadClock {
  public init() {}

  public var now: Double { FigureSampler.now() }

  public func sleep(until time: Double) {
    var left = time - now
    while left > 0 {
      var request = timespec(tv_sec: Int(left), tv_nsec: Int((left - left.rounded(.down)) * 1e9))
      nanosleep(&request, nil)
      left = time - now
    }
  }
}

public struct LoadDriver: Sendable {
  let clock: any LoadClock
  /// Asked between requests and while waiting; true ends the load.
  let isCancelled: @Sendable () -> Bool

  public init(clock: any LoadClock = MonotonicClock(), isCancelled: @escaping @Sendable () -> Bool = { false }) {
    self.clock = clock
    self.isCancelled = isCancelled
  }

  /// Sends `requests` to `system` until there are no more, or `isEnough` says so, and waits up to `patience` seconds for
  /// those that are open. `isEnough` is asked before each request and while waiting.
  ///
  /// - Throws: `CapacityError.cancelled`; the system has been told to give up then.
  public func run(
    _ requests: ArrivalStream, against system: any ServingSystem, patience: Double,
    isEnough: (RequestLog) -> Bool = { _ in false }
  ) throws(CapacityError) -> RequestLog {
    let log = RequestLog(clock: clock)
    let start = clock.now
    for request in requests {
      try wait(until: start + request.arrival, system, log, isEnough)
      if isEnough(log) { break }
      log.sent(request)
      system.submit(request, to: log)
    }
    let last = clock.now + patience
    while log.open > 0, clock.now < last, !isEnough(log) {
      try check(system)
      clock.sleep(until: min(clock.now + Self.tick, last))
    }
    if log.open > 0 { system.cancelAll() }
    return log
  }

  /// Seconds between looks at the log while nothing is due.
  private static let tick = 0.05

  private func wait(
    until time: Double, _ system: any ServingSystem, _ log: RequestLog, _ isEnough: (RequestLog) -> Bool
  ) throws(CapacityError) {
    while clock.now < time {
      try check(system)
      if isEnough(log) { return }
      clock.sleep(until: min(time, clock.now + Self.tick))
    }
    try check(system)
  }

  private func check(_ system: any ServingSystem) throws(CapacityError) {
    guard isCancelled() else { return }
    system.cancelAll()
    throw .cancelled
  }
}
