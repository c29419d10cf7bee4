// A stream of server-sent events as its bytes come in: the data of each event. Names, ids and comments are passed over.

package struct ServerSentEvents {
  package init() {}

  private var line: [UInt8] = []
  private var data: [UInt8] = []
  private var hasData = false
  private var followsReturn = false

  private static let mostBytes = 1 << 22

  /// Takes what has come and returns the data of the events that are complete.
  package mutating func take(_ bytes: [UInt8]) throws(HTTPFailure) -> [String] {
    var events: [String] = []
    for byte in bytes {
      // A line ends with CR, LF, or both.
      if byte == 10, followsReturn {
        followsReturn = false
        continue
      }
      followsReturn = byte == 13
      guard byte == 10 || byte == 13 else {
        line.append(byte)
        guard line.count + data.count <= Self.mostBytes else { throw HTTPFailure(what: "an event is too long") }
        continue
      }
      if line.isEmpty {
        if hasData { events.append(String(decoding: data, as: UTF8.self)) }
        data.removeAll(keepingCapacity: true)
        hasData = false
      } else if line.starts(with: "data:".utf8) {
        if hasData { data.append(10) }
        data += line.dropFirst(line.count > 5 && line[5] == 0x20 ? 6 : 5)
        hasData = true
      }
      line.removeAll(keepingCapacity: true)
    }
    return events
  }
}
