// Drafts by a smaller model: its session, and one sequence for each request that it drafts for.

/// Guesses with a model of its own. Its sequences follow the requests' tokens when they are asked, not before. Used by
/// the engine's thread alone.
final class Drafter {
  /// What is wanted for one request.
  struct Wish {
    let job: Job
    /// Tokens of the draft at most.
    let count: Int
  }

  private struct Held {
    let sequence: SequenceID
    /// Positions that hold the request's tokens, and behind them guesses that may have come true.
    var positions: Int
    var guesses: [Int32] = []
    var lastUse: Int
  }

  let session: Session
  private(set) var cost = StepCost()
  /// What evaluating long backlogs took in the last ``drafts(_:catchUp:)``: done once a request, for all its drafts.
  private(set) var secondsOfCatchUp = 0.0
  private let clock: EngineClock
  /// By the request's number.
  private var held: [Int: Held] = [:]
  private var uses = 0
  /// Blocks set aside for the sequences that are asked for now.
  private var reserved = 0
  private var batch = Batch()

  init(model: Model, context: Int, options: SpeculationOptions, clock: EngineClock) throws(SessionError) {
    session = try Session(
      model: model,
      options: SessionOptions(context: min(context, model.configuration.context), kvBudget: options.draftKVBudget))
    self.clock = clock
  }

  /// Tokens that must be evaluated before the request's draft begins; one at least.
  func backlog(of job: Job) -> Int { job.tokens.count - (held[job.id].map { valid($0, job) } ?? 0) }

  /// Whether a draft of a token or more has room in the context.
  func canHold(_ job: Job, adding count: Int) -> Bool { job.tokens.count + count <= session.context }

  /// Positions that hold what the request's tokens now are.
  private func valid(_ held: Held, _ job: Job) -> Int {
    held.positions + zip(held.guesses, job.tokens[held.positions...]).prefix { $0 == $1 }.count
  }

  func forget(_ job: Job) {
    if let held = held.removeValue(forKey: job.id) { try? session.remove(held.sequence) }
  }

  func forgetAll() {
    for held in held.values { try? session.remove(held.sequence) }
    held = [:]
  }

  // MARK: Drafting

  /// The likeliest tokens behind those of each request, one after another; what its grammar or stop rule bars ends it.
  /// Requests with a long backlog first catch up, by up to `most` tokens together.
  ///
  /// - Throws: ``SessionError``; ``forgetAll()`` must follow.
  func drafts(_ wishes: [Wish], catchUp most: Int) throws(SessionError) -> [Int: [Int32]] {
    uses += 1
    reserved = 0
    var most = most
    var open: [Wish] = []
    var drafts: [Int: [Int32]] = [:]
    batch.removeAll()
    var shape = StepShape()
    secondsOfCatchUp = 0
    // Nobody who is asked for now makes room for another.
    for wish in wishes { held[wish.job.id]?.lastUse = uses }
    for wish in wishes {
      guard var entry = try prepare(wish) else { continue }
      let job = wish.job
      let backlog = job.tokens.count - entry.positions
      let isLong = backlog > Job.shortRun
      let count = isLong ? min(backlog, most) : backlog
      guard count > 0 else { continue }
      if isLong { most -= count }
      batch.add(
        entry.sequence, job.tokens[entry.positions..<entry.positions + count], output: count == backlog ? .last : .none)
      shape.add(count, at: entry.positions, decoding: !isLong)
      entry.positions += count
      held[job.id] = entry
      if count == backlog { open.append(wish) }
    }
    var isCatchingUp = shape.prefillTokens > 0
    while !batch.isEmpty {
      let seconds = try evaluate(shape)
      if isCatchingUp { secondsOfCatchUp = seconds }
      isCatchingUp = false
      batch.removeAll()
      shape = StepShape()
      var next: [Wish] = []
      for (row, wish) in open.enumerated() {
        let job = wish.job
        guard let token = SIMDKernels.maximum(try session.logits(row)).index, var entry = held[job.id] else { continue }
        let draft = (drafts[job.id] ?? []) + CollectionOfOne(Int32(token))
        guard job.state.admissible(draft).count == draft.count else { continue }
        drafts[job.id] = draft
        guard draft.count < wish.count else { continue }
        // The last guess need not be evaluated.
        batch.add(entry.sequence, Int32(token))
        shape.add(1, at: job.tokens.count + entry.guesses.count, decoding: true)
        entry.guesses.append(Int32(token))
        held[job.id] = entry
        next.append(wish)
      }
      open = next
    }
    return drafts
  }

  private func evaluate(_ shape: StepShape) throws(SessionError) -> Double {
    let start = clock.now()
    try session.evaluate(batch)
    clock.chargeDraft?(shape)
    let seconds = clock.now() - start
    cost.learn(shape, seconds: seconds)
    return seconds
  }

  /// The request's sequence without guesses that did not come true, and room for its tokens and draft; nil where there
  /// is none.
  private func prepare(_ wish: Wish) throws(SessionError) -> Held? {
    let job = wish.job
    var entry: Held
    if let known = held[job.id] {
      entry = known
      entry.positions = valid(known, job)
      entry.guesses = []
      // One token at least must be evaluated for the draft to begin.
      entry.positions = min(entry.positions, job.tokens.count - 1)
      entry.positions = try session.rewind(entry.sequence, to: entry.positions)
    } else {
      entry = Held(sequence: try session.makeSequence(), positions: 0, lastUse: uses)
    }
    held[job.id] = entry
    guard let limit = session.kvBlockLimit else { return entry }
    let growth = job.tokens.count + wish.count - entry.positions
    let missing = try session.kvBlocksNeeded(by: entry.sequence, adding: growth)
    while missing > limit - session.pool.inUse - reserved {
      // The sequence that was asked for longest ago, of those that are not asked for now.
      guard let oldest = held.filter({ $0.value.lastUse < uses }).min(by: { $0.value.lastUse < $1.value.lastUse })
      else {
        forget(job)
        return nil
      }
      held[oldest.key] = nil
      try session.remove(oldest.value.sequence)
    }
    reserved += missing
    return entry
  }
}
