// A schema as a grammar: a rule for each set of places whose schemas have to hold together.

/// Makes rules of schemas, one for each set of places, until no further set comes up. Does not recurse into the schema.
struct SchemaCompiler {
  let limits: GrammarLimits
  let whitespace: GrammarConstraint.Whitespace
  var tree: GrammarTree
  var reader: SchemaReader
  var budget: AutomatonBudget
  private let root: JSONValue
  private var ruleIndex: [[Int]: Int32] = [:]
  private var pending: [(rule: Int32, places: [Int])] = []
  private var shared: [Shared: Expression] = [:]

  /// Expressions that are made once.
  enum Shared: Hashable { case space, comma, colon, character, string, integer, number }

  init(_ root: JSONValue, whitespace: GrammarConstraint.Whitespace, limits: GrammarLimits) {
    self.root = root
    self.limits = limits
    self.whitespace = whitespace
    tree = GrammarTree(limits: limits)
    reader = SchemaReader(root, limits: limits)
    budget = AutomatonBudget(limits)
  }

  /// Makes all rules, and returns that of the document.
  mutating func compile() throws(GrammarError) -> Int32 {
    let start = try rule(for: [0])
    try compilePending()
    return start
  }

  /// Makes the rules that others ask for.
  mutating func compilePending() throws(GrammarError) {
    while let (rule, places) = pending.popLast() { tree.define(rule, try body(of: places)) }
  }

  /// The rule of the values that satisfy all of `places`.
  mutating func rule(for places: [Int]) throws(GrammarError) -> Int32 {
    // What allows everything says nothing.
    let key = Set(
      places.filter { place in
        let value = reader.document.values[place]
        return value != .bool(true) && value.object?.isEmpty != true
      }
    ).sorted()
    if let known = ruleIndex[key] { return known }
    let rule = try tree.addRule(key.map { "#" + reader.document.pointers[$0] }.joined(separator: " & "))
    ruleIndex[key] = rule
    pending.append((rule, key))
    return rule
  }

  mutating func value(of places: [Int]) throws(GrammarError) -> Expression { try tree.rule(rule(for: places)) }

  private mutating func body(of places: [Int]) throws(GrammarError) -> Expression {
    var parts: [Expression] = []
    for facts in try reader.alternatives(places) {
      if let values = facts.values {
        parts += try listed(values, facts, places)
        continue
      }
      for obstacle in facts.obstacles where !obstacle.types.isDisjoint(with: facts.types) { throw obstacle.error }
      if facts.types.contains(.null) { parts.append(try tree.literal("null")) }
      if facts.types.contains(.boolean) {
        parts.append(try tree.choice([tree.literal("true"), tree.literal("false")]))
      }
      if !facts.types.isDisjoint(with: .number) { parts.append(try number(facts)) }
      if facts.types.contains(.string) { parts.append(try string(facts)) }
      if facts.types.contains(.array) { parts.append(try array(facts)) }
      if facts.types.contains(.object) { parts.append(try object(facts)) }
    }
    return try tree.choice(parts)
  }

  /// Listed values, as far as everything else that applies allows them.
  private mutating func listed(
    _ values: [JSONValue], _ facts: SchemaFacts, _ places: [Int]
  ) throws(GrammarError) -> [Expression] {
    var check = SchemaCheck(reader.document, limits)
    var parts: [Expression] = []
    for value in values where facts.types.contains(value.schemaTypes) {
      var holds = true
      for place in places where holds { holds = try check.allows(value, place) }
      if holds { parts.append(try tree.literal(value.serialized())) }
    }
    return parts
  }

  // MARK: Shared expressions

  mutating func shared(
    _ name: Shared, _ make: (inout SchemaCompiler) throws(GrammarError) -> Expression
  ) throws(GrammarError) -> Expression {
    if let known = shared[name] { return known }
    let expression = try make(&self)
    shared[name] = expression
    return expression
  }

  /// What may stand between brackets and their contents, and behind a comma.
  mutating func space() throws(GrammarError) -> Expression {
    try shared(.space) { compiler throws(GrammarError) in
      guard compiler.whitespace == .flexible else { return try compiler.tree.sequence([]) }
      let blank = try compiler.tree.literal(" ")
      let line = try compiler.tree.sequence([compiler.tree.literal("\n"), compiler.tree.repeated(blank, 0, 20)])
      return try compiler.tree.optional(compiler.tree.choice([blank, line]))
    }
  }

  mutating func comma() throws(GrammarError) -> Expression {
    try shared(.comma) { compiler throws(GrammarError) in
      try compiler.tree.sequence([compiler.tree.literal(","), compiler.space()])
    }
  }

  mutating func colon() throws(GrammarError) -> Expression {
    try shared(.colon) { compiler throws(GrammarError) in
      let colon = try compiler.tree.literal(":")
      guard compiler.whitespace == .flexible else { return colon }
      return try compiler.tree.sequence([colon, compiler.tree.optional(compiler.tree.literal(" "))])
    }
  }

  /// `contents` in brackets, or where `mayBeEmpty` nothing in them.
  mutating func enclosed(
    _ open: String, _ contents: Expression, _ close: String, mayBeEmpty: Bool
  ) throws(GrammarError) -> Expression {
    let full = try tree.sequence([space(), contents, space(), tree.literal(close)])
    let rest = mayBeEmpty ? try tree.choice([tree.literal(close), full]) : full
    return try tree.sequence([tree.literal(open), rest])
  }
}
