// Numbers and strings of a schema as expressions.

extension SchemaCompiler {
  // MARK: Numbers

  mutating func number(_ facts: SchemaFacts) throws(GrammarError) -> Expression {
    // A multiple of a whole number is whole.
    let isWhole = !facts.types.contains(.fraction) || !facts.divisors.isEmpty
    if facts.lower == nil, facts.upper == nil, facts.divisors.isEmpty {
      return try shared(isWhole ? .integer : .number) { compiler throws(GrammarError) in
        try compiler.anyNumber(isWhole: isWhole)
      }
    }
    var decimals = DecimalGrammar(tree: tree)
    let body = isWhole ? try whole(facts, &decimals) : try decimal(facts, &decimals)
    tree = decimals.tree
    return body
  }

  private mutating func anyNumber(isWhole: Bool) throws(GrammarError) -> Expression {
    let pattern =
      isWhole
      ? "-?(?:0|[1-9][0-9]{0,17})" : "-?(?:0|[1-9][0-9]{0,17})(?:\\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?"
    return try tree.add(RegexParser.automaton(of: pattern, whole: true, limits: limits, budget: &budget))
  }

  private mutating func whole(_ facts: SchemaFacts, _ decimals: inout DecimalGrammar) throws(GrammarError) -> Expression
  {
    let low = facts.lower?.value.wholeAbove(strictly: facts.lower?.isStrict ?? false)
    let high = facts.upper?.value.wholeBelow(strictly: facts.upper?.isStrict ?? false)
    var parts: [Expression] = []
    if high.map({ !$0.isNegative }) ?? true {
      let least = low.map { $0.isNegative ? .zero : $0 } ?? .zero
      parts.append(try decimals.whole(from: least.whole, to: high?.whole))
    }
    if low.map(\.isNegative) ?? true {
      let least = high.map { $0.isNegative ? $0.negated : DecimalNumber(whole: [1]) } ?? DecimalNumber(whole: [1])
      parts.append(
        try decimals.tree.sequence([
          decimals.tree.literal("-"), decimals.whole(from: least.whole, to: low?.negated.whole),
        ]))
    }
    let range = try decimals.tree.choice(parts)
    guard !facts.divisors.isEmpty else { return range }
    var automaton = try self.automaton(of: range, in: decimals.tree)
    for divisor in Set(facts.divisors) where divisor > 1 {
      automaton = try .product(automaton, .multiples(of: divisor), budget: &budget)
    }
    return try decimals.tree.add(automaton)
  }

  private mutating func decimal(
    _ facts: SchemaFacts, _ decimals: inout DecimalGrammar
  ) throws(GrammarError) -> Expression {
    var parts: [Expression] = []
    if facts.upper.map({ $0.value > .zero || ($0.value.isZero && !$0.isStrict) }) ?? true {
      let low = facts.lower.map { $0.value.isNegative ? SchemaFacts.Bound(value: .zero, isStrict: false) : $0 }
      parts.append(try size(from: low, to: facts.upper, &decimals))
    }
    if facts.lower.map({ $0.value.isNegative }) ?? true {
      func turned(_ bound: SchemaFacts.Bound) -> SchemaFacts.Bound {
        SchemaFacts.Bound(value: bound.value.negated, isStrict: bound.isStrict)
      }
      let low = facts.upper.map { bound in
        bound.value > .zero ? SchemaFacts.Bound(value: .zero, isStrict: false) : turned(bound)
      }
      let size = try size(from: low, to: facts.lower.map(turned), &decimals)
      parts.append(try decimals.tree.sequence([decimals.tree.literal("-"), size]))
    }
    return try decimals.tree.choice(parts)
  }

  /// Numbers without sign in a range.
  private mutating func size(
    from low: SchemaFacts.Bound?, to high: SchemaFacts.Bound?, _ decimals: inout DecimalGrammar
  ) throws(GrammarError) -> Expression {
    let low = low ?? SchemaFacts.Bound(value: .zero, isStrict: false)
    let above = try decimals.atLeast(low.value, strictly: low.isStrict)
    guard let high else { return above }
    let below = try decimals.atMost(high.value, strictly: high.isStrict)
    let both = try ByteAutomaton.product(
      automaton(of: above, in: decimals.tree), automaton(of: below, in: decimals.tree), budget: &budget)
    return try decimals.tree.add(both)
  }

