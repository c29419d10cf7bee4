// The paths that there are, and what each takes.

/// What a request's method and path ask for.
public enum Endpoint: Sendable, Equatable {
  case models
  case model(String)
  case completions, chat, embeddings, rerank
  case health, metrics

  /// Reads a method and a path (a query is passed over). The `/v1` may be left out, as some clients do.
  ///
  /// - Throws: 404 for a path that there is not, 405 for a method that it does not take.
  public init(method: String, path: String) throws(APIError) {
    var path = path.prefix { $0 != "?" && $0 != "#" }
    if path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard let endpoint = Self.named(path.hasPrefix("/v1/") ? path.dropFirst(3) : path) else {
      throw APIError(404, "there is no '\(path.prefix(200))' here", code: "not_found")
    }
    let isRight = endpoint.hasBody ? method == "POST" : method == "GET" || method == "HEAD"
    guard isRight else {
      let allowed = endpoint.hasBody ? "POST" : "GET, HEAD"
      throw APIError(
        405, "\(path.prefix(200)) takes \(allowed), not \(method.prefix(20))", code: "method_not_allowed",
        allow: allowed)
    }
    self = endpoint
  }

  private static func named(_ path: Substring) -> Endpoint? {
    switch path {
    case "/models": return .models
    case "/completions": return .completions
    case "/chat/completions": return .chat
    case "/embeddings": return .embeddings
    case "/rerank", "/v2/rerank": return .rerank
    case "/health": return .health
    case "/metrics": return .metrics
    default:
      guard path.hasPrefix("/models/"), let label = percentDecoded(path.dropFirst(8)) else { return nil }
      return .model(label)
    }
  }

  /// Whether the request is a POST with a JSON body.
  public var hasBody: Bool {
    switch self {
    case .completions, .chat, .embeddings, .rerank: true
    case .models, .model, .health, .metrics: false
    }
  }

  /// The path in metrics.
  public var route: String {
    switch self {
    case .models: "/v1/models"
    case .model: "/v1/models/{id}"
    case .completions: "/v1/completions"
    case .chat: "/v1/chat/completions"
    case .embeddings: "/v1/embeddings"
    case .rerank: "/v1/rerank"
    case .health: "/health"
    case .metrics: "/metrics"
    }
  }

  /// Nil for escapes that are none, and for what is not UTF-8 behind them.
  private static func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
