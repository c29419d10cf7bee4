// Evaluates a template's expressions: names, look-ups, operators and calls. Filters, tests and methods stand apart.

/// The arguments of a call.
struct JinjaCall {
  var positional: [JinjaValue] = []
  var named: [(name: String, value: JinjaValue)] = []
}

extension JinjaMachine {
  func evaluate(_ expression: JinjaExpression, in scope: JinjaScope) throws(TextError) -> JinjaValue {
    try enter()
    defer { leave() }
    switch expression.kind {
    case .constant(let constant): return JinjaValue(constant)
    case .name(let name): return scope.find(ExactText(name)) ?? .undefined(JinjaMissing(name))
    case .list(let items): return try list(evaluate(items, in: scope))
    case .tuple(let items): return try tuple(evaluate(items, in: scope))
    case .dict(let items): return try evaluateDict(items, in: scope)
    case .and(let a, let b):
      let left = try evaluate(a, in: scope)
      return left.isTrue ? try evaluate(b, in: scope) : left
    case .or(let a, let b):
      let left = try evaluate(a, in: scope)
      return left.isTrue ? left : try evaluate(b, in: scope)
    case .not(let operand): return try .bool(!evaluate(operand, in: scope).isTrue)
    case .conditional(let test, let then, let otherwise):
      if try evaluate(test, in: scope).isTrue { return try evaluate(then, in: scope) }
      guard let otherwise else {
        return .undefined(JinjaMissing("the conditional has no else part", isName: false))
      }
      return try evaluate(otherwise, in: scope)
    default:
      let value = try evaluateOperation(expression.kind, in: scope, line: expression.line)
      return value
    }
  }

  private func evaluateOperation(
    _ kind: JinjaExpression.Kind, in scope: JinjaScope, line: Int
  ) throws(TextError) -> JinjaValue {
    switch kind {
    case .attribute(let owner, let name):
      let owner = try evaluate(owner, in: scope)
      self.line = line
      return try attribute(name, of: owner)
    case .element(let owner, let key):
      let owner = try evaluate(owner, in: scope)
      let key = try evaluate(key, in: scope)
      self.line = line
      return try element(key, of: owner)
    case .slice(let owner, let start, let stop, let step):
      return try evaluateSlice(owner, start, stop, step, in: scope, line: line)
    case .call(let callee, let arguments):
      let function = try evaluate(callee, in: scope)
      let call = try evaluate(arguments, in: scope)
      self.line = line
      return try self.call(function, call)
    case .filter(let input, let name, let arguments):
      guard let input else { throw failure("a filter without input") }
      let value = try evaluate(input, in: scope)
      let call = try evaluate(arguments, in: scope)
      self.line = line
      return try applyFilter(name, to: value, call)
    case .test(let input, let name, let arguments):
      let value = try evaluate(input, in: scope)
      let call = try evaluate(arguments, in: scope)
      self.line = line
      return try .bool(applyTest(name, to: value, call))
    default: return try evaluateArithmetic(kind, in: scope, line: line)
    }
  }

  private func evaluateArithmetic(
    _ kind: JinjaExpression.Kind, in scope: JinjaScope, line: Int
  ) throws(TextError) -> JinjaValue {
    switch kind {
    case .negate(let operand):
      let value = try evaluate(operand, in: scope)
      self.line = line
      return try negate(value)
    case .plus(let operand):
      let value = try evaluate(operand, in: scope)
      self.line = line
      if case .undefined(let missing) = value { throw failure(missing.message) }
      guard value.number != nil else { throw failure("bad operand type for unary +: '\(value.typeName)'") }
      return value.wholeNumber.map { .int($0) } ?? value
    case .binary(let operation, let a, let b):
      let left = try evaluate(a, in: scope)
      let right = try evaluate(b, in: scope)
      self.line = line
      return try binary(operation, left, right)
    case .concatenate(let parts):
      var text = ""
      for part in parts {
        let piece = try str(evaluate(part, in: scope))
        try allocate(piece.utf8.count)
        text += piece
      }
      return .string(text)
    case .compare(let first, let rest):
      var left = try evaluate(first, in: scope)
      for (comparison, operand) in rest {
        let right = try evaluate(operand, in: scope)
        self.line = line
        guard try compare(left, comparison, right) else { return .bool(false) }
        left = right
      }
      return .bool(true)
    default: throw failure("an expression of no kind that is known")
    }
  }

