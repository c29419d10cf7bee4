// How the server listens, and what one client may take of it.

public struct ServerOptions: Sendable {
  public var host = "127.0.0.1"
  /// 0 for a port that the system chooses.
  public var port = 8080
  public var keys = APIKeys()
  /// Whether `/metrics` is answered without a key; `/health` always is.
  public var hasOpenMetrics = false
  /// Bytes of one request's body.
  public var bodyBytes = 4 << 20
  /// Bytes of all bodies that are in memory at once.
  public var allBodyBytes = 256 << 20
  /// Time that a body may take to come.
  public var bodyTimeout: Duration = .seconds(30)
  /// Time that a connection may be idle, or take for a request's head.
  public var idleTimeout: Duration = .seconds(60)
  /// Time that a client may leave its side of a connection full.
  public var stallTimeout: Duration = .seconds(60)
  /// Connections that are open at once; further ones wait in the system's queue.
  public var connections = 10_240
  /// Time that requests have to end when the server is told to.
  public var drainTimeout: Duration = .seconds(30)

  public init() {}
}
