// Where a completions endpoint is: plain HTTP/1.1 by name or address. TLS, proxies and redirects are not spoken: a
// measurement goes straight to the server, or through a plain port beside it.
import Foundation

public struct HTTPEndpoint: Sendable, Equatable {
  public let host: String
  public let port: UInt16
  /// With its query, as it is sent.
  public let path: String

  /// "http://host:port/v1/completions"; the port is 80 where none is given. Throws .option for anything else.
  public init(_ text: String) throws(CapacityError) {
    let wrong = { (what: String) in CapacityError.option(name: "url", what: "\(text.prefix(200)): \(what)") }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw wrong("a URL has visible ASCII letters only") }
    guard !text.lowercased().hasPrefix("https://") else {
      throw wrong("https is not spoken here; give the server's plain port")
    }
    guard let parts = URLComponents(string: text), parts.scheme?.lowercased() == "http", let name = parts.host,
      !name.isEmpty, parts.user == nil, parts.fragment == nil
    else { throw wrong("expected http://host:port/path") }
    guard let port = UInt16(exactly: parts.port ?? 80), port > 0 else { throw wrong("there is no such port") }
    host = name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name
    self.port = port
    let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
    self.path = path + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
  }

  /// As a Host header has it.
  var authority: String { (host.contains(":") ? "[\(host)]" : host) + (port == 80 ? "" : ":\(port)") }
}
