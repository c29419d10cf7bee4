// Whether a value satisfies a schema: for values that a schema lists itself, which other keywords may rule out.

/// A small validator. Bounded by depth and by the number of schemas that it looks at.
struct SchemaCheck {
  var document: SchemaDocument
  let limits: GrammarLimits
  private var budget: AutomatonBudget
  private var checks = 0
  private var automata: [String: ByteAutomaton] = [:]

  init(_ document: SchemaDocument, _ limits: GrammarLimits) {
    self.document = document
    self.limits = limits
    budget = AutomatonBudget(limits)
  }

  mutating func allows(_ value: JSONValue, _ place: Int, depth: Int = 0) throws(GrammarError) -> Bool {
    checks += 1
    guard checks < 1_000_000 else { throw .limit(name: "checks of listed values", maximum: 1_000_000) }
    guard depth < 64 else { throw .limit(name: "nesting", maximum: 64) }
    if case .bool(let allowed) = document.values[place] { return allowed }
    guard let schema = document.values[place].object else { return false }
    if let reference = schema["$ref"]?.string {
      guard try allows(value, document.resolve(reference, at: place), depth: depth + 1) else { return false }
    }
    guard try allowsAny(value, schema, place), try allowsCombined(value, schema, place, depth) else { return false }
    switch value {
    case .string(let text): return try allowsString(text, schema, place)
    case .int, .double: return allowsNumber(value, schema)
    case .array(let items): return try allowsArray(items, schema, place, depth)
    case .object(let object): return try allowsObject(object, schema, place, depth)
    case .null, .bool: return true
    }
  }

  private func allowsAny(_ value: JSONValue, _ schema: JSONObject, _ place: Int) throws(GrammarError) -> Bool {
    if let type = schema["type"] {
      let types = (type.array ?? [type]).reduce(SchemaTypes()) { $0.union($1.string.flatMap(SchemaTypes.named) ?? []) }
      if !types.contains(value.schemaTypes) { return false }
    }
    if let constant = schema["const"], !constant.isSameJSON(as: value) { return false }
    if let values = schema["enum"]?.array, !values.contains(where: { $0.isSameJSON(as: value) }) { return false }
    for keyword in ["$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"]
    where schema[keyword] != nil {
      throw .unsupportedKeyword(
        pointer: document.pointers[place], keyword: keyword, reason: "listed values cannot be checked against it")
    }
    return true
  }

  private mutating func count(
    _ value: JSONValue, _ keyword: String, _ schema: JSONObject, _ place: Int, _ depth: Int
  ) throws(GrammarError) -> Int? {
    guard let branches = schema[keyword]?.array else { return nil }
    var count = 0
    for index in branches.indices {
      guard let branch = document.place([keyword, String(index)], in: place) else { continue }
      if try allows(value, branch, depth: depth + 1) { count += 1 }
    }
    return count
  }

  private mutating func allowsCombined(
    _ value: JSONValue, _ schema: JSONObject, _ place: Int, _ depth: Int
  ) throws(GrammarError) -> Bool {
    if let count = try count(value, "allOf", schema, place, depth), count != schema["allOf"]?.array?.count {
      return false
    }
    if let count = try count(value, "anyOf", schema, place, depth), count == 0 { return false }
    if let count = try count(value, "oneOf", schema, place, depth), count != 1 { return false }
    if let not = document.place(["not"], in: place), try allows(value, not, depth: depth + 1) { return false }
    if let condition = document.place(["if"], in: place) {
      let branch = try allows(value, condition, depth: depth + 1) ? "then" : "else"
      if let then = document.place([branch], in: place), try !allows(value, then, depth: depth + 1) { return false }
    }
    return true
  }

  /// Whether a pattern matches somewhere in a text.
  private mutating func matches(_ text: String, _ pattern: String) throws(GrammarError) -> Bool {
    if let known = automata[pattern] { return known.accepts(text.utf8) }
    let automaton = try RegexParser.automaton(of: pattern, whole: false, limits: limits, budget: &budget)
    automata[pattern] = automaton
    return automaton.accepts(text.utf8)
  }

