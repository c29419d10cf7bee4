// Python's operators over template values: equality, order, membership and arithmetic.
import Glibc

extension JinjaMachine {
  // MARK: Equality and order

  func areEqual(_ a: JinjaValue, _ b: JinjaValue) throws(TextError) -> Bool {
    try step()
    switch (a, b) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let a), .string(let b)):
      try step(min(a.utf8.count, b.utf8.count) / 64)
      return a.isSameText(as: b)
    case (.list(let a), .list(let b)):
      guard a.typeCanEqual(b), a.items.count == b.items.count else { return false }
      for (a, b) in zip(a.items, b.items) where try !areEqual(a, b) { return false }
      return true
    case (.dict(let a), .dict(let b)):
      guard a.keys.count == b.keys.count else { return false }
      for (key, value) in zip(a.keys, a.values) {
        guard let other = b[key], try areEqual(value, other) else { return false }
      }
      return true
    case (.namespace(let a), .namespace(let b)): return a === b
    case (.function(let a), .function(let b)): return a === b
    case (.generator(let a), .generator(let b)): return a === b
    case (.loop(let a), .loop(let b)): return a === b
    default:
      if let a = a.wholeNumber, let b = b.wholeNumber { return a == b }
      if let a = a.number, let b = b.number { return a == b }
      return false
    }
  }

  /// -1, 0 or 1; throws where Python knows no order. `sign` is the operator that an error shows.
  func order(_ a: JinjaValue, _ b: JinjaValue, sign: String = "<") throws(TextError) -> Int {
    try step()
    switch (a, b) {
    case (.string(let a), .string(let b)):
      try step(min(a.utf8.count, b.utf8.count) / 64)
      // UTF-8 sorts as its code points do.
      return a.isSameText(as: b) ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
    case (.list(let left), .list(let right))
    where left.kind == right.kind && (left.kind == .list || left.kind == .tuple):
      for (a, b) in zip(left.items, right.items) where try !areEqual(a, b) { return try order(a, b, sign: sign) }
      return (left.items.count - right.items.count).signum()
    case (.undefined(let missing), _), (_, .undefined(let missing)): throw failure(missing.message)
    default:
      if let a = a.wholeNumber, let b = b.wholeNumber { return a < b ? -1 : a > b ? 1 : 0 }
      if let a = a.number, let b = b.number { return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2 }
      throw failure(
        "'\(sign)' not supported between instances of '\(a.typeName)' and '\(b.typeName)'")
    }
  }

  func compare(_ a: JinjaValue, _ comparison: JinjaComparison, _ b: JinjaValue) throws(TextError) -> Bool {
    switch comparison {
    case .equal: return try areEqual(a, b)
    case .notEqual: return try !areEqual(a, b)
    case .less: return try order(a, b, sign: "<") == -1
    case .lessOrEqual: return try order(a, b, sign: "<=") <= 0
    case .greater: return try order(a, b, sign: ">") == 1
    case .greaterOrEqual: return try [0, 1].contains(order(a, b, sign: ">="))
    case .isIn: return try contains(b, a)
    case .isNotIn: return try !contains(b, a)
    }
  }

  func contains(_ container: JinjaValue, _ value: JinjaValue) throws(TextError) -> Bool {
    switch container {
    case .string(let text):
      guard case .string(let part) = value else {
        throw failure("'in <string>' requires string as left operand, not \(value.typeName)")
      }
      return try find(part, in: text) != nil
    case .dict(let dict): return dict.position(of: try key(of: value)) != nil
    case .namespace, .function: throw failure("argument of type '\(container.typeName)' is not iterable")
    case .none, .bool, .int, .double: throw failure("argument of type '\(container.typeName)' is not iterable")
    default:
      for item in try items(of: container) where try areEqual(item, value) { return true }
      return false
    }
  }

  /// Where `part` first stands in `text`, as an offset in UTF-8 bytes not before `start`.
  func find(_ part: String, in text: String, from start: Int = 0) throws(TextError) -> Int? {
    try step(max(0, text.utf8.count - start) / 64)
    return Self.offset(of: part, in: text, from: start)
  }

  static func offset(of part: String, in text: String, from start: Int) -> Int? {
    guard start <= text.utf8.count, part.utf8.count <= text.utf8.count - start else { return nil }
    var text = text
    var part = part
    return text.withUTF8 { text in
      part.withUTF8 { part in JinjaSearch.offset(of: part, in: text, from: start) }
    }
  }

  /// The positions of `values` in ascending order, equal ones as they came.
  func sorted(
    _ values: [JinjaValue], reverse: Bool
  ) throws(TextError) -> [(offset: Int, element: JinjaValue)] {
    try allocate(values.count * 32)
    var runs = values.enumerated().map { (offset: $0.offset, element: $0.element) }
    var merged = runs
    // A merge sort of our own, for the standard one cannot stop where a comparison throws a typed error.
    var width = 1
    while width < runs.count {
      for start in stride(from: 0, to: runs.count, by: 2 * width) {
        let (middle, end) = (min(start + width, runs.count), min(start + 2 * width, runs.count))
        var (left, right) = (start, middle)
        for target in start..<end {
          let takesRight: Bool
          if left >= middle {
            takesRight = true
          } else if right >= end {
            takesRight = false
          } else {
            let order = try order(runs[right].element, runs[left].element)
            takesRight = reverse ? order == 1 : order == -1
          }
          merged[target] = takesRight ? runs[right] : runs[left]
          if takesRight { right += 1 } else { left += 1 }
        }
      }
      swap(&runs, &merged)
      width *= 2
    }
    return runs
  }

  // MARK: Arithmetic

  func negate(_ value: JinjaValue) throws(TextError) -> JinjaValue {
    switch value {
    case .double(let value): return .double(-value)
    case .undefined(let missing): throw failure(missing.message)
    default:
      guard let whole = value.wholeNumber else { throw failure("bad operand type for unary -: '\(value.typeName)'") }
      return .int(try checked(Int(0).subtractingReportingOverflow(whole)))
    }
  }

  func binary(_ operation: JinjaBinary, _ a: JinjaValue, _ b: JinjaValue) throws(TextError) -> JinjaValue {
    try step()
    if operation == .modulo, case .string(let format) = a { return try string(formatted(format, with: b)) }
    if case .undefined(let missing) = a { throw failure(missing.message) }
    if case .undefined(let missing) = b { throw failure(missing.message) }
    switch (operation, a, b) {
    case (.add, .string(let a), .string(let b)):
      try allocate(a.utf8.count + b.utf8.count)
      return .string(a + b)
    case (.add, .list(let left), .list(let right)) where left.kind == right.kind && left.isPlain:
      return try list(left.items + right.items, kind: left.kind)
    case (.multiply, .string, _), (.multiply, .list, _):
      if let count = b.wholeNumber { return try repeated(a, count) }
    case (.multiply, _, .string), (.multiply, _, .list):
      if let count = a.wholeNumber { return try repeated(b, count) }
    default: break
    }
    if let x = a.wholeNumber, let y = b.wholeNumber { return try whole(operation, x, y) }
    if let x = a.number, let y = b.number { return .double(try real(operation, x, y)) }
    throw failure(
      "unsupported operand type(s) for \(operation.sign): '\(a.typeName)' and '\(b.typeName)'")
  }

  private func repeated(_ value: JinjaValue, _ count: Int) throws(TextError) -> JinjaValue {
    let count = max(0, count)
    switch value {
    case .string(let text):
      let (bytes, overflowed) = text.utf8.count.multipliedReportingOverflow(by: count)
      try allocate(overflowed ? .max : bytes)
      return .string(String(repeating: text, count: count))
    case .list(let items) where items.isPlain:
      let (bytes, overflowed) = (items.items.count * 16).multipliedReportingOverflow(by: count)
      try allocate(overflowed ? .max : bytes)
      let copies = repeatElement(items.items, count: items.items.isEmpty ? 0 : count)
      return try list(Array(copies.joined()), kind: items.kind)
    default: throw failure("'\(value.typeName)' cannot be repeated")
    }
  }

  private func checked(_ result: (partialValue: Int, overflow: Bool)) throws(TextError) -> Int {
    guard !result.overflow else { throw failure("a whole number does not fit 64 bits") }
    return result.partialValue
  }

  private func whole(_ operation: JinjaBinary, _ a: Int, _ b: Int) throws(TextError) -> JinjaValue {
    switch operation {
    case .add: return .int(try checked(a.addingReportingOverflow(b)))
    case .subtract: return .int(try checked(a.subtractingReportingOverflow(b)))
    case .multiply: return .int(try checked(a.multipliedReportingOverflow(by: b)))
    case .divide: return .double(try real(.divide, Double(a), Double(b)))
    case .floorDivide, .modulo:
      guard b != 0 else { throw failure("division by zero") }
      let quotient = try checked(a.dividedReportingOverflow(by: b))
      let rest = a - quotient * b
      let isBelow = rest != 0 && (rest < 0) != (b < 0)
      return operation == .modulo ? .int(isBelow ? rest + b : rest) : .int(isBelow ? quotient - 1 : quotient)
    case .power:
      guard b >= 0 else { return .double(try real(.power, Double(a), Double(b))) }
      var (result, base, exponent) = (1, a, b)
      while exponent > 0 {
        if exponent & 1 == 1 { result = try checked(result.multipliedReportingOverflow(by: base)) }
        exponent >>= 1
        if exponent > 0 { base = try checked(base.multipliedReportingOverflow(by: base)) }
      }
      return .int(result)
    }
  }

  private func real(_ operation: JinjaBinary, _ a: Double, _ b: Double) throws(TextError) -> Double {
    switch operation {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide:
      guard b != 0 else { throw failure("division by zero") }
      return a / b
    case .floorDivide, .modulo:
      guard b != 0 else { throw failure("division by zero") }
      var rest = fmod(a, b)
      var quotient = (a - rest) / b
      if rest != 0, (rest < 0) != (b < 0) {
        rest += b
        quotient -= 1
      }
      if rest == 0 { rest = Double(signOf: b, magnitudeOf: 0) }
      return operation == .modulo ? rest : quotient == 0 ? Double(signOf: a / b, magnitudeOf: 0) : quotient.rounded()
    case .power:
      if a == 0, b < 0 { throw failure("0.0 cannot be raised to a negative power") }
      let result = pow(a, b)
      guard !result.isNaN || a.isNaN || b.isNaN else { throw failure("a power is not a real number") }
      guard result.isFinite || !a.isFinite || !b.isFinite else { throw failure("a power is too large") }
      return result
    }
  }
}

