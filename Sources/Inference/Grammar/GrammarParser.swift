// The text form of grammars: rules of literals, classes, groups and repetitions. docs/GRAMMAR.md describes it.

/// A recursive descent over the scalars of a grammar's text; groups nest no deeper than the limits say.
struct GrammarParser {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var tree: GrammarTree
  private var ruleIndex: [String: Int32] = [:]
  private var defined = Set<Int32>()
  private var depth = 0

  /// The rules of `text`, and the one that is called `root`.
  static func parse(_ text: String, limits: GrammarLimits) throws(GrammarError) -> (GrammarTree, Int32) {
    guard text.utf8.count <= limits.sourceBytes else { throw .limit(name: "bytes", maximum: limits.sourceBytes) }
    var parser = GrammarParser(text, limits)
    try parser.parseRules()
    guard let root = parser.ruleIndex["root"], parser.defined.contains(root) else { throw .unknownRule("root") }
    return (parser.tree, root)
  }

  private init(_ text: String, _ limits: GrammarLimits) {
    scalars = Array(text.unicodeScalars)
    tree = GrammarTree(limits: limits)
  }

  // MARK: Rules

  private mutating func parseRules() throws(GrammarError) {
    skipSpace()
    while position < scalars.count {
      let start = position
      guard let name = takeName(), takeDefinition() else { throw error("expected a rule, as: name ::= ...", at: start) }
      let rule = try self.rule(name)
      guard defined.insert(rule).inserted else { throw error("rule '\(name)' is defined twice", at: start) }
      tree.define(rule, try parseChoice())
      if position < scalars.count, !isRuleHead { throw error("unexpected '\(scalars[position])'", at: position) }
    }
    for (name, rule) in ruleIndex.sorted(by: { $0.value < $1.value }) where !defined.contains(rule) {
      throw .unknownRule(name)
    }
  }

  private mutating func rule(_ name: String) throws(GrammarError) -> Int32 {
    if let rule = ruleIndex[name] { return rule }
    let rule = try tree.addRule(name)
    ruleIndex[name] = rule
    return rule
  }

