// One schema object's own keywords: each is a fact, an annotation, or an obstacle with its reason.

struct SchemaKeywords {
  let schema: JSONObject
  let place: Int
  let limits: GrammarLimits
  /// Whether no other schema applies to the same value from outside.
  let isAlone: Bool

  /// Keywords with a meaning that nothing here enforces.
  private static let obstacles: [String: (types: SchemaTypes, reason: String)] = [
    "unevaluatedItems": (.array, "what other schemas have looked at is not followed"),
    "$dynamicRef": (.all, "only $ref is followed"), "$recursiveRef": (.all, "only $ref is followed"),
    "maxContains": (.array, "items that match cannot be counted"),
  ]

  func apply(to facts: inout SchemaFacts, _ document: inout SchemaDocument) throws(GrammarError) {
    let pointer = document.pointers[place]
    if place != 0, let id = schema["$id"]?.string, !id.hasPrefix("#") {
      throw .unsupportedKeyword(
        pointer: pointer, keyword: "$id", reason: "documents inside a document are not followed")
    }
    for (keyword, obstacle) in Self.obstacles where schema[keyword] != nil {
      block(&facts, obstacle.types, keyword, obstacle.reason, pointer)
    }
    try applyAny(to: &facts, &document)
    try applyString(to: &facts, pointer)
    try applyNumber(to: &facts, pointer)
    try applyArray(to: &facts, &document)
    try applyObject(to: &facts, &document)
    try applyNot(to: &facts, &document)
  }

  private func block(
    _ facts: inout SchemaFacts, _ types: SchemaTypes, _ keyword: String, _ reason: String, _ pointer: String
  ) {
    facts.obstacles.append((types, .unsupportedKeyword(pointer: pointer, keyword: keyword, reason: reason)))
  }

  // MARK: Any type

  private func applyAny(to facts: inout SchemaFacts, _ document: inout SchemaDocument) throws(GrammarError) {
    let pointer = document.pointers[place]
    if let type = schema["type"] {
      facts.types.formIntersection(try types(type, pointer))
    }
    if schema["nullable"]?.bool == true {
      block(&facts, .all, "nullable", "say it as a type: [\"string\", \"null\"]", pointer)
    }
    if let value = schema["const"] { facts.limit(to: [value]) }
    if let list = schema["enum"] {
      guard let values = list.array else { throw malformed("enum", "expected an array", pointer) }
      facts.limit(to: values)
    }
  }

  private func types(_ value: JSONValue, _ pointer: String) throws(GrammarError) -> SchemaTypes {
    let names = value.array ?? [value]
    var result: SchemaTypes = []
    for name in names {
      guard let text = name.string, let types = SchemaTypes.named(text) else {
        throw malformed("type", "expected the name of a type, or an array of them", pointer)
      }
      result.formUnion(types)
    }
    return result
  }

  private func applyNot(to facts: inout SchemaFacts, _ document: inout SchemaDocument) throws(GrammarError) {
    guard let not = schema["not"] else { return }
    let pointer = document.pointers[place]
    if case .bool(let refused) = not {
      if refused { facts.types = [] }
      return
    }
    guard let inner = not.object else { throw malformed("not", "expected a schema", pointer) }
    if inner.isEmpty {
      facts.types = []
    } else if inner.count == 1, let type = inner["type"] {
      let types = try types(type, pointer)
      if types.contains(.integer), !types.contains(.fraction) {
        block(&facts, .fraction, "not", "numbers that are not whole cannot be told from whole ones", pointer)
      }
      facts.types.subtract(types)
    } else if inner.count == 1, let names = inner["required"]?.array, names.count == 1, let name = names[0].string {
      // Only objects can have what is required, so only they can fail.
      let never = document.imply(.bool(false), at: place)
      facts.properties.append(SchemaFacts.Properties(listed: [(name, never)]))
    } else if inner.count == 1, let values = inner["const"].map({ [$0] }) ?? inner["enum"]?.array {
      for value in values { exclude(value, from: &facts, pointer) }
    } else {
      block(&facts, .all, "not", "only a type, one required property, or listed values can be negated", pointer)
    }
  }

  private func exclude(_ value: JSONValue, from facts: inout SchemaFacts, _ pointer: String) {
    if let text = value.string {
      facts.excludedStrings.append(text)
    } else if value.isNull {
      facts.types.remove(.null)
    } else {
      let types = value.schemaTypes.isSubset(of: .number) ? SchemaTypes.number : value.schemaTypes
      block(&facts, types, "not", "only null and strings can be left out of what is allowed", pointer)
    }
  }

  // MARK: Strings and numbers

  private func applyString(to facts: inout SchemaFacts, _ pointer: String) throws(GrammarError) {
    if let minimum = try count("minLength", pointer) { facts.minimumLength = max(facts.minimumLength, minimum) }
    if let maximum = try count("maxLength", pointer) { facts.cap(\.maximumLength, at: maximum) }
    if let value = schema["pattern"] {
      guard let text = value.string else { throw malformed("pattern", "expected a string", pointer) }
      facts.patterns.append(SchemaFacts.Pattern(text: text, place: place, keyword: "pattern"))
    }
    if let value = schema["format"] {
      guard let name = value.string else { throw malformed("format", "expected a string", pointer) }
      if let range = SchemaFormats.wholeNumbers[name] {
        facts.raise(SchemaFacts.Bound(value: range.lower, isStrict: false))
        facts.reduce(SchemaFacts.Bound(value: range.upper, isStrict: false))
      } else if let pattern = SchemaFormats.patterns[name] {
        facts.patterns.append(SchemaFacts.Pattern(text: pattern, place: place, keyword: "format"))
      } else if !SchemaFormats.ofNumbers.contains(name) {
        block(&facts, .string, "format", "the format '\(name)' is not known", pointer)
      }
    }
  }

