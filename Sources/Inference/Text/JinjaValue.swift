// The values that a template computes with. All are immutable but namespaces; each container knows how deep it nests.

enum JinjaValue {
  case undefined(JinjaMissing)
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case list(JinjaList)
  case dict(JinjaDict)
  case generator(JinjaGenerator)
  case namespace(JinjaNamespace)
  case function(JinjaFunction)
  case loop(JinjaLoop)
}

/// What was not there: the name, and the kind of value that it was looked for in.
final class JinjaMissing {
  let owner: String?
  let name: String
  /// Whether this is a name or key in quotes, rather than an index or a whole sentence.
  let isName: Bool

  init(_ name: String, of owner: String? = nil, isName: Bool = true) {
    self.name = name
    self.owner = owner
    self.isName = isName
  }

  var message: String {
    guard let owner else { return isName ? "'\(name)' is undefined" : name }
    return isName ? "'\(owner)' has no attribute '\(name)'" : "\(owner) has no element \(name)"
  }
}

/// A sequence that can be indexed, or a view of a dict's items.
final class JinjaList {
  enum Kind: Equatable {
    case list, tuple
    case view(String)
    case range(start: Int, stop: Int, step: Int)
  }

  let items: [JinjaValue]
  let kind: Kind
  let depth: Int

  init(_ items: [JinjaValue], kind: Kind = .list) {
    self.items = items
    self.kind = kind
    depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
  }
}

/// What a lazy filter gives: it can be walked once, and it is true even when empty.
final class JinjaGenerator {
  private var rest: ArraySlice<JinjaValue>
  let depth: Int
  let name: String

  init(_ items: [JinjaValue], name: String = "generator") {
    rest = items[...]
    depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
    self.name = name
  }

  func next() -> JinjaValue? { rest.popFirst() }

  func takeAll() -> [JinjaValue] {
    defer { rest = [] }
    return Array(rest)
  }
}

/// What a dict can be keyed by. `1`, `1.0` and `true` are one key.
enum JinjaKey: Hashable {
  case string(ExactText)
  case number(Double)
  case int(Int)
  case bool(Bool)
  case none
  case tuple([JinjaKey])

  static func == (a: JinjaKey, b: JinjaKey) -> Bool {
    switch (a, b) {
    case (.string(let a), .string(let b)): return a == b
    case (.none, .none): return true
    case (.tuple(let a), .tuple(let b)): return a == b
    default:
      if let a = a.whole, let b = b.whole { return a == b }
      guard case .number(let a) = a, case .number(let b) = b else { return false }
      return a == b
    }
  }

  func hash(into hasher: inout Hasher) {
    switch self {
    case .string(let text): hasher.combine(text)
    case .none: hasher.combine(0 as UInt8)
    case .tuple(let keys): hasher.combine(keys)
    case .number, .int, .bool:
      if let whole {
        hasher.combine(whole)
      } else if case .number(let value) = self {
        hasher.combine(value)
      }
    }
  }

