// The state of one rendering: what it has written, and what it may still spend. Templates are hostile input, so every
// step, byte and level is paid for before it is taken.

final class JinjaMachine {
  /// Values may nest this deep: releasing one takes stack in proportion.
  static let valueDepthLimit = 200
  /// The longest range, which is the sandbox's in the reference implementation.
  static let rangeLimit = 100_000

  let limits: ChatTemplate.Limits
  /// The time that `strftime_now` tells.
  let clock: JinjaClock
  var output = ""
  var line = 1
  private var steps = 0
  private var allocated = 0
  private var depth = 0
  private var written = 0
  /// What values may point back to: emptied one by one at the end, which frees cycles and keeps long chains from
  /// being released by recursion.
  private var ownedScopes: [JinjaScope] = []
  private var ownedNamespaces: [JinjaNamespace] = []
  private var ownedLoops: [JinjaLoop] = []

  init(limits: ChatTemplate.Limits, clock: JinjaClock) {
    self.limits = limits
    self.clock = clock
  }

  func close() {
    for scope in ownedScopes { scope.values = [:] }
    for namespace in ownedNamespaces { namespace.clear() }
    for loop in ownedLoops { loop.lastChanged = nil }
  }

  // MARK: Errors and budgets

  func failure(_ reason: String) -> TextError { .templateFailed(line: line, reason: reason) }

  func limit(_ name: String, _ maximum: Int) -> TextError {
    .templateLimit(name: name, maximum: maximum, line: line)
  }

  func step(_ count: Int = 1) throws(TextError) {
    steps &+= max(0, min(count, limits.steps)) &+ 1
    guard steps <= limits.steps else { throw limit("steps", limits.steps) }
  }

  /// Pays for going over `text` once: `isSlow` where every character is looked up in Unicode's tables or escaped.
  func scan(_ text: String, isSlow: Bool = false) throws(TextError) {
    try step(text.utf8.count / (isSlow ? 4 : 16))
  }

  /// Pays for `bytes` that are about to be allocated, and for the time to fill them.
  func allocate(_ bytes: Int) throws(TextError) {
    let (sum, overflowed) = allocated.addingReportingOverflow(bytes)
    guard !overflowed, sum <= limits.allocatedBytes else { throw limit("bytes of values", limits.allocatedBytes) }
    allocated = sum
    try step(bytes / 64)
  }

  func deeper<T>(_ body: () throws(TextError) -> T) throws(TextError) -> T {
    try enter()
    defer { leave() }
    return try body()
  }

  func enter() throws(TextError) {
    guard depth < limits.depth else { throw limit("depth", limits.depth) }
    depth += 1
    try step()
  }

  func leave() { depth -= 1 }

  func write(_ text: String) throws(TextError) {
    let (sum, overflowed) = written.addingReportingOverflow(text.utf8.count)
    guard !overflowed, sum <= limits.outputBytes else { throw limit("bytes of output", limits.outputBytes) }
    written = sum
    output += text
  }

  /// Runs `body` with an output of its own and returns what it wrote.
  func capture(_ body: () throws(TextError) -> Void) throws(TextError) -> String {
    let outer = output
    output = ""
    defer { output = outer }
    try body()
    try allocate(output.utf8.count)
    return output
  }

  func own(_ scope: JinjaScope) throws(TextError) {
    try allocate(256)
    ownedScopes.append(scope)
  }

  func own(_ loop: JinjaLoop) throws(TextError) {
    try allocate(256)
    ownedLoops.append(loop)
  }

  // MARK: Making values

  func list(_ items: [JinjaValue], kind: JinjaList.Kind = .list) throws(TextError) -> JinjaValue {
    try allocate(64 + items.count * 16)
    let list = JinjaList(items, kind: kind)
    try check(depth: list.depth)
    return .list(list)
  }

  func tuple(_ items: [JinjaValue]) throws(TextError) -> JinjaValue { try list(items, kind: .tuple) }

  func generator(_ items: [JinjaValue], name: String = "generator") throws(TextError) -> JinjaValue {
    try allocate(64 + items.count * 16)
    let generator = JinjaGenerator(items, name: name)
    try check(depth: generator.depth)
    return .generator(generator)
  }

  func dict(_ pairs: [(JinjaKey, JinjaValue)]) throws(TextError) -> JinjaValue {
    try allocate(96 + pairs.count * 48)
    let dict = JinjaDict(pairs)
    try check(depth: dict.depth)
    return .dict(dict)
  }

  func namespace(_ pairs: [(String, JinjaValue)]) throws(TextError) -> JinjaValue {
    try allocate(256 + pairs.count * 48)
    let namespace = JinjaNamespace()
    for (name, value) in pairs { namespace.set(name, value) }
    ownedNamespaces.append(namespace)
    return .namespace(namespace)
  }

  func function(_ kind: JinjaFunction.Kind) throws(TextError) -> JinjaValue {
    try allocate(64)
    if case .macro(_, let scope) = kind { try own(scope) }
    let function = JinjaFunction(kind)
    try check(depth: function.depth)
    return .function(function)
  }

  func string(_ text: String) throws(TextError) -> JinjaValue {
    try allocate(text.utf8.count)
    return .string(text)
  }

  func check(depth: Int) throws(TextError) {
    guard depth <= Self.valueDepthLimit else { throw limit("nesting of values", Self.valueDepthLimit) }
  }

  // MARK: Reading values

  /// The items that a loop over `value` goes through.
  func items(of value: JinjaValue) throws(TextError) -> [JinjaValue] {
    switch value {
    case .undefined: return []
    case .string(let text):
      try allocate(text.utf8.count * 16)
      return text.unicodeScalars.map { .string(String($0)) }
    case .list(let list):
      try step(list.items.count / 16)
      return list.items
    case .dict(let dict):
      try allocate(dict.keys.count * 16)
      return dict.keys.map(\.value)
    case .generator(let generator):
      let items = generator.takeAll()
      try step(items.count / 16)
      return items
    case .loop(let loop): return Array(loop.items.dropFirst(loop.index + 1))
    default: throw failure("'\(value.typeName)' object is not iterable")
    }
  }

  /// `len(value)`, nil where it has none.
  func length(of value: JinjaValue) throws(TextError) -> Int? {
    switch value {
    case .undefined: return 0
    case .string(let text):
      try scan(text)
      return text.unicodeScalars.count
    case .list(let list): return list.items.count
    case .dict(let dict): return dict.keys.count
    case .loop(let loop): return loop.items.count
    default: return nil
    }
  }

  func key(of value: JinjaValue) throws(TextError) -> JinjaKey {
    switch value {
    case .string(let text): return .string(ExactText(text))
    case .int(let value): return .int(value)
    case .double(let value): return .number(value)
    case .bool(let value): return .bool(value)
    case .none: return .none
    case .list(let list) where list.kind == .tuple:
      try allocate(list.items.count * 32)
      var keys: [JinjaKey] = []
      for item in list.items { keys.append(try key(of: item)) }
      return .tuple(keys)
    default: throw failure("unhashable type: '\(value.typeName)'")
    }
  }

  /// The text of a string argument.
  func text(_ value: JinjaValue, for what: String) throws(TextError) -> String {
    switch value {
    case .string(let text): return text
    case .undefined(let missing): throw failure(missing.message)
    default: throw failure("\(what) must be a string, not \(value.typeName)")
    }
  }

  func whole(_ value: JinjaValue, for what: String) throws(TextError) -> Int {
    if case .undefined(let missing) = value { throw failure(missing.message) }
    guard let number = value.wholeNumber else { throw failure("\(what) must be a whole number, not \(value.typeName)") }
    return number
  }
}
