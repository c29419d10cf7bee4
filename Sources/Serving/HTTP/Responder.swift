// Requests from Hummingbird to the service, and its answers back.
import Glibc
import HTTPTypes
import HummingbirdCore
import Inference
import Logging
import NIOCore
import Synchronization

/// Counts a client that went away once, whichever part of its answer noticed.
private final class GoneOnce: Sendable {
  private let isCounted = Atomic<Bool>(false)
  private let counters: ServerCounters

  init(_ counters: ServerCounters) { self.counters = counters }

  func count() {
    if !isCounted.exchange(true, ordering: .relaxed) { counters.vanished() }
  }
}

struct Responder: Sendable {
  let service: InferenceService
  let options: ServerOptions
  let connections: Connections
  let counters: ServerCounters
  let logger: Logger
  private var bodies: BodyReader { BodyReader(options: options, counters: counters) }

  init(
    _ service: InferenceService, _ options: ServerOptions, _ connections: Connections, _ counters: ServerCounters,
    _ logger: Logger
  ) {
    self.service = service
    self.options = options
    self.connections = connections
    self.counters = counters
    self.logger = logger
  }

  /// Answers one request.
  ///
  /// - Throws: what the connection says where it breaks off; it is closed then.
  func respond(to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel) async throws {
    counters.began()
    var log = RequestLog(request, logger, counters)
    let connection = connections.connection(of: channel) ?? Connection(channel: channel)
    let gone = GoneOnce(counters)
    var isRead = false
    var response: Response
    do throws(APIError) {
      let endpoint = try Endpoint(method: request.method.rawValue, path: request.head.path ?? "/")
      log.route = endpoint.route
      try authorise(endpoint, request.headers)
      var body: [UInt8] = []
      if endpoint.hasBody {
        try bodies.check(request.headers)
        body = try await bodies.read(request.body)
      }
      defer { counters.release(body.count) }
      isRead = true
      response = self.response(try await answer(endpoint, body, connection, gone), connection, gone)
    } catch {
      response = Self.response(error)
      // What is left of the body is taken in for a moment, so that the client gets to read why.
      let hasBody = request.headers[.contentLength].map { $0 != "0" } ?? request.headers.contains(.transferEncoding)
      if !isRead, hasBody {
        response.headers[.connection] = "close"
        connection.closeSoon()
      }
    }
    defer { log.end(response.status.code) }
    response.headers[.server] = "gobi"
    response.headers[.date] = Self.date()
    if let name = HTTPField.Name("x-request-id") { response.headers[name] = log.id }
    if request.method == .head { response = response.createHeadResponse() }
    try await writer.write(response: response.head, body: response.body)
  }

  private func authorise(_ endpoint: Endpoint, _ headers: HTTPFields) throws(APIError) {
    if endpoint == .health || endpoint == .metrics && options.hasOpenMetrics { return }
    guard options.keys.allow(headers[.authorization]) else {
      throw APIError(
        401, "the API key is missing or wrong; send it as 'Authorization: Bearer KEY'", code: "invalid_api_key")
    }
  }

  /// Has the service answer, and cancels that if the client goes away first.
  private func answer(
    _ endpoint: Endpoint, _ body: [UInt8], _ connection: Connection, _ gone: GoneOnce
  ) async throws(APIError) -> Answer {
    if endpoint == .metrics {
      let text = service.metrics + counters.prometheusText(connections: connections.count)
      return .document(status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(text.utf8))
    }
    let service = service
    let task = Task { () -> Result<Answer, APIError> in
      do throws(APIError) { return .success(try await service.answer(endpoint, body: body)) } catch {
        return .failure(error)
      }
    }
    connection.whenGone {
      gone.count()
      task.cancel()
    }
    defer { connection.whenGone(nil) }
    return try await task.value.get()
  }

  // MARK: Answers as responses

  private func response(_ answer: Answer, _ connection: Connection, _ gone: GoneOnce) -> Response {
    switch answer {
    case .document(let status, let type, let body):
      return Response(
        status: HTTPResponse.Status(code: status), headers: [.contentType: type, .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    case .events(let stream):
      var headers: HTTPFields = [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache"]
      // Proxies that gather a response before they pass it on would undo the stream.
      if let name = HTTPField.Name("x-accel-buffering") { headers[name] = "no" }
      return Response(
        status: .ok, headers: headers,
        body: ResponseBody { writer in
          connection.whenGone {
            gone.count()
            stream.cancel()
          }
          defer { connection.whenGone(nil) }
          try await stream.run { bytes in try await writer.write(ByteBuffer(bytes: bytes)) }
          try await writer.finish(nil)
        })
    }
  }

  private static func response(_ error: APIError) -> Response {
    var headers: HTTPFields = [.contentType: "application/json"]
    if let seconds = error.retryAfter { headers[.retryAfter] = "\(seconds)" }
    if let methods = error.allow { headers[.allow] = methods }
    if error.status == 401 { headers[.wwwAuthenticate] = "Bearer" }
    let status =
      error.status == 499
      ? HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request") : HTTPResponse.Status(code: error.status)
    return Response(
      status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: error.json.bytes)))
  }

  /// The time as HTTP writes it.
  private static func date() -> String {
    var now = time(nil), fields = tm()
    var text = [CChar](repeating: 0, count: 40)
    guard gmtime_r(&now, &fields) != nil else { return "" }
    let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &fields)
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
