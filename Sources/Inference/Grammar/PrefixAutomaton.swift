// What can be said of a text's continuation without knowing which rules are open: sets of states, made as needed.

/// A deterministic automaton over sets of (state, rules opened since): the rules below are unknown, and where one of
/// them would go on the set is said to escape.
///
/// Ids below the number of the grammar's states are those states, where they call nothing; others are sets.
struct PrefixAutomaton {
  struct Reading: Hashable {
    let state: Int32
    let stack: Int32
  }

  let grammar: CompiledGrammar
  private let width: Int
  /// Frames of rules: where to go on, and the frame below. Frame 0 is the unknown.
  private var frames: [(target: Int32, below: Int32)] = [(-1, -1)]
  private var frameIndex: [UInt64: Int32] = [:]
  private var sets: [[Reading]] = []
  private var setEscapes: [Bool] = []
  private var setIndex: [[Reading]: Int32] = [:]
  /// (sets, classes): the next id, -1 for none, -2 for not known yet.
  private var rows: [Int32] = []
  /// The id of each state with calls, or -2.
  private var idOfState: [Int32]
  /// Ids behind one plain character; nil where some plain character is refused.
  private var characterSteps: [Int32: [Int32]?] = [:]
  private let plainMoves: [[(byteClass: Int, next: PlainText.State)]]

  /// A set with more readings than this allows nothing further: see ``GrammarLimits/readings``.
  private let largestSet: Int

  init(_ grammar: CompiledGrammar) {
    self.grammar = grammar
    width = grammar.classes.count
    largestSet = grammar.limits.readings * 4
    idOfState = Array(repeating: -2, count: grammar.stateCount)
    let representatives = grammar.classes.representatives
    plainMoves = PlainText.State.allCases.map { state in
      representatives.enumerated().compactMap { index, byte in PlainText.next(state, byte).map { (index, $0) } }
    }
  }

  /// Bytes that sets and their rows take, about.
  var byteCount: Int { rows.count * 4 + frames.count * 32 + sets.reduce(0) { $0 + $1.count * 16 + 64 } }

  // MARK: Walking

  /// The id of a state with nothing open above the unknown.
  mutating func id(of state: Int32) -> Int32 {
    guard grammar.hasCalls(state) else { return state }
    let known = idOfState[Int(state)]
    if known != -2 { return known }
    let id = intern(closure([Reading(state: state, stack: 0)]))
    idOfState[Int(state)] = id
    return id
  }

  @inline(__always)
  func escapes(_ id: Int32) -> Bool {
    Int(id) < grammar.stateCount ? grammar.accepting[Int(id)] : setEscapes[Int(id) - grammar.stateCount]
  }

  /// The id behind a byte of a class, or -1.
  @inline(__always)
  mutating func next(_ id: Int32, class byteClass: Int) -> Int32 {
    if Int(id) < grammar.stateCount {
      let state = grammar.table[Int(id) * width + byteClass]
      if state < 0 || !grammar.hasCalls(state) { return state }
      return self.id(of: state)
    }
    let cell = (Int(id) - grammar.stateCount) * width + byteClass
    let known = rows[cell]
    return known != -2 ? known : step(id, byteClass, cell)
  }

  private mutating func step(_ id: Int32, _ byteClass: Int, _ cell: Int) -> Int32 {
    var heads: [Reading] = []
    for reading in sets[Int(id) - grammar.stateCount] {
      let state = grammar.next(reading.state, class: byteClass)
      if state >= 0 { heads.append(Reading(state: state, stack: reading.stack)) }
    }
    let next = heads.isEmpty ? -1 : intern(closure(heads))
    rows[cell] = next
    return next
  }

  private mutating func closure(_ heads: [Reading]) -> [Reading] {
    var seen = Set(heads), pending = heads, result: [Reading] = []
    while let reading = pending.popLast() {
      result.append(reading)
      if seen.count > largestSet { return [] }
      if grammar.accepting[Int(reading.state)], reading.stack != 0 {
        let frame = frames[Int(reading.stack)]
        let popped = Reading(state: frame.target, stack: frame.below)
        if seen.insert(popped).inserted { pending.append(popped) }
      }
      for call in grammar.calls(of: reading.state) {
        let stack = grammar.isEnd[Int(call.target)] ? reading.stack : frame(call.target, below: reading.stack)
        let opened = Reading(state: call.start, stack: stack)
        if seen.insert(opened).inserted { pending.append(opened) }
      }
    }
    return result.sorted { ($0.state, $0.stack) < ($1.state, $1.stack) }
  }

  private mutating func frame(_ target: Int32, below: Int32) -> Int32 {
    let key = UInt64(UInt32(bitPattern: target)) << 32 | UInt64(UInt32(bitPattern: below))
    if let known = frameIndex[key] { return known }
    frames.append((target, below))
    frameIndex[key] = Int32(frames.count - 1)
    return Int32(frames.count - 1)
  }

  private mutating func intern(_ set: [Reading]) -> Int32 {
    guard let first = set.first else { return -1 }
    if set.count == 1, first.stack == 0, !grammar.hasCalls(first.state) { return first.state }
    if let known = setIndex[set] { return known }
    let id = Int32(grammar.stateCount + sets.count)
    setIndex[set] = id
    setEscapes.append(set.contains { $0.stack == 0 && grammar.accepting[Int($0.state)] })
    sets.append(set)
    rows.append(contentsOf: repeatElement(-2, count: width))
    return id
  }

  // MARK: Plain text

  /// How many plain characters, whichever they are, can follow; at most `limit`.
  mutating func plainLength(from id: Int32, limit: Int) -> Int {
    var reached = Set([id]), front = [id]
    for length in 0..<limit {
      var following: [Int32] = []
      for id in front {
        guard let targets = behindCharacter(id) else { return length }
        for target in targets where reached.insert(target).inserted { following.append(target) }
        // A wide front is no text that a schema or a grammar means to leave free.
        if following.count > 64 { return length }
      }
      if following.isEmpty { return limit }
      front = following
    }
    return limit
  }

  private mutating func behindCharacter(_ id: Int32) -> [Int32]? {
    if let known = characterSteps[id] { return known }
    var targets: [Int32] = [], seen = Set<UInt64>()
    var pending: [(id: Int32, state: PlainText.State)] = [(id, .start)]
    var isWhole = true
    while isWhole, let (id, state) = pending.popLast() {
      for (byteClass, following) in plainMoves[Int(state.rawValue)] {
        let target = next(id, class: byteClass)
        guard target >= 0 else {
          isWhole = false
          break
        }
        guard seen.insert(UInt64(UInt32(bitPattern: target)) << 8 | UInt64(following.rawValue)).inserted else {
          continue
        }
        if following == .start { targets.append(target) } else { pending.append((target, following)) }
      }
    }
    let result = isWhole ? targets : nil
    characterSteps[id] = .some(result)
    return result
  }
}
