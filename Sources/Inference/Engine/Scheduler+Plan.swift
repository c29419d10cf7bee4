// What the next step evaluates: sequences that decode, and as much of prompts as the aim leaves time for.

/// One sequence's part in a step.
struct PlannedEntry {
  let job: Job
  /// Tokens that it gets.
  let count: Int
  /// Tokens that are guessed behind them, and how many the draft model is asked for.
  var draft: [Int32] = []
  var wanted = 0

  var rows: Int { count + draft.count }
}

extension Scheduler {
  /// Prompt tokens that a step takes where decoding alone has used up its time: prompts get on, too.
  private static let leastPrefill = 16
  /// Before so many steps were measured, prompts come in small pieces.
  private static let stepsToLearn = 4
  private static let unlearntPrefill = 128
  /// After the system had no room, steps from one more sequence to the next.
  private static let stepsToRise = 16
  /// Steps aim at this share of the time that they have.
  private static let margin = 0.9

  func plan(_ now: Double) throws(SessionError) -> [PlannedEntry] {
    plans += 1
    if mostRunning < options.maximumSequences, steps >= stepOfMore {
      mostRunning += 1
      stepOfMore = steps + Self.stepsToRise
    }
    raiseLevels(now)
    reserved = 0
    for job in running { job.reserved = 0 }
    try makeSlots(now)
    var (entries, shape) = try planDecoding(now)
    try addPrompts(to: &entries, shape, now)
    // Some of the first may have made room for some of the last.
    entries.removeAll { !$0.job.isRunning }
    // Rows of one adapter side by side are multiplied together.
    if entries.contains(where: { $0.job.request.adapter != nil }) {
      entries.sort { $0.job.adapterSerial < $1.job.adapterSerial }
    }
    return entries
  }

  // MARK: Decoding

  /// A token of every sequence that decodes; and of those that have more to evaluate as many as there is time for.
  private func planDecoding(_ now: Double) throws(SessionError) -> ([PlannedEntry], StepShape) {
    let jobs = running.filter(\.isDecoding)
    var shape = StepShape()
    for job in jobs { shape.add(1, at: job.evaluated, decoding: true) }
    var tokens = options.maximumStepTokens - jobs.count
    var seconds = secondsOfStep(jobs, now) * Self.margin - cost.predict(shape)
    var entries: [PlannedEntry] = []
    shape = StepShape()
    for job in jobs where job.isRunning {
      var count = 1
      while count < job.pending, tokens > 0, seconds > 0 {
        seconds -= cost.decode(1, at: job.evaluated + count)
        tokens -= 1
        count += 1
      }
      count = try room(for: job, adding: count)
      guard count > 0 else {
        pause(job, now)
        continue
      }
      entries.append(PlannedEntry(job: job, count: count))
      shape.add(count, at: job.evaluated, decoding: true)
    }
    try planDrafts(&entries, &shape, tokens: tokens, seconds: seconds)
    return (entries, shape)
  }

  // MARK: Prompts

  private func addPrompts(to entries: inout [PlannedEntry], _ decoding: StepShape, _ now: Double) throws(SessionError) {
    var tokens = options.maximumStepTokens - decoding.decodeRows
    if cost.steps < Self.stepsToLearn { tokens = min(tokens, Self.unlearntPrefill) }
    var seconds = secondsOfStep(entries.map(\.job), now) * Self.margin - cost.predict(decoding)
    var least = Self.leastPrefill
    // Prompts that were begun, then those that wait; all of one prompt before the next.
    var candidates = running.filter { !$0.isDecoding }[...]
    var next = 0
    while tokens > 0 {
      let job: Job
      if let begun = candidates.popFirst() {
        guard begun.isRunning else { continue }
        job = begun
      } else {
        guard next < waiting.count, running.count < mostRunning, seconds > 0 || least > 0 else { break }
        job = waiting[next]
        if job.pausedInPlan == plans || isLed(job) {
          next += 1
          continue
        }
        guard try admit(job, now) else { break }
      }
      // Rounded down to whole tiles of rows, unless it is all of the prompt.
      let affordable = cost.prefillTokens(within: seconds, at: job.evaluated)
      var count = min(job.pending, tokens, max(affordable / 16 * 16, least))
      if count > 0 { count = try room(for: job, adding: count) }
      guard count > 0 else { break }
      entries.append(PlannedEntry(job: job, count: count))
      seconds -= cost.prefill(count, at: job.evaluated)
      tokens -= count
      least = max(least - count, 0)
    }
  }

