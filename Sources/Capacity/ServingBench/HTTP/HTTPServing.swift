// A server behind HTTP as a system under load: OpenAI-compatible streamed completions, one connection a request, as
// clients that do not know each other make them. Prompts are common words drawn at random, so that no prefix is shared
// but for those that a trace says.
import Foundation
import Inference

public final class HTTPServing: ServingSystem {
  public struct Options: Sendable {
    /// The name that the server knows the model by.
    public var model: String
    /// Sent as a bearer's, and shown nowhere; nil for none.
    public var key: String?
    /// Seconds to connect, and without a byte, until a request has failed.
    public var connectPatience = 10.0
    public var silencePatience = 60.0
    /// Requests that are open at once: more of them fail, with that reason.
    public var mostOpen = 1024

    public init(model: String) { self.model = model }
  }

  public let name: String
  private let endpoint: HTTPEndpoint
  private let options: Options
  private let state = Lock(State())

  private struct State {
    var open = 0
    var sockets: [Int32: Int32] = [:]
    var next: Int32 = 0
    /// Raised by every cancelAll: requests of an earlier one are given up.
    var generation = 0
  }

  /// Throws .option for a key that is no header's value.
  public init(_ endpoint: HTTPEndpoint, options: Options) throws(CapacityError) {
    guard options.key?.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) ?? true else {
      throw .option(name: "key", what: "it holds what no header may hold")
    }
    name = "\(options.model) at http://\(endpoint.authority)"
    self.endpoint = endpoint
    self.options = options
  }

  public func submit(_ request: ServingRequest, to log: RequestLog) {
    let admitted = state.withLock { state -> Int? in
      guard state.open < options.mostOpen else { return nil }
      state.open += 1
      return state.generation
    }
    guard let generation = admitted else {
      return log.end(of: request.id, error: "more than \(options.mostOpen) requests were open")
    }
    let prompt = Self.prompt(of: request)
    let thread = Thread { [self] in
      do throws(HTTPFailure) {
        try run(request, prompt, generation, log)
        log.end(of: request.id)
      } catch {
        log.end(of: request.id, error: error.what)
      }
      state.withLock { $0.open -= 1 }
    }
    thread.stackSize = 512 << 10
    thread.start()
  }

  public func cancelAll() {
    state.withLock { state in
      state.generation += 1
      for descriptor in state.sockets.values { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
  }

  // MARK: One request

  private func run(_ request: ServingRequest, _ prompt: String, _ generation: Int, _ log: RequestLog)
    throws(HTTPFailure)
  {
    let message = try message(request, prompt)
    let socket = try HTTPSocket(endpoint, patience: options.connectPatience)
    // Known to cancelAll from here until it is closed: the number of a closed one may be another's.
    let place = try state.withLock { state throws(HTTPFailure) -> Int32 in
      guard state.generation == generation else { throw HTTPFailure(what: "given up") }
      state.next &+= 1
      state.sockets[state.next] = socket.descriptor
      return state.next
    }
    defer {
      state.withLock { _ = $0.sockets.removeValue(forKey: place) }
      withExtendedLifetime(socket) {}
    }
    try socket.send(message)
    var response = HTTPResponse()
    var events = ServerSentEvents()
    var stream = CompletionStream()
    var complaint: [UInt8] = []
    while !response.isDone {
      let bytes = try socket.receive(patience: options.silencePatience)
      guard !bytes.isEmpty else { break }
      let body = try response.take(bytes)
      if response.status != 0, response.status != 200 {
        complaint += body.prefix(max(200 - complaint.count, 0))
        continue
      }
      for event in try events.take(body) where try stream.take(event) { log.token(of: request.id) }
    }
    guard response.status == 200 else {
      guard response.status != 0 else { throw HTTPFailure(what: "the connection ended without an answer") }
      let words = String(decoding: complaint, as: UTF8.self).split { $0.isWhitespace }.joined(separator: " ")
      throw HTTPFailure(what: "HTTP \(response.status) \(response.reason): \(words.prefix(100))")
    }
    guard response.mayEnd, stream.isOver else {
      throw HTTPFailure(what: "the stream broke off after \(stream.chunks) events")
    }
    if let cached = stream.cached { log.reused(cached, of: request.id) }
    // Tokens that came together with others count at the time of the last.
    let last = log.lastToken(of: request.id)
    for _ in 0..<min(stream.rest, 8 * max(request.outputTokens, 1)) where last != nil {
      log.token(of: request.id, at: last)
    }
  }

  /// The request's bytes: a completion of so many tokens, streamed, that ends by count.
  func message(_ request: ServingRequest, _ prompt: String) throws(HTTPFailure) -> [UInt8] {
    let body: JSONValue = [
      "model": .string(options.model), "prompt": .string(prompt), "max_tokens": .int(Int64(request.outputTokens)),
      "min_tokens": .int(Int64(request.outputTokens)), "ignore_eos": .bool(true), "temperature": .int(0),
      "stream": .bool(true), "stream_options": ["include_usage": .bool(true)],
    ]
    let bytes: [UInt8]
    do { bytes = try CanonicalJSON.bytes(body) } catch { throw HTTPFailure(what: "the request is no JSON: \(error)") }
    var head = "POST \(endpoint.path) HTTP/1.1\r\nHost: \(endpoint.authority)\r\nUser-Agent: gobi\r\n"
    head += "Accept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: \(bytes.count)\r\n"
    if let key = options.key { head += "Authorization: Bearer \(key)\r\n" }
    return Array((head + "Connection: close\r\n\r\n").utf8) + bytes
  }

  /// Words that tokenizers of English have whole, each with the space before it: about one token each. How many the
  /// server makes of them is its own.
  private static let words = [
    "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state",
    "family", "student", "group", "country", "problem", "hand", "part", "place", "case", "week", "company", "system",
    "program", "question", "work", "government", "number", "night", "point", "home", "water", "room", "mother", "area",
    "money", "story", "fact", "month", "lot", "right", "study", "book", "eye", "job", "word", "business", "issue",
    "side", "kind", "head", "house", "service", "friend", "father", "power", "hour", "game", "line", "end", "member",
    "law",
  ]

  private static func prompt(of request: ServingRequest) -> String {
    request.content(below: words.count).map { words[$0] }.joined(separator: " ")
  }
}
