// Parses Jinja's expressions, with Jinja's precedence: `~` binds tighter than `+`, and `**` is left-associative.

extension JinjaParser {
  private func make(_ kind: JinjaExpression.Kind, line: Int, over depth: Int = 0) throws(TextError) -> JinjaExpression {
    guard depth < Self.depthLimit else {
      throw .templateLimit(name: "depth of an expression", maximum: Self.depthLimit, line: line)
    }
    return JinjaExpression(kind: kind, line: line, depth: depth + 1)
  }

  /// One expression, or a tuple where commas follow; `endsAt` is a word that ends a tuple behind a comma.
  mutating func parseTuple(
    allowsConditional: Bool = true, endsAt: String? = nil, inParentheses: Bool = false
  ) throws(TextError) -> JinjaExpression {
    let line = line
    var values: [JinjaExpression] = []
    var isTuple = false
    while !isTupleEnd(endsAt) {
      values.append(try allowsConditional ? parseExpression() : parseOr())
      guard take(.comma) else { break }
      isTuple = true
    }
    if !isTuple, let only = values.first { return only }
    guard isTuple || inParentheses else { throw unexpected(wanted: "an expression") }
    return try make(.tuple(values), line: line, over: values.map(\.depth).max() ?? 0)
  }

  private func isTupleEnd(_ word: String?) -> Bool {
    switch kind {
    case .variableEnd, .blockEnd, .op(.closeParenthesis): true
    case .name(let name): name == word
    default: false
    }
  }

  /// `a if test else b`, and all that binds tighter.
  mutating func parseExpression() throws(TextError) -> JinjaExpression {
    try nested { parser throws(TextError) in
      let line = parser.line
      var value = try parser.parseOr()
      while parser.take(word: "if") {
        let test = try parser.parseOr()
        let otherwise = parser.take(word: "else") ? try parser.parseExpression() : nil
        value = try parser.make(
          .conditional(test: test, then: value, otherwise: otherwise), line: line,
          over: max(test.depth, value.depth, otherwise?.depth ?? 0))
      }
      return value
    }
  }

  private mutating func parseOr() throws(TextError) -> JinjaExpression {
    let line = line
    var left = try parseAnd()
    while take(word: "or") {
      let right = try parseAnd()
      left = try make(.or(left, right), line: line, over: max(left.depth, right.depth))
    }
    return left
  }

  private mutating func parseAnd() throws(TextError) -> JinjaExpression {
    let line = line
    var left = try parseNot()
    while take(word: "and") {
      let right = try parseNot()
      left = try make(.and(left, right), line: line, over: max(left.depth, right.depth))
    }
    return left
  }

  private mutating func parseNot() throws(TextError) -> JinjaExpression {
    let line = line
    guard take(word: "not") else { return try parseComparison() }
    let value = try nested { parser throws(TextError) in try parser.parseNot() }
    return try make(.not(value), line: line, over: value.depth)
  }

  private mutating func parseComparison() throws(TextError) -> JinjaExpression {
    let line = line
    let first = try parseSum()
    var rest: [(JinjaComparison, JinjaExpression)] = []
    while let comparison = takeComparison() { rest.append((comparison, try parseSum())) }
    guard !rest.isEmpty else { return first }
    return try make(.compare(first, rest), line: line, over: max(first.depth, rest.map(\.1.depth).max() ?? 0))
  }

  private mutating func takeComparison() -> JinjaComparison? {
    switch kind {
    case .op(let op):
      let comparisons: [JinjaOperator: JinjaComparison] = [
        .equal: .equal, .notEqual: .notEqual, .less: .less, .lessOrEqual: .lessOrEqual, .greater: .greater,
        .greaterOrEqual: .greaterOrEqual,
      ]
      guard let comparison = comparisons[op] else { return nil }
      advance()
      return comparison
    case .name("in"):
      advance()
      return .isIn
    case .name("not") where nextKind == .name("in"):
      advance()
      advance()
      return .isNotIn
    default: return nil
    }
  }

  // MARK: Arithmetic

  private mutating func parseSum() throws(TextError) -> JinjaExpression {
    let line = line
    var left = try parseConcatenation()
    while kind == .op(.add) || kind == .op(.subtract) {
      let operation: JinjaBinary = kind == .op(.add) ? .add : .subtract
      advance()
      let right = try parseConcatenation()
      left = try make(.binary(operation, left, right), line: line, over: max(left.depth, right.depth))
    }
    return left
  }

