// Arrays and objects of a schema as expressions.

extension SchemaCompiler {
  // MARK: Arrays

  mutating func array(_ facts: SchemaFacts) throws(GrammarError) -> Expression {
    var minimum = facts.minimumItems
    // Items that have to be examples of a schema come first.
    for (_, count) in facts.contained { minimum = max(minimum, count) }
    let maximum = facts.maximumItems
    if let maximum, maximum < minimum { return try tree.choice([]) }
    if let pointer = facts.uniquePointer, (maximum ?? 2) > 1 {
      throw .unsupportedKeyword(
        pointer: pointer, keyword: "uniqueItems", reason: "items are not compared with one another; it needs maxItems 1"
      )
    }
    let listed = max(
      facts.items.reduce(0) { max($0, $1.prefix.count) }, facts.contained.reduce(0) { max($0, $1.count) })
    let prefix = min(listed, maximum ?? listed)
    if maximum == 0 { return try tree.literal("[]") }
    let separator = try comma()
    var rest: Expression?
    if maximum.map({ $0 > prefix }) ?? true {
      let item = try value(of: itemPlaces(facts, at: listed))
      let further = try tree.sequence([separator, item])
      // What comes behind the prefix is counted without its first item where there is no prefix.
      let before = max(prefix, 1)
      let tail = try tree.repeated(further, max(0, minimum - before), maximum.map { $0 - before })
      rest = prefix == 0 ? try tree.sequence([item, tail]) : tail
    }
    for index in (0..<prefix).reversed() {
      let item = try value(of: itemPlaces(facts, at: index))
      var part = [item]
      if index > 0 { part.insert(separator, at: 0) }
      if let rest { part.append(index + 1 >= minimum && index + 1 < prefix ? try tree.optional(rest) : rest) }
      rest = try tree.sequence(part)
    }
    guard let contents = rest else { return try tree.literal("[]") }
    return try enclosed("[", contents, "]", mayBeEmpty: minimum == 0)
  }

  private func itemPlaces(_ facts: SchemaFacts, at index: Int) -> [Int] {
    var places: [Int] = []
    for items in facts.items {
      if index < items.prefix.count {
        places.append(items.prefix[index])
      } else if let rest = items.rest {
        places.append(rest)
      }
    }
    for (place, count) in facts.contained where index < count { places.append(place) }
    return places
  }

  // MARK: Objects

  mutating func object(_ facts: SchemaFacts) throws(GrammarError) -> Expression {
    var keys = KeyAutomata(facts: facts)
    try keys.prepare(&self)
    var listed: [(part: Expression, isRequired: Bool)] = []
    var hasListed = false
    let required = Set(facts.required.map { ExactText($0) })
    for name in facts.names {
      let places = keys.places(of: name)
      let isForbidden = places.contains { reader.document.values[$0] == .bool(false) } || !keys.allowsName(name)
      let isRequired = required.contains(ExactText(name))
      if isForbidden {
        if isRequired { return try tree.choice([]) }
        continue
      }
      hasListed = hasListed || facts.properties.contains { $0.place(of: name) != nil }
      var key = ""
      JSONValue.write(name, to: &key)
      listed.append((try tree.sequence([tree.literal(key), colon(), value(of: places)]), isRequired))
    }
    var members = GrammarTree.Members(listed: listed, separator: try comma())
    members.minimum = max(0, facts.minimumProperties)
    members.maximum = facts.maximumProperties
    let isOpen = !facts.isClosed && !hasListed
    if !facts.isClosed { members.further = try furtherMember(facts, keys, isOpen: isOpen) }
    guard max(members.minimum, members.maximum ?? 0) <= limits.repetition else {
      throw .limit(name: "repetition", maximum: limits.repetition)
    }
    // Names of further members may repeat, so that all of them count as one.
    if members.further != nil, members.minimum > listed.count + 1 {
      throw .unsupportedKeyword(
        pointer: facts.minimumPropertiesPointer, keyword: "minProperties",
        reason: "names that are not listed may repeat; list \(members.minimum - 1)")
    }
    let mayBeEmpty = required.isEmpty && members.minimum == 0
    if listed.isEmpty, members.further == nil || members.maximum == 0 {
      return mayBeEmpty ? try tree.literal("{}") : try tree.choice([])
    }
    if members.maximum == 0 { return mayBeEmpty ? try tree.literal("{}") : try tree.choice([]) }
    if mayBeEmpty { members.minimum = max(1, members.minimum) }
    return try enclosed("{", tree.members(members), "}", mayBeEmpty: mayBeEmpty)
  }

