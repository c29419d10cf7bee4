// A schema's JSON with every place in it that holds a schema, by its pointer. References are followed here.

/// Places of subschemas, numbered as they are first asked for.
struct SchemaDocument: Sendable {
  private(set) var values: [JSONValue] = []
  private(set) var pointers: [String] = []
  private var index: [ExactText: Int] = [:]

  init(_ root: JSONValue) { _ = add(root, pointer: "") }

  private mutating func add(_ value: JSONValue, pointer: String) -> Int {
    if let known = index[ExactText(pointer)] { return known }
    values.append(value)
    pointers.append(pointer)
    index[ExactText(pointer)] = values.count - 1
    return values.count - 1
  }

  /// A place for a schema that the document only implies.
  mutating func imply(_ value: JSONValue, at place: Int) -> Int {
    add(value, pointer: "\(pointers[place])/(\(value.serialized()))")
  }

  /// The place of the value under keys, seen from a place; nil if there is none.
  mutating func place(_ keys: [String], in place: Int) -> Int? {
    var value = values[place], pointer = pointers[place]
    for key in keys {
      guard let inner = Self.step(value, key) else { return nil }
      value = inner
      pointer += "/" + Self.escaped(key)
    }
    return add(value, pointer: pointer)
  }

  private static func step(_ value: JSONValue, _ key: String) -> JSONValue? {
    switch value {
    case .object(let object): object[key]
    case .array: Int(key).flatMap { value[$0] }
    default: nil
    }
  }

  private static func escaped(_ key: String) -> String {
    var result = ""
    for scalar in key.unicodeScalars {
      switch scalar {
      case "~": result += "~0"
      case "/": result += "~1"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The place that a reference names: `#`, `#/a/pointer`, or `#anchor`.
  mutating func resolve(_ reference: String, at place: Int) throws(GrammarError) -> Int {
    let failure = GrammarError.unresolvedReference(pointer: pointers[place], reference: reference)
    var text = reference
    if let id = values[0]["$id"]?.string, !id.isEmpty, text.hasPrefix(id) { text.removeFirst(id.count) }
    if text.isEmpty || text == "#" { return 0 }
    guard text.hasPrefix("#") else { throw failure }
    guard let fragment = Self.percentDecoded(text.dropFirst()) else { throw failure }
    if fragment.hasPrefix("/") {
      let keys = fragment.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(Self.unescaped)
      guard let target = self.place(Array(keys), in: 0) else { throw failure }
      return target
    }
    guard let keys = anchor(fragment), let target = self.place(keys, in: 0) else { throw failure }
    return target
  }

  private static func unescaped(_ key: Substring) -> String {
    var result = "", pending = false
    for scalar in key.unicodeScalars {
      if pending {
        result += scalar == "1" ? "/" : scalar == "0" ? "~" : "~\(scalar)"
        pending = false
      } else if scalar == "~" {
        pending = true
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = [], rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The keys to the schema with an anchor: `$anchor`, or in older drafts `$id` with a fragment.
  private func anchor(_ name: String) -> [String]? {
    var pending: [(value: JSONValue, keys: [String])] = [(values[0], [])]
    while let (value, keys) = pending.popLast() {
      switch value {
      case .object(let object):
        if object["$anchor"]?.string == name || object["$id"]?.string == "#" + name { return keys }
        for (key, inner) in object where key != "enum" && key != "const" { pending.append((inner, keys + [key])) }
      case .array(let values):
        for (index, inner) in values.enumerated() { pending.append((inner, keys + [String(index)])) }
      default: break
      }
    }
    return nil
  }
}
