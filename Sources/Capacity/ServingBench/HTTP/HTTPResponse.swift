// An HTTP/1.1 response as its bytes come in: status, headers, and a body by chunks, by length, or to the end of the
// connection. What a server may send is hostile input: every part has a bound.

package struct HTTPResponse {
  private enum State: Equatable {
    case status, headers, sized(Int), toTheEnd, chunkSize, chunk(Int), chunkEnd, trailer, done
  }

  /// 0 until the status line is there.
  package private(set) var status = 0
  private(set) var reason = ""
  private var state = State.status
  private var line: [UInt8] = []
  private var headerBytes = 0
  private var isChunked = false
  private var length: Int?

  package init() {}

  static let mostHeaderBytes = 1 << 16
  private static let longestLine = 1 << 14

  /// The whole body has come.
  package var isDone: Bool { state == .done }
  /// Whether the connection may end here without anything missing.
  var mayEnd: Bool { state == .done || state == .toTheEnd }

  /// Takes what has come and returns the part of the body that is in it.
  package mutating func take(_ bytes: [UInt8]) throws(HTTPFailure) -> [UInt8] {
    var body: [UInt8] = []
    var rest = bytes[...]
    while let first = rest.first, state != .done {
      switch state {
      case .toTheEnd:
        body += rest
        rest = []
      case .sized(let left), .chunk(let left):
        let part = rest.prefix(left)
        body += part
        rest = rest.dropFirst(part.count)
        advance(left - part.count)
      default:
        rest = rest.dropFirst()
        if first != 10 {
          line.append(first)
          guard line.count <= Self.longestLine else { throw HTTPFailure(what: "a header line is too long") }
        } else {
          if line.last == 13 { line.removeLast() }
          let text = String(decoding: line, as: UTF8.self)
          line.removeAll(keepingCapacity: true)
          try end(of: text)
        }
      }
    }
    return body
  }

  private mutating func advance(_ left: Int) {
    if case .sized = state {
      state = left == 0 ? .done : .sized(left)
    } else {
      state = left == 0 ? .chunkEnd : .chunk(left)
    }
  }

  private mutating func end(of text: String) throws(HTTPFailure) {
    switch state {
    case .status:
      let parts = text.split(separator: " ", maxSplits: 2)
      guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let code = Int(parts[1]), (100...999).contains(code) else {
        throw HTTPFailure(what: "not an HTTP/1.1 response: \(text.prefix(60))")
      }
      (status, reason) = (code, parts.count > 2 ? String(parts[2].prefix(60)) : "")
      state = .headers
    case .headers:
      headerBytes += text.utf8.count
      guard headerBytes <= Self.mostHeaderBytes else { throw HTTPFailure(what: "the headers are too long") }
      if text.isEmpty { endHeaders() } else { try header(text) }
    case .chunkSize:
      let digits = text.prefix { $0.isHexDigit }
      guard !digits.isEmpty, let size = Int(digits, radix: 16), size <= 1 << 30 else {
        throw HTTPFailure(what: "a chunk without a size")
      }
      state = size == 0 ? .trailer : .chunk(size)
    case .chunkEnd:
      guard text.isEmpty else { throw HTTPFailure(what: "a chunk is longer than its size") }
      state = .chunkSize
    case .trailer:
      if text.isEmpty { state = .done }
    case .sized, .toTheEnd, .chunk, .done: break
    }
  }

  private mutating func header(_ text: String) throws(HTTPFailure) {
    guard let colon = text.firstIndex(of: ":") else { throw HTTPFailure(what: "a header without a colon") }
    let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
    switch text[..<colon].lowercased() {
    case "transfer-encoding": isChunked = value.lowercased().contains("chunked")
    case "content-length":
      guard let size = Int(value), size >= 0 else { throw HTTPFailure(what: "a length that is none") }
      length = size
    default: break
    }
  }

  private mutating func endHeaders() {
    // 1xx announce the real one.
    if status < 200 {
      (state, length, isChunked) = (.status, nil, false)
    } else if isChunked {
      state = .chunkSize
    } else if let length {
      state = length == 0 ? .done : .sized(length)
    } else {
      state = .toTheEnd
    }
  }
}
