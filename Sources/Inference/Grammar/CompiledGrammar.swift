// A grammar as one table: an automaton a rule, and calls between them. What has been read is not kept here.

/// Automata of all rules side by side; states are numbered through. Every state leads to an end of its rule.
struct CompiledGrammar: Sendable {
  let limits: GrammarLimits
  private(set) var classes: ByteClasses
  /// (states, classes): the next state, or -1.
  private(set) var table: [Int32] = []
  /// Whether a rule may end in a state.
  private(set) var accepting: [Bool] = []
  /// Calls of state s are those from `callStarts[s]` up to `callStarts[s + 1]`.
  private(set) var callStarts: [Int32] = [0]
  private(set) var calls: [(start: Int32, target: Int32)] = []
  /// Whether nothing can come in a state: a call that ends there has no need to come back to it.
  private(set) var isEnd: [Bool] = []
  let start: Int32

  var stateCount: Int { accepting.count }

  init(_ tree: GrammarTree, start: Int32) throws(GrammarError) {
    limits = tree.limits
    let graph = try RuleGraph(tree, start: start)
    let rules = graph.order.filter { !graph.inlines[Int($0)] }
    var networks: [ByteNetwork] = []
    for rule in rules {
      guard let body = tree.bodies[Int(rule)] else { continue }
      var builder = NetworkBuilder(tree, inlines: graph.inlines)
      networks.append(try builder.build(body))
    }
    classes = Self.classes(of: networks)
    var budget = AutomatonBudget(tree.limits)
    var automata: [Int32: ByteAutomaton] = [:]
    for (rule, network) in zip(rules, networks) {
      automata[rule] = try ByteAutomaton(network, classes: classes, budget: &budget)
    }
    let productive = Self.productiveRules(rules, automata)
    guard productive.contains(start) else { throw .matchesNothing }
    var ruleStarts: [Int32: Int32] = [:]
    var live: [Int32: [Int32]] = [:]
    for rule in rules where productive.contains(rule) {
      guard let automaton = automata[rule] else { continue }
      let names = Self.liveStates(automaton, productive, from: Int32(accepting.count))
      ruleStarts[rule] = names[0]
      live[rule] = names
      accepting += automaton.accepting.indices.filter { names[$0] >= 0 }.map { automaton.accepting[$0] }
    }
    self.start = ruleStarts[start] ?? 0
    for rule in rules {
      guard let automaton = automata[rule], let names = live[rule] else { continue }
      append(automaton, names, ruleStarts)
    }
    try refuseLeftRecursion(tree, ruleStarts)
  }

  /// Classes that tell apart what edges do, and what the classification of tokens needs.
  private static func classes(of networks: [ByteNetwork]) -> ByteClasses {
    var classes = ByteClasses()
    for range in PlainText.byteRanges { classes.split(range) }
    var seen = Set<Int32>()
    for network in networks {
      for edge in network.edges where edge.label >= 0 && edge.label < ByteNetwork.firstCall {
        guard classes.count < 256, seen.insert(edge.label).inserted else { continue }
        classes.split(UInt8(edge.label >> 8)...UInt8(edge.label & 0xFF))
      }
    }
    return classes
  }

  /// Rules that some finite text ends.
  private static func productiveRules(_ rules: [Int32], _ automata: [Int32: ByteAutomaton]) -> Set<Int32> {
    var productive = Set<Int32>(), grows = true
    while grows {
      grows = false
      for rule in rules where !productive.contains(rule) {
        guard let automaton = automata[rule] else { continue }
        if liveStates(automaton, productive, from: 0)[0] >= 0 {
          productive.insert(rule)
          grows = true
        }
      }
    }
    return productive
  }

