// What a load is driven against, and the log that it reports to. A system may be a session of this library, a server
// behind HTTP, or nothing at all, to see what the driver itself costs.
import Inference

/// Something that answers requests. `submit` is called from the driver's thread; answers may come from any thread.
public protocol ServingSystem: Sendable {
  /// In words, for the report.
  var name: String { get }

  /// Takes a request and returns at once: an open loop does not wait. Every token, and the end, go to `log`.
  func submit(_ request: ServingRequest, to log: RequestLog)

  /// Gives up all that is not done. What it still reports is not counted.
  func cancelAll()

  /// Nothing is asked any more.
  func stop()
}

extension ServingSystem {
  public func stop() {}
}

/// How one request went. Times are seconds after the load's start.
public struct RequestRecord: Sendable, Equatable, Codable {
  public var request: ServingRequest
  /// When it was handed over.
  public var sent: Double
  public var firstToken: Double?
  public var lastToken: Double?
  public var tokens = 0
  /// Prompt tokens that the system had from other requests; nil where it does not tell.
  public var cachedTokens: Int?
  /// When it ended, well or not.
  public var ended: Double?
  public var error: String?

  package init(request: ServingRequest, sent: Double) {
    self.request = request
    self.sent = sent
  }

  public var isDone: Bool { ended != nil }

  /// Seconds from the scheduled arrival to the first token.
  public var timeToFirstToken: Double? { firstToken.map { $0 - request.arrival } }

  /// (last − first) ÷ (n − 1); 0 for a single token.
  public var timePerOutputToken: Double? {
    guard let firstToken, let lastToken else { return nil }
    return tokens > 1 ? (lastToken - firstToken) / Double(tokens - 1) : 0
  }

  /// Whether it ended well, with all its tokens, within the objective. nil while that is open.
  public func keeps(_ objective: ServiceObjective, now: Double) -> Bool? {
    if error != nil { return false }
    // A first token that is late is late, however the rest goes.
    if (firstToken ?? now) - request.arrival > objective.timeToFirstToken { return false }
    guard isDone else { return nil }
    guard let timePerOutputToken, tokens >= request.outputTokens else { return false }
    return timePerOutputToken <= objective.timePerOutputToken
  }
}

/// What became of the requests of one load. Safe for concurrent use.
public final class RequestLog: Sendable {
  private struct State {
    var records: [RequestRecord] = []
    var gaps = LatencyHistogram()
    var done = 0
  }

  private let state = Lock(State())
  private let clock: any LoadClock
  private let start: Double

  /// A log whose times count from `clock`'s now.
  public init(clock: any LoadClock) {
    self.clock = clock
    start = clock.now
  }

  /// Seconds since the start.
  public var now: Double { clock.now - start }

  /// Called once a request, in order of their ids from 0, before it is submitted.
  package func sent(_ request: ServingRequest) {
    let now = now
    state.withLock { $0.records.append(RequestRecord(request: request, sent: now)) }
  }

  /// A token of request `id` is there. `time`: seconds since the start, nil for now.
  public func token(of id: Int, at time: Double? = nil) {
    let time = time ?? now
    state.withLock { state in
      guard state.records.indices.contains(id), !state.records[id].isDone else { return }
      if let last = state.records[id].lastToken { state.gaps.record(time - last) }
      if state.records[id].firstToken == nil { state.records[id].firstToken = time }
      state.records[id].lastToken = time
      state.records[id].tokens += 1
    }
  }

  /// So many of the prompt's tokens the system had already.
  public func reused(_ tokens: Int, of id: Int) {
    state.withLock { state in
      guard state.records.indices.contains(id), !state.records[id].isDone else { return }
      state.records[id].cachedTokens = min(max(tokens, 0), state.records[id].request.promptTokens)
    }
  }

  /// Request `id` is over; `error` says why it failed.
  public func end(of id: Int, error: String? = nil, at time: Double? = nil) {
    let time = time ?? now
    state.withLock { state in
      guard state.records.indices.contains(id), !state.records[id].isDone else { return }
      state.records[id].ended = time
      state.records[id].error = error
      state.done += 1
    }
  }

  /// When the last token of request `id` came; nil for none.
  func lastToken(of id: Int) -> Double? {
    state.withLock { $0.records.indices.contains(id) ? $0.records[id].lastToken : nil }
  }

  public var records: [RequestRecord] { state.withLock { $0.records } }
  /// Gaps between tokens of a request, over all requests.
  public var gaps: LatencyHistogram { state.withLock { $0.gaps } }
  /// Requests that were sent and are not over.
  public var open: Int { state.withLock { $0.records.count - $0.done } }
}

/// A system that answers at once: what is measured of it is the driver's own.
public struct NullSystem: ServingSystem {
  public let name = "null"

  public init() {}

  public func submit(_ request: ServingRequest, to log: RequestLog) {
    for _ in 0..<request.outputTokens { log.token(of: request.id) }
    log.end(of: request.id)
  }

  public func cancelAll() {}
}
