// Keywords to facts: references, combinations and every keyword's meaning. Text is made of the facts elsewhere.

/// Works out the alternatives of schemas. Bounded: in alternatives a place, in schemas looked at, and in depth.
struct SchemaReader {
  let limits: GrammarLimits
  var document: SchemaDocument
  private var schemasRead = 0
  /// Whether a condition or a dependency was worked in since the place was begun.
  private var sawConditions = false

  private static let deepest = 64
  private static let mostSchemas = 200_000

  init(_ root: JSONValue, limits: GrammarLimits) {
    self.limits = limits
    document = SchemaDocument(root)
  }

  /// The alternatives of the values that satisfy all of `places`; none if no value does.
  mutating func alternatives(_ places: [Int]) throws(GrammarError) -> [SchemaFacts] {
    var result = [SchemaFacts()]
    sawConditions = false
    for place in places { result = try apply(place, to: result, depth: 0, isAlone: places.count == 1) }
    // A condition lists properties to tell cases apart, which does not make them known where it fails.
    if sawConditions, result.contains(where: \.isClosed), let place = places.first {
      let error = GrammarError.unsupportedKeyword(
        pointer: document.pointers[place], keyword: "unevaluatedProperties",
        reason: "what conditions and dependencies have looked at is not followed")
      for index in result.indices { result[index].obstacles.append((.object, error)) }
    }
    return result.filter { !$0.isImpossible }
  }

  private mutating func apply(
    _ place: Int, to facts: [SchemaFacts], depth: Int, isAlone: Bool
  ) throws(GrammarError) -> [SchemaFacts] {
    guard depth < Self.deepest else {
      throw .unsupportedKeyword(
        pointer: document.pointers[place], keyword: "$ref", reason: "the schema is a part of itself, or nested too deep"
      )
    }
    schemasRead += max(1, facts.count)
    guard schemasRead <= Self.mostSchemas else { throw .limit(name: "schemas", maximum: Self.mostSchemas) }
    let schema: JSONObject
    switch document.values[place] {
    case .bool(let allowed): return allowed ? facts : []
    case .object(let object): schema = object
    default: throw malformed(place, "", "a schema is an object, true or false")
    }
    var result = facts
    let keywords = SchemaKeywords(schema: schema, place: place, limits: limits, isAlone: isAlone && depth == 0)
    for index in result.indices { try keywords.apply(to: &result[index], &document) }
    result.removeAll(where: \.isImpossible)
    if let reference = schema["$ref"] {
      guard let text = reference.string else { throw malformed(place, "$ref", "expected a string") }
      result = try apply(document.resolve(text, at: place), to: result, depth: depth + 1, isAlone: false)
    }
    for inner in try list("allOf", schema, place) {
      result = try apply(inner, to: result, depth: depth + 1, isAlone: false)
    }
    for keyword in ["anyOf", "oneOf"] where schema[keyword] != nil {
      let branches = try list(keyword, schema, place)
      if keyword == "oneOf" { try markOverlaps(branches, place, &result, depth) }
      result = try any(branches, result, depth)
    }
    for choices in try dependencies(schema, place) {
      sawConditions = true
      result = try any(choices, result, depth)
    }
    return result
  }

  /// The alternatives of each branch, one after another.
  private mutating func any(
    _ branches: [Int], _ facts: [SchemaFacts], _ depth: Int
  ) throws(GrammarError) -> [SchemaFacts] {
    var result: [SchemaFacts] = []
    for branch in branches {
      result += try apply(branch, to: facts, depth: depth + 1, isAlone: false)
      guard result.count <= limits.alternatives else {
        throw .limit(name: "alternatives", maximum: limits.alternatives)
      }
    }
    return result
  }

  private mutating func list(_ keyword: String, _ schema: JSONObject, _ place: Int) throws(GrammarError) -> [Int] {
    guard let value = schema[keyword] else { return [] }
    guard let array = value.array, !array.isEmpty else {
      throw malformed(place, keyword, "expected an array of schemas")
    }
    return array.indices.compactMap { document.place([keyword, String($0)], in: place) }
  }

  // MARK: oneOf

