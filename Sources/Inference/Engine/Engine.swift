// The engine: many requests to one model, evaluated together by a thread of its own. What it decides is in Scheduler.
import Glibc

/// Serves requests to one model by continuous batching. Safe to use from any thread.
///
/// A request's tokens are those that a session alone would give with the same options and seed, bit for bit: whatever
/// runs beside it, whatever is taken from the prefix cache, and however often it must make room.
public final class Engine: Sendable {
  public let model: Model
  public let options: EngineOptions
  /// Positions that a request's prompt and answer may have together.
  public let context: Int
  private let desk: EngineDesk
  private let blockBytes: Int
  private let lanes: KVLanes
  /// Where a test runs the steps itself; else the thread has it.
  package let scheduler: Scheduler?

  /// Starts an engine.
  ///
  /// - Throws: ``EngineError`` if an option is out of range, the model gives no logits, or the system has no room.
  public convenience init(model: Model, options: EngineOptions = EngineOptions()) throws(EngineError) {
    try self.init(model: model, options: options, clock: .monotonic, hasThread: true)
  }

  /// - Parameter hasThread: false leaves it to the caller to run ``Scheduler/turn()``.
  package init(
    model: Model, options: EngineOptions, clock: EngineClock, hasThread: Bool
  ) throws(EngineError) {
    try options.validate()
    guard !model.configuration.isEncoder else {
      throw .invalidOption(name: "model", expected: "one that gives logits, not an encoder")
    }
    try options.speculation?.validate(for: model)
    let session: Session
    do throws(SessionError) {
      session = try Session(model: model, options: options.session)
    } catch { throw .session(error) }
    blockBytes = session.kvBlockBytes
    lanes = session.pool.lanes
    if let blocks = session.kvBlockLimit, blocks < lanes.count {
      throw .invalidOption(name: "session.kvBudget", expected: "one block at least, \(lanes.count * blockBytes) bytes")
    }
    // What a window has passed may be what another prompt begins with: the cache sees it first.
    session.passesWindows = false
    self.model = model
    self.options = options
    context = session.context
    desk = try EngineDesk(clock: clock)
    desk.state.withLock { $0.counters.kvBudget = options.session.kvBudget }
    let scheduler: Scheduler
    do throws(SessionError) {
      scheduler = try Scheduler(session: session, options: options, desk: desk)
    } catch { throw .session(error) }
    self.scheduler = hasThread ? nil : scheduler
    if hasThread {
      guard BackgroundThread.run({ scheduler.run() }) else { throw .system(call: "pthread_create", code: EAGAIN) }
    }
  }

  deinit { shutDown() }

  /// Hands a request in.
  ///
  /// - Throws: ``EngineError`` where it can't ever be served, or not now: ``EngineError/queueFull(limit:)``.
  public func submit(_ request: GenerationRequest) throws(EngineError) -> Generation {
    try submit(request, receiver: nil)
  }

  /// As ``submit(_:)``, for a caller that takes times: `receiver` gets every event in the place of the generation's
  /// queue, on the thread that makes it. That is the engine's, which waits meanwhile, or the one that cancels: then a
  /// token may come after the end.
  package func submit(
    _ request: GenerationRequest, receiver: (@Sendable (EngineEvent) -> Void)?
  ) throws(EngineError) -> Generation {
    do throws(EngineError) {
      try check(request)
      let state: GenerationState
      do throws(SamplerError) {
        state = try GenerationState(
          prompt: request.prompt, sampler: Sampler(request.sampling), stop: request.stop, text: request.text,
          constraint: request.constraint, vocabulary: model.configuration.vocabulary)
      } catch { throw .sampler(error) }
      let arrival = desk.clock.now()
      let limit = options.maximumQueue
      let accepted: Result<Ticket, EngineError> = desk.post { desk in
        guard desk.phase == .open else { return .failure(.shuttingDown) }
        guard desk.queue.count < limit else { return .failure(.queueFull(limit: limit)) }
        let ticket = Ticket(id: desk.nextID, promptTokens: request.prompt.count, receiver: receiver)
        desk.nextID += 1
        desk.counters.submitted += 1
        desk.queue.add(ticket.id, tokens: request.prompt.count)
        desk.inbox.append(Submission(ticket: ticket, request: request, state: state, arrival: arrival))
        return .success(ticket)
      }
      return Generation(Generation.Lease(ticket: try accepted.get(), desk: desk))
    } catch {
      desk.state.withLock { $0.counters.refused += 1 }
      throw error
    }
  }

  private func check(_ request: GenerationRequest) throws(EngineError) {
    try request.validate(vocabulary: model.configuration.vocabulary)
    if let adapter = request.adapter,
      let reason = Session.mismatch(adapter, scale: request.adapterScale, model)
    {
      throw .invalidRequest(field: "adapter", reason: reason)
    }
    guard request.prompt.count <= context else {
      throw .promptTooLong(tokens: request.prompt.count, limit: context)
    }
    guard let budget = options.session.kvBudget else { return }
    // The last token that is chosen is never evaluated.
    let answer = max((request.stop.maximumTokens ?? 1) - 1, 0)
    let positions = min(request.prompt.count + min(answer, context), context)
    let blocks = lanes.blocks(for: positions, of: KVLayout.blockPositions)
    guard blocks <= budget / blockBytes else { throw .overBudget(needed: blocks * blockBytes, budget: budget) }
  }

  /// What the engine has done so far.
  public var counters: EngineCounters { desk.state.withLock { $0.counters } }

  /// Gives the prefix cache's memory back, soon.
  public func clearCache() { desk.post { $0.clearsCache = true } }

  // MARK: The end

  /// Takes no more requests, and ends when those that are there are finished.
  public func drain() { desk.drain() }

  /// Cancels every request and ends.
  public func shutDown() { desk.shutDown() }

  /// Returns when the engine has ended, after ``drain()`` or ``shutDown()``.
  public func ended() async { await desk.ended() }

  /// As ``ended()``, and blocks the thread that calls; at most `timeout` where there is one. Returns whether it ended.
  @discardableResult
  public func waitForEnd(timeout: Duration? = nil) -> Bool { desk.waitForEnd(timeout: timeout) }
}
