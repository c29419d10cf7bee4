// A request in an embedding engine as its caller has it: one result, waited for or polled.

/// One request. When nobody holds it any more, it is cancelled. Safe to use from any thread.
public final class EmbeddingTask: Sendable {
  typealias Outcome = Result<TextEmbedding, EngineError>

  private struct Content: Sendable {
    var outcome: Outcome?
    var waiters: [CheckedContinuation<Outcome, Never>] = []
    /// Raised with the outcome; nil before anybody asked for it.
    var signal: Signal?
  }

  /// What the engine's thread and the request's caller share.
  final class Ticket: Sendable {
    let id: Int
    private let content = Lock(Content())

    init(id: Int) { self.id = id }

    var outcome: Outcome? { content.withLock { $0.outcome } }

    /// Ends the request unless it has ended; returns whether it did.
    @discardableResult
    func end(_ outcome: Outcome) -> Bool {
      let waiters: [CheckedContinuation<Outcome, Never>]? = content.withLock { content in
        guard content.outcome == nil else { return nil }
        content.outcome = outcome
        content.signal?.raise()
        defer { content.waiters = [] }
        return content.waiters
      }
      for waiter in waiters ?? [] { waiter.resume(returning: outcome) }
      return waiters != nil
    }

    func wait() async -> Outcome {
      await withCheckedContinuation { continuation in
        let outcome: Outcome? = content.withLock { content in
          if content.outcome == nil { content.waiters.append(continuation) }
          return content.outcome
        }
        if let outcome { continuation.resume(returning: outcome) }
      }
    }

    func descriptor() throws(EngineError) -> Int32 {
      let result: Result<Int32, EngineError> = content.withLock { content in
        if let signal = content.signal { return .success(signal.descriptor) }
        do throws(EngineError) {
          let signal = try Signal()
          if content.outcome != nil { signal.raise() }
          content.signal = signal
          return .success(signal.descriptor)
        } catch { return .failure(error) }
      }
      return try result.get()
    }
  }

  private let ticket: Ticket
  private let desk: EmbeddingDesk

  init(ticket: Ticket, desk: EmbeddingDesk) {
    self.ticket = ticket
    self.desk = desk
  }

  deinit { desk.cancel(ticket) }

  /// Tells the request from the engine's others.
  public var id: Int { ticket.id }

  /// Waits for the result. A caller whose own task is cancelled cancels the request.
  ///
  /// - Throws: ``EngineError``; `session(.cancelled)` where it was cancelled.
  public func value() async throws(EngineError) -> TextEmbedding {
    let outcome = await withTaskCancellationHandler {
      await ticket.wait()
    } onCancel: {
      desk.cancel(ticket)
    }
    return try outcome.get()
  }

  /// The result if it is there.
  public func poll() -> Result<TextEmbedding, EngineError>? { ticket.outcome }

  /// A descriptor that is readable once the result is there, for poll and epoll. It is the task's: do not read or close
  /// it.
  public func descriptor() throws(EngineError) -> Int32 { try ticket.descriptor() }

  /// Ends the request at once. May be called twice.
  public func cancel() { desk.cancel(ticket) }
}
