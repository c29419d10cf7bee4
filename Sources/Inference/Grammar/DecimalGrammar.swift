// Expressions for the numbers of a range, digit by digit. Signs and what a schema says are NumberSchema's.

/// Builds expressions for decimal digits in a tree.
struct DecimalGrammar {
  var tree: GrammarTree

  /// Digits of a whole number without a bound, and behind the point: few enough that a reader's double keeps them all.
  static let wholeDigits = 18
  static let fractionDigits = 15

  private mutating func digit(_ range: ClosedRange<UInt8>) throws(GrammarError) -> Expression {
    try tree.scalars(ScalarSet([UInt32(range.lowerBound) + 0x30...UInt32(range.upperBound) + 0x30]))
  }

  private mutating func digits(_ minimum: Int, _ maximum: Int?) throws(GrammarError) -> Expression {
    try tree.repeated(digit(0...9), minimum, maximum)
  }

  private mutating func nothing() throws(GrammarError) -> Expression { try tree.sequence([]) }

  /// Whole numbers from `low` to `high`, both without sign.
  mutating func whole(from low: [UInt8], to high: [UInt8]?) throws(GrammarError) -> Expression {
    let top = high ?? Array(repeating: 9, count: max(Self.wholeDigits, low.count + 1))
    var parts: [Expression] = []
    guard low.count <= top.count else { return try tree.choice([]) }
    for length in low.count...top.count {
      let first = length == low.count ? low : [1] + Array(repeating: 0, count: length - 1)
      let last = length == top.count ? top : Array(repeating: 9, count: length)
      if first.lexicographicallyPrecedes(last) || first == last { parts.append(try sameLength(first[...], last[...])) }
    }
    return try tree.choice(parts)
  }

  private mutating func sameLength(_ low: ArraySlice<UInt8>, _ high: ArraySlice<UInt8>) throws(GrammarError)
    -> Expression
  {
    guard let first = low.first, let last = high.first else { return try nothing() }
    if low.dropFirst().allSatisfy({ $0 == 0 }), high.dropFirst().allSatisfy({ $0 == 9 }) {
      return try tree.sequence([digit(first...last), digits(low.count - 1, low.count - 1)])
    }
    if first == last {
      return try tree.sequence([digit(first...last), sameLength(low.dropFirst(), high.dropFirst())])
    }
    let rest = low.count - 1
    var parts = [
      try tree.sequence([digit(first...first), sameLength(low.dropFirst(), Array(repeating: 9, count: rest)[...])]),
      try tree.sequence([digit(last...last), sameLength(Array(repeating: 0, count: rest)[...], high.dropFirst())]),
    ]
    if last - first > 1 { parts.append(try tree.sequence([digit(first + 1...last - 1), digits(rest, rest)])) }
    return try tree.choice(parts)
  }

  // MARK: With a point

  /// Decimal numbers of at least `bound`, or of more.
  mutating func atLeast(_ bound: DecimalNumber, strictly: Bool) throws(GrammarError) -> Expression {
    let above = bound.isWhole && !strictly ? bound : DecimalNumber(whole: bound.whole).wholeAbove(strictly: true)
    var parts = [try tree.sequence([whole(from: above.whole, to: nil), anyFraction(behind: above.whole.count)])]
    if !(bound.isWhole && !strictly) {
      let behind = try fractionAbove(bound, strictly: strictly)
      parts.append(try tree.sequence([whole(from: bound.whole, to: bound.whole), behind]))
    }
    return try tree.choice(parts)
  }

  /// Decimal numbers from 0 of at most `bound`, or of less.
  mutating func atMost(_ bound: DecimalNumber, strictly: Bool) throws(GrammarError) -> Expression {
    var parts: [Expression] = []
    let below = DecimalNumber(whole: bound.whole).wholeBelow(strictly: true)
    if !below.isNegative {
      parts.append(try tree.sequence([whole(from: [0], to: below.whole), anyFraction(behind: bound.whole.count)]))
    }
    if !(bound.isWhole && strictly) {
      let behind = try fractionBelow(bound, strictly: strictly)
      parts.append(try tree.sequence([whole(from: bound.whole, to: bound.whole), behind]))
    }
    return try tree.choice(parts)
  }

  private func room(behind whole: Int) -> Int { max(1, Self.fractionDigits - whole) }

  private mutating func anyFraction(behind whole: Int) throws(GrammarError) -> Expression {
    try tree.optional(tree.sequence([tree.literal("."), digits(1, room(behind: whole))]))
  }

  /// What may stand behind the whole part of `bound`, so that the number is at least it.
  private mutating func fractionAbove(_ bound: DecimalNumber, strictly: Bool) throws(GrammarError) -> Expression {
    let room = max(self.room(behind: bound.whole.count), bound.fraction.count + 1)
    var rest: Expression
    if strictly {  // Some later digit is not 0.
      rest = try tree.sequence([digits(0, room - bound.fraction.count - 1), digit(1...9)])
    } else {
      rest = try digits(0, room - bound.fraction.count)
    }
    for (index, value) in bound.fraction.enumerated().reversed() {
      var parts = [try tree.sequence([digit(value...value), rest])]
      if value < 9 {
        parts.append(try tree.sequence([digit(value + 1...9), digits(0, room - index - 1)]))
      }
      rest = try tree.choice(parts)
    }
    return try tree.sequence([tree.literal("."), rest])
  }

  /// What may stand behind the whole part of `bound`, so that the number is at most it.
  private mutating func fractionBelow(_ bound: DecimalNumber, strictly: Bool) throws(GrammarError) -> Expression {
    let room = max(self.room(behind: bound.whole.count), bound.fraction.count + 1)
    let zero = try digit(0...0)
    // Behind all digits of the bound only zeros keep it; and the bound itself is not less than itself.
    var rest = strictly ? try tree.choice([]) : try tree.repeated(zero, 0, room - bound.fraction.count)
    if bound.fraction.isEmpty {
      let zeros = try tree.repeated(zero, 1, room)
      return try tree.optional(tree.sequence([tree.literal("."), zeros]))
    }
    for (index, value) in bound.fraction.enumerated().reversed() {
      var parts = [try tree.sequence([digit(value...value), rest])]
      if value > 0 { parts.append(try tree.sequence([digit(0...value - 1), digits(0, room - index - 1)])) }
      // To end here is to go on with zeros, which is less.
      if index > 0 { parts.append(try nothing()) }
      rest = try tree.choice(parts)
    }
    return try tree.optional(tree.sequence([tree.literal("."), rest]))
  }
}