  /// Seconds that the next step may take.
  private func secondsOfStep(_ decoding: [Job], _ now: Double) -> Double {
    let aim = options.timePerOutputToken.seconds
    guard !decoding.isEmpty else { return max(aim, options.timeToFirstToken.seconds / 4) }
    // A request that would be late for its first token may borrow what the others are ahead of their own time.
    let prompts = running.filter { !$0.isDecoding } + waiting.prefix(1)
    let isLate = prompts.contains { job in
      job.firstToken == nil && now + cost.prefill(job.pending, at: job.evaluated) > job.due
    }
    guard isLate else { return aim }
    let ahead = decoding.map { job in
      (job.firstToken ?? now) + Double(job.state.count + 1) * aim - now - aim
    }
    return aim + min(max((ahead.min() ?? 0) / 2, 0), 3 * aim)
  }

  /// Whether a request that runs is about to compute what this one begins with: then it is better to wait.
  private func isLed(_ job: Job) -> Bool {
    guard job.request.usesCache, job.evaluated == 0, options.cacheBytes > 0 else { return false }
    let size = session.pool.positions
    return running.contains { leader in
      guard leader.request.usesCache, leader.request.prefixKey == job.request.prefixKey, !leader.isDecoding else {
        return false
      }
      // Only the prompt to come matters: what the leader has is in the cache.
      let common = zip(leader.tokens, job.tokens.dropLast()).prefix { $0 == $1 }.count
      return common / size * size > leader.evaluated / size * size
    }
  }

  // MARK: Who runs

  /// Requests rise with the time that they wait, so that none waits forever.
  private func raiseLevels(_ now: Double) {
    guard now >= nextAging else { return }
    let aging = options.aging.seconds
    nextAging = now + aging / 4
    var isChanged = false
    for job in waiting {
      let level = job.request.priority + Int(min((now - job.waitingSince) / aging, 1e6))
      if level > job.level {
        job.level = level
        isChanged = true
      }
    }
    if isChanged { waiting.sort { $0.isMoreUrgent(than: $1) } }
  }

  /// Pauses requests for more important ones where all places are taken. Waiting does not entitle to it: only the
  /// priority that was asked for, against the level that the other had when it came in.
  private func makeSlots(_ now: Double) throws(SessionError) {
    var claims = waiting.filter { $0.request.priority > running.last?.level ?? .max }[...]
    while running.count >= mostRunning, let last = running.last, let claim = claims.popFirst(),
      claim.request.priority > last.level
    {
      pause(last, now)
      // It takes the place now, so that the place is not given to one that has waited longer.
      guard try admit(claim, now) else { return }
    }
  }

  /// Brings a waiting request in, with what the cache has of it. False where memory does not allow it now.
  private func admit(_ job: Job, _ now: Double) throws(SessionError) -> Bool {
    guard try roomToAdmit(job, now) else { return false }
    if let saved = job.saved {
      job.sequence = try session.restore(
        saved, adapter: job.request.adapter, scale: job.request.adapterScale)
      job.saved = nil
      swapped -= saved.count
    }
    try takeCached(job)
    waiting.removeAll { $0 === job }
    insertRunning(job)
    if !job.hasStarted { start(job, now) }
    return true
  }

  /// Begins the sequence with what the cache has, where that is more than the request has kept.
  private func takeCached(_ job: Job) throws(SessionError) {
    var matched: (blocks: [Int32], tokens: Int) = ([], 0)
    if job.request.usesCache { matched = cache.match(job.tokens.dropLast(), key: job.request.prefixKey) }
    if let sequence = job.sequence {
      guard matched.tokens > job.evaluated else { return }
      try session.remove(sequence)
    }
    job.sequence = try session.makeSequence(
      sharing: matched.blocks, position: matched.tokens, adapter: job.request.adapter,
      scale: job.request.adapterScale)
    job.evaluated = matched.tokens
    job.reached = max(job.reached, matched.tokens)
    job.published = matched.tokens
  }

  private func start(_ job: Job, _ now: Double) {
    job.hasStarted = true
    let cached = job.evaluated
    desk.state.withLock { $0.queue.remove(job.id) }
    news.cachedTokens += cached
    news.queueTime.add(now - job.arrival)
    job.ticket.deliver { usage in
      usage.queueTime = now - job.arrival
      usage.cachedTokens = cached
    } _: { _ in
      .started(cachedTokens: cached)
    }
  }
}
