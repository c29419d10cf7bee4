// A text as a grammar reads it: which rules are open, what may come next. A value, so that copies branch.

/// What a grammar has read so far. Copies are independent of one another, which is how a branch or a roll-back is made.
public struct GrammarState: Sendable {
  private struct Frame: Sendable {
    let target: Int32
    let below: Int32
    let depth: Int32
  }

  private struct Reading: Hashable, Sendable {
    let state: Int32
    let stack: Int32
  }

  public let constraint: GrammarConstraint
  private var readings: [Reading] = []
  /// Open rules as a tree; frame 0 is the bottom.
  private var frames = [Frame(target: -1, below: -1, depth: 0)]
  private var frameIndex: [UInt64: Int32] = [:]
  /// Whether a token that ends the generation was taken.
  public private(set) var isFinished = false

  private var grammar: CompiledGrammar { constraint.grammar }

  init(_ constraint: GrammarConstraint) {
    self.constraint = constraint
    readings = closure([Reading(state: constraint.grammar.start, stack: 0)], mayOpen: true)
  }

  /// Whether the text so far is one of the grammar's.
  public var isComplete: Bool {
    readings.contains { $0.stack == 0 && grammar.accepting[Int($0.state)] }
  }

  /// Whether the text is complete and nothing can follow.
  public var isExhausted: Bool {
    isComplete && !readings.contains { reading in nextClasses(of: reading.state).contains { $0 } }
  }

  // MARK: Masks

  /// Sets the bits of the tokens that may come next: those that leave a text which can still be completed, and, where
  /// it is complete, those that end a generation.
  public func mask(into mask: inout TokenMask) {
    if mask.count != constraint.vocabulary.count { mask = TokenMask(count: constraint.vocabulary.count) }
    mask.clear()
    guard !isFinished else { return }
    if mayOpen {
      for reading in readings {
        constraint.add(state: reading.state, frames: Frames(self, reading.stack), to: &mask)
      }
    } else {
      addSlowly(to: &mask)
    }
    if isComplete { for token in constraint.vocabulary.endOfGeneration { mask[token] = true } }
  }

  /// The mask as a new value.
  public var mask: TokenMask {
    var mask = TokenMask(count: constraint.vocabulary.count)
    self.mask(into: &mask)
    return mask
  }

  /// The states that open rules go on in, the innermost first.
  private struct Frames: IteratorProtocol, Sendable {
    private let frames: [Frame]
    private var stack: Int32

    init(_ state: GrammarState, _ stack: Int32) {
      frames = state.frames
      self.stack = stack
    }

    mutating func next() -> Int32? {
      guard stack != 0 else { return nil }
      let frame = frames[Int(stack)]
      stack = frame.below
      return frame.target
    }
  }

  /// As many rules are open as may be: a token at a time, for the automata of prefixes count no rules.
  private func addSlowly(to mask: inout TokenMask) {
    for index in 0...constraint.vocabulary.slices.count {
      let trie = constraint.vocabulary.trie(index)
      var path = Array(repeating: self, count: 1), node = 0
      while node < trie.count {
        let depth = Int(trie.depths[node])
        path.removeLast(path.count - depth)
        var next = path[depth - 1]
        guard next.step(trie.bytes[node], mayOpen: false) else {
          node = Int(trie.ends[node])
          continue
        }
        for place in trie.tokenStarts[node]..<trie.tokenStarts[node + 1] { mask[trie.tokens[Int(place)]] = true }
        path.append(next)
        node += 1
      }
    }
  }

  // MARK: Reading on

  /// Reads a token. Returns false, and changes nothing, where ``mask(into:)`` has no bit for it.
  public mutating func accept(_ token: Int32) -> Bool {
    guard !isFinished else { return false }
    if constraint.vocabulary.endOfGeneration.contains(token) {
      isFinished = isComplete
      return isFinished
    }
    let bytes = constraint.vocabulary.bytes(of: token)
    guard !bytes.isEmpty else { return false }
    return accept(bytes)
  }

  /// Reads bytes. Returns false, and changes nothing, if the grammar does not allow them.
  public mutating func accept(_ bytes: some Sequence<UInt8>) -> Bool {
    let before = self
    let mayOpen = self.mayOpen
    for byte in bytes where isFinished || !step(byte, mayOpen: mayOpen) {
      self = before
      return false
    }
    let limit = grammar.limits.readings
    if readings.count > limit {
      // Those with the fewest open rules are the nearest to an end.
      let sorted = readings.sorted { frames[Int($0.stack)].depth < frames[Int($1.stack)].depth }
      readings = Array(sorted[..<limit])
    }
    compact()
    return true
  }

  /// Whether fewer rules are open than may be. It is asked between tokens only, so that a token never depends on how
  /// deep it goes itself.
  private var mayOpen: Bool {
    !readings.contains { frames[Int($0.stack)].depth >= Int32(clamping: grammar.limits.depth) }
  }

  private mutating func step(_ byte: UInt8, mayOpen: Bool) -> Bool {
    let byteClass = Int(grammar.classes.classOf[Int(byte)])
    var heads: [Reading] = []
    for reading in readings {
      let state = grammar.next(reading.state, class: byteClass)
      if state >= 0 { heads.append(Reading(state: state, stack: reading.stack)) }
    }
    guard !heads.isEmpty else { return false }
    // A state that neither calls nor ends stands for itself.
    if heads.count == 1, !grammar.hasCalls(heads[0].state),
      heads[0].stack == 0 || !grammar.accepting[Int(heads[0].state)]
    {
      readings = heads
      return true
    }
    readings = closure(heads, mayOpen: mayOpen)
    return !readings.isEmpty
  }