  /// New names, from `first` on, of the states that lead to an end; -1 for the others.
  private static func liveStates(_ automaton: ByteAutomaton, _ productive: Set<Int32>, from first: Int32) -> [Int32] {
    let width = automaton.classes.count
    var sources: [[Int32]] = Array(repeating: [], count: automaton.count)
    for state in 0..<automaton.count {
      var last: Int32 = -1
      for target in automaton.table[state * width..<(state + 1) * width] where target >= 0 && target != last {
        sources[Int(target)].append(Int32(state))
        last = target
      }
      for call in automaton.calls[state] where productive.contains(call.rule) {
        sources[Int(call.target)].append(Int32(state))
      }
    }
    var isLive = automaton.accepting
    var pending = (0..<Int32(automaton.count)).filter { isLive[Int($0)] }
    while let state = pending.popLast() {
      for source in sources[Int(state)] where !isLive[Int(source)] {
        isLive[Int(source)] = true
        pending.append(source)
      }
    }
    var next = first
    return isLive.map { live in
      guard live else { return -1 }
      defer { next += 1 }
      return next
    }
  }

  private mutating func append(_ automaton: ByteAutomaton, _ names: [Int32], _ ruleStarts: [Int32: Int32]) {
    let width = classes.count
    for state in 0..<automaton.count where names[state] >= 0 {
      var isEnd = automaton.accepting[state]
      for target in automaton.table[state * width..<(state + 1) * width] {
        let name = target < 0 ? -1 : names[Int(target)]
        table.append(name)
        if name >= 0 { isEnd = false }
      }
      for call in automaton.calls[state] {
        guard let start = ruleStarts[call.rule], names[Int(call.target)] >= 0 else { continue }
        calls.append((start, names[Int(call.target)]))
        isEnd = false
      }
      callStarts.append(Int32(calls.count))
      self.isEnd.append(isEnd)
    }
  }

  /// Refuses rules that can call themselves before any text: following them would not end.
  private func refuseLeftRecursion(_ tree: GrammarTree, _ ruleStarts: [Int32: Int32]) throws(GrammarError) {
    let names = Dictionary(ruleStarts.map { ($0.value, tree.names[Int($0.key)]) }) { first, _ in first }
    let starts = Array(names.keys).sorted()
    var nullable = Set<Int32>(), grows = true
    while grows {
      grows = false
      for start in starts where !nullable.contains(start) {
        if statesBeforeText(start, nullable).contains(where: { accepting[Int($0)] }) {
          nullable.insert(start)
          grows = true
        }
      }
    }
    var callees: [Int32: Set<Int32>] = [:]
    for start in starts {
      callees[start] = Set(statesBeforeText(start, nullable).flatMap { state in self.calls(of: state).map(\.start) })
    }
    // What calls nothing that is left is no part of a circle.
    var left = Set(starts)
    var shrinks = true
    while shrinks {
      let free = left.filter { start in callees[start].map { $0.isDisjoint(with: left) } ?? true }
      shrinks = !free.isEmpty
      left.subtract(free)
    }
    if let rule = left.min() { throw .leftRecursion(rule: names[rule] ?? "") }
  }

  /// States of a rule that are reached without text.
  private func statesBeforeText(_ start: Int32, _ nullable: Set<Int32>) -> Set<Int32> {
    var reached = Set([start]), pending = [start]
    while let state = pending.popLast() {
      for call in calls(of: state) where nullable.contains(call.start) {
        if reached.insert(call.target).inserted { pending.append(call.target) }
      }
    }
    return reached
  }

  // MARK: Running

  @inline(__always)
  func calls(of state: Int32) -> ArraySlice<(start: Int32, target: Int32)> {
    calls[Int(callStarts[Int(state)])..<Int(callStarts[Int(state) + 1])]
  }

  @inline(__always)
  func hasCalls(_ state: Int32) -> Bool { callStarts[Int(state)] < callStarts[Int(state) + 1] }

  @inline(__always)
  func next(_ state: Int32, class byteClass: Int) -> Int32 { table[Int(state) * classes.count + byteClass] }
}
