// Deterministic automata over bytes: from networks by subsets, and the products and complements that schemas need.

/// A partition of the 256 bytes into classes that no edge tells apart.
struct ByteClasses: Sendable, Equatable {
  private(set) var classOf: [UInt8] = Array(repeating: 0, count: 256)
  private(set) var count = 1

  /// Makes the bytes of a range a union of classes.
  mutating func split(_ range: ClosedRange<UInt8>) {
    var renamed: [Int: UInt8] = [:]
    var sizes = Array(repeating: 0, count: 256), inside = sizes
    for byte in 0..<256 { sizes[Int(classOf[byte])] += 1 }
    for byte in range { inside[Int(classOf[Int(byte)])] += 1 }
    for byte in range {
      let old = Int(classOf[Int(byte)])
      guard inside[old] < sizes[old] else { continue }
      if let name = renamed[old] {
        classOf[Int(byte)] = name
      } else {
        let name = UInt8(count)
        renamed[old] = name
        classOf[Int(byte)] = name
        count += 1
      }
    }
  }

  /// One byte of each class.
  var representatives: [UInt8] {
    var result = Array(repeating: UInt8(0), count: count)
    for byte in (UInt8.min...UInt8.max).reversed() { result[Int(classOf[Int(byte)])] = byte }
    return result
  }
}

/// A table of transitions; state 0 is where it starts, -1 is nowhere.
struct ByteAutomaton: Sendable {
  var classes: ByteClasses
  /// (states, classes)
  var table: [Int32] = []
  var accepting: [Bool] = []
  /// The rules that may be called in a state, and where the text goes on behind each.
  var calls: [[(rule: Int32, target: Int32)]] = []

  init(classes: ByteClasses) { self.classes = classes }

  var count: Int { accepting.count }

  @inline(__always)
  func next(_ state: Int32, _ byte: UInt8) -> Int32 {
    table[Int(state) * classes.count + Int(classes.classOf[Int(byte)])]
  }

  mutating func addState(accepting isAccepting: Bool) -> Int32 {
    accepting.append(isAccepting)
    calls.append([])
    table.append(contentsOf: repeatElement(-1, count: classes.count))
    return Int32(accepting.count - 1)
  }

  /// Ranges of bytes that lead somewhere.
  func forEachRange(of state: Int32, _ body: (ClosedRange<UInt8>, Int32) -> Void) {
    var low = 0
    while low < 256 {
      let target = next(state, UInt8(low))
      var high = low
      while high < 255, next(state, UInt8(high + 1)) == target { high += 1 }
      if target >= 0 { body(UInt8(low)...UInt8(high), target) }
      low = high + 1
    }
  }

  /// Whether the whole of `bytes` is accepted. Calls are not followed.
  func accepts(_ bytes: some Sequence<UInt8>) -> Bool {
    var state: Int32 = 0
    for byte in bytes {
      state = next(state, byte)
      if state < 0 { return false }
    }
    return accepting[Int(state)]
  }

  /// Whether no text is accepted.
  var isEmpty: Bool {
    var reached = Set<Int32>([0]), pending: [Int32] = [0]
    while let state = pending.popLast() {
      if accepting[Int(state)] { return false }
      for target in table[Int(state) * classes.count..<(Int(state) + 1) * classes.count] where target >= 0 {
        if reached.insert(target).inserted { pending.append(target) }
      }
    }
    return true
  }
}

/// What is left of the bounds on states, cells and time while automata are made.
struct AutomatonBudget {
  let limits: GrammarLimits
  private(set) var states = 0
  private(set) var work = 0

  init(_ limits: GrammarLimits) { self.limits = limits }

  mutating func takeState(classes: Int) throws(GrammarError) {
    states += 1
    guard states <= limits.states else { throw .limit(name: "states", maximum: limits.states) }
    guard states * classes <= limits.cells else { throw .limit(name: "cells", maximum: limits.cells) }
    try take(work: classes)
  }

  mutating func take(work amount: Int) throws(GrammarError) {
    work += amount
    guard work <= limits.work else { throw .limit(name: "work", maximum: limits.work) }
  }
}

extension ByteAutomaton {
  /// The subsets of a network's states that texts lead to.
  init(_ network: ByteNetwork, classes: ByteClasses, budget: inout AutomatonBudget) throws(GrammarError) {
    self.init(classes: classes)
    var construction = SubsetConstruction(network: network)
    var subsets: [[Int32]] = [], known: [[Int32]: Int32] = [:]
    func state(of subset: [Int32], _ automaton: inout ByteAutomaton, _ budget: inout AutomatonBudget)
      throws(GrammarError) -> Int32
    {
      if let state = known[subset] { return state }
      try budget.takeState(classes: classes.count)
      let state = automaton.addState(accepting: subset.contains(1))
      known[subset] = state
      subsets.append(subset)
      return state
    }
    let start = try construction.closure(of: [0], &budget)
    _ = try state(of: start, &self, &budget)
    let representatives = classes.representatives
    var next = 0
    while next < subsets.count {
      let (edges, calls) = construction.edges(of: subsets[next])
      try budget.take(work: edges.count * 2 + 1)
      // Ranges sorted by where they begin: each class looks at its own byte.
      var targets: [[Int32]: Int32] = [:]
      for (index, byte) in representatives.enumerated() {
        let key = Int32(byte)
        var heads: [Int32] = []
        for edge in edges where edge.label >> 8 <= key && key <= edge.label & 0xFF { heads.append(edge.target) }
        try budget.take(work: edges.count / 8)
        guard !heads.isEmpty else { continue }
        if heads.count > 1 { heads.sort() }
        if let target = targets[heads] {
          table[next * classes.count + index] = target
          continue
        }
        let target = try state(of: construction.closure(of: heads, &budget), &self, &budget)
        targets[heads] = target
        table[next * classes.count + index] = target
      }
      for (rule, heads) in calls {
        let target = try state(of: construction.closure(of: heads, &budget), &self, &budget)
        self.calls[next].append((rule, target))
      }
      next += 1
    }
  }

