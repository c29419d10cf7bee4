// Who may ask. Keys are compared without telling by the time how much of one was right.

/// The keys that requests must bring as `Authorization: Bearer KEY`; none lets everybody in.
public struct APIKeys: Sendable {
  private let keys: [[UInt8]]

  /// - Parameter text: a key a line; blank lines and those that begin with `#` are passed over.
  public init(text: String = "") {
    keys = text.split(whereSeparator: \.isNewline).map(Self.trimmed)
      .filter { !$0.isEmpty && $0.first != UInt8(ascii: "#") }
  }

  public var isEmpty: Bool { keys.isEmpty }

  /// Whether the value of an `Authorization` header has one of the keys.
  public func allow(_ authorization: String?) -> Bool {
    if keys.isEmpty { return true }
    guard let authorization, authorization.prefix(7).lowercased() == "bearer " else { return false }
    let given = Self.trimmed(authorization.dropFirst(7))
    var isRight = false
    for key in keys { isRight = Self.areEqual(key, given) || isRight }
    return isRight
  }

  private static func trimmed(_ text: Substring) -> [UInt8] {
    var bytes = Array(text.utf8)[...]
    while bytes.first == 0x20 || bytes.first == 0x09 { bytes.removeFirst() }
    while bytes.last == 0x20 || bytes.last == 0x09 { bytes.removeLast() }
    return Array(bytes)
  }

  /// Looks at every byte of what was given, whatever the first difference.
  private static func areEqual(_ key: [UInt8], _ given: [UInt8]) -> Bool {
    var difference = key.count ^ given.count
    for index in given.indices { difference |= Int(key[index % key.count] ^ given[index]) }
    return difference == 0
  }
}
