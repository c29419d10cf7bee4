// Rules and their expressions, as every front end makes them. Automata are made of them elsewhere.

/// An expression over text, by its place in a ``GrammarTree``.
struct Expression: Hashable, Sendable {
  let index: Int32
}

/// Rules over a shared store of expressions. A node's parts stand before it, so that nothing here is circular but by
/// way of rules.
struct GrammarTree: Sendable {
  enum Node: Sendable {
    case literal([UInt8])
    case scalars(ScalarSet)
    case sequence([Expression])
    case choice([Expression])
    /// Without a maximum there is no end to it.
    case repetition(Expression, Int, Int?)
    case rule(Int32)
    /// An automaton without calls, by its place in `automata`.
    case automaton(Int)
    /// Members in order, by their place in `memberLists`.
    case members(Int)
  }

  /// Things in a fixed order, some of which may be left out, then any number of others; separators between what is
  /// there. An expression of its own, for as a choice it would grow with the square of the number of members.
  struct Members: Sendable {
    var listed: [(part: Expression, isRequired: Bool)]
    var separator: Expression
    /// What may follow the listed ones.
    var further: Expression?
    /// How many there have to be. All further ones together count as one, for they may be the same.
    var minimum = 0
    var maximum: Int?

    /// Whether it matters how many there were.
    var counts: Bool { minimum > listed.filter(\.isRequired).count || maximum != nil }

    var parts: [Expression] { listed.map(\.part) + [separator] + (further.map { [$0] } ?? []) }
  }

  let limits: GrammarLimits
  private(set) var nodes: [Node] = []
  private(set) var levels: [Int32] = []
  private(set) var names: [String] = []
  /// The expression of each rule; nil until it is known.
  private(set) var bodies: [Expression?] = []
  private(set) var automata: [ByteAutomaton] = []
  private(set) var memberLists: [Members] = []
  /// Levels of expressions: bounds the stack of what walks them.
  static let deepest: Int32 = 512

  init(limits: GrammarLimits) { self.limits = limits }

  mutating func addRule(_ name: String) throws(GrammarError) -> Int32 {
    guard names.count < limits.rules else { throw .limit(name: "rules", maximum: limits.rules) }
    names.append(name)
    bodies.append(nil)
    return Int32(names.count - 1)
  }

  mutating func define(_ rule: Int32, _ body: Expression) { bodies[Int(rule)] = body }

  mutating func add(_ automaton: ByteAutomaton) throws(GrammarError) -> Expression {
    automata.append(automaton)
    return try add(.automaton(automata.count - 1), level: 0)
  }

  // MARK: Expressions

  mutating func literal(_ text: String) throws(GrammarError) -> Expression {
    try add(.literal(Array(text.utf8)), level: 0)
  }

  mutating func literal(bytes: [UInt8]) throws(GrammarError) -> Expression { try add(.literal(bytes), level: 0) }

  mutating func scalars(_ set: ScalarSet) throws(GrammarError) -> Expression { try add(.scalars(set), level: 0) }

  mutating func rule(_ rule: Int32) throws(GrammarError) -> Expression { try add(.rule(rule), level: 0) }

  mutating func sequence(_ parts: [Expression]) throws(GrammarError) -> Expression {
    parts.count == 1 ? parts[0] : try add(.sequence(parts), level: level(of: parts))
  }

  mutating func choice(_ parts: [Expression]) throws(GrammarError) -> Expression {
    parts.count == 1 ? parts[0] : try add(.choice(parts), level: level(of: parts))
  }

  mutating func repeated(_ part: Expression, _ minimum: Int, _ maximum: Int?) throws(GrammarError) -> Expression {
    guard minimum <= limits.repetition, (maximum ?? 0) <= limits.repetition else {
      throw .limit(name: "repetition", maximum: limits.repetition)
    }
    if minimum == 1, maximum == 1 { return part }
    return try add(.repetition(part, minimum, maximum), level: level(of: [part]))
  }

  mutating func optional(_ part: Expression) throws(GrammarError) -> Expression { try repeated(part, 0, 1) }

  mutating func members(_ members: Members) throws(GrammarError) -> Expression {
    memberLists.append(members)
    return try add(.members(memberLists.count - 1), level: level(of: members.parts))
  }

  private func level(of parts: [Expression]) -> Int32 {
    parts.reduce(0) { max($0, levels[Int($1.index)]) } + 1
  }

  private mutating func add(_ node: Node, level: Int32) throws(GrammarError) -> Expression {
    guard nodes.count < limits.nodes else { throw .limit(name: "expressions", maximum: limits.nodes) }
    guard level < Self.deepest else { throw .limit(name: "nesting", maximum: Int(Self.deepest)) }
    nodes.append(node)
    levels.append(level)
    return Expression(index: Int32(nodes.count - 1))
  }

  subscript(_ expression: Expression) -> Node { nodes[Int(expression.index)] }
}