  /// `oneOf` is `anyOf` where no value can satisfy two branches. Where that is not plain, it is an obstacle.
  private mutating func markOverlaps(
    _ branches: [Int], _ place: Int, _ facts: inout [SchemaFacts], _ depth: Int
  ) throws(GrammarError) {
    var overlap: SchemaTypes = []
    var read: [[SchemaFacts]] = []
    for branch in branches {
      read.append(try apply(branch, to: [SchemaFacts()], depth: depth + 1, isAlone: false))
    }
    for second in read.indices {
      for first in 0..<second {
        for a in read[first] {
          for b in read[second] { overlap.formUnion(try SchemaOverlap.types(a, b, &document)) }
        }
      }
    }
    guard !overlap.isEmpty else { return }
    let error = GrammarError.unsupportedKeyword(
      pointer: document.pointers[place], keyword: "oneOf",
      reason:
        "a value may satisfy two branches; say anyOf, or tell the branches apart by type or by a constant property")
    for index in facts.indices { facts[index].obstacles.append((overlap, error)) }
  }

  // MARK: Dependencies

  /// For each property that others depend on, the alternatives: without it, or with what it asks for.
  private mutating func dependencies(
    _ schema: JSONObject, _ place: Int
  ) throws(GrammarError) -> [[Int]] {
    var result: [[Int]] = []
    for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
      guard let value = schema[keyword] else { continue }
      guard let object = value.object else { throw malformed(place, keyword, "expected an object") }
      for (name, what) in object {
        let without = document.imply(
          .object(JSONObject([("properties", .object([(name, .bool(false))].json))])), at: place)
        var with: [(String, JSONValue)] = [("type", "object"), ("required", .array([.string(name)]))]
        if let names = what.array {
          guard names.allSatisfy({ $0.string != nil }) else {
            throw malformed(place, keyword, "expected property names")
          }
          with[1].1 = .array([.string(name)] + names)
        } else {
          with.append(("allOf", .array([what])))
        }
        result.append([without, document.imply(.object(JSONObject(with)), at: place)])
      }
    }
    if schema["if"] != nil { result.append(try conditions(schema, place)) }
    return result
  }

  /// `if`, `then` and `else` as alternatives: both of the first, or the third where the first does not hold.
  private mutating func conditions(_ schema: JSONObject, _ place: Int) throws(GrammarError) -> [Int] {
    guard let condition = schema["if"], schema["then"] != nil || schema["else"] != nil else {
      return [document.imply(.bool(true), at: place)]
    }
    let then = schema["then"] ?? .bool(true), otherwise = schema["else"] ?? .bool(true)
    let negations: [JSONValue]
    if case .bool(let holds) = condition {
      negations = [.bool(!holds)]
    } else if let simple = SchemaNegation.alternatives(of: condition) {
      negations = simple
    } else {
      throw .unsupportedKeyword(
        pointer: document.pointers[place], keyword: "if",
        reason: "a condition can be one property with const or enum, and no more")
    }
    var result = [document.imply(.object([("allOf", .array([condition, then]))].json), at: place)]
    for negation in negations {
      result.append(document.imply(.object([("allOf", .array([negation, otherwise]))].json), at: place))
    }
    return result
  }

  func malformed(_ place: Int, _ keyword: String, _ reason: String) -> GrammarError {
    .malformedSchema(pointer: document.pointers[place], keyword: keyword, reason: reason)
  }
}

extension [(String, JSONValue)] {
  var json: JSONObject { JSONObject(self) }
}

/// What does not satisfy a condition, for conditions that are simple enough.
enum SchemaNegation {
  /// Schemas of which one holds where `condition` does not: for an object with one property of listed values.
  static func alternatives(of condition: JSONValue) -> [JSONValue]? {
    guard let object = condition.object, let properties = object["properties"]?.object, properties.count == 1,
      object.keys.allSatisfy({ ["properties", "required", "type"].contains($0) }),
      object["type"].map({ $0.string == "object" }) ?? true,
      let inner = properties.values[0].object, inner.count == 1, let keyword = inner.keys.first,
      keyword == "const" || keyword == "enum"
    else { return nil }
    let name = properties.keys[0]
    let required = object["required"]?.array
    guard required.map({ $0 == [.string(name)] }) ?? true else { return nil }
    let other: JSONValue = .object(
      [
        ("type", "object"), ("required", .array([.string(name)])),
        ("properties", .object([(name, .object([("not", .object(inner))].json))].json)),
      ].json)
    guard required != nil else { return [other] }
    return [.object([("type", "object"), ("properties", .object([(name, .bool(false))].json))].json), other]
  }
}
