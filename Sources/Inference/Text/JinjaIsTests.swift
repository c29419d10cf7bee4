// The tests behind `is`.

extension JinjaMachine {
  func applyTest(_ name: String, to value: JinjaValue, _ call: JinjaCall) throws(TextError) -> Bool {
    try step()
    if let comparison = Self.comparisons[name] {
      let other = try arguments(call, name, ["other"], required: 1)[0] ?? .none
      return try compare(value, comparison, other)
    }
    if let answer = isOfType(name, value) {
      _ = try arguments(call, name, [])
      return answer
    }
    switch name {
    case "odd", "even":
      _ = try arguments(call, name, [])
      return try areEqual(binary(.modulo, value, .int(2)), .int(name == "odd" ? 1 : 0))
    case "divisibleby":
      let divisor = try arguments(call, name, ["num"], required: 1)[0] ?? .none
      return try areEqual(binary(.modulo, value, divisor), .int(0))
    case "lower", "upper":
      _ = try arguments(call, name, [])
      let text = try str(value)
      try scan(text, isSlow: true)
      return Self.isCase(text, upper: name == "upper")
    case "sameas":
      let other = try arguments(call, name, ["other"], required: 1)[0] ?? .none
      return Self.isSame(value, other)
    case "filter", "test":
      _ = try arguments(call, name, [])
      guard case .string(let wanted) = value else { return false }
      return name == "filter" ? Self.filterNames.contains(wanted) : Self.testNames.contains(wanted)
    default: throw failure("no test named '\(name)'")
    }
  }

  private static let comparisons: [String: JinjaComparison] = [
    "==": .equal, "eq": .equal, "equalto": .equal, "!=": .notEqual, "ne": .notEqual, ">": .greater,
    "gt": .greater, "greaterthan": .greater, ">=": .greaterOrEqual, "ge": .greaterOrEqual, "<": .less,
    "lt": .less, "lessthan": .less, "<=": .lessOrEqual, "le": .lessOrEqual, "in": .isIn,
  ]

  private static let testNames = Set(comparisons.keys).union([
    "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping",
    "iterable", "sequence", "callable", "escaped", "odd", "even", "divisibleby", "lower", "upper", "sameas",
    "filter", "test",
  ])

  /// Tests of what a value is, nil for other tests.
  private func isOfType(_ name: String, _ value: JinjaValue) -> Bool? {
    switch (name, value) {
    case ("defined", _): !value.isUndefined
    case ("undefined", _): value.isUndefined
    case ("none", .none), ("boolean", .bool), ("integer", .int), ("float", .double), ("string", .string): true
    case ("true", .bool(let flag)): flag
    case ("false", .bool(let flag)): !flag
    case ("number", _): value.number != nil
    case ("mapping", .dict): true
    case ("iterable", .undefined), ("iterable", .string), ("iterable", .list), ("iterable", .dict),
      ("iterable", .generator), ("iterable", .loop):
      true
    case ("sequence", .undefined), ("sequence", .string), ("sequence", .dict): true
    case ("sequence", .list(let list)): if case .view = list.kind { false } else { true }
    case ("callable", .function(let function)): if case .cycler = function.kind { false } else { true }
    case ("callable", .undefined), ("callable", .loop): true
    case ("none", _), ("boolean", _), ("integer", _), ("float", _), ("string", _), ("true", _), ("false", _),
      ("mapping", _), ("iterable", _), ("sequence", _), ("callable", _), ("escaped", _):
      false
    default: nil
    }
  }

  /// `a is b`: the same object, or equal values of one type where nothing can tell them apart.
  private static func isSame(_ a: JinjaValue, _ b: JinjaValue) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.double(let a), .double(let b)): a == b
    case (.string(let a), .string(let b)): a.isSameText(as: b)
    case (.list(let a), .list(let b)): a === b
    case (.dict(let a), .dict(let b)): a === b
    case (.namespace(let a), .namespace(let b)): a === b
    case (.function(let a), .function(let b)): a === b
    case (.generator(let a), .generator(let b)): a === b
    default: false
    }
  }

  /// Whether `text` has cased letters, and all of them in this case.
  static func isCase(_ text: String, upper: Bool) -> Bool {
    var found = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      if properties.generalCategory == .titlecaseLetter { return false }
      if upper ? properties.isLowercase : properties.isUppercase { return false }
      if upper ? properties.isUppercase : properties.isLowercase { found = true }
    }
    return found
  }
}
