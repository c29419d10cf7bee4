// A server on the loopback that answers as a test says: well, badly, in pieces, or not at all.
import Foundation
import Synchronization

final class SmallServer: Sendable {
  enum Act: Sendable {
    case send(String)
    /// Until the client hangs up.
    case hang
  }

  let port: UInt16
  private let listener: Int32
  private let answer: @Sendable (String) -> [Act]
  private let seen = Mutex<[String]>([])

  /// What clients sent, heads and bodies.
  var requests: [String] { seen.withLock { $0 } }

  init(_ answer: @escaping @Sendable (String) -> [Act]) throws {
    self.answer = answer
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) | listen(descriptor, 64) | getsockname(descriptor, $0, &size)
      }
    }
    guard descriptor >= 0, status == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
    listener = descriptor
    port = UInt16(bigEndian: address.sin_port)
    let thread = Thread { [self] in
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return }
        Thread { [self] in serve(client) }.start()
      }
    }
    thread.start()
  }

  /// Nothing is accepted any more.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func serve(_ client: Int32) {
    defer { close(client) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !Self.isWhole(bytes) {
      let count = recv(client, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      bytes += buffer[..<count]
    }
    let request = String(decoding: bytes, as: UTF8.self)
    seen.withLock { $0.append(request) }
    for act in answer(request) {
      switch act {
      case .send(let text):
        let data = Array(text.utf8)
        _ = send(client, data, data.count, Int32(MSG_NOSIGNAL))
      case .hang: while recv(client, &buffer, buffer.count, 0) > 0 {}
      }
    }
  }

  private static func isWhole(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let head = text.range(of: "\r\n\r\n"),
      let length = text[..<head.lowerBound].firstMatch(of: /Content-Length: ([0-9]+)/).flatMap({ Int($0.output.1) })
    else { return false }
    return text[head.upperBound...].utf8.count >= length
  }

  // MARK: Answers

  static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

  /// A chunk of a chunked body.
  static func chunk(_ text: String) -> String { String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n" }

  static func event(_ text: String, finish: String = "null") -> String {
    "data: {\"choices\":[{\"text\":\"\(text)\",\"finish_reason\":\(finish)}]}\n\n"
  }

  /// `tokens` events, one a token, as a chunked stream with its end.
  static func stream(_ tokens: Int, usage: Int? = nil) -> [Act] {
    var text = head + "Transfer-Encoding: chunked\r\n\r\n"
    for i in 0..<tokens { text += chunk(event(" t\(i)")) }
    text += chunk(event("", finish: "\"length\""))
    if let usage { text += chunk("data: {\"choices\":[],\"usage\":{\"completion_tokens\":\(usage)}}\n\n") }
    return [.send(text + chunk("data: [DONE]\n\n") + "0\r\n\r\n")]
  }
}
