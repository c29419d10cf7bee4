// Requests from Hummingbird to the service, and its answers back.
import HTTPTypes
import Hummingbird
import Inference
import Logging
import NIOCore

/// Where a request came from.
struct RequestOrigin: InitializableFromSource {
  let channel: any Channel
  let logger: Logger

  init(source: ApplicationRequestContextSource) {
    channel = source.channel
    logger = source.logger
  }
}

struct Responder: HTTPResponder {
  let service: InferenceService
  let options: ServerOptions
  let connections: Connections
  let counters: ServerCounters
  private var bodies: BodyReader { BodyReader(options: options, counters: counters) }

  init(_ service: InferenceService, _ options: ServerOptions, _ connections: Connections, _ counters: ServerCounters) {
    self.service = service
    self.options = options
    self.connections = connections
    self.counters = counters
  }

  func respond(to request: Request, context: RequestOrigin) async -> Response {
    counters.began()
    var log = RequestLog(request, context.logger, counters)
    let connection = connections.connection(of: context.channel) ?? Connection(channel: context.channel)
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
      let answer = try await answer(endpoint, body, connection)
      response = self.response(answer, connection, log)
    } catch {
      response = Self.response(error)
      // What is left of the body is taken in for a moment, so that the client gets to read why.
      let hasBody = request.headers[.contentLength].map { $0 != "0" } ?? request.headers.contains(.transferEncoding)
      if !isRead, hasBody {
        response.headers[.connection] = "close"
        connection.closeSoon()
      }
      log.end(error.status)
    }
    if let name = HTTPField.Name("x-request-id") { response.headers[name] = log.id }
    return request.method == .head ? response.createHeadResponse() : response
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
    _ endpoint: Endpoint, _ body: [UInt8], _ connection: Connection
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
    connection.whenGone { [counters] in
      counters.vanished()
      task.cancel()
    }
    defer { connection.whenGone(nil) }
    return try await task.value.get()
  }

  // MARK: Answers as responses

  private func response(_ answer: Answer, _ connection: Connection, _ log: RequestLog) -> Response {
    switch answer {
    case .document(let status, let type, let body):
      log.end(status)
      return Response(
        status: HTTPResponse.Status(code: status), headers: [.contentType: type, .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    case .events(let stream):
      var headers: HTTPFields = [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache"]
      // Proxies that gather a response before they pass it on would undo the stream.
      if let name = HTTPField.Name("x-accel-buffering") { headers[name] = "no" }
      let counters = counters
      return Response(
        status: .ok, headers: headers,
        body: ResponseBody { writer in
          connection.whenGone {
            counters.vanished()
            stream.cancel()
          }
          defer {
            connection.whenGone(nil)
            log.end(200)
          }
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
}
