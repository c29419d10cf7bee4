// What one alternative of a schema says of a value, after references and combinations are worked in.

/// Kinds of JSON values as schemas tell them apart.
struct SchemaTypes: OptionSet, Hashable, Sendable {
  let rawValue: UInt8
  static let null = SchemaTypes(rawValue: 1)
  static let boolean = SchemaTypes(rawValue: 2)
  static let integer = SchemaTypes(rawValue: 4)
  /// Numbers that may be no whole ones.
  static let fraction = SchemaTypes(rawValue: 8)
  static let string = SchemaTypes(rawValue: 16)
  static let array = SchemaTypes(rawValue: 32)
  static let object = SchemaTypes(rawValue: 64)
  static let number: SchemaTypes = [.integer, .fraction]
  static let all = SchemaTypes(rawValue: 127)

  static func named(_ name: String) -> SchemaTypes? {
    switch name {
    case "null": .null
    case "boolean": .boolean
    case "integer": .integer
    case "number": .number
    case "string": .string
    case "array": .array
    case "object": .object
    default: nil
    }
  }
}

/// A conjunction: every field narrows what is allowed. Places are those of a ``SchemaDocument``.
struct SchemaFacts: Sendable {
  struct Pattern: Hashable, Sendable {
    let text: String
    /// Where it stands, for errors.
    let place: Int
    let keyword: String
  }

  struct Items: Sendable {
    var prefix: [Int] = []
    /// The schema of items behind the prefix.
    var rest: Int?
  }

  struct Properties: Sendable {
    var listed: [(name: String, place: Int)] = []
    var patterns: [(pattern: Pattern, place: Int)] = []
    /// The schema of properties that are not listed and match no pattern.
    var additional: Int?

    func place(of name: String) -> Int? { listed.first { $0.name.isSameText(as: name) }?.place }
  }

  struct Bound: Sendable {
    var value: DecimalNumber
    var isStrict: Bool
  }

  var types = SchemaTypes.all
  /// The only values, where `enum` or `const` lists them.
  var values: [JSONValue]?
  /// Keywords that cannot be enforced, for values of some types; of no account where values are listed.
  var obstacles: [(types: SchemaTypes, error: GrammarError)] = []

  var minimumLength = 0
  var maximumLength: Int?
  var patterns: [Pattern] = []
  var excludedStrings: [String] = []

  var lower: Bound?
  var upper: Bound?
  var divisors: [Int] = []

  var items: [Items] = []
  /// Schemas of which the array's first items are an example each.
  var contained: [(place: Int, count: Int)] = []
  var minimumItems = 0
  var maximumItems: Int?
  /// Where `uniqueItems` stands, if it does.
  var uniquePointer: String?

  var properties: [Properties] = []
  var required: [String] = []
  var minimumProperties = 0
  /// Where the largest `minProperties` stands.
  var minimumPropertiesPointer = ""
  var maximumProperties: Int?
  var nameSchemas: [Int] = []
  /// Nothing but listed properties.
  var isClosed = false

  mutating func raise(_ bound: Bound) {
    if let lower, lower.value > bound.value || (lower.value == bound.value && lower.isStrict) { return }
    lower = bound
  }

  mutating func reduce(_ bound: Bound) {
    if let upper, upper.value < bound.value || (upper.value == bound.value && upper.isStrict) { return }
    upper = bound
  }

  mutating func cap(_ path: WritableKeyPath<SchemaFacts, Int?>, at maximum: Int) {
    self[keyPath: path] = min(self[keyPath: path] ?? maximum, maximum)
  }

  mutating func limit(to listed: [JSONValue]) {
    values = values.map { known in known.filter { value in listed.contains { $0.isSameJSON(as: value) } } } ?? listed
  }

  /// Whether it is plain that no value satisfies this.
  var isImpossible: Bool { types.isEmpty || values.map(\.isEmpty) ?? false }

  /// Names that are listed or required, in order.
  var names: [String] {
    var result: [String] = [], seen = Set<ExactText>()
    for name in properties.flatMap({ $0.listed.map(\.name) }) + required where seen.insert(ExactText(name)).inserted {
      result.append(name)
    }
    return result
  }
}

extension JSONValue {
  /// The types that a schema finds in a value. A number without a fraction is whole, however it is written.
  var schemaTypes: SchemaTypes {
    switch self {
    case .null: .null
    case .bool: .boolean
    case .int: .integer
    case .double(let value): value.rounded() == value ? .integer : .fraction
    case .string: .string
    case .array: .array
    case .object: .object
    }
  }

  /// Equal as schemas mean it: numbers by their value.
  func isSameJSON(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.int, .int): return self == other
    case (.int, .double), (.double, .int), (.double, .double):
      return DecimalNumber(self) == DecimalNumber(other)
    case (.array(let a), .array(let b)): return a.count == b.count && zip(a, b).allSatisfy { $0.isSameJSON(as: $1) }
    case (.object(let a), .object(let b)):
      return a.count == b.count && a.allSatisfy { key, value in b[key].map { $0.isSameJSON(as: value) } ?? false }
    default: return self == other
    }
  }
}
