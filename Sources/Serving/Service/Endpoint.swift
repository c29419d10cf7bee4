// The paths that there are, and what each takes.
import Foundation

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
      guard path.hasPrefix("/models/"), let label = String(path.dropFirst(8)).removingPercentEncoding else {
        return nil
      }
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
}