  private var whole: Int? {
    switch self {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  var value: JinjaValue {
    switch self {
    case .string(let text): .string(text.text)
    case .number(let value): .double(value)
    case .int(let value): .int(value)
    case .bool(let value): .bool(value)
    case .none: .none
    case .tuple(let keys): .list(JinjaList(keys.map(\.value), kind: .tuple))
    }
  }
}

/// A dict in order of insertion.
final class JinjaDict {
  let keys: [JinjaKey]
  let values: [JinjaValue]
  let depth: Int
  /// Only large dicts are indexed; the small ones of chat messages are searched in order.
  private let index: [JinjaKey: Int]?
  private static let indexedFrom = 10

  init(_ pairs: [(JinjaKey, JinjaValue)] = []) {
    var keys: [JinjaKey] = []
    var values: [JinjaValue] = []
    var index: [JinjaKey: Int] = [:]
    let isIndexed = pairs.count >= Self.indexedFrom
    for (key, value) in pairs {
      if let position = isIndexed ? index[key] : keys.firstIndex(of: key) {
        values[position] = value
      } else {
        if isIndexed { index[key] = keys.count }
        keys.append(key)
        values.append(value)
      }
    }
    self.keys = keys
    self.values = values
    self.index = isIndexed ? index : nil
    depth = 1 + (values.lazy.map(\.depth).max() ?? 0)
  }

  func position(of key: JinjaKey) -> Int? {
    if let index { return index[key] }
    return keys.firstIndex(of: key)
  }

  subscript(_ key: JinjaKey) -> JinjaValue? { position(of: key).map { values[$0] } }

  subscript(_ key: String) -> JinjaValue? { self[.string(ExactText(key))] }

  /// (key, value) tuples.
  var items: [JinjaValue] {
    zip(keys, values).map { key, value in .list(JinjaList([key.value, value], kind: .tuple)) }
  }
}

/// The one value that a template can change: attributes that outlive the scopes they are set in.
final class JinjaNamespace {
  var keys: [String] = []
  var values: [ExactText: JinjaValue] = [:]

  func set(_ name: String, _ value: JinjaValue) {
    if values.updateValue(value, forKey: ExactText(name)) == nil { keys.append(name) }
  }

  func clear() {
    keys = []
    values = [:]
  }
}

/// What can be called.
final class JinjaFunction {
  enum Kind {
    case macro(JinjaMacro, JinjaScope)
    /// A method of a value, such as `text.split`.
    case method(JinjaValue, String)
    case global(String)
    case joiner(separator: String)
    case cycler([JinjaValue])
  }

  let kind: Kind
  /// How often a joiner or cycler was used.
  var uses = 0

  init(_ kind: Kind) { self.kind = kind }

  var depth: Int {
    switch kind {
    case .method(let receiver, _): 1 + receiver.depth
    case .cycler(let items): 1 + (items.lazy.map(\.depth).max() ?? 0)
    default: 1
    }
  }
}

/// The `loop` of a `for`.
final class JinjaLoop {
  let items: [JinjaValue]
  var index = 0
  let depth: Int
  let level: Int
  let syntax: JinjaLoopSyntax
  /// The scope around a recursive loop, which alone can be run again from within. The machine must own it too.
  let scope: JinjaScope?
  var lastChanged: [JinjaValue]?

  init(items: [JinjaValue], level: Int, syntax: JinjaLoopSyntax, scope: JinjaScope?) {
    self.items = items
    self.level = level
    self.syntax = syntax
    self.scope = scope
    depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
  }
}

/// The names that one block of a template has set.
final class JinjaScope {
  var values: [ExactText: JinjaValue] = [:]
  let parent: JinjaScope?

  init(parent: JinjaScope?) { self.parent = parent }

  func find(_ name: ExactText) -> JinjaValue? {
    var scope: JinjaScope? = self
    while let current = scope {
      if let value = current.values[name] { return value }
      scope = current.parent
    }
    return nil
  }
}

extension JinjaValue {
  /// How deep this nests. Namespaces and macros count as flat: the machine takes them apart one by one at the end.
  var depth: Int {
    switch self {
    case .list(let list): list.depth
    case .dict(let dict): dict.depth
    case .generator(let generator): generator.depth
    case .function(let function): function.depth
    case .loop(let loop): loop.depth
    case .namespace: 1
    default: 0
    }
  }

  var isUndefined: Bool {
    if case .undefined = self { true } else { false }
  }

  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .double(let value): value != 0
    case .string(let text): !text.isEmpty
    case .list(let list): !list.items.isEmpty
    case .dict(let dict): !dict.keys.isEmpty
    case .generator, .namespace, .function, .loop: true
    }
  }

  /// The name of the value's type, as Python has it.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int: "int"
    case .double: "float"
    case .string: "str"
    case .list(let list):
      switch list.kind {
      case .list: "list"
      case .tuple: "tuple"
      case .view(let name): name
      case .range: "range"
      }
    case .dict: "dict"
    case .generator(let generator): generator.name
    case .namespace: "Namespace"
    case .function: "function"
    case .loop: "LoopContext"
    }
  }

  /// The type's name as an error about a missing attribute shows it.
  var ownerName: String {
    if case .none = self { "None" } else { typeName + " object" }
  }

  /// The value as an index or count: whole numbers and booleans.
  var wholeNumber: Int? {
    switch self {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// The value as a number of any kind.
  var number: Double? {
    if case .double(let value) = self { return value }
    return wholeNumber.map(Double.init)
  }

  init(_ constant: JinjaConstant) {
    switch constant {
    case .none: self = .none
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .string(let text): self = .string(text)
    }
  }

  /// Converts what JSON holds; nil where it nests deeper than `maximumDepth`.
  init?(_ json: JSONValue, maximumDepth: Int) {
    guard maximumDepth >= 0 else { return nil }
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(Int(value))
    case .double(let value): self = .double(value)
    case .string(let text): self = .string(text)
    case .array(let values):
      var items: [JinjaValue] = []
      items.reserveCapacity(values.count)
      for value in values {
        guard let item = JinjaValue(value, maximumDepth: maximumDepth - 1) else { return nil }
        items.append(item)
      }
      self = .list(JinjaList(items))
    case .object(let object):
      var pairs: [(JinjaKey, JinjaValue)] = []
      pairs.reserveCapacity(object.count)
      for (key, value) in object {
        guard let item = JinjaValue(value, maximumDepth: maximumDepth - 1) else { return nil }
        pairs.append((.string(ExactText(key)), item))
      }
      self = .dict(JinjaDict(pairs))
    }
  }
}
