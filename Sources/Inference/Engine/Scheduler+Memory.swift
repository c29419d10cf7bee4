// Who has memory: room for a step, for a request that comes in, and who gives it up. In this order: blocks that only the
// cache holds, blocks of paused sequences, sequences of lower rank.

extension Scheduler {
  /// Blocks that the budget leaves and the step that is planned does not take.
  private var free: Int {
    guard let limit = session.kvBlockLimit else { return .max }
    return limit - session.pool.inUse - reserved
  }

  /// Blocks that a sequence of all the request's tokens takes.
  func blocks(for job: Job) -> Int { session.kvBlocks(for: job.tokens.count) }

  /// Sets blocks aside for `count` more positions of a running sequence, or for as many as there is room for.
  func room(for job: Job, adding count: Int) throws(SessionError) -> Int {
    guard let sequence = job.sequence else { return 0 }
    var needed = try session.kvBlocksNeeded(by: sequence, adding: count)
    while needed > free, try reclaim(needed - free, for: job) {
      needed = try session.kvBlocksNeeded(by: sequence, adding: count)
    }
    var count = count
    while needed > free, count > 0 {
      // Up to the end of a block less.
      let end = (job.evaluated + count - 1) / session.pool.positions * session.pool.positions
      count = max(end - job.evaluated, 0)
      needed = try session.kvBlocksNeeded(by: sequence, adding: count)
    }
    guard count > 0 else { return 0 }
    reserved += needed
    job.reserved += needed
    return count
  }

  /// Whether there is room for all that the request has to compute, and a block of growth for everyone who runs. The
  /// only request is always let in: it can have all.
  func roomToAdmit(_ job: Job, _ now: Double) throws(SessionError) -> Bool {
    guard session.kvBlockLimit != nil, !running.isEmpty else { return try roomToRestore(job) }
    var wanted = blocks(for: job) + running.count * session.pool.lanes.count
    if let sequence = job.sequence { wanted -= try session.kvBlockCount(of: sequence) }
    if job.saved == nil, job.sequence == nil, job.request.usesCache {
      // What it shares with the cache is there, and can't be reclaimed once it is shared.
      let match = cache.match(job.tokens.dropLast(), key: job.request.prefixKey)
      let whole = match.blocks.prefix(match.tokens / session.pool.positions * session.pool.lanes.count)
      wanted -= whole.count { $0 != KVSequence.none }
    }
    while wanted > free {
      if wanted - free <= cache.reclaimable {
        // Restoring takes its blocks at once; else they are reclaimed as they are needed.
        return try roomToRestore(job)
      }
      guard let victim = running.last, job.request.priority > victim.level else { return false }
      pause(victim, now)
      guard try release(victim, blocks: wanted - free) else { return false }
    }
    return true
  }

  /// Whether what was moved out can come back, after the cache made room for it.
  private func roomToRestore(_ job: Job) throws(SessionError) -> Bool {
    guard job.saved != nil else { return true }
    let needed = session.kvBlocks(for: job.evaluated)
    while needed > free, try reclaim(needed - free, for: job) {}
    return needed <= free
  }

  // MARK: Giving up

  /// Frees something for `job`, `blocks` at best. False where nothing is left to take.
  private func reclaim(_ blocks: Int, for job: Job) throws(SessionError) -> Bool {
    if cache.reclaim(blocks) > 0 { return true }
    // Of those who wait, the last in rank gives first; any of them, because those who run must get on.
    let paused = waiting.filter { $0.sequence != nil && $0 !== job }.sorted { $1.outranks($0) }
    for victim in paused where try release(victim, blocks: blocks) { return true }
    if let victim = running.last, victim !== job, job.outranks(victim) {
      pause(victim, desk.clock.now())
      return try release(victim, blocks: blocks)
    }
    // Blocks that the cache shares with sequences: they need not be copied any more when they are written.
    guard cache.count > 0 else { return false }
    cache.removeAll()
    return true
  }

  /// Takes a sequence out of the steps. It keeps its memory until somebody needs it.
  func pause(_ job: Job, _ now: Double) {
    guard job.isRunning else { return }
    running.removeAll { $0 === job }
    job.isRunning = false
    reserved -= job.reserved
    job.reserved = 0
    job.waitingSince = now
    job.pausedInPlan = plans
    news.preemptions += 1
    job.ticket.update { $0.preemptions += 1 }
    insertWaiting(job)
  }

  /// Takes memory from a paused sequence: moves all of it out where that is expected to take less time than computing
  /// the last `blocks` blocks again, else drops those, or all where windows have passed what would be left. False where
  /// it has none.
  private func release(_ job: Job, blocks: Int) throws(SessionError) -> Bool {
    guard let sequence = job.sequence else { return false }
    let held = try session.kvBlockCount(of: sequence)
    guard held > 0 else { return false }
    let lanes = session.pool.lanes.count, positions = session.pool.positions
    var kept = max(session.pool.blockCount(for: job.evaluated) - (blocks + lanes - 1) / lanes, 0) * positions
    if !(try session.kvReaches(sequence, kept)) { kept = 0 }
    let bytes = held * session.kvBlockBytes
    let dropping = cost.prefill(job.evaluated - kept, at: kept)
    if swapped + bytes <= options.swapBytes, 2 * Double(bytes) * secondsPerSwappedByte < dropping {
      try moveOut(job, sequence)
      return true
    }
    job.evaluated = min(job.evaluated, kept)
    job.published = min(job.published, kept)
    if kept == 0 {
      job.sequence = nil
      try session.remove(sequence)
    } else {
      try session.trim(sequence, to: kept)
    }
    return true
  }

  private func moveOut(_ job: Job, _ sequence: SequenceID) throws(SessionError) {
    let start = desk.clock.now()
    let saved = try session.save(sequence)
    let seconds = desk.clock.now() - start
    try session.remove(sequence)
    if seconds > 0 { secondsPerSwappedByte = (secondsPerSwappedByte + seconds / Double(saved.count)) / 2 }
    job.sequence = nil
    job.saved = saved
    swapped += saved.count
    news.swappedBytes += saved.count
  }
}
