// The embedding engine: vectors and scores of many texts, evaluated together by a thread of its own. How the steps are
// made is in EmbeddingScheduler.
import Glibc

/// Serves vectors of texts, of an encoder or of a decoder's hidden states, and scores of a cross-encoder. Safe to use
/// from any thread.
///
/// A result is what a session alone gives for the request's chunks, bit for bit, whatever runs beside it. Texts may
/// have any length: ``EmbeddingRequest/Excess`` says what becomes of those that are longer than the model looks at.
public final class EmbeddingEngine: Sendable {
  public let model: Model
  public let options: EmbeddingOptions
  /// Tokens of one chunk at most, special ones included.
  public let limit: Int
  /// What requests that name no pooling get.
  public let pooling: Pooling
  private let desk: EmbeddingDesk
  /// Where a test runs the steps itself; else the thread has it.
  package let scheduler: EmbeddingScheduler?

  /// Starts an engine.
  ///
  /// - Throws: ``EngineError`` if an option is out of range or the system has no room.
  public convenience init(model: Model, options: EmbeddingOptions = EmbeddingOptions()) throws(EngineError) {
    try self.init(model: model, options: options, clock: .monotonic, hasThread: true)
  }

  /// - Parameter hasThread: false leaves it to the caller to run ``EmbeddingScheduler/turn()``.
  package init(
    model: Model, options: EmbeddingOptions, clock: EngineClock, hasThread: Bool
  ) throws(EngineError) {
    try options.validate(vocabulary: model.configuration.vocabulary)
    let session: Session
    do throws(SessionError) {
      session = try Session(model: model, options: options.session)
    } catch { throw .session(error) }
    limit = min(options.maximumTokens ?? session.context, session.context)
    guard limit > options.opening.count + options.closing.count else {
      throw .invalidOption(name: "maximumTokens", expected: "more than the special tokens of a text take")
    }
    self.model = model
    self.options = options
    pooling = options.pooling ?? (model.configuration.isEncoder ? .mean : .last)
    desk = try EmbeddingDesk(clock: clock)
    let scheduler = EmbeddingScheduler(session: session, options: options, pooling: pooling, desk: desk)
    self.scheduler = hasThread ? nil : scheduler
    if hasThread {
      guard BackgroundThread.run({ scheduler.run() }) else { throw .system(call: "pthread_create", code: EAGAIN) }
    }
  }

  deinit { shutDown() }

  // MARK: Requests

  /// Hands a request in.
  ///
  /// - Throws: ``EngineError`` where it can't ever be served, or not now: ``EngineError/queueFull(limit:)``, with as many
  ///   requests as wait.
  public func submit(_ request: EmbeddingRequest) throws(EngineError) -> EmbeddingTask {
    do throws(EngineError) {
      let count = try check(request)
      let chunks = try TextChunk.chunks(
        of: request, limit: limit, options: options, hasTypes: model.configuration.tokenTypes > 1)
      let arrival = desk.clock.now()
      let accepted: Result<EmbeddingTask.Ticket, EngineError> = desk.post { state in
        guard state.phase == .open else { return .failure(.shuttingDown) }
        // One request is always taken, however long it is.
        let isFull = state.queue.count > 0 && state.queue.tokens + count > options.maximumQueuedTokens
        guard state.queue.count < options.maximumQueue, !isFull else {
          return .failure(.queueFull(limit: state.queue.count))
        }
        let ticket = EmbeddingTask.Ticket(id: state.nextID)
        state.nextID += 1
        state.queue.add(ticket.id, tokens: count)
        state.counters.submitted += 1
        state.inbox.append(
          EmbeddingSubmission(ticket: ticket, request: request, chunks: chunks, tokens: count, arrival: arrival))
        return .success(ticket)
      }
      return EmbeddingTask(ticket: try accepted.get(), desk: desk)
    } catch {
      desk.state.withLock { $0.counters.refused += 1 }
      throw error
    }
  }

  /// Hands a request in and waits for its result.
  public func embed(_ request: EmbeddingRequest) async throws(EngineError) -> TextEmbedding {
    try await submit(request).value()
  }

  /// Throws unless the request can be served; returns how many tokens it has.
  private func check(_ request: EmbeddingRequest) throws(EngineError) -> Int {
    let vocabulary = model.configuration.vocabulary
    let count: Int
    func check(_ tokens: [Int32], _ field: String) throws(EngineError) {
      if let index = tokens.firstIndex(where: { $0 < 0 || Int($0) >= vocabulary }) {
        throw .invalidRequest(field: field, reason: "token \(tokens[index]) at \(index) is not in 0..<\(vocabulary)")
      }
    }
    switch request.input {
    case .text(let tokens):
      try check(tokens, "input")
      count = tokens.count
    case .pair(let first, let second):
      guard model.configuration.isEncoder else {
        throw .invalidRequest(field: "input", reason: "only an encoder takes pairs")
      }
      try check(first, "input.first")
      try check(second, "input.second")
      count = first.count + second.count
    }
    if request.output == .labels, model.labels == 0 {
      throw .invalidRequest(field: "output", reason: "the model has no classification head")
    }
    guard (-100...100).contains(request.priority) else {
      throw .invalidRequest(field: "priority", reason: "\(request.priority) is not in -100...100")
    }
    if let deadline = request.deadline, deadline <= .zero {
      throw .invalidRequest(field: "deadline", reason: "\(deadline) is not in the future")
    }
    return count
  }

  /// What the engine has done so far.
  public var counters: EmbeddingCounters { desk.state.withLock { $0.counters } }

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
