// Where callers and an engine's thread meet, whatever the engine serves. All of it under one lock that is held for
// moments only.

/// How far an engine is on the way to its end.
enum DeskPhase: Sendable {
  case open
  /// Nothing more is accepted; what is there is finished.
  case draining
  /// Everything is dropped.
  case stopping
  case ended
}

/// What a turn of an engine's thread came to.
package enum EngineTurn: Sendable, Equatable {
  case stepped
  /// Nothing to do before a request comes.
  case idle
  case ended
}

/// Requests that hold a place in the queue, and the tokens they bring.
struct DeskQueue: Sendable {
  private var tokensByID: [Int: Int] = [:]
  private(set) var tokens = 0

  var count: Int { tokensByID.count }

  mutating func add(_ id: Int, tokens: Int) {
    tokensByID[id] = tokens
    self.tokens += tokens
  }

  /// Nothing where the place was given up before.
  mutating func remove(_ id: Int) {
    if let gone = tokensByID.removeValue(forKey: id) { tokens -= gone }
  }
}

/// What any engine's counters have.
protocol DeskCounters: Sendable {
  var cancelled: Int { get set }
}

/// What lies at a desk: requests, cancellations, the step that runs, counters.
protocol DeskState: Sendable {
  associatedtype Counters: DeskCounters
  init()
  var phase: DeskPhase { get set }
  var queue: DeskQueue { get set }
  /// Requests that the thread must take out.
  var cancelled: [Int] { get set }
  var counters: Counters { get set }
  /// Whether the thread sleeps, or is about to.
  var isIdle: Bool { get set }
  /// Whether a step runs that must be stopped for the engine to end.
  var isStepping: Bool { get }
  var whenEnded: [CheckedContinuation<Void, Never>] { get set }
}

final class Desk<State: DeskState>: Sendable {
  let state = Lock(State())
  let clock: EngineClock
  /// Stops the step that runs.
  let flag = CancelFlag()
  /// Raised when the thread has something to do.
  private let wake: Signal
  /// Raised when the thread has ended.
  private let end: Signal

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

  /// Ends a request that has not ended, wherever it is: its place in the queue is free at once.
  ///
  /// It is counted before its consumer is told, so that who learns of the end finds it counted.
  ///
  /// - Parameters:
  ///   - stop: whether the step that runs should be stopped now.
  ///   - tell: tells the consumer, and returns whether the request had not ended meanwhile.
  func cancel(_ id: Int, stop: (inout State) -> Bool, tell: () -> Bool) {
    post { state in
      state.counters.cancelled += 1
      guard state.phase != .ended else { return }
      state.queue.remove(id)
      state.cancelled.append(id)
      if stop(&state) { flag.cancel() }
    }
    if !tell() { state.withLock { $0.counters.cancelled -= 1 } }
  }

  // MARK: The thread

  /// Turns until the engine ends.
  func run(_ turn: () -> EngineTurn) {
    while true {
      switch turn() {
      case .stepped: continue
      case .idle: wake.wait()
      case .ended: return
      }
      wake.clear()
    }
  }

  /// Tells all who wait for the end; the phase says it already.
  func announceEnd() {
    let waiters = state.withLock { state in
      defer { state.whenEnded = [] }
      return state.whenEnded
    }
    end.raise()
    for waiter in waiters { waiter.resume() }
  }

  // MARK: The end, for callers

  func drain() {
    post { if $0.phase == .open { $0.phase = .draining } }
  }

  func shutDown() {
    post { state in
      guard state.phase != .ended else { return }
      state.phase = .stopping
      if state.isStepping { flag.cancel() }
    }
  }

  func ended() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if state.phase == .ended { return true }
        state.whenEnded.append(continuation)
        return false
      }
      if isOver { continuation.resume() }
    }
  }

  /// Returns whether it has ended.
  func waitForEnd(timeout: Duration?) -> Bool {
    end.wait(seconds: timeout?.seconds)
    return state.withLock { $0.phase == .ended }
  }
}
