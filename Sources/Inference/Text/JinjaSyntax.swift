// The syntax tree of a Jinja template. Every expression knows its depth, so that walking one can be bounded.

enum JinjaConstant: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
}

enum JinjaBinary: Sendable { case add, subtract, multiply, divide, floorDivide, modulo, power }

enum JinjaComparison: Sendable { case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, isIn, isNotIn }

struct JinjaArguments: Sendable {
  var positional: [JinjaExpression] = []
  var named: [(name: String, value: JinjaExpression)] = []
  /// `*values` and `**values`.
  var spread: JinjaExpression?
  var namedSpread: JinjaExpression?

  var depth: Int {
    let plain = (positional + named.map(\.value)).map(\.depth).max() ?? 0
    return max(plain, spread?.depth ?? 0, namedSpread?.depth ?? 0)
  }
}

struct JinjaExpression: Sendable {
  indirect enum Kind: Sendable {
    case constant(JinjaConstant)
    case name(String)
    case list([JinjaExpression])
    case tuple([JinjaExpression])
    case dict([(key: JinjaExpression, value: JinjaExpression)])
    case attribute(JinjaExpression, String)
    case element(JinjaExpression, JinjaExpression)
    case slice(JinjaExpression, start: JinjaExpression?, stop: JinjaExpression?, step: JinjaExpression?)
    case call(JinjaExpression, JinjaArguments)
    /// The input is nil in the head of a filter block: there it is the block's text.
    case filter(JinjaExpression?, String, JinjaArguments)
    case test(JinjaExpression, String, JinjaArguments)
    case negate(JinjaExpression)
    case plus(JinjaExpression)
    case not(JinjaExpression)
    case binary(JinjaBinary, JinjaExpression, JinjaExpression)
    case concatenate([JinjaExpression])
    case and(JinjaExpression, JinjaExpression)
    case or(JinjaExpression, JinjaExpression)
    case compare(JinjaExpression, [(JinjaComparison, JinjaExpression)])
    case conditional(test: JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?)
  }

  let kind: Kind
  let line: Int
  let depth: Int
}

/// What `set`, `for` and `with` assign to.
indirect enum JinjaTarget: Sendable {
  case name(String)
  case tuple([JinjaTarget])
  /// An attribute of a namespace.
  case attribute(of: String, name: String)
}

struct JinjaMacro: Sendable {
  let name: String
  let parameters: [String]
  /// One for each of the last parameters.
  let defaults: [JinjaExpression]
  let body: [JinjaStatement]
  let usesCaller: Bool
  let usesPositionalRest: Bool
  let usesNamedRest: Bool
}

struct JinjaLoopSyntax: Sendable {
  let target: JinjaTarget
  let sequence: JinjaExpression
  let condition: JinjaExpression?
  let isRecursive: Bool
  let body: [JinjaStatement]
  let otherwise: [JinjaStatement]
}

struct JinjaStatement: Sendable {
  indirect enum Kind: Sendable {
    case data(String)
    case output(JinjaExpression)
    case branch([(test: JinjaExpression, body: [JinjaStatement])], otherwise: [JinjaStatement])
    case loop(JinjaLoopSyntax)
    case set(JinjaTarget, JinjaExpression)
    case setBlock(JinjaTarget, filter: JinjaExpression?, body: [JinjaStatement])
    case macro(JinjaMacro)
    /// The macro holds the block's body; the expression is the call that gets it as `caller`.
    case callBlock(JinjaMacro, JinjaExpression, JinjaArguments)
    case filterBlock(JinjaExpression, body: [JinjaStatement])
    case with([(JinjaTarget, JinjaExpression)], body: [JinjaStatement])
    /// A `generation` block: it marks what the assistant says for training and renders as its body.
    case generation(body: [JinjaStatement])
    case breakLoop
    case continueLoop
  }

  let kind: Kind
  let line: Int
}
