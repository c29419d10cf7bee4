// Regular expressions as ECMA-262 writes them, without what needs more than an automaton. docs/GRAMMAR.md lists them.

/// Parses a pattern into an automaton. `^` and `$` are bytes that occur in no UTF-8, and stand around every text.
struct RegexParser {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var tree: GrammarTree
  private var depth = 0

  private static let textStart: UInt8 = 0xFE
  private static let textEnd: UInt8 = 0xFF

  /// The automaton of the texts that match.
  ///
  /// - Parameter whole: whether the whole text has to match, or a part of it is enough.
  static func automaton(
    of pattern: String, whole: Bool, limits: GrammarLimits, budget: inout AutomatonBudget
  ) throws(GrammarError) -> ByteAutomaton {
    guard pattern.utf8.count <= limits.sourceBytes else { throw .limit(name: "bytes", maximum: limits.sourceBytes) }
    var parser = RegexParser(pattern, limits)
    let body = try parser.parseChoice()
    if parser.position < parser.scalars.count { throw parser.error("unexpected ')'", at: parser.position) }
    var tree = parser.tree
    let start = try tree.literal(bytes: [textStart]), end = try tree.literal(bytes: [textEnd])
    let any = try tree.repeated(tree.scalars(.all), 0, nil)
    let nothing = try tree.sequence([])
    let before = try tree.choice([nothing, whole ? start : tree.sequence([start, any])])
    let after = try tree.choice([nothing, whole ? end : tree.sequence([any, end])])
    let rule = try tree.addRule("pattern")
    tree.define(rule, try tree.sequence([before, body, after]))
    var automaton = try plain(tree, rule, &budget)
    return try automaton.withoutEnds(start: textStart, end: textEnd)
  }

  /// The expression of the texts that match.
  static func expression(
    of pattern: String, whole: Bool, in tree: inout GrammarTree
  ) throws(GrammarError) -> Expression {
    var budget = AutomatonBudget(tree.limits)
    return try tree.add(automaton(of: pattern, whole: whole, limits: tree.limits, budget: &budget))
  }

  /// The automaton of a rule that calls no other.
  static func plain(
    _ tree: GrammarTree, _ rule: Int32, _ budget: inout AutomatonBudget
  ) throws(GrammarError) -> ByteAutomaton {
    let graph = try RuleGraph(tree, start: rule)
    guard let body = tree.bodies[Int(rule)] else { throw .unknownRule(tree.names[Int(rule)]) }
    var builder = NetworkBuilder(tree, inlines: graph.inlines)
    let network = try builder.build(body)
    var classes = ByteClasses()
    for edge in network.edges where edge.label >= 0 && edge.label < ByteNetwork.firstCall {
      guard classes.count < 256 else { break }
      classes.split(UInt8(edge.label >> 8)...UInt8(edge.label & 0xFF))
    }
    return try ByteAutomaton(network, classes: classes, budget: &budget)
  }

  private init(_ pattern: String, _ limits: GrammarLimits) {
    scalars = Array(pattern.unicodeScalars)
    tree = GrammarTree(limits: limits)
  }

  // MARK: Expressions

  private mutating func parseChoice() throws(GrammarError) -> Expression {
    var parts = [try parseSequence()]
    while take("|") { parts.append(try parseSequence()) }
    return try tree.choice(parts)
  }

  private mutating func parseSequence() throws(GrammarError) -> Expression {
    var parts: [Expression] = []
    while position < scalars.count, scalars[position] != "|", scalars[position] != ")" {
      let part = try parseItem()
      guard let (minimum, maximum) = try takeQuantifier() else {
        parts.append(part)
        continue
      }
      parts.append(try tree.repeated(part, minimum, maximum))
      let next = position
      if try takeQuantifier() != nil { throw error("a quantifier follows a quantifier", at: next) }
    }
    return try tree.sequence(parts)
  }

