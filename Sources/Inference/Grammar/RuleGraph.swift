// Which rules use which: what is reached, what is recursive, and what is small enough to stand where it is used.

struct RuleGraph {
  let tree: GrammarTree
  /// Rules that the first one needs, each behind those that it uses, but for circles.
  private(set) var order: [Int32] = []
  /// Whether a rule is put in place where it is used, and never called.
  private(set) var inlines: [Bool]
  private var recursive: [Bool]
  private var uses: [[Int32]]
  private var sizes: [Int]
  private var nodeSizes: [Int32]

  /// States up to which a rule is copied to every use, and those up to which it is where it has one use.
  private static let copied = 400
  private static let movedOnce = 20_000

  init(_ tree: GrammarTree, start: Int32) throws(GrammarError) {
    self.tree = tree
    let count = tree.names.count
    inlines = Array(repeating: false, count: count)
    recursive = inlines
    uses = Array(repeating: [], count: count)
    sizes = Array(repeating: 0, count: count)
    nodeSizes = Array(repeating: -1, count: tree.nodes.count)
    try findUses(from: start)
    findCircles(from: start)
    try chooseInlines(start: start)
  }

  private mutating func findUses(from start: Int32) throws(GrammarError) {
    var seen = Set([start]), pending = [start]
    while let rule = pending.popLast() {
      guard let body = tree.bodies[Int(rule)] else { throw .unknownRule(tree.names[Int(rule)]) }
      var parts = [body], visited = Set<Expression>()
      while let part = parts.popLast() {
        switch tree[part] {
        case .rule(let other):
          uses[Int(rule)].append(other)
          if seen.insert(other).inserted { pending.append(other) }
        case .sequence(let inner), .choice(let inner): parts += inner.filter { visited.insert($0).inserted }
        case .repetition(let inner, _, _): if visited.insert(inner).inserted { parts.append(inner) }
        case .members(let index):
          parts += tree.memberLists[index].parts.filter { visited.insert($0).inserted }
        case .literal, .scalars, .automaton: break
        }
      }
    }
  }

  /// Tarjan's strongly connected components, without recursion. Components come callees first.
  private mutating func findCircles(from start: Int32) {
    var index = Array(repeating: -1, count: uses.count), low = index
    var onStack = Array(repeating: false, count: uses.count)
    var stack: [Int32] = [], frames: [(rule: Int32, next: Int)] = [(start, 0)], counter = 0
    while let (rule, next) = frames.last {
      let r = Int(rule)
      if next == 0 {
        index[r] = counter
        low[r] = counter
        counter += 1
        stack.append(rule)
        onStack[r] = true
      }
      if next < uses[r].count {
        frames[frames.count - 1].next += 1
        let other = uses[r][next]
        if other == rule { recursive[r] = true }
        if index[Int(other)] < 0 {
          frames.append((other, 0))
        } else if onStack[Int(other)] {
          low[r] = min(low[r], index[Int(other)])
        }
        continue
      }
      frames.removeLast()
      if let caller = frames.last { low[Int(caller.rule)] = min(low[Int(caller.rule)], low[r]) }
      guard low[r] == index[r] else { continue }
      let alone = stack.last == rule
      while let member = stack.popLast() {
        onStack[Int(member)] = false
        if !alone { recursive[Int(member)] = true }
        order.append(member)
        if member == rule { break }
      }
    }
  }

  private mutating func chooseInlines(start: Int32) throws(GrammarError) {
    var useCount = Array(repeating: 0, count: uses.count)
    for rule in order { for other in uses[Int(rule)] { useCount[Int(other)] += 1 } }
    var total = 0
    for rule in order {
      guard let body = tree.bodies[Int(rule)] else { continue }
      let size = self.size(of: body)
      sizes[Int(rule)] = size
      inlines[Int(rule)] =
        rule != start && !recursive[Int(rule)]
        && (size <= Self.copied || (useCount[Int(rule)] == 1 && size <= Self.movedOnce))
      if !inlines[Int(rule)] { total += size }
      guard total <= tree.limits.states * 4 else { throw .limit(name: "states", maximum: tree.limits.states) }
    }
  }

  /// About how many states the network of an expression takes; at most a billion.
  private mutating func size(of body: Expression) -> Int {
    func capped(_ value: Int) -> Int { min(value, 1_000_000_000) }
    var pending: [(part: Expression, ready: Bool)] = [(body, false)]
    while let (part, ready) = pending.popLast() {
      if nodeSizes[Int(part.index)] >= 0 { continue }
      let size: Int
      switch tree[part] {
      case .literal(let bytes): size = bytes.count
      case .scalars(let set): size = set.byteSequences.reduce(0) { $0 + $1.count }
      case .automaton(let index): size = tree.automata[index].count
      case .rule(let rule): size = inlines[Int(rule)] ? sizes[Int(rule)] : 1
      case .sequence(let inner), .choice(let inner):
        guard ready else {
          pending.append((part, true))
          pending += inner.map { ($0, false) }
          continue
        }
        size = inner.reduce(0) { capped($0 + Int(nodeSizes[Int($1.index)]) + 1) }
      case .members(let index):
        let members = tree.memberLists[index]
        guard ready else {
          pending.append((part, true))
          pending += members.parts.map { ($0, false) }
          continue
        }
        let once = members.parts.reduce(0) { capped($0 + Int(nodeSizes[Int($1.index)]) + 3) }
        let separators = Int(nodeSizes[Int(members.separator.index)]) * members.listed.count
        let copies = members.counts ? max(members.minimum, members.maximum ?? 0) + 1 : 1
        size = capped(capped(once + separators) * min(copies, 1_000_000))
      case .repetition(let inner, let minimum, let maximum):
        guard ready else {
          pending.append((part, true))
          pending.append((inner, false))
          continue
        }
        let copies = max(minimum, maximum ?? minimum + 1)
        size = capped((Int(nodeSizes[Int(inner.index)]) + 1) * copies + 2)
      }
      nodeSizes[Int(part.index)] = Int32(capped(size))
    }
    return Int(nodeSizes[Int(body.index)])
  }
}
