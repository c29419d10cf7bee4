// A TCP connection with time limits, in blocking calls. Another thread may shut it down; only its own closes it.
import Foundation

/// What went wrong with a request, in words for the report.
package struct HTTPFailure: Error, Equatable {
  package var what: String
}

final class HTTPSocket {
  let descriptor: Int32

  /// Connects within `patience` seconds to the first address that answers.
  init(_ endpoint: HTTPEndpoint, patience: Double) throws(HTTPFailure) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
    guard status == 0, let first = list else {
      throw HTTPFailure(what: "\(endpoint.host): \(String(cString: gai_strerror(status)))")
    }
    defer { freeaddrinfo(first) }
    var why = "it has no address"
    var next: UnsafeMutablePointer<addrinfo>? = first
    while let address = next {
      switch Self.connected(address.pointee, patience) {
      case .success(let descriptor):
        self.descriptor = descriptor
        return
      case .failure(let failure): why = failure.what
      }
      next = address.pointee.ai_next
    }
    throw HTTPFailure(what: "cannot connect to \(endpoint.authority): \(why)")
  }

  deinit { close(descriptor) }

  private static func connected(_ address: addrinfo, _ patience: Double) -> Result<Int32, HTTPFailure> {
    let descriptor = socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return .failure(HTTPFailure(what: words(errno))) }
    // The limit of sending is that of connecting too.
    limit(descriptor, SO_SNDTIMEO, patience)
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return .success(descriptor) }
    let code = errno
    close(descriptor)
    return .failure(
      HTTPFailure(what: code == EINPROGRESS ? "no answer in \(Quantity.number(patience)) s" : words(code)))
  }

  private static func limit(_ descriptor: Int32, _ option: Int32, _ seconds: Double) {
    let whole = min(max(seconds, 0.001), 1e6)
    var time = timeval(tv_sec: Int(whole), tv_usec: Int((whole - whole.rounded(.down)) * 1e6))
    setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  private static func words(_ code: Int32) -> String { String(cString: strerror(code)) }

  func send(_ bytes: [UInt8]) throws(HTTPFailure) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw HTTPFailure(what: "the request could not be sent: \(Self.words(errno))") }
      sent += count
    }
  }

  /// What has come, at most 64 KiB; empty at the end of the stream. Throws after `patience` seconds without a byte.
  func receive(patience: Double) throws(HTTPFailure) -> [UInt8] {
    Self.limit(descriptor, SO_RCVTIMEO, patience)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count >= 0 { return Array(buffer[..<count]) }
      switch errno {
      case EINTR: continue
      case EAGAIN, EWOULDBLOCK: throw HTTPFailure(what: "no byte for \(Quantity.number(patience)) s")
      default: throw HTTPFailure(what: "the connection broke: \(Self.words(errno))")
      }
    }
  }
}