  private func evaluate(_ items: [JinjaExpression], in scope: JinjaScope) throws(TextError) -> [JinjaValue] {
    var values: [JinjaValue] = []
    values.reserveCapacity(items.count)
    for item in items { values.append(try evaluate(item, in: scope)) }
    return values
  }

  private func evaluateDict(
    _ items: [(key: JinjaExpression, value: JinjaExpression)], in scope: JinjaScope
  ) throws(TextError) -> JinjaValue {
    var pairs: [(JinjaKey, JinjaValue)] = []
    for item in items {
      let key = try key(of: evaluate(item.key, in: scope))
      pairs.append((key, try evaluate(item.value, in: scope)))
    }
    return try dict(pairs)
  }

  func evaluate(_ arguments: JinjaArguments, in scope: JinjaScope) throws(TextError) -> JinjaCall {
    var call = JinjaCall(positional: try evaluate(arguments.positional, in: scope))
    for argument in arguments.named {
      call.named.append((argument.name, try evaluate(argument.value, in: scope)))
    }
    if let spread = arguments.spread {
      call.positional += try items(of: evaluate(spread, in: scope))
    }
    if let spread = arguments.namedSpread {
      guard case .dict(let dict) = try evaluate(spread, in: scope) else {
        throw failure("'**' needs a mapping")
      }
      for (key, value) in zip(dict.keys, dict.values) {
        guard case .string(let name) = key else { throw failure("keywords must be strings") }
        call.named.append((name.text, value))
      }
    }
    return call
  }

  /// The filter of a block, applied to the block's text.
  func evaluateFilter(
    _ filter: JinjaExpression, onText text: String, in scope: JinjaScope
  ) throws(TextError) -> JinjaValue {
    try enter()
    defer { leave() }
    guard case .filter(let input, let name, let arguments) = filter.kind else { throw failure("a filter without name") }
    let value: JinjaValue =
      if let input { try evaluateFilter(input, onText: text, in: scope) } else { .string(text) }
    return try applyFilter(name, to: value, evaluate(arguments, in: scope))
  }

  // MARK: Elements

  /// `owner.name`: a method or attribute of the type first, then a key.
  func attribute(_ name: String, of owner: JinjaValue) throws(TextError) -> JinjaValue {
    if case .undefined(let missing) = owner { throw failure(missing.message) }
    if let own = try ownAttribute(name, of: owner) { return own }
    if case .dict(let dict) = owner, let value = dict[name] { return value }
    return .undefined(JinjaMissing(name, of: owner.ownerName))
  }

  /// `owner[key]`: an element first, then an attribute of that name.
  func element(_ key: JinjaValue, of owner: JinjaValue) throws(TextError) -> JinjaValue {
    switch owner {
    case .undefined(let missing): throw failure(missing.message)
    case .dict(let dict):
      // What cannot be a key is in no dict.
      if let key = try? self.key(of: key), let value = dict[key] { return value }
    case .list(let list) where !list.isView:
      if let index = key.wholeNumber, let position = Self.position(index, of: list.items.count) {
        return list.items[position]
      }
    case .string(let text):
      if let index = key.wholeNumber {
        try scan(text)
        let scalars = text.unicodeScalars
        if let position = Self.position(index, of: scalars.count) {
          return .string(String(scalars[scalars.index(scalars.startIndex, offsetBy: position)]))
        }
      }
    default: break
    }
    if case .string(let name) = key {
      return try ownAttribute(name, of: owner) ?? .undefined(JinjaMissing(name, of: owner.ownerName))
    }
    return .undefined(JinjaMissing(try repr(key), of: owner.ownerName, isName: false))
  }

  private static func position(_ index: Int, of count: Int) -> Int? {
    let position = index < 0 ? index + count : index
    return position >= 0 && position < count ? position : nil
  }

  // MARK: Slices

  private func evaluateSlice(
    _ owner: JinjaExpression, _ start: JinjaExpression?, _ stop: JinjaExpression?, _ step: JinjaExpression?,
    in scope: JinjaScope, line: Int
  ) throws(TextError) -> JinjaValue {
    let owner = try evaluate(owner, in: scope)
    let start = try evaluateBound(start, in: scope)
    let stop = try evaluateBound(stop, in: scope)
    let step = try evaluateBound(step, in: scope) ?? 1
    self.line = line
    guard step != 0 else { throw failure("slice step cannot be zero") }
    switch owner {
    case .undefined(let missing): throw failure(missing.message)
    case .string(let text):
      try allocate(text.utf8.count)
      let scalars = Array(text.unicodeScalars)
      var result = ""
      for index in Self.slice(scalars.count, start, stop, step) { result.unicodeScalars.append(scalars[index]) }
      return .string(result)
    case .list(let list) where !list.isView:
      let indices = Self.slice(list.items.count, start, stop, step)
      return try self.list(indices.map { list.items[$0] }, kind: Self.kind(of: list, slicedBy: indices, step))
    default: throw failure("'\(owner.typeName)' object cannot be sliced")
    }
  }

