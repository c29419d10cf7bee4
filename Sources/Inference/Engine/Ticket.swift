// One request's way out of the engine: events wait here until they are taken. The only thing that the engine's thread
// and a request's consumer share.

final class Ticket: Sendable {
  private struct Content: Sendable {
    /// Events that were not taken yet, from `first` on.
    var events: [EngineEvent] = []
    var first = 0
    var usage = GenerationUsage()
    /// Whether the last event is there, or was taken.
    var isEnded = false
    var waiter: CheckedContinuation<EngineEvent?, Never>?
    /// Raised while events wait; nil before anybody asked for it.
    var signal: Signal?
  }

  let id: Int
  private let content: Lock<Content>
  /// Takes events in place of the queue.
  private let receiver: (@Sendable (EngineEvent) -> Void)?

  init(id: Int, promptTokens: Int, receiver: (@Sendable (EngineEvent) -> Void)? = nil) {
    self.id = id
    self.receiver = receiver
    var content = Content()
    content.usage.promptTokens = promptTokens
    self.content = Lock(content)
  }

  var isEnded: Bool { content.withLock { $0.isEnded } }
  /// Whether the last event was taken.
  var isExhausted: Bool { content.withLock { $0.isEnded && $0.first == $0.events.count } }
  var usage: GenerationUsage { content.withLock { $0.usage } }

  // MARK: The engine's side

  func update(_ change: (inout GenerationUsage) -> Void) { content.withLock { change(&$0.usage) } }

  /// Adds an event unless the last one is there; returns whether it did.
  @discardableResult
  func deliver(
    _ change: (inout GenerationUsage) -> Void = { _ in }, _ event: (GenerationUsage) -> EngineEvent
  ) -> Bool {
    let (waiter, taken): (CheckedContinuation<EngineEvent?, Never>?, EngineEvent?) = content.withLock { content in
      guard !content.isEnded else { return (nil, nil) }
      change(&content.usage)
      let event = event(content.usage)
      if event.isLast { content.isEnded = true }
      guard receiver == nil else { return (nil, event) }
      if let waiter = content.waiter {
        content.waiter = nil
        return (waiter, event)
      }
      content.events.append(event)
      if content.events.count - content.first == 1 { content.signal?.raise() }
      return (nil, event)
    }
    waiter?.resume(returning: taken)
    if let receiver, let taken { receiver(taken) }
    return taken != nil
  }

  // MARK: The consumer's side

  /// The next event, nil after the last. One consumer at a time: a second one gets nil.
  func next() async -> EngineEvent? {
    await withCheckedContinuation { continuation in
      let (isNow, event): (Bool, EngineEvent?) = content.withLock { content in
        if let event = Self.take(&content) { return (true, event) }
        if content.isEnded || content.waiter != nil { return (true, nil) }
        content.waiter = continuation
        return (false, nil)
      }
      if isNow { continuation.resume(returning: event) }
    }
  }

  /// Up to `maximum` events that wait.
  func poll(maximum: Int) -> [EngineEvent] {
    content.withLock { content in
      var events: [EngineEvent] = []
      while events.count < maximum, let event = Self.take(&content) { events.append(event) }
      return events
    }
  }

  private static func take(_ content: inout Content) -> EngineEvent? {
    guard content.first < content.events.count else { return nil }
    let event = content.events[content.first]
    content.first += 1
    if content.first == content.events.count {
      content.events.removeAll(keepingCapacity: true)
      content.first = 0
      content.signal?.clear()
    }
    return event
  }

  /// A descriptor that is readable while events wait. It closes with the ticket.
  func descriptor() throws(EngineError) -> Int32 {
    let result: Result<Int32, EngineError> = content.withLock { content in
      if let signal = content.signal { return .success(signal.descriptor) }
      do throws(EngineError) {
        let signal = try Signal()
        if content.first < content.events.count { signal.raise() }
        content.signal = signal
        return .success(signal.descriptor)
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}