  mutating func automaton(of body: Expression, in tree: GrammarTree) throws(GrammarError) -> ByteAutomaton {
    var tree = tree
    let rule = try tree.addRule("")
    tree.define(rule, body)
    return try RegexParser.plain(tree, rule, &budget)
  }

  // MARK: Strings

  /// One character of a string: as it is or escaped.
  private mutating func character() throws(GrammarError) -> Expression {
    try shared(.character) { compiler throws(GrammarError) in
      let plain = ScalarSet([0x20...0x21, 0x23...0x5B, 0x5D...0x10FFFF])
      let hex = "[0-9a-fA-F]"
      let escape =
        "\\\\(?:[\"\\\\/bfnrt]|u(?:[0-9abcefABCEF]\(hex){3}|[dD][0-7]\(hex){2}"
        + "|[dD][89abAB]\(hex){2}\\\\u[dD][c-fC-F]\(hex){2}))"
      let escaped = try RegexParser.automaton(
        of: escape, whole: true, limits: compiler.limits, budget: &compiler.budget)
      return try compiler.tree.choice([compiler.tree.scalars(plain), compiler.tree.add(escaped)])
    }
  }

  mutating func string(_ facts: SchemaFacts) throws(GrammarError) -> Expression {
    let quote = try tree.literal("\"")
    if facts.patterns.isEmpty, facts.excludedStrings.isEmpty {
      if facts.minimumLength == 0, facts.maximumLength == nil {
        return try shared(.string) { compiler throws(GrammarError) in
          try compiler.tree.sequence([quote, compiler.tree.repeated(compiler.character(), 0, nil), quote])
        }
      }
      if let maximum = facts.maximumLength, maximum < facts.minimumLength { return try tree.choice([]) }
      let body = try tree.repeated(character(), facts.minimumLength, facts.maximumLength)
      return try tree.sequence([quote, body, quote])
    }
    return try tree.sequence([quote, tree.add(encoded(text(facts))), quote])
  }

  /// The automaton of a string's text, not yet written as JSON.
  mutating func text(_ facts: SchemaFacts) throws(GrammarError) -> ByteAutomaton {
    var result: ByteAutomaton?
    for pattern in Set(facts.patterns) {
      let automaton: ByteAutomaton
      do throws(GrammarError) {
        automaton = try RegexParser.automaton(of: pattern.text, whole: false, limits: limits, budget: &budget)
      } catch {
        throw refusal(of: pattern, error)
      }
      result =
        try result.map { known throws(GrammarError) in
          try ByteAutomaton.product(known, automaton, budget: &budget)
        } ?? automaton
    }
    if result == nil || facts.minimumLength > 0 || facts.maximumLength != nil {
      if let maximum = facts.maximumLength, maximum < facts.minimumLength { return try nothing() }
      var lengths = GrammarTree(limits: limits)
      let any = try lengths.scalars(.all)
      let body = try lengths.repeated(any, facts.minimumLength, facts.maximumLength)
      let automaton = try self.automaton(of: body, in: lengths)
      result =
        try result.map { known throws(GrammarError) in
          try ByteAutomaton.product(known, automaton, budget: &budget)
        } ?? automaton
    }
    guard var text = result else { return try nothing() }
    if !facts.excludedStrings.isEmpty { text = try text.excluding(facts.excludedStrings, limits, &budget) }
    return text
  }

  private mutating func nothing() throws(GrammarError) -> ByteAutomaton {
    var empty = GrammarTree(limits: limits)
    let body = try empty.choice([])
    return try automaton(of: body, in: empty)
  }

