// The engine's thread: takes what callers left at the desk, plans a step, runs it, and again. Planning, memory and the
// step itself are in Scheduler+*.swift.

/// Decides what every step evaluates. Used by one thread: the engine's, or a test's.
package final class Scheduler: @unchecked Sendable {
  let session: Session
  let options: EngineOptions
  let desk: EngineDesk
  let cache: PrefixCache
  /// Blocks that the prefix cache holds.
  package var cachedBlocks: Int { cache.count }
  package internal(set) var cost = StepCost()
  var speculation: Speculation?
  /// What a test lets a step of these requests, with so many guessed tokens, fail with in place of running it.
  package var fault: ((_ requests: [Int], _ drafted: Int) -> SessionError?)?

  /// In steps, in order of rank; and those that wait, the most urgent first.
  var running: [Job] = []
  var waiting: [Job] = []
  /// When levels of waiting requests are next looked at.
  var nextAging = 0.0
  var batch = Batch()
  /// Blocks set aside in the step that is planned, and bytes of keys and values that were moved out.
  var reserved = 0
  var swapped = 0
  /// Seconds to move a byte out, measured; before that a guess.
  var secondsPerSwappedByte = 1e-9
  var isRetry = false
  /// Sequences that are evaluated together at most, for now; from which step on there may be one more; steps so far.
  var mostRunning: Int
  var stepOfMore = 0
  var steps = 0
  /// Plans so far, and those in a row that came to nothing.
  var plans = 0
  private var emptyPlans = 0
  /// What changed since the desk was last told.
  var news = EngineCounters()

  init(session: Session, options: EngineOptions, desk: EngineDesk) throws(SessionError) {
    self.session = session
    self.options = options
    self.desk = desk
    mostRunning = options.maximumSequences
    cache = PrefixCache(pool: session.pool, bytes: options.cacheBytes)
    if let wanted = options.speculation {
      speculation = try Speculation(wanted, context: session.context, clock: desk.clock)
    }
  }

  /// Turns until the engine ends.
  func run() { desk.run(turn) }

  /// Takes what is new, and runs one step if there is anything to evaluate.
  package func turn() -> EngineTurn {
    let phase = takeNews()
    if phase == .stopping { return end() }
    let now = desk.clock.now()
    dropOverdue(now)
    do throws(SessionError) {
      let plan = try plan(now)
      if !plan.isEmpty {
        emptyPlans = 0
        try run(plan)
        return .stepped
      }
      if let job = running.first ?? waiting.first {
        emptyPlans += 1
        guard emptyPlans > 2 else { return .stepped }
        // The first in rank can have all memory. If it can't get on in the third plan, it never will.
        fail(job, .overBudget(needed: blocks(for: job) * session.kvBlockBytes, budget: session.pool.budget ?? 0))
        return .stepped
      }
    } catch {
      // The session's own bookkeeping failed: nobody's keys and values can be trusted.
      for job in running + waiting { fail(job, .session(error)) }
      return .stepped
    }
    if phase == .draining, running.isEmpty, waiting.isEmpty { return end() }
    return tellDesk(mayIdle: true) ? .idle : .stepped
  }

  // MARK: The desk

  /// Takes requests and cancellations.
  private func takeNews() -> DeskPhase {
    let (phase, inbox, cancelled, clearsCache) = desk.state.withLock { state in
      defer {
        state.inbox.removeAll(keepingCapacity: true)
        state.cancelled.removeAll(keepingCapacity: true)
        state.clearsCache = false
      }
      return (state.phase, state.inbox, state.cancelled, state.clearsCache)
    }
    for submission in inbox {
      let job = Job(submission, options: options)
      // The session makes room for an adapter once; where there is none, only this request ends.
      do throws(SessionError) {
        _ = try session.use(of: job.request.adapter, scale: job.request.adapterScale)
      } catch {
        fail(job, .session(error))
        continue
      }
      // No token is asked for, or none is possible: the prompt need not be evaluated.
      if let reason = job.state.end { complete(job, job.state.finish(reason)) } else { insertWaiting(job) }
    }
    if !cancelled.isEmpty {
      let ids = Set(cancelled)
      for job in running + waiting where ids.contains(job.id) { leave(job) }
    }
    if clearsCache { cache.removeAll() }
    return phase
  }

  /// Brings the desk's counters up to date. With `mayIdle`, returns whether nothing new has come: callers then wake the
  /// thread.
  @discardableResult
  func tellDesk(mayIdle: Bool = false) -> Bool {
    let kvBytes = session.pool.bytesInUse, cacheBytes = cache.byteCount
    let draftKVBytes = speculation?.drafter?.session.pool.bytesInUse ?? 0
    let paused = waiting.count { $0.hasStarted }
    news.evictedBlocks = cache.evicted
    return desk.state.withLock { state in
      state.counters.add(news)
      state.counters.kvBytes = kvBytes
      state.counters.cacheBytes = cacheBytes
      state.counters.draftKVBytes = draftKVBytes
      state.counters.running = running.count
      state.counters.paused = paused
      news = EngineCounters()
      guard mayIdle, state.inbox.isEmpty, state.cancelled.isEmpty, !state.clearsCache else { return false }
      switch state.phase {
      case .open: break
      case .draining, .stopping, .ended: return false
      }
      state.isIdle = true
      return true
    }
  }

  private func dropOverdue(_ now: Double) {
    for job in running + waiting {
      if let deadline = job.deadline, deadline <= now { fail(job, .deadlineExceeded) }
    }
  }

  /// Cancels what is left, gives all memory back and says so.
  private func end() -> EngineTurn {
    for job in running + waiting {
      if job.ticket.deliver({ _ in }, { .finished(.cancelled, text: "", usage: $0) }) { news.cancelled += 1 }
      leave(job)
    }
    cache.removeAll()
    tellDesk()
    let late: [Submission] = desk.state.withLock { state in
      state.phase = .ended
      defer { state.inbox = [] }
      state.queue = DeskQueue()
      return state.inbox
    }
    for submission in late where submission.ticket.deliver({ _ in }, { .finished(.cancelled, text: "", usage: $0) }) {
      desk.state.withLock { $0.counters.cancelled += 1 }
    }
    desk.announceEnd()
    return .ended
  }

  // MARK: Lists

  func insertWaiting(_ job: Job) {
    var (low, high) = (0, waiting.count)
    while low < high {
      let middle = (low + high) / 2
      if waiting[middle].isMoreUrgent(than: job) { low = middle + 1 } else { high = middle }
    }
    waiting.insert(job, at: low)
  }

  func insertRunning(_ job: Job) {
    job.isRunning = true
    running.insert(job, at: running.firstIndex { job.outranks($0) } ?? running.count)
  }

  private func removeFromLists(_ job: Job) {
    if job.isRunning { running.removeAll { $0 === job } } else { waiting.removeAll { $0 === job } }
    job.isRunning = false
  }

  // MARK: The end of a request

  /// Takes the request out and gives its memory back; what it computed stays in the cache if it may.
  func leave(_ job: Job) {
    removeFromLists(job)
    speculation?.drafter?.forget(job)
    reserved -= job.reserved
    job.reserved = 0
    if let saved = job.saved {
      swapped -= saved.count
      job.saved = nil
    }
    if !job.hasStarted { desk.state.withLock { $0.queue.remove(job.id) } }
    guard let sequence = job.sequence else { return }
    publish(job, to: job.evaluated)
    job.sequence = nil
    try? session.remove(sequence)  // it is there: the job holds it
  }

  func fail(_ job: Job, _ error: EngineError) {
    if job.ticket.deliver({ _ in }, { .failed(error, usage: $0) }) { news.failed += 1 }
    leave(job)
  }

  /// Gives the cache the blocks of the first `positions` positions.
  func publish(_ job: Job, to positions: Int) {
    guard job.request.usesCache, positions > job.published, let sequence = job.sequence,
      let blocks = try? session.kvBlocks(of: sequence, positions: positions)
    else { return }
    cache.insert(job.tokens[..<positions], blocks: blocks, key: job.request.prefixKey)
    job.published = positions
  }
}
