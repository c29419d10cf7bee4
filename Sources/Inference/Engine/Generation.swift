// A request in the engine as its consumer has it: a stream of events, or events by polling.

/// One request's events. It has one consumer, by iteration or by ``poll(maximum:)``. When the consumer lets go of it, or
/// its task is cancelled, the request is cancelled.
public struct Generation: AsyncSequence, Sendable {
  public typealias Element = EngineEvent
  public typealias Failure = Never

  /// Cancels the request when nobody holds it any more.
  final class Lease: Sendable {
    let ticket: Ticket
    let desk: EngineDesk

    init(ticket: Ticket, desk: EngineDesk) {
      self.ticket = ticket
      self.desk = desk
    }

    deinit { desk.cancel(ticket) }
  }

  private let lease: Lease

  init(_ lease: Lease) { self.lease = lease }

  /// Tells the request from the engine's others.
  public var id: Int { lease.ticket.id }
  /// What it took so far.
  public var usage: GenerationUsage { lease.ticket.usage }
  /// Whether the last event was taken.
  public var isOver: Bool { lease.ticket.isExhausted }

  /// Ends the request: its last event is `finished(.cancelled)`, at once. May be called from any thread, and twice.
  public func cancel() { lease.desk.cancel(lease.ticket) }

  /// Up to `maximum` events that wait, without waiting for any.
  public func poll(maximum: Int = .max) -> [EngineEvent] { lease.ticket.poll(maximum: maximum) }

  /// A descriptor that is readable while events wait, for poll and epoll. It is the generation's: do not read or close
  /// it.
  public func descriptor() throws(EngineError) -> Int32 { try lease.ticket.descriptor() }

  public func makeAsyncIterator() -> Iterator { Iterator(lease: lease) }

  public struct Iterator: AsyncIteratorProtocol {
    public typealias Element = EngineEvent
    public typealias Failure = Never
    let lease: Lease

    public mutating func next(isolation actor: isolated (any Actor)?) async -> EngineEvent? {
      let lease = lease
      return await withTaskCancellationHandler {
        await lease.ticket.next()
      } onCancel: {
        lease.desk.cancel(lease.ticket)
      }
    }
  }
}