  private mutating func parseItem() throws(GrammarError) -> Expression {
    let start = position
    let scalar = scalars[position]
    position += 1
    switch scalar {
    case "^": return try tree.literal(bytes: [Self.textStart])
    case "$": return try tree.literal(bytes: [Self.textEnd])
    case ".": return try tree.scalars(RegexClasses.lineBreaks.inverted)
    case "(": return try parseGroup(from: start)
    case "[": return try tree.scalars(parseClass(from: start))
    case "\\": return try tree.scalars(parseEscape(from: start, inClass: false))
    case "*", "+", "?": throw error("nothing stands before '\(scalar)'", at: start)
    default: return try tree.scalars(ScalarSet([scalar.value...scalar.value]))
    }
  }

  private mutating func parseGroup(from start: Int) throws(GrammarError) -> Expression {
    depth += 1
    guard depth <= tree.limits.nesting else { throw .limit(name: "nesting", maximum: tree.limits.nesting) }
    if take("?") {
      guard position < scalars.count else { throw error("the group has no ')'", at: start) }
      let kind = scalars[position]
      position += 1
      switch kind {
      case ":": break
      case "=", "!": throw unsupported("a look-ahead", at: start)
      case "<":
        if position < scalars.count, scalars[position] == "=" || scalars[position] == "!" {
          throw unsupported("a look-behind", at: start)
        }
        while position < scalars.count, scalars[position] != ">" { position += 1 }
        position += 1
      default: throw unsupported("a group that begins with '(?\(kind)'", at: start)
      }
    }
    let inner = try parseChoice()
    guard take(")") else { throw error("the group has no ')'", at: start) }
    depth -= 1
    return inner
  }

  private mutating func takeQuantifier() throws(GrammarError) -> (Int, Int?)? {
    var result: (Int, Int?)?
    let start = position
    if take("*") {
      result = (0, nil)
    } else if take("+") {
      result = (1, nil)
    } else if take("?") {
      result = (0, 1)
    } else if take("{") {
      // Braces that are no quantifier stand for themselves.
      guard let minimum = takeNumber() else {
        position = start
        return nil
      }
      var maximum: Int? = minimum
      if take(",") { maximum = takeNumber() }
      guard take("}") else {
        position = start
        return nil
      }
      if let maximum, maximum < minimum { throw error("a quantifier ends before it begins", at: start) }
      result = (minimum, maximum)
    }
    // What a lazy quantifier prefers makes no difference to which texts match.
    if result != nil { _ = take("?") }
    return result
  }

  private mutating func takeNumber() -> Int? {
    var value: Int?
    while position < scalars.count, let digit = scalars[position].decimalDigit {
      value = min((value ?? 0) * 10 + digit, 1_000_000_000)
      position += 1
    }
    return value
  }

  // MARK: Characters

  private mutating func parseClass(from start: Int) throws(GrammarError) -> ScalarSet {
    let inverted = take("^")
    var set = ScalarSet()
    while position < scalars.count {
      if take("]") { return inverted ? set.inverted : set }
      let low = try takeClassPart()
      let isRange = position + 1 < scalars.count && scalars[position] == "-" && scalars[position + 1] != "]"
      guard isRange else {
        set = set.union(low)
        continue
      }
      let place = position
      position += 1
      let high = try takeClassPart()
      guard let first = low.only, let last = high.only, first <= last else {
        throw error("a range of a class has no first and last character in order", at: place)
      }
      set = set.union(ScalarSet([first...last]))
    }
    throw error("the class has no ']'", at: start)
  }

  private mutating func takeClassPart() throws(GrammarError) -> ScalarSet {
    let start = position
    let scalar = scalars[position]
    position += 1
    if scalar == "\\" { return try parseEscape(from: start, inClass: true) }
    return ScalarSet([scalar.value...scalar.value])
  }

