// A nondeterministic automaton over bytes with edges that call rules: the step between expressions and tables.

/// States with edges that take a byte of a range, nothing, or the text of a whole rule.
struct ByteNetwork {
  /// What an edge takes: `nothing`, a byte range as `low << 8 | high`, or a call as `firstCall + rule`.
  typealias Label = Int32
  static let nothing: Label = -1
  static let firstCall: Label = 1 << 16

  struct Edge {
    let label: Label
    let target: Int32
    /// The next edge of the same state, or -1.
    let next: Int32
  }

  private(set) var edges: [Edge] = []
  /// The first edge of each state, or -1.
  private(set) var first: [Int32] = []
  let limit: Int

  init(limit: Int) { self.limit = limit }

  var count: Int { first.count }

  mutating func addState() throws(GrammarError) -> Int32 {
    guard first.count < limit else { throw .limit(name: "states", maximum: limit) }
    first.append(-1)
    return Int32(first.count - 1)
  }

  mutating func connect(_ source: Int32, _ target: Int32, _ label: Label) {
    edges.append(Edge(label: label, target: target, next: first[Int(source)]))
    first[Int(source)] = Int32(edges.count - 1)
  }

  mutating func connect(_ source: Int32, _ target: Int32, bytes: ClosedRange<UInt8>) {
    connect(source, target, Int32(bytes.lowerBound) << 8 | Int32(bytes.upperBound))
  }

  @inline(__always)
  func forEachEdge(of state: Int32, _ body: (Edge) -> Void) {
    var edge = first[Int(state)]
    while edge >= 0 {
      body(edges[Int(edge)])
      edge = edges[Int(edge)].next
    }
  }
}

/// Builds the network of one rule, with the rules in it that need no call of their own put in place.
struct NetworkBuilder {
  let tree: GrammarTree
  /// Whether a rule is written out where it is used.
  let inlines: [Bool]
  private(set) var network: ByteNetwork

  init(_ tree: GrammarTree, inlines: [Bool]) {
    self.tree = tree
    self.inlines = inlines
    network = ByteNetwork(limit: tree.limits.states * 4)
  }

  /// The network of an expression: it starts in state 0 and ends in state 1.
  mutating func build(_ body: Expression) throws(GrammarError) -> ByteNetwork {
    let start = try network.addState()
    let end = try network.addState()
    try build(body, from: start, to: end, depth: 0)
    return network
  }

  private mutating func build(_ part: Expression, from: Int32, to: Int32, depth: Int) throws(GrammarError) {
    // Rules that are put in place can stand in one another; their levels add up.
    guard depth < 2_000 else { throw .limit(name: "nesting", maximum: 2_000) }
    switch tree[part] {
    case .literal(let bytes): try chain(bytes.map { $0...$0 }, from: from, to: to)
    case .scalars(let set):
      for sequence in set.byteSequences { try chain(sequence, from: from, to: to) }
    case .sequence(let parts):
      var state = from
      for (index, part) in parts.enumerated() {
        let next = index == parts.count - 1 ? to : try network.addState()
        try build(part, from: state, to: next, depth: depth + 1)
        state = next
      }
      if parts.isEmpty { network.connect(from, to, ByteNetwork.nothing) }
    case .choice(let parts):
      for part in parts {
        // A state of its own keeps a loop at the start of one part from the others.
        let start = try network.addState()
        network.connect(from, start, ByteNetwork.nothing)
        try build(part, from: start, to: to, depth: depth + 1)
      }
    case .repetition(let part, let minimum, let maximum):
      try repeated(part, minimum, maximum, from: from, to: to, depth: depth)
    case .rule(let rule):
      if inlines[Int(rule)], let body = tree.bodies[Int(rule)] {
        try build(body, from: from, to: to, depth: depth + 1)
      } else {
        network.connect(from, to, ByteNetwork.firstCall + rule)
      }
    case .automaton(let index): try copy(tree.automata[index], from: from, to: to)
    case .members(let index): try members(tree.memberLists[index], from: from, to: to, depth: depth + 1)
    }
  }

