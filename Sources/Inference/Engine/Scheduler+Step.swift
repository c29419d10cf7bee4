// One step: evaluate what was planned, choose tokens, tell consumers. A step that fails leaves all sequences as they
// were.

extension Scheduler {
  func run(_ plan: [PlannedEntry]) throws(SessionError) {
    var shape = StepShape()
    var costs: [Double] = []
    batch.removeAll()
    for entry in plan {
      guard let sequence = entry.job.sequence else { continue }
      var own = StepShape()
      own.add(entry.count, at: entry.job.evaluated, decoding: entry.job.isDecoding)
      costs.append(cost.predict(own))
      shape.add(entry.count, at: entry.job.evaluated, decoding: entry.job.isDecoding)
      let tokens = entry.job.tokens[entry.job.evaluated..<entry.job.evaluated + entry.count]
      batch.add(sequence, tokens, output: entry.count == entry.job.pending ? .last : .none)
    }
    let sum = max(costs.reduce(0, +), 1e-12)
    let shares = Dictionary(uniqueKeysWithValues: zip(plan, costs).map { ($0.job.id, $1 / sum) })
    let start = desk.clock.now()
    desk.beginStep(
      EngineDesk.RunningStep(start: start, expected: cost.predict(shape), shares: shares, isRetry: isRetry))
    do throws(SessionError) {
      try session.evaluate(batch, cancel: desk.flag)
    } catch {
      desk.endStep()
      return try recover(plan, error)
    }
    desk.endStep()
    desk.clock.charge?(shape)
    let end = desk.clock.now()
    cost.learn(shape, seconds: end - start)
    isRetry = false
    news.steps += 1
    try finish(plan, end)
    tellDesk()
  }

  /// Brings every sequence up to date and chooses the tokens that the step allows.
  private func finish(_ plan: [PlannedEntry], _ now: Double) throws(SessionError) {
    var row = 0
    for entry in plan {
      let job = entry.job
      let isComplete = entry.count == job.pending
      try account(entry)
      guard isComplete else {
        try publishBlocks(job)
        continue
      }
      let logits = try session.logits(row)
      row += 1
      try publishBlocks(job)
      choose(job, logits, now)
    }
  }

  private func account(_ entry: PlannedEntry) throws(SessionError) {
    let job = entry.job
    let end = job.evaluated + entry.count
    let again = max(min(end, job.reached) - job.evaluated, 0)
    if job.firstToken == nil { news.prefillTokens += entry.count - again }
    news.recomputedTokens += again
    job.evaluated = end
    job.reached = max(job.reached, end)
    var bytes = 0
    if let sequence = job.sequence { bytes = try session.kvBlockCount(of: sequence) * session.kvBlockBytes }
    job.ticket.update { [bytes] usage in
      usage.recomputedTokens += again
      usage.peakKVBytes = max(usage.peakKVBytes, bytes)
    }
  }

  /// Gives the cache the full blocks of a prompt as soon as they are computed, because others wait for them, and then
  /// back what windows have passed.
  private func publishBlocks(_ job: Job) throws(SessionError) {
    let full = job.evaluated / session.pool.positions * session.pool.positions
    if job.firstToken == nil, full > job.published { publish(job, to: full) }
    if let sequence = job.sequence { try session.passWindow(of: sequence) }
  }

  /// Draws a token, and takes those that a grammar forces behind it: they are evaluated together in the next step.
  private func choose(_ job: Job, _ logits: UnsafeBufferPointer<Float>, _ now: Double) {
    do throws(GenerationError) {
      var chosen: ChosenToken? = try job.state.choose(logits)
      while let token = chosen {
        guard take(token, job, now) else { return }
        if let reason = job.state.end { return complete(job, job.state.finish(reason)) }
        chosen = try job.state.chooseForced()
      }
    } catch {
      return fail(job, EngineError(error))
    }
    if job.tokens.count > limit { complete(job, job.state.finish(.contextFull)) }
  }

  /// Tells of a token that was chosen. False where it ended the request.
  private func take(_ chosen: ChosenToken, _ job: Job, _ now: Double) -> Bool {
    news.generatedTokens += 1
    if chosen.isForced { news.forcedTokens += 1 }
    let isFirst = job.firstToken == nil
    let first = job.firstToken ?? now
    job.firstToken = first
    job.tokens.append(chosen.token)
    func count(_ usage: inout GenerationUsage) {
      usage.completionTokens += 1
      if chosen.isForced { usage.forcedTokens += 1 }
      usage.decodeTime = now - first
      if isFirst { usage.timeToFirstToken = now - job.arrival }
    }
    if isFirst { news.timeToFirstToken.add(now - job.arrival) }
    guard case .token(let sampled, let text) = chosen.event else {
      job.ticket.update(count)
      complete(job, chosen.event)
      return false
    }
    job.ticket.deliver(count) { _ in .token(sampled, text: text) }
    return true
  }

  /// Positions that one sequence can have.
  private var limit: Int {
    min(session.context, session.kvPositionLimit)
  }

  func complete(_ job: Job, _ event: GenerationEvent) {
    guard case .finished(let reason, let text) = event else { return }
    if job.ticket.deliver({ _ in }, { .finished(reason, text: text, usage: $0) }) {
      news.finished += 1
      if let time = job.ticket.usage.timePerOutputToken { news.timePerOutputToken.add(time) }
    }
    leave(job)
  }

  // MARK: Steps that fail

  /// After a step that was stopped or failed; no sequence has changed.
  private func recover(_ plan: [PlannedEntry], _ error: SessionError) throws(SessionError) {
    switch error {
    case .cancelled:
      isRetry = true
      news.stoppedSteps += 1
    case .outOfMemory where cache.count > 0:
      cache.removeAll()
    case .outOfMemory where plan.count > 1, .budgetExceeded where plan.count > 1:
      if let last = plan.map(\.job).max(by: { $0.outranks($1) }) { pause(last, desk.clock.now()) }
    default:
      // Whoever fails alone is at fault; the others go on.
      guard plan.count > 1 else {
        if let job = plan.first?.job { fail(job, .session(error)) }
        return
      }
      for entry in plan where entry.job.isRunning { try run([entry]) }
    }
    tellDesk()
  }
}