  private mutating func takeName() -> String? {
    var name = ""
    while position < scalars.count, Self.isNamePart(scalars[position]) {
      name.unicodeScalars.append(scalars[position])
      position += 1
    }
    return name.isEmpty ? nil : name
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
    default: false
    }
  }

  private mutating func takeDefinition() -> Bool {
    skipSpace()
    guard scalars[position...].starts(with: "::=".unicodeScalars) else { return false }
    position += 3
    skipSpace()
    return true
  }

  /// Whether the next rule begins here: a rule ends where another one's name and `::=` stand.
  private var isRuleHead: Bool {
    var ahead = self
    return ahead.takeName() != nil && ahead.takeDefinition()
  }

  // MARK: Expressions

  private mutating func parseChoice() throws(GrammarError) -> Expression {
    var parts = [try parseSequence()]
    while take("|") { parts.append(try parseSequence()) }
    return try tree.choice(parts)
  }

  private mutating func parseSequence() throws(GrammarError) -> Expression {
    var parts: [Expression] = []
    while position < scalars.count {
      switch scalars[position] {
      case "|", ")": return try tree.sequence(parts)
      case let scalar where Self.isNamePart(scalar):
        if isRuleHead { return try tree.sequence(parts) }
      default: break
      }
      var part = try parseItem()
      skipSpace()
      while let (minimum, maximum) = try takeRepetition() { part = try tree.repeated(part, minimum, maximum) }
      parts.append(part)
    }
    return try tree.sequence(parts)
  }

  private mutating func parseItem() throws(GrammarError) -> Expression {
    let start = position
    let scalar = scalars[position]
    if let name = takeName() { return try tree.rule(rule(name)) }
    position += 1
    switch scalar {
    case "\"": return try tree.literal(bytes: parseLiteral(from: start))
    case "[": return try tree.scalars(parseClass(from: start))
    case ".": return try tree.scalars(.all)
    case "(":
      depth += 1
      guard depth <= tree.limits.nesting else { throw .limit(name: "nesting", maximum: tree.limits.nesting) }
      skipSpace()
      let inner = try parseChoice()
      guard take(")") else { throw error("the group has no ')'", at: start) }
      depth -= 1
      return inner
    default: throw error("unexpected '\(scalar)'", at: start)
    }
  }

  private mutating func takeRepetition() throws(GrammarError) -> (Int, Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    let start = position
    guard take("{") else { return nil }
    let minimum = takeNumber()
    var maximum = minimum
    if take(",") {
      maximum = takeNumber()
    } else if minimum == nil {
      throw error("expected {m}, {m,} or {m,n}", at: start)
    }
    guard take("}") else { throw error("the repetition has no '}'", at: start) }
    let least = minimum ?? 0
    if let maximum, maximum < least { throw error("a repetition ends before it begins", at: start) }
    return (least, maximum)
  }

  /// A number, of which digits beyond any limit do not count.
  private mutating func takeNumber() -> Int? {
    var value: Int?
    while position < scalars.count, let digit = scalars[position].decimalDigit {
      value = min((value ?? 0) * 10 + digit, 1_000_000_000)
      position += 1
    }
    skipSpace()
    return value
  }

  private mutating func parseLiteral(from start: Int) throws(GrammarError) -> [UInt8] {
    var text = ""
    while position < scalars.count {
      if scalars[position] == "\"" {
        position += 1
        return Array(text.utf8)
      }
      text.unicodeScalars.append(try takeCharacter())
    }
    throw error("the literal has no end", at: start)
  }

  private mutating func parseClass(from start: Int) throws(GrammarError) -> ScalarSet {
    var ranges: [ClosedRange<UInt32>] = []
    let inverted = position < scalars.count && scalars[position] == "^"
    if inverted { position += 1 }
    while position < scalars.count {
      if scalars[position] == "]" {
        position += 1
        let set = ScalarSet(ranges)
        return inverted ? set.inverted : set
      }
      let low = try takeCharacter()
      guard position + 1 < scalars.count, scalars[position] == "-", scalars[position + 1] != "]" else {
        ranges.append(low.value...low.value)
        continue
      }
      position += 1
      let high = try takeCharacter()
      guard low <= high else { throw error("a range ends before it begins", at: position) }
      ranges.append(low.value...high.value)
    }
    throw error("the class has no ']'", at: start)
  }

  /// A character of a literal or a class, escaped or not.
  private mutating func takeCharacter() throws(GrammarError) -> Unicode.Scalar {
    let start = position
    let scalar = scalars[position]
    position += 1
    guard scalar == "\\" else { return scalar }
    guard position < scalars.count else { throw error("the text ends in an escape", at: start) }
    let escape = scalars[position]
    position += 1
    switch escape {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "x": return try takeHex(2, from: start)
    case "u": return try takeHex(4, from: start)
    case "U": return try takeHex(8, from: start)
    case "\\", "\"", "[", "]", "-", "^": return escape
    default: throw error("unknown escape '\\\(escape)'", at: start)
    }
  }

  private mutating func takeHex(_ count: Int, from start: Int) throws(GrammarError) -> Unicode.Scalar {
    guard let value = scalars[position...].prefix(count).hexValue(count), let scalar = Unicode.Scalar(value) else {
      throw error("expected \(count) hexadecimal digits of a character", at: start)
    }
    position += count
    return scalar
  }

  // MARK: Scalars

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard position < scalars.count, scalars[position] == scalar else { return false }
    position += 1
    skipSpace()
    return true
  }

  private mutating func skipSpace() {
    while position < scalars.count {
      switch scalars[position] {
      case " ", "\t", "\n", "\r": position += 1
      case "#": while position < scalars.count, scalars[position] != "\n" { position += 1 }
      default: return
      }
    }
  }

  private func error(_ reason: String, at position: Int) -> GrammarError {
    .syntax(offset: scalars[..<min(position, scalars.count)].utf8Length, reason: reason)
  }
}

extension Unicode.Scalar {
  /// The value of 0 to 9 in ASCII.
  var decimalDigit: Int? { (0x30...0x39).contains(value) ? Int(value) - 0x30 : nil }

  var hexDigit: UInt32? { value < 0x80 ? Character(self).hexDigitValue.map(UInt32.init) : nil }
}

extension Collection<Unicode.Scalar> {
  /// The value of exactly `count` hexadecimal digits.
  func hexValue(_ count: Int) -> UInt32? {
    guard self.count == count else { return nil }
    var value: UInt32 = 0
    for scalar in self {
      guard let digit = scalar.hexDigit else { return nil }
      value = value << 4 | digit
    }
    return value
  }

  var utf8Length: Int { reduce(0) { $0 + UTF8.width($1) } }
}