  private mutating func chain(_ bytes: [ClosedRange<UInt8>], from: Int32, to: Int32) throws(GrammarError) {
    var state = from
    for (index, range) in bytes.enumerated() {
      let next = index == bytes.count - 1 ? to : try network.addState()
      network.connect(state, next, bytes: range)
      state = next
    }
    if bytes.isEmpty { network.connect(from, to, ByteNetwork.nothing) }
  }

  private mutating func repeated(
    _ part: Expression, _ minimum: Int, _ maximum: Int?, from: Int32, to: Int32, depth: Int
  ) throws(GrammarError) {
    var state = try network.addState()
    network.connect(from, state, ByteNetwork.nothing)
    for _ in 0..<minimum {
      let next = try network.addState()
      try build(part, from: state, to: next, depth: depth + 1)
      state = next
    }
    if let maximum {
      network.connect(state, to, ByteNetwork.nothing)
      for _ in minimum..<max(minimum, maximum) {
        let next = try network.addState()
        try build(part, from: state, to: next, depth: depth + 1)
        network.connect(next, to, ByteNetwork.nothing)
        state = next
      }
    } else {
      let end = try network.addState()
      try build(part, from: state, to: end, depth: depth + 1)
      network.connect(end, state, ByteNetwork.nothing)
      network.connect(state, to, ByteNetwork.nothing)
    }
  }

  /// A state for each place in the list and each count of members so far; without counting, for none and for some.
  private mutating func members(
    _ list: GrammarTree.Members, from: Int32, to: Int32, depth: Int
  ) throws(GrammarError) {
    let most = list.counts ? max(list.minimum, list.maximum ?? 0) : 1
    // The last count stands for itself and all above it, unless it is the maximum.
    var front = [Int: Int32]()
    front[0] = from
    for (part, isRequired) in list.listed {
      var following = [Int: Int32]()
      func state(_ count: Int, _ network: inout ByteNetwork) throws(GrammarError) -> Int32 {
        if let known = following[count] { return known }
        let state = try network.addState()
        following[count] = state
        return state
      }
      for (count, source) in front.sorted(by: { $0.key < $1.key }) {
        if !isRequired { network.connect(source, try state(count, &network), ByteNetwork.nothing) }
        guard list.maximum.map({ count < $0 }) ?? true else { continue }
        let target = try state(min(count + 1, most), &network)
        try member(part, list, isFirst: count == 0, from: source, to: target, depth: depth)
      }
      front = following
    }
    for (count, source) in front.sorted(by: { $0.key < $1.key }) {
      if count >= list.minimum { network.connect(source, to, ByteNetwork.nothing) }
      guard let further = list.further, count + 1 >= list.minimum else { continue }
      try furtherMembers(further, list, after: count, from: source, to: to, depth: depth)
    }
  }

  private mutating func member(
    _ part: Expression, _ list: GrammarTree.Members, isFirst: Bool, from: Int32, to: Int32, depth: Int
  ) throws(GrammarError) {
    var start = from
    if !isFirst {
      start = try network.addState()
      try build(list.separator, from: from, to: start, depth: depth)
    }
    try build(part, from: start, to: to, depth: depth)
  }

  private mutating func furtherMembers(
    _ part: Expression, _ list: GrammarTree.Members, after count: Int, from: Int32, to: Int32, depth: Int
  ) throws(GrammarError) {
    var source = from
    for number in count..<(list.maximum ?? count + 1) {
      let target = try network.addState()
      try member(part, list, isFirst: number == 0, from: source, to: target, depth: depth)
      network.connect(target, to, ByteNetwork.nothing)
      source = target
    }
    guard list.maximum == nil else { return }
    try member(part, list, isFirst: false, from: source, to: source, depth: depth)
  }

  private mutating func copy(_ automaton: ByteAutomaton, from: Int32, to: Int32) throws(GrammarError) {
    let offset = Int32(network.count)
    for _ in 0..<automaton.count { _ = try network.addState() }
    network.connect(from, offset, ByteNetwork.nothing)
    for state in 0..<Int32(automaton.count) {
      automaton.forEachRange(of: state) { bytes, target in
        network.connect(offset + state, offset + target, bytes: bytes)
      }
      if automaton.accepting[Int(state)] { network.connect(offset + state, to, ByteNetwork.nothing) }
    }
  }
}