  /// A member whose name is not listed: for each set of patterns, names that match just those.
  private mutating func furtherMember(
    _ facts: SchemaFacts, _ keys: KeyAutomata, isOpen: Bool
  ) throws(GrammarError) -> Expression? {
    let isExplicit = facts.properties.contains { $0.additional != nil }
    var parts: [Expression] = []
    for subset in 0..<(1 << keys.patterns.count) {
      if subset == 0, !isExplicit, !isOpen || !keys.patterns.isEmpty { continue }
      let places = keys.places(matching: subset)
      if places.contains(where: { reader.document.values[$0] == .bool(false) }) { continue }
      let value = try self.value(of: places)
      if subset == 0, keys.patterns.isEmpty, keys.names == nil, facts.names.isEmpty {
        parts.append(try tree.sequence([string(SchemaFacts()), colon(), value]))
        continue
      }
      let names = try keys.automaton(matching: subset, facts.names, limits, &budget)
      if names.isEmpty { continue }
      let quote = try tree.literal("\"")
      parts.append(try tree.sequence([quote, tree.add(encoded(names)), quote, colon(), value]))
    }
    return parts.isEmpty ? nil : try tree.choice(parts)
  }
}

/// Which names an object may have, and which schemas apply under each.
struct KeyAutomata {
  let facts: SchemaFacts
  private(set) var patterns: [(pattern: SchemaFacts.Pattern, automaton: ByteAutomaton)] = []
  /// The names that `propertyNames` allows.
  private(set) var names: ByteAutomaton?
  private var any: ByteAutomaton?

  /// Their subsets are gone through one by one.
  private static let mostPatterns = 5

  init(facts: SchemaFacts) { self.facts = facts }

  mutating func prepare(_ compiler: inout SchemaCompiler) throws(GrammarError) {
    for (pattern, _) in facts.properties.flatMap(\.patterns)
    where !patterns.contains(where: { $0.pattern.text.isSameText(as: pattern.text) }) {
      var only = SchemaFacts()
      only.patterns = [pattern]
      patterns.append((pattern, try compiler.text(only)))
    }
    guard patterns.count <= Self.mostPatterns else {
      throw .limit(name: "patternProperties of one object", maximum: Self.mostPatterns)
    }
    any = try compiler.text(SchemaFacts())
    guard !facts.nameSchemas.isEmpty else { return }
    var union: ByteAutomaton?
    for alternative in try compiler.reader.alternatives(facts.nameSchemas)
    where alternative.types.contains(.string) {
      for obstacle in alternative.obstacles where obstacle.types.contains(.string) && alternative.values == nil {
        throw obstacle.error
      }
      let texts = try text(of: alternative, &compiler)
      if let known = union {
        var tree = GrammarTree(limits: compiler.limits)
        let either = try tree.choice([tree.add(known), tree.add(texts)])
        union = try compiler.automaton(of: either, in: tree)
      } else {
        union = texts
      }
    }
    if union == nil {
      var none = GrammarTree(limits: compiler.limits)
      let nothing = try none.choice([])
      union = try compiler.automaton(of: nothing, in: none)
    }
    names = union
  }

  private func text(of facts: SchemaFacts, _ compiler: inout SchemaCompiler) throws(GrammarError) -> ByteAutomaton {
    guard let values = facts.values else { return try compiler.text(facts) }
    var check = SchemaCheck(compiler.reader.document, compiler.limits)
    var tree = GrammarTree(limits: compiler.limits)
    var parts: [Expression] = []
    for value in values {
      guard let text = value.string else { continue }
      var holds = true
      for place in self.facts.nameSchemas where holds { holds = try check.allows(value, place) }
      if holds { parts.append(try tree.literal(text)) }
    }
    let choice = try tree.choice(parts)
    return try compiler.automaton(of: choice, in: tree)
  }

  func allowsName(_ name: String) -> Bool { names?.accepts(name.utf8) ?? true }

  /// Places of the schemas that apply to the property with a listed name.
  func places(of name: String) -> [Int] {
    places { pattern in
      patterns.contains { $0.pattern.text.isSameText(as: pattern.text) && $0.automaton.accepts(name.utf8) }
    } listed: {
      $0.place(of: name)
    }
  }

  /// Places of the schemas that apply to a property that is not listed, and matches the patterns of a bit set.
  func places(matching subset: Int) -> [Int] {
    places { pattern in
      let index = patterns.firstIndex { $0.pattern.text.isSameText(as: pattern.text) }
      return index.map { subset >> $0 & 1 == 1 } ?? false
    } listed: { _ in
      nil
    }
  }

  private func places(
    _ matches: (SchemaFacts.Pattern) -> Bool, listed: (SchemaFacts.Properties) -> Int?
  ) -> [Int] {
    var result: [Int] = []
    for properties in facts.properties {
      var own = listed(properties).map { [$0] } ?? []
      own += properties.patterns.filter { matches($0.pattern) }.map(\.place)
      if own.isEmpty, let additional = properties.additional { own.append(additional) }
      result += own
    }
    return result
  }

  /// Names that match just the patterns of a bit set, and are not listed.
  func automaton(
    matching subset: Int, _ listed: [String], _ limits: GrammarLimits, _ budget: inout AutomatonBudget
  ) throws(GrammarError) -> ByteAutomaton {
    guard var result = names ?? any else { return ByteAutomaton(classes: ByteClasses()) }
    for (index, (_, automaton)) in patterns.enumerated() {
      result = try .product(result, automaton, subtracting: subset >> index & 1 == 0, budget: &budget)
    }
    return try result.excluding(listed, limits, &budget)
  }
}
