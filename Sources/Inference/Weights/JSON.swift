// JSON values, and writing them as text. The strict parser is in JSONParser.swift; nothing here touches a file.

/// A JSON value. Whole numbers that fit 64 bits are ``int(_:)``; every other number is ``double(_:)``.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

extension JSONValue {
  /// Equal when of the same case and content. `1` and `1.0` differ; strings compare byte by byte.
  public static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.double(let a), .double(let b)): a == b
    case (.string(let a), .string(let b)): a.isSameText(as: b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }
}

extension String {
  /// Whether both are the same sequence of code points, which `==` does not ask: it compares up to canonical
  /// equivalence.
  package func isSameText(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

/// A string as a dictionary's key that is equal only to the same sequence of code points.
package struct ExactText: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: ExactText, b: ExactText) -> Bool { a.text.isSameText(as: b.text) }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Offset in bytes from the start of the text.
  public let offset: Int
  public let reason: String

  public init(offset: Int, reason: String) {
    self.offset = offset
    self.reason = reason
  }

  public var description: String { "JSON, byte \(offset): \(reason)" }
}

/// A JSON object that keeps the order in which its keys first came. Keys are the same when their bytes are: unlike
/// Swift strings, which compare by canonical equivalence, "é" and "e" with a combining accent are two keys, as they
/// are two tokens in many a vocabulary.
public struct JSONObject: Sendable {
  public private(set) var keys: [String] = []
  public private(set) var values: [JSONValue] = []
  /// Position of each key. Small objects, which most are, do without and are searched in order.
  private var index: [ExactText: Int]?
  private static let indexedFrom = 12

  public init() {}

  /// Takes the pairs in order; a later pair with the same key replaces the value of the earlier.
  public init(_ pairs: some Sequence<(String, JSONValue)>) {
    for (key, value) in pairs { set(key, value) }
  }

  public var count: Int { keys.count }
  public var isEmpty: Bool { keys.isEmpty }

  /// The value under `key`. Setting nil removes the key, in time linear in `count`.
  public subscript(_ key: String) -> JSONValue? {
    get {
      guard let position = position(of: key) else { return nil }
      return values[position]
    }
    set {
      if let newValue {
        set(key, newValue)
      } else if let position = position(of: key) {
        keys.remove(at: position)
        values.remove(at: position)
        index = nil
        indexIfLarge()
      }
    }
  }

  private func position(of key: String) -> Int? {
    if let index { return index[ExactText(key)] }
    return keys.firstIndex { $0.isSameText(as: key) }
  }

  mutating func set(_ key: String, _ value: JSONValue) {
    if let position = position(of: key) {
      values[position] = value
      return
    }
    keys.append(key)
    values.append(value)
    if index != nil {
      index?[ExactText(key)] = keys.count - 1
    } else {
      indexIfLarge()
    }
  }

  private mutating func indexIfLarge() {
    guard keys.count >= Self.indexedFrom else { return }
    var table = [ExactText: Int](minimumCapacity: keys.count * 2)
    for (position, key) in keys.enumerated() { table[ExactText(key)] = position }
    index = table
  }
}

extension JSONObject: Equatable {
  /// Equal when both hold the same keys with equal values; the order of keys does not count.
  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    guard a.count == b.count else { return false }
    return a.allSatisfy { key, value in b[key] == value }
  }
}

extension JSONObject: Sequence {
  public func makeIterator() -> AnyIterator<(key: String, value: JSONValue)> {
    var next = 0
    return AnyIterator {
      guard next < keys.count else { return nil }
      defer { next += 1 }
      return (keys[next], values[next])
    }
  }

  public var underestimatedCount: Int { count }
}

// MARK: - Reading

extension JSONValue {
  public var isNull: Bool { self == .null }

  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The whole number, nil for `1.0` and for numbers outside `Int64`.
  public var int: Int? {
    if case .int(let value) = self { Int(exactly: value) } else { nil }
  }

  /// The number, whole or not.
  public var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  public var array: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  public var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The value under `key`, nil where this is no object or has no such key.
  public subscript(_ key: String) -> JSONValue? { object?[key] }

  /// Element `position`, nil where this is no array or is shorter.
  public subscript(_ position: Int) -> JSONValue? {
    guard case .array(let values) = self, values.indices.contains(position) else { return nil }
    return values[position]
  }
}

// MARK: - Writing

extension JSONValue {
  /// The value as JSON text: doubles in the shortest form that reads back equal, keys in their order, control
  /// characters escaped and all else as it is. `pretty` breaks lines and indents by two spaces. JSON has no
  /// infinities and no NaN: they are written as null.
  public func serialized(pretty: Bool = false) -> String {
    var out = ""
    write(to: &out, pretty: pretty, level: 0)
    return out
  }

  private func write(to out: inout String, pretty: Bool, level: Int) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .int(let value): out += String(value)
    case .double(let value): out += value.isFinite ? value.description : "null"
    case .string(let value): Self.write(value, to: &out)
    case .array(let values):
      out += "["
      for (position, value) in values.enumerated() {
        Self.separate(&out, first: position == 0, pretty: pretty, level: level + 1)
        value.write(to: &out, pretty: pretty, level: level + 1)
      }
      if pretty, !values.isEmpty { Self.newLine(&out, level: level) }
      out += "]"
    case .object(let object):
      out += "{"
      for (position, (key, value)) in object.enumerated() {
        Self.separate(&out, first: position == 0, pretty: pretty, level: level + 1)
        Self.write(key, to: &out)
        out += pretty ? ": " : ":"
        value.write(to: &out, pretty: pretty, level: level + 1)
      }
      if pretty, !object.isEmpty { Self.newLine(&out, level: level) }
      out += "}"
    }
  }

  private static func separate(_ out: inout String, first: Bool, pretty: Bool, level: Int) {
    if !first { out += "," }
    if pretty { newLine(&out, level: level) }
  }

  private static func newLine(_ out: inout String, level: Int) {
    out += "\n"
    for _ in 0..<level { out += "  " }
  }

  /// Appends `text` as a JSON string, quotes included.
  package static func write(_ text: String, to out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{8}": out += "\\b"
      case "\u{c}": out += "\\f"
      case "\0"..<" ":
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}

// MARK: - Literals

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}