  private mutating func parseConcatenation() throws(TextError) -> JinjaExpression {
    let line = line
    let first = try parseProduct()
    guard kind == .op(.concatenate) else { return first }
    var parts = [first]
    while take(.concatenate) { parts.append(try parseProduct()) }
    return try make(.concatenate(parts), line: line, over: parts.map(\.depth).max() ?? 0)
  }

  private mutating func parseProduct() throws(TextError) -> JinjaExpression {
    let line = line
    let operations: [JinjaOperator: JinjaBinary] = [
      .multiply: .multiply, .divide: .divide, .floorDivide: .floorDivide, .modulo: .modulo,
    ]
    var left = try parsePower()
    while case .op(let op) = kind, let operation = operations[op] {
      advance()
      let right = try parsePower()
      left = try make(.binary(operation, left, right), line: line, over: max(left.depth, right.depth))
    }
    return left
  }

  private mutating func parsePower() throws(TextError) -> JinjaExpression {
    let line = line
    var left = try parseUnary()
    while take(.power) {
      let right = try parseUnary()
      left = try make(.binary(.power, left, right), line: line, over: max(left.depth, right.depth))
    }
    return left
  }

  private mutating func parseUnary(allowsFilters: Bool = true) throws(TextError) -> JinjaExpression {
    let line = line
    var value: JinjaExpression
    if kind == .op(.subtract) || kind == .op(.add) {
      let negates = kind == .op(.subtract)
      advance()
      let operand = try nested { parser throws(TextError) in try parser.parseUnary(allowsFilters: false) }
      value = try make(negates ? .negate(operand) : .plus(operand), line: line, over: operand.depth)
    } else {
      value = try parsePrimary()
    }
    value = try parsePostfix(of: value)
    return allowsFilters ? try parseFiltersAndTests(of: value) : value
  }

  // MARK: Primaries