  /// All readings that `heads` are without further text, but for those that only wait for another.
  private mutating func closure(_ heads: [Reading], mayOpen: Bool) -> [Reading] {
    var seen = Set(heads), pending = heads, result: [Reading] = []
    let most = grammar.limits.readings * 8
    while let reading = pending.popLast() {
      let isEnd = grammar.accepting[Int(reading.state)]
      if nextClasses(of: reading.state).contains(true) || (isEnd && reading.stack == 0) { result.append(reading) }
      if result.count > most { break }
      if isEnd, reading.stack != 0 {
        let frame = frames[Int(reading.stack)]
        let popped = Reading(state: frame.target, stack: frame.below)
        if seen.insert(popped).inserted { pending.append(popped) }
      }
      for call in grammar.calls(of: reading.state) {
        var stack = reading.stack
        if !grammar.isEnd[Int(call.target)] {
          guard mayOpen || frames[Int(stack)].depth < Int32(clamping: grammar.limits.depth) else { continue }
          stack = frame(call.target, below: stack)
        }
        let opened = Reading(state: call.start, stack: stack)
        if seen.insert(opened).inserted { pending.append(opened) }
      }
    }
    return result
  }

  private mutating func frame(_ target: Int32, below: Int32) -> Int32 {
    let key = UInt64(UInt32(bitPattern: target)) << 32 | UInt64(UInt32(bitPattern: below))
    if let known = frameIndex[key] { return known }
    frames.append(Frame(target: target, below: below, depth: frames[Int(below)].depth + 1))
    frameIndex[key] = Int32(frames.count - 1)
    return Int32(frames.count - 1)
  }

  /// Drops frames that no reading stands on, once there are many.
  private mutating func compact() {
    guard frames.count > 4_096 else { return }
    var isLive = Array(repeating: false, count: frames.count)
    for reading in readings {
      var stack = reading.stack
      while stack != 0, !isLive[Int(stack)] {
        isLive[Int(stack)] = true
        stack = frames[Int(stack)].below
      }
    }
    let old = frames
    var names: [Int32] = Array(repeating: 0, count: old.count)
    frames.removeLast(frames.count - 1)
    frameIndex.removeAll()
    // A frame stands behind the one below it.
    for index in 1..<old.count where isLive[index] {
      names[index] = frame(old[index].target, below: names[Int(old[index].below)])
    }
    readings = readings.map { Reading(state: $0.state, stack: names[Int($0.stack)]) }
  }

  private func nextClasses(of state: Int32) -> LazyMapSequence<ArraySlice<Int32>, Bool> {
    let width = grammar.classes.count
    return grammar.table[Int(state) * width..<(Int(state) + 1) * width].lazy.map { $0 >= 0 }
  }

  // MARK: Forced text

  /// The bytes that must come next, up to `limit` of them: as far as there is one way to go on, and none to end.
  public func forcedBytes(limit: Int = 1_024) -> [UInt8] {
    var state = self, result: [UInt8] = []
    while result.count < limit, !state.isFinished, !state.isComplete, let byte = state.onlyByte {
      guard state.accept(CollectionOfOne(byte)) else { break }
      result.append(byte)
    }
    return result
  }

  private var onlyByte: UInt8? {
    var only: Int?
    for reading in readings {
      for (byteClass, leads) in nextClasses(of: reading.state).enumerated() where leads && byteClass != only {
        if only != nil { return nil }
        only = byteClass
      }
    }
    guard let only else { return nil }
    let classOf = grammar.classes.classOf
    guard let first = classOf.firstIndex(of: UInt8(only)), classOf.lastIndex(of: UInt8(only)) == first else {
      return nil
    }
    return UInt8(first)
  }

  /// Tokens that need not be sampled, as the tokenizer writes ``forcedBytes(limit:)``. The last ones are left to the
  /// model where a longer token that is allowed begins with them, for that is how it would have gone on.
  public func forcedTokens(_ tokenizer: any Tokenizer, limit: Int = 1_024) -> [Int32] {
    let forced = forcedBytes(limit: limit)
    guard forced.count > 1 else { return [] }
    var state = self, result: [Int32] = [], place = 0
    for token in tokenizer.encode(forced, parseSpecial: false, addBOS: false, addEOS: false) {
      let bytes = constraint.vocabulary.bytes(of: token)
      guard forced[place...].starts(with: bytes), !bytes.isEmpty, !state.isOpenEnded(forced[place...]),
        state.accept(token)
      else { break }
      result.append(token)
      place += bytes.count
    }
    return result
  }

  /// Whether an allowed token is longer than `bytes` and begins with them.
  private func isOpenEnded(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard bytes.count < constraint.vocabulary.deepest else { return false }
    for index in 0...constraint.vocabulary.slices.count {
      let trie = constraint.vocabulary.trie(index)
      var first = 0, end = trie.count, found = true
      for byte in bytes {
        while first < end, trie.bytes[first] != byte { first = Int(trie.ends[first]) }
        guard first < end else {
          found = false
          break
        }
        end = Int(trie.ends[first])
        first += 1
      }
      guard found, first < end else { continue }
      for place in trie.tokenStarts[first]..<trie.tokenStarts[end] {
        var state = self
        if state.accept(trie.tokens[Int(place)]) { return true }
      }
    }
    return false
  }
}