  /// The texts that both accept, or with `subtracting` those of the first that the second does not.
  static func product(
    _ a: ByteAutomaton, _ b: ByteAutomaton, subtracting: Bool = false, budget: inout AutomatonBudget
  ) throws(GrammarError) -> ByteAutomaton {
    var classes = ByteClasses()
    for other in [a.classes, b.classes] {
      var low = 0
      while low < 256 {
        var high = low
        while high < 255, other.classOf[high + 1] == other.classOf[low] { high += 1 }
        classes.split(UInt8(low)...UInt8(high))
        low = high + 1
      }
    }
    var result = ByteAutomaton(classes: classes)
    var pairs: [(Int32, Int32)] = [], known: [UInt64: Int32] = [:]
    func state(_ first: Int32, _ second: Int32, _ budget: inout AutomatonBudget) throws(GrammarError) -> Int32 {
      let key = UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
      if let state = known[key] { return state }
      try budget.takeState(classes: classes.count)
      let inSecond = second >= 0 && b.accepting[Int(second)]
      let state = result.addState(accepting: a.accepting[Int(first)] && inSecond != subtracting)
      known[key] = state
      pairs.append((first, second))
      return state
    }
    _ = try state(0, 0, &budget)
    let representatives = classes.representatives
    var next = 0
    while next < pairs.count {
      let (first, second) = pairs[next]
      for (index, byte) in representatives.enumerated() {
        let one = a.next(first, byte), other = second < 0 ? -1 : b.next(second, byte)
        guard one >= 0, other >= 0 || subtracting else { continue }
        result.table[next * classes.count + index] = try state(one, other, &budget)
      }
      next += 1
    }
    return result.trimmed()
  }

  /// Without states that lead to no accepted text. The empty automaton keeps its first state.
  func trimmed() -> ByteAutomaton {
    var sources: [[Int32]] = Array(repeating: [], count: count)
    for state in 0..<count {
      for target in Set(table[state * classes.count..<(state + 1) * classes.count]) where target >= 0 {
        sources[Int(target)].append(Int32(state))
      }
    }
    var live = accepting
    var pending = (0..<Int32(count)).filter { accepting[Int($0)] }
    while let state = pending.popLast() {
      for source in sources[Int(state)] where !live[Int(source)] {
        live[Int(source)] = true
        pending.append(source)
      }
    }
    live[0] = true
    var names: [Int32] = Array(repeating: -1, count: count)
    var result = ByteAutomaton(classes: classes)
    for state in 0..<count where live[state] { names[state] = result.addState(accepting: accepting[state]) }
    for state in 0..<count where live[state] {
      for index in 0..<classes.count {
        let target = table[state * classes.count + index]
        if target >= 0 { result.table[Int(names[state]) * classes.count + index] = names[Int(target)] }
      }
    }
    return result
  }
}

/// Closures of sets of states over edges that take nothing.
private struct SubsetConstruction {
  let network: ByteNetwork
  private var marks: [UInt32]
  private var round: UInt32 = 0

  init(network: ByteNetwork) {
    self.network = network
    marks = Array(repeating: 0, count: network.count)
  }

  /// The states with edges of their own, or the end, that `heads` reach; sorted.
  mutating func closure(of heads: [Int32], _ budget: inout AutomatonBudget) throws(GrammarError) -> [Int32] {
    round += 1
    var pending: [Int32] = [], result: [Int32] = []
    for head in heads where marks[Int(head)] != round {
      marks[Int(head)] = round
      pending.append(head)
    }
    var visited = 0
    while let state = pending.popLast() {
      var matters = state == 1
      var edge = network.first[Int(state)]
      while edge >= 0 {
        let (label, target) = (network.edges[Int(edge)].label, network.edges[Int(edge)].target)
        visited += 1
        if label != ByteNetwork.nothing {
          matters = true
        } else if marks[Int(target)] != round {
          marks[Int(target)] = round
          pending.append(target)
        }
        edge = network.edges[Int(edge)].next
      }
      if matters { result.append(state) }
    }
    try budget.take(work: visited)
    result.sort()
    return result
  }

  func edges(of subset: [Int32]) -> (bytes: [(label: Int32, target: Int32)], calls: [(Int32, [Int32])]) {
    var bytes: [(label: Int32, target: Int32)] = [], calls: [Int32: [Int32]] = [:]
    for state in subset {
      network.forEachEdge(of: state) { edge in
        if edge.label >= ByteNetwork.firstCall {
          calls[edge.label - ByteNetwork.firstCall, default: []].append(edge.target)
        } else if edge.label != ByteNetwork.nothing {
          bytes.append((edge.label, edge.target))
        }
      }
    }
    return (bytes, calls.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted()) })
  }
}