extension JinjaBinary {
  var sign: String {
    switch self {
    case .add: "+"
    case .subtract: "-"
    case .multiply: "*"
    case .divide: "/"
    case .floorDivide: "//"
    case .modulo: "%"
    case .power: "** or pow()"
    }
  }
}

extension JinjaList {
  /// Whether this is a list or tuple proper, not a view or range.
  var isPlain: Bool { kind == .list || kind == .tuple }

  fileprivate func typeCanEqual(_ other: JinjaList) -> Bool {
    if case .range = kind, case .range = other.kind { return true }
    return kind == other.kind
  }
}

enum JinjaSearch {
  /// Where `part` first stands in `text` from `start` on, in time linear in both.
  static func offset(
    of part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    guard let first = part.first else { return start }
    // Short parts, which templates look for, are compared place by place; hostile long ones take the linear way.
    if part.count > 16 { return linearOffset(of: part, in: text, from: start) }
    var offset = start
    while offset + part.count <= text.count {
      if text[offset] == first {
        var length = 1
        while length < part.count, text[offset + length] == part[length] { length += 1 }
        if length == part.count { return offset }
      }
      offset += 1
    }
    return nil
  }

  /// The search of Knuth, Morris and Pratt.
  private static func linearOffset(
    of part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    // fallback[i]: length of the longest proper prefix of part[...i] that also ends there.
    var fallback = [Int](repeating: 0, count: part.count)
    var length = 0
    for index in 1..<part.count {
      while length > 0, part[index] != part[length] { length = fallback[length - 1] }
      if part[index] == part[length] { length += 1 }
      fallback[index] = length
    }
    length = 0
    for offset in start..<text.count {
      while length > 0, text[offset] != part[length] { length = fallback[length - 1] }
      if text[offset] == part[length] { length += 1 }
      if length == part.count { return offset + 1 - length }
    }
    return nil
  }
}
