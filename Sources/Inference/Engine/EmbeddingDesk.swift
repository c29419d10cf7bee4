// What lies at the desk of an engine that embeds: requests, cancellations, the step that runs, counters.

/// A request that was accepted and is not with the scheduler yet.
struct EmbeddingSubmission: Sendable {
  let ticket: EmbeddingTask.Ticket
  let request: EmbeddingRequest
  let chunks: [TextChunk]
  /// Of the input, before it was cut into chunks.
  let tokens: Int
  let arrival: Double
}

struct EmbeddingDeskState: DeskState {
  var phase = DeskPhase.open
  var inbox: [EmbeddingSubmission] = []
  /// Requests that are not finished.
  var queue = DeskQueue() { didSet { counters.waiting = queue.count } }
  var cancelled: [Int] = []
  /// Requests in the step that runs, and how many of them nobody has cancelled.
  var stepping: Set<Int> = []
  var isIdle = false
  var nextID = 0
  var counters = EmbeddingCounters()
  var whenEnded: [CheckedContinuation<Void, Never>] = []

  var isStepping: Bool { !stepping.isEmpty }
}

extension EmbeddingCounters: DeskCounters {}

typealias EmbeddingDesk = Desk<EmbeddingDeskState>

extension EmbeddingDesk {
  /// Ends a request, wherever it is. The step that runs is stopped once none of its requests is wanted.
  func cancel(_ ticket: EmbeddingTask.Ticket) {
    guard ticket.outcome == nil else { return }
    cancel(ticket.id) { state in
      state.stepping.remove(ticket.id) != nil && state.stepping.isEmpty
    } tell: {
      ticket.end(.failure(.session(.cancelled)))
    }
  }

  func beginStep(_ ids: Set<Int>) {
    state.withLock { state in
      // Who cancelled since the step was planned could not stop it yet.
      state.stepping = ids.subtracting(state.cancelled)
      flag.reset()
      if state.phase == .stopping || state.stepping.isEmpty { flag.cancel() }
    }
  }

  /// After this no cancellation sets the flag.
  func endStep() { state.withLock { $0.stepping = [] } }
}
