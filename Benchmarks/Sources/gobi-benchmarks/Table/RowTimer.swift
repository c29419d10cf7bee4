// Times a prepared row: how often it runs in a sample, and one sample of that many runs.
import Foundation

enum Clock {
  /// Seconds on the wall. Right where several threads work.
  static func wall() -> Double { seconds(CLOCK_MONOTONIC) }
  /// Seconds that the calling thread ran: time taken by others and by the hypervisor is not in it.
  static func thread() -> Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

struct RowTimer {
  let row: any PreparedRow

  /// Runs that take about `seconds`, at least one. Runs the row for about a third of that.
  func repeats(seconds: Double) throws -> Int {
    try row.run()
    var count = 1
    while true {
      let start = Clock.wall()
      for _ in 0..<count { try row.run() }
      let spent = Clock.wall() - start
      if spent >= seconds / 4 || count >= 1 << 28 {
        return max(1, Int((Double(count) * seconds / max(spent, 1e-9)).rounded()))
      }
      count = spent < seconds / 64 ? count * 8 : count * 2
    }
  }

  /// Seconds on the wall and of this thread for `repeats` runs, and for busy work of `more` times their time.
  func sample(_ repeats: Int, more: Double = 0) throws -> (wall: Double, thread: Double) {
    let wall = Clock.wall()
    let thread = Clock.thread()
    for _ in 0..<repeats { try row.run() }
    if more > 0 {
      let end = thread + (Clock.thread() - thread) * (1 + more)
      BusyWork.until(end)
    }
    let threadEnd = Clock.thread()
    return (Clock.wall() - wall, threadEnd - thread)
  }
}

/// What a planted slow-down does: additions that depend on each other, until the thread's clock says `end`.
enum BusyWork {
  static func until(_ end: Double) {
    var sum: UInt64 = 1
    while Clock.thread() < end {
      for i in 0..<64 { sum = sum &* 6_364_136_223_846_793_005 &+ UInt64(i) }
      keep(sum)
    }
  }

  @inline(never) private static func keep(_ value: UInt64) { withExtendedLifetime(value) {} }
}
