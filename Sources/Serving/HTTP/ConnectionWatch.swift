// What a connection's handler sees and the request's handler must know: that the client has gone, that it reads nothing,
// that it waits to be told to send its body.
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// A connection, for whoever answers its requests. Safe to use from any thread.
final class Connection: Sendable {
  private struct State: Sendable {
    var isGone = false
    var onGone: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  let channel: any Channel

  init(channel: any Channel) { self.channel = channel }

  /// Runs `action` when the client goes away, at once if it has; in place of an action given before.
  func whenGone(_ action: (@Sendable () -> Void)?) {
    let isGone = state.withLock { state in
      state.onGone = state.isGone ? nil : action
      return state.isGone
    }
    if isGone { action?() }
  }

  func markGone() {
    let action = state.withLock { state in
      state.isGone = true
      defer { state.onGone = nil }
      return state.onGone
    }
    action?()
  }

  var isGone: Bool { state.withLock { $0.isGone } }

  /// Closes the connection after a while in which the client can read what it was told.
  func closeSoon() {
    channel.eventLoop.scheduleTask(in: .seconds(2)) { [channel] in channel.close(promise: nil) }
  }
}

/// The open connections by their channel.
final class Connections: Sendable {
  private let table = Mutex<[ObjectIdentifier: Connection]>([:])

  var count: Int { table.withLock { $0.count } }

  func add(_ channel: any Channel) -> Connection {
    let connection = Connection(channel: channel)
    table.withLock { $0[ObjectIdentifier(channel)] = connection }
    return connection
  }

  func remove(_ channel: any Channel) { table.withLock { $0[ObjectIdentifier(channel)] = nil } }

  func connection(of channel: any Channel) -> Connection? { table.withLock { $0[ObjectIdentifier(channel)] } }
}

/// Stands in a connection's pipeline. Confined to its event loop.
final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let connections: Connections
  private let counters: ServerCounters
  /// How long a client may leave the connection's buffer full.
  private let patience: TimeAmount
  private let bodyLimit: Int
  private var connection: Connection?
  private var stall: Scheduled<Void>?

  init(_ connections: Connections, _ counters: ServerCounters, patience: TimeAmount, bodyLimit: Int) {
    self.connections = connections
    self.counters = counters
    self.patience = patience
    self.bodyLimit = bodyLimit
  }

  func handlerAdded(context: ChannelHandlerContext) { connection = connections.add(context.channel) }

  func handlerRemoved(context: ChannelHandlerContext) { leave(context.channel) }

  func channelInactive(context: ChannelHandlerContext) {
    leave(context.channel)
    context.fireChannelInactive()
  }

  private func leave(_ channel: any Channel) {
    stall?.cancel()
    stall = nil
    guard let connection else { return }
    self.connection = nil
    connections.remove(channel)
    connection.markGone()
  }

  /// A client that closes its side wants no answer any more: that is all that a socket shows of one that vanished.
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed { connection?.markGone() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let head) = unwrapInboundIn(data), head.headerFields[.expect]?.lowercased() == "100-continue",
      head.headerFields[.contentLength].flatMap({ Int($0) }) ?? 0 <= bodyLimit
    {
      context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
    context.fireChannelRead(data)
  }

  /// A client that does not read for too long loses the connection, and with it what is generated for it.
  func channelWritabilityChanged(context: ChannelHandlerContext) {
    stall?.cancel()
    stall = nil
    if !context.channel.isWritable {
      let channel = context.channel, counters = counters
      stall = context.eventLoop.scheduleTask(in: patience) {
        counters.stalled()
        channel.close(promise: nil)
      }
    }
    context.fireChannelWritabilityChanged()
  }
}
