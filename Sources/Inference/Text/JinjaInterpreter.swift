// Runs a template's statements: output, branches, loops, assignments, macros. Expressions are in JinjaEvaluator.swift.

/// How a block ended.
enum JinjaFlow { case on, breaks, continues }

extension JinjaMachine {
  func execute(_ body: [JinjaStatement], in scope: JinjaScope) throws(TextError) -> JinjaFlow {
    try enter()
    defer { leave() }
    for statement in body {
      line = statement.line
      let flow = try execute(statement, in: scope)
      if flow != .on { return flow }
    }
    return .on
  }

  private func execute(_ statement: JinjaStatement, in scope: JinjaScope) throws(TextError) -> JinjaFlow {
    try step()
    switch statement.kind {
    case .data(let text): try write(text)
    case .output(let expression): try write(str(evaluate(expression, in: scope)))
    case .branch(let branches, let otherwise):
      for branch in branches where try evaluate(branch.test, in: scope).isTrue {
        return try execute(branch.body, in: scope)
      }
      if !otherwise.isEmpty { return try execute(otherwise, in: scope) }
    case .loop(let syntax):
      try runLoop(syntax, over: evaluate(syntax.sequence, in: scope), level: 0, in: scope)
    case .set(let target, let expression): try assign(evaluate(expression, in: scope), to: target, in: scope)
    case .setBlock(let target, let filter, let body):
      let text = try capture { () throws(TextError) in
        _ = try execute(body, in: JinjaScope(parent: scope))
      }
      let value = try filter.map { filter throws(TextError) in try evaluateFilter(filter, onText: text, in: scope) }
      try assign(value ?? .string(text), to: target, in: scope)
    case .macro(let macro): scope.values[ExactText(macro.name)] = try function(.macro(macro, scope))
    case .callBlock(let body, let callee, let arguments):
      var call = try evaluate(arguments, in: scope)
      call.named.append(("caller", try function(.macro(body, scope))))
      try write(str(self.call(evaluate(callee, in: scope), call)))
    case .filterBlock(let filter, let body):
      let text = try capture { () throws(TextError) in
        _ = try execute(body, in: JinjaScope(parent: scope))
      }
      try write(str(evaluateFilter(filter, onText: text, in: scope)))
    case .with(let assignments, let body):
      let inner = JinjaScope(parent: scope)
      for (target, expression) in assignments {
        // Each value sees the names outside, not those set beside it.
        try assign(evaluate(expression, in: scope), to: target, in: inner)
      }
      return try execute(body, in: inner)
    case .generation(let body): return try execute(body, in: JinjaScope(parent: scope))
    case .breakLoop: return .breaks
    case .continueLoop: return .continues
    }
    return .on
  }

  // MARK: Assignment

  func assign(_ value: JinjaValue, to target: JinjaTarget, in scope: JinjaScope) throws(TextError) {
    switch target {
    case .name(let name): scope.values[ExactText(name)] = value
    case .attribute(let owner, let name):
      guard case .namespace(let namespace)? = scope.find(ExactText(owner)) else {
        throw failure("'\(owner)' is no namespace: its attributes cannot be set")
      }
      try allocate(64)
      namespace.set(name, value)
    case .tuple(let targets):
      let values = try items(of: value)
      guard values.count == targets.count else {
        throw failure(
          values.count > targets.count
            ? "too many values to unpack (expected \(targets.count))"
            : "not enough values to unpack (expected \(targets.count), got \(values.count))")
      }
      for (target, value) in zip(targets, values) { try assign(value, to: target, in: scope) }
    }
  }

  // MARK: Loops

  func runLoop(
    _ syntax: JinjaLoopSyntax, over value: JinjaValue, level: Int, in scope: JinjaScope
  ) throws(TextError) {
    var values = try items(of: value)
    if let condition = syntax.condition {
      var kept: [JinjaValue] = []
      for value in values {
        try step()
        let inner = JinjaScope(parent: scope)
        try assign(value, to: syntax.target, in: inner)
        if try evaluate(condition, in: inner).isTrue { kept.append(value) }
      }
      values = kept
    }
    guard !values.isEmpty else {
      _ = try execute(syntax.otherwise, in: JinjaScope(parent: scope))
      return
    }
    if syntax.isRecursive { try own(scope) }
    let loop = JinjaLoop(
      items: values, level: level, syntax: syntax, scope: syntax.isRecursive ? scope : nil)
    for (index, value) in values.enumerated() {
      loop.index = index
      let inner = JinjaScope(parent: scope)
      inner.values["loop"] = .loop(loop)
      try assign(value, to: syntax.target, in: inner)
      if try execute(syntax.body, in: inner) == .breaks { break }
    }
  }

  // MARK: Macros

  func callMacro(_ macro: JinjaMacro, in scope: JinjaScope, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    let inner = JinjaScope(parent: scope)
    var named = call.named
    func takeNamed(_ name: String) -> JinjaValue? {
      guard let position = named.firstIndex(where: { $0.name.isSameText(as: name) }) else { return nil }
      return named.remove(at: position).value
    }
    let firstDefault = macro.parameters.count - macro.defaults.count
    for (position, name) in macro.parameters.enumerated() {
      let value: JinjaValue
      if position < call.positional.count {
        value = call.positional[position]
      } else if let given = takeNamed(name) {
        value = given
      } else if position >= firstDefault {
        value = try evaluate(macro.defaults[position - firstDefault], in: inner)
      } else {
        value = .undefined(JinjaMissing("parameter '\(name)' was not provided", isName: false))
      }
      inner.values[ExactText(name)] = value
    }
    if macro.usesCaller, !macro.parameters.contains("caller") {
      inner.values["caller"] = takeNamed("caller") ?? .undefined(JinjaMissing("No caller defined", isName: false))
    }
    if macro.usesNamedRest {
      var pairs: [(JinjaKey, JinjaValue)] = []
      for (name, value) in named { pairs.append((.string(ExactText(name)), value)) }
      inner.values["kwargs"] = try dict(pairs)
    } else if let extra = named.first {
      throw failure("macro '\(macro.name)' takes no keyword argument '\(extra.name)'")
    }
    if macro.usesPositionalRest {
      inner.values["varargs"] = try tuple(Array(call.positional.dropFirst(macro.parameters.count)))
    } else if call.positional.count > macro.parameters.count {
      throw failure("macro '\(macro.name)' takes not more than \(macro.parameters.count) argument(s)")
    }
    let callLine = line
    let text = try capture { () throws(TextError) in _ = try execute(macro.body, in: inner) }
    line = callLine
    return .string(text)
  }
}

extension ExactText: ExpressibleByStringLiteral {
  package init(stringLiteral value: String) { self.init(value) }
}
