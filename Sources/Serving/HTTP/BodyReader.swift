// A request's body: its size, its kind and the time that it takes to come, all bounded.
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Reads bodies within the server's limits.
struct BodyReader: Sendable {
  let options: ServerOptions
  let counters: ServerCounters

  /// Refuses what need not be read.
  ///
  /// Only JSON is taken, and it must say so: a page in somebody's browser can send a server on this machine a form or
  /// plain text without being asked for leave, but not JSON.
  func check(_ headers: HTTPFields) throws(APIError) {
    let type = headers[.contentType]?.lowercased().prefix { $0 != ";" && $0 != " " } ?? ""
    guard type == "application/json" else {
      throw APIError(
        415, "the body's Content-Type is '\(type.prefix(100))', expected application/json",
        code: "unsupported_media_type")
    }
    if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
      throw APIError(
        415, "a body in Content-Encoding '\(encoding.prefix(40))' is not read", code: "unsupported_encoding")
    }
    if let length = headers[.contentLength].flatMap({ Int($0) }), length > options.bodyBytes { throw tooLarge }
  }

  /// The body's bytes. As many as it returns stay reserved, until the caller gives them back to the counters.
  func read(_ body: RequestBody) async throws(APIError) -> [UInt8] {
    let result: Result<[UInt8], APIError>?
    do {
      result = try await withThrowingTaskGroup(of: Result<[UInt8], APIError>?.self) { group in
        group.addTask { await collect(body) }
        group.addTask { [options] in
          try await Task.sleep(for: options.bodyTimeout)
          return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
      }
    } catch { throw .cancelled }
    guard let result else {
      throw APIError(408, "the body took longer than the server waits", code: "body_timeout")
    }
    return try result.get()
  }

  private func collect(_ body: RequestBody) async -> Result<[UInt8], APIError> {
    var bytes: [UInt8] = []
    do {
      for try await buffer in body {
        guard bytes.count + buffer.readableBytes <= options.bodyBytes else { throw tooLarge }
        guard counters.reserve(buffer.readableBytes, limit: options.allBodyBytes) else {
          throw APIError(
            503, type: "server_error", "too many bytes of requests are in memory", code: "out_of_memory",
            retryAfter: 1)
        }
        bytes += buffer.readableBytesView
      }
      return .success(bytes)
    } catch {
      counters.release(bytes.count)
      if error is CancellationError { return .failure(.cancelled) }
      return .failure(error as? APIError ?? APIError(400, "the body is not valid HTTP", code: "bad_http"))
    }
  }

  private var tooLarge: APIError {
    APIError(413, "the body is longer than \(options.bodyBytes) bytes", code: "body_too_large")
  }
}
