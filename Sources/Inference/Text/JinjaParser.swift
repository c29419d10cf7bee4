// Parses the statements of a Jinja template; expressions are in JinjaExpressionParser.swift. It resolves no name.

struct JinjaParser {
  /// Blocks, brackets and the like may nest this deep in a template's text.
  static let nestingLimit = 100
  /// An expression's tree may be this deep; chains such as `a + b + c` deepen it by one a link.
  static let depthLimit = 200

  let tokens: [JinjaToken]
  var index = 0
  var nesting = 0
  private var loops = 0
  /// Whether the macros around the current place use `caller`, `varargs` and `kwargs`.
  private var macroUses: [Set<String>] = []

  static func parse(_ source: String) throws(TextError) -> [JinjaStatement] {
    var parser = JinjaParser(tokens: try JinjaLexer.tokens(of: source))
    return try parser.parseStatements(until: []).body
  }

  private init(tokens: [JinjaToken]) { self.tokens = tokens }

  // MARK: Tokens

  var kind: JinjaToken.Kind { tokens[index].kind }
  var line: Int { tokens[index].line }
  var nextKind: JinjaToken.Kind { tokens[min(index + 1, tokens.count - 1)].kind }

  mutating func advance() {
    if index + 1 < tokens.count { index += 1 }
  }

  mutating func take(_ op: JinjaOperator) -> Bool {
    guard kind == .op(op) else { return false }
    advance()
    return true
  }

  mutating func take(word: String) -> Bool {
    guard kind == .name(word) else { return false }
    advance()
    return true
  }

  mutating func expect(_ op: JinjaOperator) throws(TextError) {
    guard take(op) else { throw unexpected(wanted: "'\(op.rawValue)'") }
  }

  mutating func expectName() throws(TextError) -> String {
    guard case .name(let name) = kind else { throw unexpected(wanted: "a name") }
    advance()
    return name
  }

  func error(_ reason: String) -> TextError { .templateSyntax(line: line, reason: reason) }

  func unexpected(wanted: String) -> TextError {
    let found =
      switch kind {
      case .data: "text"
      case .blockBegin, .variableBegin: "the start of a tag"
      case .blockEnd, .variableEnd: "the end of the tag"
      case .name(let name): "'\(name)'"
      case .string(let text): "the string '\(text.prefix(40))'"
      case .integer(let value): "\(value)"
      case .float(let value): "\(value)"
      case .op(let op): "'\(op.rawValue)'"
      case .end: "the end of the template"
      }
    return error("found \(found) where \(wanted) should stand")
  }

  /// Runs `parse` one level deeper, so that nothing nests without bound.
  mutating func nested<T>(_ parse: (inout JinjaParser) throws(TextError) -> T) throws(TextError) -> T {
    guard nesting < Self.nestingLimit else {
      throw .templateLimit(name: "nesting in its text", maximum: Self.nestingLimit, line: line)
    }
    nesting += 1
    defer { nesting -= 1 }
    return try parse(&self)
  }

  /// Notes a use of one of the names that a macro is given without declaring it.
  mutating func noteUse(of name: String) {
    guard name == "caller" || name == "varargs" || name == "kwargs" else { return }
    for level in macroUses.indices { macroUses[level].insert(name) }
  }

  // MARK: Bodies

  /// Parses up to a tag that starts with one of `words`, and that word; with none, up to the end.
  private mutating func parseStatements(
    until words: [String]
  ) throws(TextError) -> (body: [JinjaStatement], word: String) {
    let start = line
    var body: [JinjaStatement] = []
    while true {
      let line = line
      switch kind {
      case .data(let text):
        body.append(JinjaStatement(kind: .data(text), line: line))
        advance()
      case .variableBegin:
        advance()
        body.append(JinjaStatement(kind: .output(try parseTuple()), line: line))
        guard kind == .variableEnd else { throw unexpected(wanted: "'}}'") }
        advance()
      case .blockBegin:
        advance()
        if case .name(let word) = kind, words.contains(word) {
          advance()
          return (body, word)
        }
        body.append(contentsOf: try nested { parser throws(TextError) in try parser.parseStatement() })
        try expectBlockEnd()
      default:
        guard words.isEmpty else {
          let ends = words.joined(separator: "' or '")
          throw .templateSyntax(line: start, reason: "the block that starts here has no '\(ends)'")
        }
        return (body, "")
      }
    }
  }