  private mutating func parsePrimary() throws(TextError) -> JinjaExpression {
    let line = line
    switch kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return try make(.constant(.bool(true)), line: line)
      case "false", "False": return try make(.constant(.bool(false)), line: line)
      case "none", "None": return try make(.constant(.none), line: line)
      default:
        noteUse(of: name)
        return try make(.name(name), line: line)
      }
    case .string(var text):
      advance()
      while case .string(let more) = kind {
        text += more
        advance()
      }
      return try make(.constant(.string(text)), line: line)
    case .integer(let value):
      advance()
      return try make(.constant(.int(value)), line: line)
    case .float(let value):
      advance()
      return try make(.constant(.double(value)), line: line)
    case .op(.openParenthesis):
      advance()
      let value = try nested { parser throws(TextError) in try parser.parseTuple(inParentheses: true) }
      try expect(.closeParenthesis)
      return value
    case .op(.openBracket): return try parseList()
    case .op(.openBrace): return try parseDict()
    default: throw unexpected(wanted: "an expression")
    }
  }

  private mutating func parseList() throws(TextError) -> JinjaExpression {
    let line = line
    try expect(.openBracket)
    var items: [JinjaExpression] = []
    while kind != .op(.closeBracket) {
      if !items.isEmpty { try expect(.comma) }
      if kind == .op(.closeBracket) { break }
      items.append(try parseExpression())
    }
    try expect(.closeBracket)
    return try make(.list(items), line: line, over: items.map(\.depth).max() ?? 0)
  }

  private mutating func parseDict() throws(TextError) -> JinjaExpression {
    let line = line
    try expect(.openBrace)
    var items: [(key: JinjaExpression, value: JinjaExpression)] = []
    while kind != .op(.closeBrace) {
      if !items.isEmpty { try expect(.comma) }
      if kind == .op(.closeBrace) { break }
      let key = try parseExpression()
      try expect(.colon)
      items.append((key, try parseExpression()))
    }
    try expect(.closeBrace)
    return try make(.dict(items), line: line, over: items.map { max($0.key.depth, $0.value.depth) }.max() ?? 0)
  }

  // MARK: Postfixes

  private mutating func parsePostfix(of base: JinjaExpression) throws(TextError) -> JinjaExpression {
    var value = base
    while true {
      let line = line
      if take(.dot) {
        switch kind {
        case .name(let name): value = try make(.attribute(value, name), line: line, over: value.depth)
        case .integer(let position):
          let index = try make(.constant(.int(position)), line: line)
          value = try make(.element(value, index), line: line, over: value.depth)
        default: throw unexpected(wanted: "a name or a number")
        }
        advance()
      } else if take(.openBracket) {
        value = try parseSubscript(of: value, line: line)
      } else if kind == .op(.openParenthesis) {
        value = try parseCall(of: value)
      } else {
        return value
      }
    }
  }

  private mutating func parseCall(of function: JinjaExpression) throws(TextError) -> JinjaExpression {
    let line = line
    let arguments = try parseArguments()
    return try make(.call(function, arguments), line: line, over: max(function.depth, arguments.depth))
  }

  private mutating func parseSubscript(of base: JinjaExpression, line: Int) throws(TextError) -> JinjaExpression {
    let start = kind == .op(.colon) ? nil : try parseExpression()
    guard take(.colon) else {
      guard let start else { throw unexpected(wanted: "an expression") }
      guard kind == .op(.comma) else {
        try expect(.closeBracket)
        return try make(.element(base, start), line: line, over: max(base.depth, start.depth))
      }
      var keys = [start]
      while take(.comma), kind != .op(.closeBracket) { keys.append(try parseExpression()) }
      try expect(.closeBracket)
      let depth = max(base.depth, keys.map(\.depth).max() ?? 0)
      let tuple = try make(.tuple(keys), line: line, over: depth)
      return try make(.element(base, tuple), line: line, over: tuple.depth)
    }
    let stop = kind == .op(.colon) || kind == .op(.closeBracket) ? nil : try parseExpression()
    var step: JinjaExpression?
    if take(.colon), kind != .op(.closeBracket) { step = try parseExpression() }
    try expect(.closeBracket)
    return try make(
      .slice(base, start: start, stop: stop, step: step), line: line,
      over: max(base.depth, start?.depth ?? 0, stop?.depth ?? 0, step?.depth ?? 0))
  }

  private mutating func parseArguments() throws(TextError) -> JinjaArguments {
    try expect(.openParenthesis)
    var arguments = JinjaArguments()
    var isFirst = true
    while kind != .op(.closeParenthesis) {
      if !isFirst { try expect(.comma) }
      isFirst = false
      if kind == .op(.closeParenthesis) { break }
      if take(.multiply) {
        guard arguments.spread == nil, arguments.namedSpread == nil else { throw error("a second '*' in a call") }
        arguments.spread = try parseExpression()
      } else if take(.power) {
        guard arguments.namedSpread == nil else { throw error("a second '**' in a call") }
        arguments.namedSpread = try parseExpression()
      } else if case .name(let name) = kind, nextKind == .op(.assign) {
        advance()
        advance()
        arguments.named.append((name, try parseExpression()))
      } else {
        guard arguments.named.isEmpty, arguments.spread == nil, arguments.namedSpread == nil else {
          throw error("an argument by position stands behind one by name")
        }
        arguments.positional.append(try parseExpression())
      }
    }
    try expect(.closeParenthesis)
    return arguments
  }

  // MARK: Filters and tests

  private mutating func parseFiltersAndTests(of base: JinjaExpression) throws(TextError) -> JinjaExpression {
    var value = base
    while true {
      switch kind {
      case .op(.pipe): value = try parseFilters(of: value, startsInline: false)
      case .op(.openParenthesis): value = try parseCall(of: value)
      case .name("is"): value = try parseTest(of: value)
      default: return value
      }
    }
  }

  /// The filters behind `base`; `startsInline` where the first stands without its '|'.
  mutating func parseFilters(of base: JinjaExpression?, startsInline: Bool) throws(TextError) -> JinjaExpression {
    var value = base
    var isInline = startsInline
    while isInline || take(.pipe) {
      isInline = false
      let line = line
      let name = try parseDottedName()
      let arguments = kind == .op(.openParenthesis) ? try parseArguments() : JinjaArguments()
      value = try make(.filter(value, name, arguments), line: line, over: max(value?.depth ?? 0, arguments.depth))
    }
    guard let value else { throw unexpected(wanted: "a filter") }
    return value
  }

  private mutating func parseDottedName() throws(TextError) -> String {
    var name = try expectName()
    while take(.dot) { name += "." + (try expectName()) }
    return name
  }

  private mutating func parseTest(of base: JinjaExpression) throws(TextError) -> JinjaExpression {
    let line = line
    advance()
    let negates = take(word: "not")
    let name = try parseDottedName()
    var arguments = JinjaArguments()
    switch kind {
    case .op(.openParenthesis): arguments = try parseArguments()
    case .name("else"), .name("or"), .name("and"): break
    case .name("is"): throw error("tests cannot be chained with 'is'")
    case .name, .string, .integer, .float, .op(.openBracket), .op(.openBrace):
      arguments.positional = [try parsePostfix(of: try parsePrimary())]
    default: break
    }
    let test = try make(.test(base, name, arguments), line: line, over: max(base.depth, arguments.depth))
    return negates ? try make(.not(test), line: line, over: test.depth) : test
  }
}
