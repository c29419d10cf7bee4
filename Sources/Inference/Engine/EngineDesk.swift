// What lies at the desk of an engine that generates: requests, cancellations, the step that runs, counters.

/// A request that was accepted and is not with the scheduler yet.
struct Submission: Sendable {
  let ticket: Ticket
  let request: GenerationRequest
  let state: GenerationState
  let arrival: Double
}

/// The step that runs, as far as a cancellation must know it.
package struct RunningStep: Sendable {
  /// A step that is expected to end within this many seconds is not stopped.
  private static let patience = 0.010

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

  /// Whether it pays to stop the step: what is saved of it against what the others must do again.
  package func isWorthStopping(now: Double) -> Bool {
    if cancelledShare > 0.999 { return true }
    let elapsed = max(now - start, 0)
    // A step that is late already may go on for some time.
    let left = elapsed < expected ? expected - elapsed : elapsed / 4
    return !isRetry && left > Self.patience && cancelledShare * left > (1 - cancelledShare) * elapsed
  }
}

struct EngineDeskState: DeskState {
  var phase = DeskPhase.open
  var inbox: [Submission] = []
  /// Requests before their first step.
  var queue = DeskQueue() { didSet { counters.waiting = queue.count } }
  var cancelled: [Int] = []
  var clearsCache = false
  var step: RunningStep?
  var isIdle = false
  var nextID = 0
  var counters = EngineCounters()
  var whenEnded: [CheckedContinuation<Void, Never>] = []

  var isStepping: Bool { step != nil }
}

extension EngineCounters: DeskCounters {}

typealias EngineDesk = Desk<EngineDeskState>

extension EngineDesk {
  /// Ends a request, wherever it is; its consumer knows at once.
  func cancel(_ ticket: Ticket) {
    guard !ticket.isEnded else { return }
    let now = clock.now()
    cancel(ticket.id) { state in
      guard var step = state.step, let share = step.shares[ticket.id] else { return false }
      step.cancelledShare += share
      state.step = step
      return step.isWorthStopping(now: now)
    } tell: {
      ticket.deliver({ _ in }, { .finished(.cancelled, text: "", usage: $0) })
    }
  }

  func beginStep(_ step: RunningStep) {
    state.withLock { state in
      // Who cancelled since the step was planned could not stop it yet.
      var step = step
      step.cancelledShare = state.cancelled.reduce(0) { $0 + (step.shares[$1] ?? 0) }
      flag.reset()
      state.step = step
      if state.phase == .stopping || step.cancelledShare > 0 && step.isWorthStopping(now: step.start) {
        flag.cancel()
      }
    }
  }

  /// After this no cancellation sets the flag.
  func endStep() { state.withLock { $0.step = nil } }
}