  private mutating func expectBlockEnd() throws(TextError) {
    guard kind == .blockEnd else { throw unexpected(wanted: "'%}'") }
    advance()
  }

  /// A body between `%}` and its end word; the `%}` after that word is left to the caller.
  private mutating func parseBody(until words: [String]) throws(TextError) -> (body: [JinjaStatement], word: String) {
    try expectBlockEnd()
    return try parseStatements(until: words)
  }

  // MARK: Statements

  private mutating func parseStatement() throws(TextError) -> [JinjaStatement] {
    let line = line
    let word = try expectName()
    let kind: JinjaStatement.Kind
    switch word {
    case "if": kind = try parseIf()
    case "for": kind = try parseFor()
    case "set": kind = try parseSet()
    case "macro": kind = .macro(try parseMacro())
    case "call": kind = try parseCallBlock()
    case "filter":
      let filter = try parseFilters(of: nil, startsInline: true)
      kind = .filterBlock(filter, body: try parseBody(until: ["endfilter"]).body)
    case "with": kind = try parseWith()
    case "generation": kind = .generation(body: try parseBody(until: ["endgeneration"]).body)
    case "print": return try parsePrint(line: line)
    case "break", "continue":
      guard loops > 0 else { throw error("'\(word)' stands outside a loop") }
      kind = word == "break" ? .breakLoop : .continueLoop
    default: throw .templateSyntax(line: line, reason: "'\(word)' is no statement that is known here")
    }
    return [JinjaStatement(kind: kind, line: line)]
  }

  private mutating func parseIf() throws(TextError) -> JinjaStatement.Kind {
    var branches: [(test: JinjaExpression, body: [JinjaStatement])] = []
    while true {
      let test = try parseTuple(allowsConditional: false)
      let (body, word) = try parseBody(until: ["elif", "else", "endif"])
      branches.append((test, body))
      if word == "elif" { continue }
      let otherwise = word == "else" ? try parseBody(until: ["endif"]).body : []
      return .branch(branches, otherwise: otherwise)
    }
  }

  private mutating func parseFor() throws(TextError) -> JinjaStatement.Kind {
    let target = try parseTarget(allowsAttribute: false)
    guard take(word: "in") else { throw unexpected(wanted: "'in'") }
    let sequence = try parseTuple(allowsConditional: false, endsAt: "recursive")
    let condition = take(word: "if") ? try parseExpression() : nil
    let isRecursive = take(word: "recursive")
    loops += 1
    let (body, word) = try parseBody(until: ["endfor", "else"])
    loops -= 1
    let otherwise = word == "else" ? try parseBody(until: ["endfor"]).body : []
    return .loop(
      JinjaLoopSyntax(
        target: target, sequence: sequence, condition: condition, isRecursive: isRecursive, body: body,
        otherwise: otherwise))
  }

  private mutating func parseSet() throws(TextError) -> JinjaStatement.Kind {
    let target = try parseTarget(allowsAttribute: true)
    if take(.assign) { return .set(target, try parseTuple()) }
    let filter = kind == .op(.pipe) ? try parseFilters(of: nil, startsInline: false) : nil
    return .setBlock(target, filter: filter, body: try parseBody(until: ["endset"]).body)
  }

  private mutating func parseWith() throws(TextError) -> JinjaStatement.Kind {
    var assignments: [(JinjaTarget, JinjaExpression)] = []
    while kind != .blockEnd {
      if !assignments.isEmpty { try expect(.comma) }
      let target = try parseTarget(allowsAttribute: false)
      try expect(.assign)
      assignments.append((target, try parseExpression()))
    }
    return .with(assignments, body: try parseBody(until: ["endwith"]).body)
  }

