// Where callers and the engine's thread meet: requests in, cancellations, the step that runs, counters. All of it under
// one lock that is held for moments only.

/// A request that was accepted and is not with the scheduler yet.
struct Submission: Sendable {
  let ticket: Ticket
  let request: GenerationRequest
  let state: GenerationState
  let arrival: Double
}

package final class EngineDesk: Sendable {
  enum Phase: Sendable {
    case open
    /// Nothing more is accepted; what is there is finished.
    case draining
    /// Everything is dropped.
    case stopping
    case ended
  }

  /// The step that runs, as far as a cancellation must know it.
  package struct RunningStep: Sendable {
    let start: Double
    let expected: Double
    /// Each sequence's share of what the step is expected to take.
    let shares: [Int: Double]
    /// Whether the step before was stopped: two in a row never are for some of the sequences' sake.
    let isRetry: Bool
    var cancelledShare: Double

    package init(start: Double, expected: Double, shares: [Int: Double], isRetry: Bool, cancelledShare: Double = 0) {
      self.start = start
      self.expected = expected
      self.shares = shares
      self.isRetry = isRetry
      self.cancelledShare = cancelledShare
    }
  }

  struct State: Sendable {
    var phase = Phase.open
    var inbox: [Submission] = []
    var cancelled: [Int] = []
    /// Of those, as many as the thread is taking out now.
    var leaving = 0
    var clearsCache = false
    var step: RunningStep?
    var isIdle = false
    var nextID = 0
    var counters = EngineCounters()
    var whenEnded: [CheckedContinuation<Void, Never>] = []
  }

  /// A step that is expected to end within this many seconds is not stopped.
  static let patience = 0.010

  let state = Lock(State())
  let clock: EngineClock
  /// Stops the step that runs.
  let flag = CancelFlag()
  /// Raised when the thread has something to do.
  let wake: Signal
  /// Raised when the thread has ended.
  let end: Signal

  init(clock: EngineClock) throws(EngineError) {
    self.clock = clock
    wake = try Signal()
    end = try Signal()
  }

  /// Changes the state and wakes the thread if it sleeps.
  func post<R: Sendable>(_ change: (inout State) -> R) -> R {
    let (result, sleeps) = state.withLock { state in
      let result = change(&state)
      let sleeps = state.isIdle
      state.isIdle = false
      return (result, sleeps)
    }
    if sleeps { wake.raise() }
    return result
  }

  /// Ends a request, wherever it is; its consumer knows at once.
  func cancel(_ ticket: Ticket) {
    guard ticket.deliver({ _ in }, { .finished(.cancelled, text: "", usage: $0) }) else { return }
    let now = clock.now()
    post { state in
      guard state.phase != .ended else { return }
      state.counters.cancelled += 1
      state.cancelled.append(ticket.id)
      guard var step = state.step, let share = step.shares[ticket.id] else { return }
      step.cancelledShare += share
      state.step = step
      if Self.isWorthStopping(step, now: now) { flag.cancel() }
    }
  }

  /// Whether it pays to stop the step: what is saved of it against what the others must do again.
  package static func isWorthStopping(_ step: RunningStep, now: Double) -> Bool {
    if step.cancelledShare > 0.999 { return true }
    let elapsed = max(now - step.start, 0)
    // A step that is late already may go on for some time.
    let left = elapsed < step.expected ? step.expected - elapsed : elapsed / 4
    return !step.isRetry && left > patience && step.cancelledShare * left > (1 - step.cancelledShare) * elapsed
  }

  func beginStep(_ step: RunningStep) {
    state.withLock { state in
      // Who cancelled since the step was planned could not stop it yet.
      var step = step
      step.cancelledShare = state.cancelled.reduce(0) { $0 + (step.shares[$1] ?? 0) }
      flag.reset()
      state.step = step
      if state.phase == .stopping || step.cancelledShare > 0 && Self.isWorthStopping(step, now: step.start) {
        flag.cancel()
      }
    }
  }

  /// After this no cancellation sets the flag.
  func endStep() { state.withLock { $0.step = nil } }
}
