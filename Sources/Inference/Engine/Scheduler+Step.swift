// One step: evaluate what was planned, choose tokens, tell consumers. A step that fails leaves all sequences as they
// were.

extension Scheduler {
  func run(_ planned: [PlannedEntry]) throws(SessionError) {
    let begin = desk.clock.now()
    let (plan, secondsOfCatchUp) = addModelDrafts(to: planned)
    let plain = withoutDrafts(plan)
    var shape = StepShape()
    var costs: [Double] = []
    batch.removeAll()
    for entry in plan {
      guard let sequence = entry.job.sequence else { continue }
      let job = entry.job, isComplete = entry.count == entry.job.pending
      var own = StepShape()
      own.add(entry.rows, at: job.evaluated, decoding: job.isDecoding)
      costs.append(cost.predict(own))
      shape.add(entry.rows, at: job.evaluated, decoding: job.isDecoding)
      let tokens = job.tokens[job.evaluated..<job.evaluated + entry.count]
      batch.add(
        sequence, entry.draft.isEmpty ? tokens : (tokens + entry.draft),
        output: isComplete ? .from(entry.count - 1) : .none)
    }
    let sum = max(costs.reduce(0, +), 1e-12)
    let shares = Dictionary(uniqueKeysWithValues: zip(plan, costs).map { ($0.job.id, $1 / sum) })
    let start = desk.clock.now()
    desk.beginStep(
      RunningStep(start: start, expected: cost.predict(shape), shares: shares, isRetry: isRetry))
    do throws(SessionError) {
      if let fault = fault?(plan.map(\.job.id), plan.reduce(0) { $0 + $1.draft.count }) { throw fault }
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
    steps += 1
    let accepted = try finish(plan, end)
    if plan.contains(where: { !$0.draft.isEmpty }) {
      let spent = end - begin - secondsOfCatchUp - plain.seconds
      speculation?.ledger.note(saved: Double(accepted) * plain.secondsOfToken - spent)
    }
    tellDesk()
  }

  /// Brings every sequence up to date and chooses the tokens that the step allows. Returns how many of them had been
  /// guessed.
  private func finish(_ plan: [PlannedEntry], _ now: Double) throws(SessionError) -> Int {
    var row = 0, accepted = 0
    for entry in plan {
      let job = entry.job
      let isComplete = entry.count == job.pending
      try account(entry)
      guard isComplete else {
        publishBlocks(job)
        if let sequence = job.sequence { try session.passWindow(of: sequence) }
        continue
      }
      let logits = try (row...row + entry.draft.count).map { row throws(SessionError) in try session.logits(row) }
      row += logits.count
      publishBlocks(job)
      let count = choose(entry, logits, now)
      accepted += count
      guard job.isRunning, let sequence = job.sequence else { continue }
      if count < entry.draft.count { try session.trim(sequence, to: job.evaluated) }
      // Only now: what was guessed wrong has passed no window.
      try session.passWindow(of: sequence)
    }
    return accepted
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
    news.draftedTokens += entry.draft.count
    job.ticket.update { [bytes] usage in
      usage.draftedTokens += entry.draft.count
      usage.recomputedTokens += again
      usage.peakKVBytes = max(usage.peakKVBytes, bytes)
    }
  }

  /// Gives the cache the full blocks of a prompt as soon as they are computed, because others wait for them, and before
  /// windows pass them.
  private func publishBlocks(_ job: Job) {
    let full = job.evaluated / session.pool.positions * session.pool.positions
    if job.firstToken == nil, full > job.published { publish(job, to: full) }
  }

  /// Draws a token, and takes those that a grammar forces behind it: they are evaluated together in the next step. As
  /// long as they are what was guessed, the logits behind them are there, and the next one is drawn. Returns how many
  /// had been guessed.
  ///
  /// - Parameter logits: behind the last token, and behind each that was guessed.
  private func choose(_ entry: PlannedEntry, _ logits: [UnsafeBufferPointer<Float>], _ now: Double) -> Int {
    let job = entry.job
    var accepted = 0, count = 0
    defer { noteDraft(entry, accepted: accepted, missed: accepted < entry.draft.count && accepted < count) }
    do throws(GenerationError) {
      while count == accepted {
        var chosen: ChosenToken? = try job.state.choose(logits[accepted])
        while let token = chosen {
          let isGuessed = count == accepted && accepted < entry.draft.count && entry.draft[accepted] == token.token
          count += 1
          if isGuessed {
            accepted += 1
            job.evaluated += 1
            job.reached = max(job.reached, job.evaluated)
          }
          guard take(token, job, isGuessed: isGuessed, now) else { return accepted }
          if let reason = job.state.end {
            complete(job, job.state.finish(reason))
            return accepted
          }
          chosen = try job.state.chooseForced()
        }
      }
    } catch {
      fail(job, EngineError(error))
      return accepted
    }
    if job.tokens.count > limit { complete(job, job.state.finish(.contextFull)) }
    return accepted
  }

  /// Tells of a token that was chosen. False where it ended the request.
  private func take(_ chosen: ChosenToken, _ job: Job, isGuessed: Bool, _ now: Double) -> Bool {
    news.generatedTokens += 1
    if isGuessed { news.acceptedTokens += 1 }
    if chosen.isForced { news.forcedTokens += 1 }
    let isFirst = job.firstToken == nil
    let first = job.firstToken ?? now
    job.firstToken = first
    job.tokens.append(chosen.token)
    func count(_ usage: inout GenerationUsage) {
      usage.completionTokens += 1
      if chosen.isForced { usage.forcedTokens += 1 }
      if isGuessed { usage.acceptedTokens += 1 }
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
  var limit: Int {
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
    case _ where plan.contains { !$0.draft.isEmpty }:
      // It is tried again without what was only guessed.
      speculation?.ledger.close()
    case .outOfMemory, .budgetExceeded:
      guard try giveUpMemory() else { return failFirst(plan, error) }
    case .kernel(let kernel) where kernel.status == .outOfMemory:
      guard try giveUpMemory() else { return failFirst(plan, error) }
    default:
      // Whoever fails alone is at fault; the others go on.
      guard plan.count > 1 else { return failFirst(plan, error) }
      for entry in plan where entry.job.isRunning { try run([entry]) }
    }
    tellDesk()
  }

  private func failFirst(_ plan: [PlannedEntry], _ error: SessionError) {
    if let job = plan.first?.job { fail(job, .session(error)) }
    tellDesk()
  }
}