  private mutating func parseEscape(from start: Int, inClass: Bool) throws(GrammarError) -> ScalarSet {
    guard position < scalars.count else { throw error("the pattern ends in an escape", at: start) }
    let escape = scalars[position]
    position += 1
    func one(_ value: UInt32) -> ScalarSet { ScalarSet([value...value]) }
    switch escape {
    case "d": return RegexClasses.digits
    case "D": return RegexClasses.digits.inverted
    case "w": return RegexClasses.word
    case "W": return RegexClasses.word.inverted
    case "s": return RegexClasses.space
    case "S": return RegexClasses.space.inverted
    case "t": return one(0x09)
    case "n": return one(0x0A)
    case "v": return one(0x0B)
    case "f": return one(0x0C)
    case "r": return one(0x0D)
    case "0": return one(0)
    case "b" where inClass: return one(0x08)
    case "b", "B": throw unsupported("a word boundary", at: start)
    case "1"..."9", "k": throw unsupported("a back-reference", at: start)
    case "p", "P": throw unsupported("a Unicode property", at: start)
    case "c":
      guard position < scalars.count, (0x41...0x7A).contains(scalars[position].value) else {
        throw error("expected a letter behind \\c", at: start)
      }
      position += 1
      return one(scalars[position - 1].value & 0x1F)
    case "x": return one(try takeHex(2, from: start))
    case "u": return one(try takeUnicode(from: start))
    case "a"..."z", "A"..."Z": throw error("unknown escape '\\\(escape)'", at: start)
    default: return one(escape.value)
    }
  }

  private mutating func takeUnicode(from start: Int) throws(GrammarError) -> UInt32 {
    if take("{") {
      let digits = scalars[position...].prefix { $0 != "}" }
      guard (1...6).contains(digits.count), let value = digits.hexValue(digits.count), Unicode.Scalar(value) != nil
      else {
        throw error("expected the code of a character in \\u{}", at: start)
      }
      position += digits.count + 1
      return value
    }
    let high = try takeHex(4, from: start)
    guard (0xD800...0xDBFF).contains(high) else {
      if Unicode.Scalar(high) == nil { throw error("a surrogate without its other half", at: start) }
      return high
    }
    guard position + 1 < scalars.count, scalars[position] == "\\", scalars[position + 1] == "u" else {
      throw error("a surrogate without its other half", at: start)
    }
    position += 2
    let low = try takeHex(4, from: start)
    guard (0xDC00...0xDFFF).contains(low) else { throw error("a surrogate without its other half", at: start) }
    return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
  }

  private mutating func takeHex(_ count: Int, from start: Int) throws(GrammarError) -> UInt32 {
    guard let value = scalars[position...].prefix(count).hexValue(count) else {
      throw error("expected \(count) hexadecimal digits", at: start)
    }
    position += count
    return value
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard position < scalars.count, scalars[position] == scalar else { return false }
    position += 1
    return true
  }

  private func error(_ reason: String, at position: Int) -> GrammarError {
    .syntax(offset: scalars[..<min(position, scalars.count)].utf8Length, reason: reason)
  }

  private func unsupported(_ construct: String, at position: Int) -> GrammarError {
    .unsupported(offset: scalars[..<position].utf8Length, construct: construct)
  }
}

/// The classes that patterns have letters for (ECMA-262, 22.2.2.9).
enum RegexClasses {
  static let digits = ScalarSet([0x30...0x39])
  static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let space = ScalarSet([
    0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
    0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
  ])
  static let lineBreaks = ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])
}

extension ScalarSet {
  /// The one member of a set of one.
  var only: UInt32? {
    guard ranges.count == 1, ranges[0].count == 1 else { return nil }
    return ranges[0].lowerBound
  }
}

extension ByteAutomaton {
  /// The texts t for which `start t end` is accepted, where neither byte occurs in t.
  mutating func withoutEnds(start: UInt8, end: UInt8) throws(GrammarError) -> ByteAutomaton {
    let first = next(0, start)
    var result = ByteAutomaton(classes: classes)
    guard first >= 0 else {
      _ = result.addState(accepting: false)
      return result
    }
    // The first state changes places with where the start leads.
    func name(_ state: Int32) -> Int32 { state == first ? 0 : state == 0 ? first : state }
    for renamed in 0..<Int32(count) {
      let state = name(renamed)
      let behind = next(state, end)
      _ = result.addState(accepting: behind >= 0 && accepting[Int(behind)])
    }
    let special = [classes.classOf[Int(start)], classes.classOf[Int(end)]].map(Int.init)
    for state in 0..<Int32(count) {
      for index in 0..<classes.count where !special.contains(index) {
        let target = table[Int(state) * classes.count + index]
        if target >= 0 { result.table[Int(name(state)) * classes.count + index] = name(target) }
      }
    }
    return result.trimmed()
  }
}
