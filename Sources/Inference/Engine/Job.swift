// A request in the scheduler's hands.

/// Confined to the engine's thread.
final class Job {
  let ticket: Ticket
  let request: GenerationRequest
  let arrival: Double
  /// When its first token is wanted, or all of it where it has a deadline.
  let due: Double
  let deadline: Double?
  var state: GenerationState

  /// Prompt, and what was generated.
  var tokens: [Int32]
  /// Positions of `tokens` that the sequence holds.
  var evaluated = 0
  /// The most positions that it ever held: below it, computing is computing again.
  var reached = 0
  /// Nil before the first step, and after all was dropped or moved out.
  var sequence: SequenceID?
  /// Keys and values that were moved out of the budget.
  var saved: [UInt8]?
  /// Positions whose blocks the prefix cache has been given.
  var published = 0

  /// Whether it is evaluated in steps; else it waits, for its first step or because it made room.
  var isRunning = false
  var hasStarted = false
  /// The plan that paused it: it does not come back in the same.
  var pausedInPlan = 0
  /// Blocks set aside for it in the step that is planned.
  var reserved = 0
  /// Priority, raised by the time that it waited since `waitingSince`.
  var level: Int
  var waitingSince: Double
  var firstToken: Double?

  init(_ submission: Submission, options: EngineOptions) {
    ticket = submission.ticket
    request = submission.request
    arrival = submission.arrival
    state = submission.state
    tokens = submission.request.prompt
    deadline = submission.request.deadline.map { submission.arrival + $0.seconds }
    due = deadline ?? submission.arrival + options.timeToFirstToken.seconds
    level = submission.request.priority
    waitingSince = submission.arrival
  }

  var id: Int { ticket.id }
  var adapterSerial: UInt64 { request.adapter?.serial ?? 0 }
  /// Tokens that must be evaluated before the next can be chosen: one while it decodes, more behind forced ones.
  var pending: Int { tokens.count - evaluated }
  /// So many rows cost about what they would cost as sequences of their own, and are taken before prompts.
  static let shortRun = 16
  var isDecoding: Bool { firstToken != nil && pending <= Self.shortRun }

  /// Order of admission: level, then what is due first, then who came first.
  func isMoreUrgent(than other: Job) -> Bool {
    (-level, due, id) < (-other.level, other.due, other.id)
  }

  /// Order in which memory is kept: a total order that time does not change, so that the first always gets on.
  func outranks(_ other: Job) -> Bool { (-level, id) < (-other.level, other.id) }
}