  private func applyNumber(to facts: inout SchemaFacts, _ pointer: String) throws(GrammarError) {
    for keyword in ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] {
      guard let value = schema[keyword] else { continue }
      guard let number = DecimalNumber(value) else {
        throw malformed(keyword, "expected a number, as in draft 6 and later", pointer)
      }
      let bound = SchemaFacts.Bound(value: number, isStrict: keyword.hasPrefix("exclusive"))
      if keyword.hasSuffix("inimum") { facts.raise(bound) } else { facts.reduce(bound) }
    }
    guard let value = schema["multipleOf"] else { return }
    guard let number = DecimalNumber(value), number > .zero else {
      throw malformed("multipleOf", "expected a number above 0", pointer)
    }
    if number.isWhole, number.whole.count <= 4 {
      facts.divisors.append(number.whole.reduce(0) { $0 * 10 + Int($1) })
    } else {
      block(&facts, .number, "multipleOf", "only whole numbers up to 9999 can be counted in", pointer)
    }
  }

  // MARK: Arrays

  private func applyArray(to facts: inout SchemaFacts, _ document: inout SchemaDocument) throws(GrammarError) {
    let pointer = document.pointers[place]
    if let minimum = try count("minItems", pointer) { facts.minimumItems = max(facts.minimumItems, minimum) }
    if let maximum = try count("maxItems", pointer) { facts.cap(\.maximumItems, at: maximum) }
    if schema["uniqueItems"]?.bool == true { facts.uniquePointer = pointer }
    var items = SchemaFacts.Items()
    let older = schema["items"]?.array
    let prefixKey = older == nil ? "prefixItems" : "items"
    if let prefix = schema[prefixKey] {
      guard let array = prefix.array else { throw malformed(prefixKey, "expected an array of schemas", pointer) }
      items.prefix = array.indices.compactMap { document.place([prefixKey, String($0)], in: place) }
    }
    let restKey = older == nil ? "items" : "additionalItems"
    if schema[restKey] != nil { items.rest = document.place([restKey], in: place) }
    if !items.prefix.isEmpty || items.rest != nil { facts.items.append(items) }
    if schema["contains"] != nil, let contained = document.place(["contains"], in: place) {
      let count = try count("minContains", pointer) ?? 1
      guard count <= 64 else { throw .limit(name: "minContains", maximum: 64) }
      if count > 0 { facts.contained.append((contained, count)) }
    }
  }

  // MARK: Objects

  private func applyObject(to facts: inout SchemaFacts, _ document: inout SchemaDocument) throws(GrammarError) {
    let pointer = document.pointers[place]
    if let minimum = try count("minProperties", pointer), minimum > facts.minimumProperties {
      facts.minimumProperties = minimum
      facts.minimumPropertiesPointer = pointer
    }
    if let maximum = try count("maxProperties", pointer) { facts.cap(\.maximumProperties, at: maximum) }
    if let required = schema["required"] {
      guard let names = required.array, names.allSatisfy({ $0.string != nil }) else {
        throw malformed("required", "expected an array of property names", pointer)
      }
      var known = Set(facts.required.map { ExactText($0) })
      for name in names.compactMap(\.string) where known.insert(ExactText(name)).inserted {
        facts.required.append(name)
      }
    }
    if schema["propertyNames"] != nil, let names = document.place(["propertyNames"], in: place) {
      facts.nameSchemas.append(names)
    }
    var properties = SchemaFacts.Properties()
    for name in try object("properties", pointer).keys {
      if let place = document.place(["properties", name], in: place) { properties.listed.append((name, place)) }
    }
    for pattern in try object("patternProperties", pointer).keys {
      guard let target = document.place(["patternProperties", pattern], in: place) else { continue }
      let pattern = SchemaFacts.Pattern(text: pattern, place: place, keyword: "patternProperties")
      properties.patterns.append((pattern, target))
    }
    if schema["additionalProperties"] != nil {
      properties.additional = document.place(["additionalProperties"], in: place)
    }
    if !properties.listed.isEmpty || !properties.patterns.isEmpty || properties.additional != nil {
      facts.properties.append(properties)
    }
    if let unevaluated = schema["unevaluatedProperties"], unevaluated != .bool(true) {
      if isAlone {
        facts.isClosed = true
      } else {
        block(&facts, .object, "unevaluatedProperties", "it stands beside other schemas that it does not see", pointer)
      }
    }
  }

  private func object(_ keyword: String, _ pointer: String) throws(GrammarError) -> JSONObject {
    guard let value = schema[keyword] else { return JSONObject() }
    guard let object = value.object else { throw malformed(keyword, "expected an object of schemas", pointer) }
    return object
  }

  /// A count, at most the limit of repetitions where it is a minimum, and cut to a billion.
  private func count(_ keyword: String, _ pointer: String) throws(GrammarError) -> Int? {
    guard let value = schema[keyword] else { return nil }
    guard let number = DecimalNumber(value), number.isWhole, !number.isNegative else {
      throw malformed(keyword, "expected a whole number of at least 0", pointer)
    }
    return number.whole.count > 9 ? 1_000_000_000 : number.whole.reduce(0) { $0 * 10 + Int($1) }
  }

  private func malformed(_ keyword: String, _ reason: String, _ pointer: String) -> GrammarError {
    .malformedSchema(pointer: pointer, keyword: keyword, reason: reason)
  }
}
