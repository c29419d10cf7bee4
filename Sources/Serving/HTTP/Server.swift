// The server's life: it listens, serves, is told to end, lets requests finish, and ends.
import Glibc
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Serves the API over HTTP/1.1.
public struct Server: Sendable {
  private let service: InferenceService
  private let options: ServerOptions
  private let logger: Logger

  public init(service: InferenceService, options: ServerOptions = ServerOptions(), logger: Logger) {
    self.service = service
    self.options = options
    self.logger = logger
  }

  /// Listens and serves until SIGTERM or SIGINT comes, and what was accepted before it is finished.
  ///
  /// While it drains, it still listens: `/health` says 503, and so do requests. A second signal calls `onSecondSignal`,
  /// which is not expected to return.
  ///
  /// - Parameter onListening: told the port, once connections are taken.
  /// - Throws: what the system says where the address cannot be had.
  public func run(
    onListening: @escaping @Sendable (Int) -> Void = { _ in }, onSecondSignal: @escaping @Sendable () -> Void
  ) async throws {
    let counters = ServerCounters()
    let group = try lifecycle(counters, onListening)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      tasks.addTask {
        var isFirst = true
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
          guard isFirst else {
            onSecondSignal()
            continue
          }
          isFirst = false
          logger.notice("draining", metadata: ["signal": "\(signal)"])
          Task { await drain(group, counters) }
        }
      }
      defer { tasks.cancelAll() }
      try await tasks.next()
    }
  }

  private func lifecycle(
    _ counters: ServerCounters, _ onListening: @escaping @Sendable (Int) -> Void
  ) throws -> ServiceGroup {
    let connections = Connections()
    let patience = TimeAmount(options.stallTimeout), bodyLimit = options.bodyBytes
    let limit = Self.connectionLimit(options.connections, logger)
    let responder = Responder(service, options, connections, counters, logger)
    let builder = HTTPServerBuilder.http1(
      configuration: HTTP1Channel.Configuration(
        additionalChannelHandlers: [ConnectionWatch(connections, counters, patience: patience, bodyLimit: bodyLimit)],
        idleTimeout: TimeAmount(options.idleTimeout),
        httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10)))
    let server = try builder.buildServer(
      configuration: ServerConfiguration(
        address: .hostname(options.host, port: options.port), backlog: 1_024,
        availableConnectionsDelegate: .maximum(limit, logger: logger)),
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
      responder: { request, writer, channel in try await responder.respond(to: request, writer, on: channel) },
      onServerRunning: { channel in onListening(channel.localAddress?.port ?? 0) })
    var configuration = ServiceGroupConfiguration(services: [server], logger: logger)
    // A client that does not read its answer must not hold up the end.
    configuration.maximumGracefulShutdownDuration = .seconds(2)
    return ServiceGroup(configuration: configuration)
  }

  private func drain(_ group: ServiceGroup, _ counters: ServerCounters) async {
    await service.drain(patience: options.drainTimeout)
    // Everything is generated; what is left is to be read by clients.
    for _ in 0..<100 where counters.inFlight > 0 { try? await Task.sleep(for: .milliseconds(50)) }
    await group.triggerGracefulShutdown()
  }

  /// As many connections as there may be descriptors, after asking the system for all that it grants.
  private static func connectionLimit(_ wanted: Int, _ logger: Logger) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    // Models, threads and logs need some too.
    let possible = Int(clamping: limit.rlim_cur) - 128
    if possible < wanted { logger.notice("connections are limited by descriptors", metadata: ["limit": "\(possible)"]) }
    return max(min(wanted, possible), 16)
  }
}