  private func evaluateBound(_ bound: JinjaExpression?, in scope: JinjaScope) throws(TextError) -> Int? {
    guard let bound else { return nil }
    let value = try evaluate(bound, in: scope)
    if case .none = value { return nil }
    guard let whole = value.wholeNumber else {
      throw failure("slice indices must be integers or None, not \(value.typeName)")
    }
    return whole
  }

  /// What a slice of `list` is; that of a range is a range.
  private static func kind(of list: JinjaList, slicedBy indices: JinjaSlice, _ step: Int) -> JinjaList.Kind {
    guard case .range(let start, _, let stride) = list.kind else { return list.kind }
    return .range(
      start: start &+ indices.first &* stride, stop: start &+ indices.end &* stride, step: stride &* step)
  }

  /// The indices that Python's `start:stop:step` takes from `count` items.
  private static func slice(_ count: Int, _ start: Int?, _ stop: Int?, _ step: Int) -> JinjaSlice {
    let (lowest, highest) = step > 0 ? (0, count) : (-1, count - 1)
    func clamp(_ bound: Int) -> Int { max(lowest, min(bound < 0 ? bound + count : bound, highest)) }
    let first = start.map(clamp) ?? (step > 0 ? lowest : highest)
    let end = stop.map(clamp) ?? (step > 0 ? highest : lowest)
    // A step beyond the count takes one item, as does the count itself, which cannot overflow.
    return JinjaSlice(first: first, end: end, step: max(-count - 1, min(step, count + 1)))
  }

  // MARK: Calls

  func call(_ function: JinjaValue, _ call: JinjaCall) throws(TextError) -> JinjaValue {
    switch function {
    case .undefined(let missing): throw failure(missing.message)
    case .function(let function):
      switch function.kind {
      case .macro(let macro, let scope): return try callMacro(macro, in: scope, call)
      case .method(let receiver, let name): return try callMethod(name, of: receiver, call)
      case .global(let name): return try callGlobal(name, call)
      case .joiner(let separator):
        function.uses += 1
        return .string(function.uses == 1 ? "" : separator)
      case .cycler(let items):
        function.uses += 1
        return items[(function.uses - 1) % items.count]
      }
    case .loop(let loop):
      guard loop.syntax.isRecursive, let scope = loop.scope else {
        throw failure("the loop must have the 'recursive' marker to be called recursively")
      }
      let value = try arguments(call, "loop", ["iterable"], required: 1)[0] ?? .none
      return .string(
        try capture { () throws(TextError) in
          try runLoop(loop.syntax, over: value, level: loop.level + 1, in: scope)
        })
    default: throw failure("'\(function.typeName)' object is not callable")
    }
  }

  /// The arguments by parameter, nil where one was not given.
  func arguments(
    _ call: JinjaCall, _ name: String, _ parameters: [String], required: Int = 0
  ) throws(TextError) -> [JinjaValue?] {
    guard call.positional.count <= parameters.count else {
      throw failure("\(name) takes at most \(parameters.count) argument(s), \(call.positional.count) given")
    }
    var values: [JinjaValue?] = call.positional
    values += Array(repeating: nil, count: parameters.count - call.positional.count)
    for (keyword, value) in call.named {
      guard let position = parameters.firstIndex(of: keyword) else {
        throw failure("\(name) has no parameter '\(keyword)'")
      }
      guard values[position] == nil else { throw failure("\(name) got two values for '\(keyword)'") }
      values[position] = value
    }
    for (parameter, value) in zip(parameters, values).prefix(required) where value == nil {
      throw failure("\(name) needs a value for '\(parameter)'")
    }
    return values
  }
}

/// Indices from `first` to before `end`.
private struct JinjaSlice: Sequence {
  let first: Int
  let end: Int
  let step: Int

  func makeIterator() -> StrideTo<Int>.Iterator { stride(from: first, to: end, by: step).makeIterator() }
}

extension JinjaList {
  fileprivate var isView: Bool {
    if case .view = kind { true } else { false }
  }
}