  /// A pattern's own error, at the place of the pattern in the schema.
  private func refusal(of pattern: SchemaFacts.Pattern, _ error: GrammarError) -> GrammarError {
    let pointer = reader.document.pointers[pattern.place]
    switch error {
    case .syntax(_, let reason):
      return .malformedSchema(pointer: pointer, keyword: pattern.keyword, reason: "'\(pattern.text)': \(reason)")
    case .unsupported(_, let construct):
      return .unsupportedKeyword(
        pointer: pointer, keyword: pattern.keyword, reason: "'\(pattern.text)' has \(construct)")
    default: return error
    }
  }

  /// The automaton of texts as they stand in a JSON string: one way to write each.
  func encoded(_ text: ByteAutomaton) -> ByteAutomaton {
    var classes = text.classes
    for byte in [0x22, 0x5C, 0x62, 0x66, 0x6E, 0x72, 0x74, 0x75] as [UInt8] { classes.split(byte...byte) }
    for byte in (UInt8(ascii: "0")...UInt8(ascii: "9")) { classes.split(byte...byte) }
    for byte in (UInt8(ascii: "a")...UInt8(ascii: "f")) { classes.split(byte...byte) }
    classes.split(0...0x1F)
    var result = ByteAutomaton(classes: classes)
    for state in 0..<text.count { _ = result.addState(accepting: text.accepting[state]) }
    let spellings = (UInt8.min..<0x80).map { byte in
      var spelled = ""
      JSONValue.write(String(Unicode.Scalar(byte)), to: &spelled)
      return Array(spelled.utf8.dropFirst().dropLast())
    }
    for state in 0..<Int32(text.count) {
      var escapes: [[UInt8]: Int32] = [:]
      for byte in UInt8.min...UInt8.max {
        let target = text.next(state, byte)
        guard target >= 0 else { continue }
        if byte >= 0x80 || spellings[Int(byte)].count == 1 {
          result.table[Int(state) * classes.count + Int(classes.classOf[Int(byte)])] = target
        } else {
          result.add(spellings[Int(byte)], from: state, to: target, &escapes)
        }
      }
    }
    return result
  }
}

extension ByteAutomaton {
  /// Adds the transitions of a sequence of bytes, through states that sequences from the same place share.
  fileprivate mutating func add(
    _ bytes: [UInt8], from start: Int32, to end: Int32, _ shared: inout [[UInt8]: Int32]
  ) {
    var state = start
    for index in bytes.indices {
      let byteClass = Int(classes.classOf[Int(bytes[index])])
      if index == bytes.count - 1 {
        table[Int(state) * classes.count + byteClass] = end
      } else {
        let path = Array(bytes[...index])
        let next = shared[path] ?? addState(accepting: false)
        shared[path] = next
        table[Int(state) * classes.count + byteClass] = next
        state = next
      }
    }
  }

  /// Whole numbers in decimal digits, with a sign or without, that a number divides.
  static func multiples(of divisor: Int) -> ByteAutomaton {
    var classes = ByteClasses()
    for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { classes.split(byte...byte) }
    classes.split(UInt8(ascii: "-")...UInt8(ascii: "-"))
    var result = ByteAutomaton(classes: classes)
    _ = result.addState(accepting: false)
    for remainder in 0..<divisor { _ = result.addState(accepting: remainder == 0) }
    result.table[Int(classes.classOf[Int(UInt8(ascii: "-"))])] = 0
    for state in 0...divisor {
      for digit in 0..<10 {
        let remainder = (max(0, state - 1) * 10 + digit) % divisor
        result.table[state * classes.count + Int(classes.classOf[0x30 + digit])] = Int32(remainder + 1)
      }
    }
    return result
  }

  /// The texts that are none of `strings`.
  func excluding(
    _ strings: [String], _ limits: GrammarLimits, _ budget: inout AutomatonBudget
  ) throws(GrammarError) -> ByteAutomaton {
    guard !strings.isEmpty else { return self }
    var tree = GrammarTree(limits: limits)
    var parts: [Expression] = []
    for string in strings { parts.append(try tree.literal(string)) }
    let rule = try tree.addRule("")
    tree.define(rule, try tree.choice(parts))
    let listed = try RegexParser.plain(tree, rule, &budget)
    return try .product(self, listed, subtracting: true, budget: &budget)
  }
}
