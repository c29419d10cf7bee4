// An embedding engine's thread: which chunks are evaluated together, and what becomes of their hidden states.

/// A request in the scheduler's hands.
private final class EmbeddingJob {
  let submission: EmbeddingSubmission
  let due: Double
  let deadline: Double?
  /// Chunks that steps have taken.
  var taken = 0
  var sum = ChunkSum()
  var usage = EmbeddingUsage()
  var level = 0

  init(_ submission: EmbeddingSubmission, options: EmbeddingOptions) {
    self.submission = submission
    deadline = submission.request.deadline.map { submission.arrival + $0.seconds }
    due = deadline ?? submission.arrival + options.timeToResult.seconds
    usage.inputTokens = submission.tokens
  }

  var ticket: EmbeddingTask.Ticket { submission.ticket }
  var chunks: [TextChunk] { submission.chunks }
}

/// Confined to the engine's thread, or to a test's.
package final class EmbeddingScheduler: @unchecked Sendable {
  private struct Unit {
    let job: EmbeddingJob
    let chunk: TextChunk
  }

  private let session: Session
  private let options: EmbeddingOptions
  private let pooling: Pooling
  private let desk: EmbeddingDesk
  private var jobs: [EmbeddingJob] = []
  private var news = EmbeddingCounters()

  init(session: Session, options: EmbeddingOptions, pooling: Pooling, desk: EmbeddingDesk) {
    self.session = session
    self.options = options
    self.pooling = pooling
    self.desk = desk
  }

  /// Turns until the engine ends.
  func run() { desk.run(turn) }

  /// Takes what is new, and runs one step if there is anything to evaluate.
  package func turn() -> EngineTurn {
    let phase = takeNews()
    if phase == .stopping { return end() }
    let now = desk.clock.now()
    for job in jobs {
      if let deadline = job.deadline, deadline <= now { leave(job, .failure(.deadlineExceeded)) }
    }
    let units = plan(now)
    if !units.isEmpty {
      run(units, now)
      return .stepped
    }
    if phase == .draining { return end() }
    return tellDesk(mayIdle: true) ? .idle : .stepped
  }

  // MARK: A step

  /// One chunk of each request in order, then further ones, as far as the step's bounds allow. Those of the same level
  /// take turns, so that a long text does not keep short ones waiting; it rises by waiting too.
  private func plan(_ now: Double) -> [Unit] {
    let aging = options.aging.seconds
    for job in jobs {
      job.level = job.submission.request.priority + Int(min(max(now - job.submission.arrival, 0) / aging, 1e6))
    }
    jobs.sort {
      (-$0.level, $0.taken, $0.due, $0.ticket.id) < (-$1.level, $1.taken, $1.due, $1.ticket.id)
    }
    var units: [Unit] = []
    var tokens = 0, found = true
    while found {
      found = false
      for job in jobs where job.taken < job.chunks.count {
        let chunk = job.chunks[job.taken]
        guard units.count < options.maximumStepChunks else { return units }
        guard units.isEmpty || tokens + chunk.tokens.count <= options.maximumStepTokens else { continue }
        units.append(Unit(job: job, chunk: chunk))
        tokens += chunk.tokens.count
        job.taken += 1
        found = true
      }
    }
    return units
  }

  private func run(_ units: [Unit], _ now: Double) {
    for unit in units where unit.job.usage.evaluatedTokens == 0 && unit.job.sum.count == 0 {
      unit.job.usage.queueTime = now - unit.job.submission.arrival
    }
    desk.beginStep(Set(units.map(\.job.ticket.id)))
    let result = evaluate(units)
    desk.endStep()
    if let charge = desk.clock.charge {
      var shape = StepShape()
      shape.prefillTokens = units.reduce(0) { $0 + $1.chunk.tokens.count }
      charge(shape)
    }
    switch result {
    case .success(let values): finish(units, values)
    case .failure(.cancelled):
      // Nobody wants the step any more, or the engine ends; the next turn sees to it.
      for unit in units.reversed() { unit.job.taken -= 1 }
    case .failure where units.count > 1:
      // One of them may be at fault: each for itself.
      for unit in units where unit.job.ticket.outcome == nil {
        switch evaluate([unit]) {
        case .success(let values): finish([unit], values)
        case .failure(let error): leave(unit.job, .failure(.session(error)))
        }
      }
    case .failure(let error): leave(units[0].job, .failure(.session(error)))
    }
    tellDesk()
  }

  private func finish(_ units: [Unit], _ values: [[Float]]) {
    news.steps += 1
    for (unit, values) in zip(units, values) {
      let job = unit.job
      news.chunks += 1
      news.tokens += unit.chunk.tokens.count
      job.usage.chunks += 1
      job.usage.evaluatedTokens += unit.chunk.tokens.count
      var normalised = false
      switch job.submission.request.output {
      case .labels: job.sum.raise(values)
      case .vector(_, let scales):
        normalised = scales
        job.sum.add(values, weight: unit.chunk.fresh)
      }
      guard job.sum.count == job.chunks.count else { continue }
      job.usage.totalTime = desk.clock.now() - job.submission.arrival
      leave(job, .success(TextEmbedding(values: job.sum.result(normalised: normalised), usage: job.usage)))
    }
  }

  /// Each chunk's vector (width), or its scores (labels).
  private func evaluate(_ units: [Unit]) -> Result<[[Float]], SessionError> {
    do throws(SessionError) {
      return .success(session.model.configuration.isEncoder ? try encode(units) : try decode(units))
    } catch { return .failure(error) }
  }

  private func pooling(of unit: Unit) -> Pooling? {
    guard case .vector(let wanted, _) = unit.job.submission.request.output else { return nil }
    return wanted ?? pooling
  }

  private func encode(_ units: [Unit]) throws(SessionError) -> [[Float]] {
    let types = units.map {
      $0.chunk.types.isEmpty ? [Int32](repeating: 0, count: $0.chunk.tokens.count) : $0.chunk.types
    }
    let encodings = try session.encode(
      units.map(\.chunk.tokens), types: session.model.configuration.tokenTypes > 1 ? types : nil, cancel: desk.flag)
    var results: [[Float]] = []
    for (unit, encoding) in zip(units, encodings) {
      guard let pooling = pooling(of: unit) else {
        results.append(encoding.labels ?? [])
        continue
      }
      results.append(encoding.hidden.pooled(0..<encoding.hidden.rows, pooling))
    }
    return results
  }

  private func decode(_ units: [Unit]) throws(SessionError) -> [[Float]] {
    var sequences: [SequenceID] = []
    defer { for sequence in sequences { try? session.remove(sequence) } }
    var batch = Batch()
    for unit in units {
      let sequence = try session.makeSequence()
      sequences.append(sequence)
      batch.add(sequence, unit.chunk.tokens, output: pooling(of: unit) == .last ? .last : .all)
    }
    let hidden = try session.hiddenStates(batch, cancel: desk.flag)
    var results: [[Float]] = []
    var first = 0
    for unit in units {
      let pooling = pooling(of: unit) ?? .last
      let count = pooling == .last ? 1 : unit.chunk.tokens.count
      results.append(hidden.pooled(first..<first + count, pooling))
      first += count
    }
    return results
  }

  // MARK: The desk

  private func takeNews() -> DeskPhase {
    let (phase, inbox, cancelled) = desk.state.withLock { state in
      defer {
        state.inbox.removeAll(keepingCapacity: true)
        state.cancelled.removeAll(keepingCapacity: true)
      }
      return (state.phase, state.inbox, Set(state.cancelled))
    }
    for submission in inbox { jobs.append(EmbeddingJob(submission, options: options)) }
    for job in jobs where cancelled.contains(job.ticket.id) { remove(job) }
    return phase
  }

  private func leave(_ job: EmbeddingJob, _ outcome: EmbeddingTask.Outcome) {
    // Counted first: who learns of the result finds it counted.
    if job.ticket.outcome == nil {
      switch outcome {
      case .success:
        news.finished += 1
        news.queueTime.add(job.usage.queueTime)
        news.totalTime.add(job.usage.totalTime)
      case .failure: news.failed += 1
      }
      tellDesk()
    }
    job.ticket.end(outcome)
    remove(job)
  }

  private func remove(_ job: EmbeddingJob) {
    jobs.removeAll { $0 === job }
    desk.state.withLock { $0.queue.remove(job.ticket.id) }
  }

  /// Brings the desk's counters up to date. With `mayIdle`, returns whether nothing new has come.
  @discardableResult
  private func tellDesk(mayIdle: Bool = false) -> Bool {
    desk.state.withLock { state in
      state.counters.add(news)
      news = EmbeddingCounters()
      guard mayIdle, state.inbox.isEmpty, state.cancelled.isEmpty, state.phase == .open else { return false }
      state.isIdle = true
      return true
    }
  }

  /// Cancels what is left and says so.
  private func end() -> EngineTurn {
    var left = jobs.map(\.ticket)
    jobs = []
    desk.state.withLock { state in
      state.phase = .ended
      left += state.inbox.map(\.ticket)
      state.inbox = []
      state.queue = DeskQueue()
    }
    let cancelled = left.count { $0.end(.failure(.session(.cancelled))) }
    desk.state.withLock { $0.counters.cancelled += cancelled }
    desk.announceEnd()
    return .ended
  }
}

extension Tensor {
  /// One vector (columns) of some rows. Sums go in order of the rows.
  fileprivate func pooled(_ rows: Range<Int>, _ pooling: Pooling) -> [Float] {
    switch pooling {
    case .first: return Array(self[rows.lowerBound])
    case .last: return Array(self[rows.upperBound - 1])
    case .mean:
      var sum = [Float](repeating: 0, count: columns)
      for row in rows {
        let values = self[row]
        for column in 0..<columns { sum[column] += values[column] }
      }
      let count = Float(rows.count)
      for column in 0..<columns { sum[column] /= count }
      return sum
    }
  }
}