  private mutating func allowsString(_ text: String, _ schema: JSONObject, _ place: Int) throws(GrammarError) -> Bool {
    let length = text.unicodeScalars.count
    if let minimum = schema["minLength"]?.double, Double(length) < minimum { return false }
    if let maximum = schema["maxLength"]?.double, Double(length) > maximum { return false }
    if let pattern = schema["pattern"]?.string, try !matches(text, pattern) { return false }
    if let format = schema["format"]?.string, let pattern = SchemaFormats.patterns[format] {
      return try matches(text, pattern)
    }
    return true
  }

  private func allowsNumber(_ value: JSONValue, _ schema: JSONObject) -> Bool {
    guard let number = DecimalNumber(value) else { return false }
    func bound(_ keyword: String) -> DecimalNumber? { schema[keyword].flatMap { DecimalNumber($0) } }
    if let minimum = bound("minimum"), number < minimum { return false }
    if let maximum = bound("maximum"), number > maximum { return false }
    if let minimum = bound("exclusiveMinimum"), number <= minimum { return false }
    if let maximum = bound("exclusiveMaximum"), number >= maximum { return false }
    if let divisor = schema["multipleOf"]?.double, let value = value.double {
      return (value / divisor).rounded() == value / divisor
    }
    return true
  }

  private mutating func allowsArray(
    _ items: [JSONValue], _ schema: JSONObject, _ place: Int, _ depth: Int
  ) throws(GrammarError) -> Bool {
    if let minimum = schema["minItems"]?.double, Double(items.count) < minimum { return false }
    if let maximum = schema["maxItems"]?.double, Double(items.count) > maximum { return false }
    if schema["uniqueItems"]?.bool == true {
      for (index, item) in items.enumerated() where items[..<index].contains(where: { $0.isSameJSON(as: item) }) {
        return false
      }
    }
    let prefixKey = schema["items"]?.array == nil ? "prefixItems" : "items"
    let restKey = schema["items"]?.array == nil ? "items" : "additionalItems"
    let prefix = schema[prefixKey]?.array?.count ?? 0
    for (index, item) in items.enumerated() {
      let keys = index < prefix ? [prefixKey, String(index)] : [restKey]
      if let inner = document.place(keys, in: place), try !allows(item, inner, depth: depth + 1) { return false }
    }
    guard let contains = document.place(["contains"], in: place) else { return true }
    var count = 0.0
    for item in items where try allows(item, contains, depth: depth + 1) { count += 1 }
    return count >= schema["minContains"]?.double ?? 1 && count <= schema["maxContains"]?.double ?? .infinity
  }

  private mutating func allowsObject(
    _ object: JSONObject, _ schema: JSONObject, _ place: Int, _ depth: Int
  ) throws(GrammarError) -> Bool {
    if let minimum = schema["minProperties"]?.double, Double(object.count) < minimum { return false }
    if let maximum = schema["maxProperties"]?.double, Double(object.count) > maximum { return false }
    for name in schema["required"]?.array ?? [] where object[name.string ?? ""] == nil { return false }
    for (name, value) in object {
      var isKnown = false
      if let inner = document.place(["properties", name], in: place) {
        isKnown = true
        if try !allows(value, inner, depth: depth + 1) { return false }
      }
      for pattern in schema["patternProperties"]?.object?.keys ?? [] where try matches(name, pattern) {
        isKnown = true
        if let inner = document.place(["patternProperties", pattern], in: place),
          try !allows(value, inner, depth: depth + 1)
        {
          return false
        }
      }
      if !isKnown, let rest = document.place(["additionalProperties"], in: place),
        try !allows(value, rest, depth: depth + 1)
      {
        return false
      }
      if let names = document.place(["propertyNames"], in: place), try !allows(.string(name), names, depth: depth + 1) {
        return false
      }
    }
    for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
      for (name, what) in schema[keyword]?.object ?? JSONObject() where object[name] != nil {
        if let names = what.array {
          if !names.allSatisfy({ object[$0.string ?? ""] != nil }) { return false }
        } else if let inner = document.place([keyword, name], in: place),
          try !allows(.object(object), inner, depth: depth + 1)
        {
          return false
        }
      }
    }
    return true
  }
}
