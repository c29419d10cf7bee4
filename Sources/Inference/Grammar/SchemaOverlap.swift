// Whether one value could satisfy two alternatives. It answers no only where that is plain.

enum SchemaOverlap {
  /// The types of which a value may satisfy both `a` and `b`.
  static func types(
    _ a: SchemaFacts, _ b: SchemaFacts, _ document: inout SchemaDocument
  ) throws(GrammarError) -> SchemaTypes {
    var common = a.types.intersection(b.types)
    if let values = a.values ?? b.values {
      let shared = values.filter { value in mayAllow(a, value) && mayAllow(b, value) }
      common.formIntersection(shared.reduce([]) { $0.union($1.schemaTypes) })
      return common
    }
    if apart(a.upper, b.lower) || apart(b.upper, a.lower) { common.subtract(.number) }
    if apart(a.maximumLength, b.minimumLength) || apart(b.maximumLength, a.minimumLength) { common.remove(.string) }
    if apart(a.maximumItems, b.minimumItems) || apart(b.maximumItems, a.minimumItems) { common.remove(.array) }
    if common.contains(.object), isToldApart(a, b, document) || isToldApart(b, a, document) { common.remove(.object) }
    return common
  }

  private static func apart(_ upper: SchemaFacts.Bound?, _ lower: SchemaFacts.Bound?) -> Bool {
    guard let upper, let lower else { return false }
    return upper.value < lower.value || (upper.value == lower.value && (upper.isStrict || lower.isStrict))
  }

  private static func apart(_ upper: Int?, _ lower: Int) -> Bool { upper.map { $0 < lower } ?? false }

  private static func mayAllow(_ facts: SchemaFacts, _ value: JSONValue) -> Bool {
    if let values = facts.values { return values.contains { $0.isSameJSON(as: value) } }
    guard facts.types.contains(value.schemaTypes) else { return false }
    if let text = value.string {
      let length = text.unicodeScalars.count
      if length < facts.minimumLength || length > facts.maximumLength ?? length { return false }
    }
    if let number = DecimalNumber(value) {
      let bound = SchemaFacts.Bound(value: number, isStrict: false)
      if apart(bound, facts.lower) || apart(facts.upper, bound) { return false }
    }
    return true
  }

  /// Whether a property that `a` requires cannot be in `b`, or has no value there that it could have in `a`.
  private static func isToldApart(_ a: SchemaFacts, _ b: SchemaFacts, _ document: SchemaDocument) -> Bool {
    for name in a.required {
      let first = a.properties.compactMap { $0.place(of: name) }
      let second = b.properties.compactMap { $0.place(of: name) }
      for one in first {
        for other in second where areApart(document.values[one], document.values[other]) { return true }
      }
      let isRefused = b.properties.contains { properties in
        guard properties.place(of: name) == nil, properties.patterns.isEmpty, let rest = properties.additional else {
          return false
        }
        return document.values[rest] == .bool(false)
      }
      if isRefused || second.contains(where: { document.values[$0] == .bool(false) }) { return true }
    }
    return false
  }

  private static func areApart(_ a: JSONValue, _ b: JSONValue) -> Bool {
    if let first = listed(a), let second = listed(b) {
      return !first.contains { value in second.contains { $0.isSameJSON(as: value) } }
    }
    guard let first = types(a), let second = types(b) else { return false }
    return first.isDisjoint(with: second)
  }

  private static func listed(_ schema: JSONValue) -> [JSONValue]? {
    schema["const"].map { [$0] } ?? schema["enum"]?.array
  }

  private static func types(_ schema: JSONValue) -> SchemaTypes? {
    if let values = listed(schema) { return values.reduce([]) { $0.union($1.schemaTypes) } }
    guard let type = schema["type"] else { return nil }
    return (type.array ?? [type]).reduce([]) { $0.union($1.string.flatMap(SchemaTypes.named) ?? .all) }
  }
}