  private mutating func parsePrint(line: Int) throws(TextError) -> [JinjaStatement] {
    var outputs: [JinjaStatement] = []
    while kind != .blockEnd {
      if !outputs.isEmpty { try expect(.comma) }
      outputs.append(JinjaStatement(kind: .output(try parseExpression()), line: line))
    }
    return outputs
  }

  // MARK: Macros

  private mutating func parseMacro() throws(TextError) -> JinjaMacro {
    let name = try expectName()
    guard kind == .op(.openParenthesis) else { throw unexpected(wanted: "'('") }
    return try parseMacro(name: name, end: "endmacro")
  }

  private mutating func parseCallBlock() throws(TextError) -> JinjaStatement.Kind {
    // The parameters come first, then the call, then the body: the call is parsed between the two.
    var call: (function: JinjaExpression, arguments: JinjaArguments)?
    let macro = try parseMacro(name: "caller", end: "endcall") { parser throws(TextError) in
      guard case .call(let function, let arguments) = try parser.parseExpression().kind else {
        throw parser.error("'call' needs a call of a macro")
      }
      call = (function, arguments)
    }
    guard let call else { throw error("'call' needs a call of a macro") }
    return .callBlock(macro, call.function, call.arguments)
  }

  /// Parameters in parentheses (if any), what `head` parses, and the body up to `end`.
  private mutating func parseMacro(
    name: String, end: String, head: (inout JinjaParser) throws(TextError) -> Void = { _ in }
  ) throws(TextError) -> JinjaMacro {
    var parameters: [String] = []
    var defaults: [JinjaExpression] = []
    macroUses.append([])
    if take(.openParenthesis) {
      while kind != .op(.closeParenthesis) {
        if !parameters.isEmpty { try expect(.comma) }
        parameters.append(try parseTargetName())
        if take(.assign) {
          defaults.append(try parseExpression())
        } else if !defaults.isEmpty {
          throw error("a parameter without a default stands behind one with a default")
        }
      }
      try expect(.closeParenthesis)
    }
    try head(&self)
    // A loop around a macro is not the macro's own to break.
    let outerLoops = loops
    loops = 0
    let body = try parseBody(until: [end]).body
    loops = outerLoops
    let uses = macroUses.removeLast()
    return JinjaMacro(
      name: name, parameters: parameters, defaults: defaults, body: body, usesCaller: uses.contains("caller"),
      usesPositionalRest: uses.contains("varargs"), usesNamedRest: uses.contains("kwargs"))
  }

  // MARK: Targets

  private static let reservedNames: Set = ["true", "false", "none", "True", "False", "None"]

  private mutating func parseTargetName() throws(TextError) -> String {
    let name = try expectName()
    guard !Self.reservedNames.contains(name) else { throw error("'\(name)' cannot be assigned to") }
    return name
  }

  private mutating func parseTarget(allowsAttribute: Bool) throws(TextError) -> JinjaTarget {
    var targets: [JinjaTarget] = []
    var isTuple = false
    while true {
      if case .name(let word) = kind, word == "in", isTuple { break }
      guard kind != .op(.assign), kind != .op(.closeParenthesis) else { break }
      targets.append(try parseSingleTarget(allowsAttribute: allowsAttribute))
      guard take(.comma) else { break }
      isTuple = true
    }
    guard let first = targets.first else { throw unexpected(wanted: "a name to assign to") }
    return isTuple ? .tuple(targets) : first
  }

  private mutating func parseSingleTarget(allowsAttribute: Bool) throws(TextError) -> JinjaTarget {
    if take(.openParenthesis) {
      let target = try nested { parser throws(TextError) in
        try parser.parseTarget(allowsAttribute: allowsAttribute)
      }
      try expect(.closeParenthesis)
      return target
    }
    let name = try parseTargetName()
    if allowsAttribute, take(.dot) { return .attribute(of: name, name: try expectName()) }
    return .name(name)
  }
}
