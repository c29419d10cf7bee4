// Which tokens each state of a grammar allows, worked out once a state: by itself, and below each rule that may be open.

/// Masks by state, kept up to a bound of memory. Not thread-safe: ``GrammarConstraint`` locks it.
struct MaskCache {
  /// A place in one of the vocabulary's tries where the rule that is read may have ended, with more of a token to come.
  struct Escape {
    let trie: Int32
    let node: Int32
  }

  /// What is allowed whatever rules are open, and where those would have to be asked.
  final class Entry {
    /// The allowed tokens: a mask, or a list where they are few.
    private(set) var mask: TokenMask?
    private(set) var few: [Int32] = []
    let escapes: [Escape]

    init(_ mask: TokenMask, _ escapes: [Escape]) {
      if mask.allowedCount * 2 <= mask.words.count {
        few = mask.allowed
      } else {
        self.mask = mask
      }
      self.escapes = escapes
    }

    var byteCount: Int { (mask?.words.count ?? 0) * 8 + few.count * 4 + escapes.count * 8 + 96 }

    func add(to target: inout TokenMask) {
      if let mask { target.formUnion(mask) }
      for token in few { target[token] = true }
    }
  }

  let vocabulary: GrammarVocabulary
  let grammar: CompiledGrammar
  private var prefixes: PrefixAutomaton
  private var entries: [UInt64: Entry] = [:]
  private var byteCount = 0
  /// The id at each depth of a walk.
  private var path: [Int32]
  /// Masks made so far, for measurements.
  private(set) var madeCount = 0

  init(_ grammar: CompiledGrammar, _ vocabulary: GrammarVocabulary) {
    self.grammar = grammar
    self.vocabulary = vocabulary
    prefixes = PrefixAutomaton(grammar)
    path = Array(repeating: -1, count: vocabulary.deepest + 2)
  }

  /// Adds the tokens that a reading allows: `state`, and the rules open below it, the innermost first.
  mutating func add(state: Int32, frames: inout some IteratorProtocol<Int32>, to mask: inout TokenMask) {
    let entry = self.entry(state)
    entry.add(to: &mask)
    guard !entry.escapes.isEmpty, let target = frames.next() else { return }
    let below = self.entry(state, endingIn: target, entry)
    below.add(to: &mask)
    var escapes = below.escapes
    while !escapes.isEmpty, let target = frames.next() { escapes = follow(escapes, into: target, &mask) }
  }

  private mutating func entry(_ state: Int32) -> Entry {
    let key = UInt64(UInt32(bitPattern: state)) << 32 | UInt64(UInt32.max)
    if let known = entries[key] { return known }
    trim()
    var mask = TokenMask(count: vocabulary.count), escapes: [Escape] = []
    let start = prefixes.id(of: state)
    if start >= 0 {
      let longest = vocabulary.slices.reduce(0) { max($0, $1.longest) }
      let free = prefixes.plainLength(from: start, limit: longest)
      for (index, slice) in vocabulary.slices.enumerated() {
        // Tokens are all allowed, but a rule that may end inside them needs no asking: they are allowed anyway.
        if slice.longest <= free { mask.formUnion(slice.mask) } else { walk(index, nil, start, &mask, &escapes) }
      }
      walk(vocabulary.slices.count, nil, start, &mask, &escapes)
    }
    return keep(Entry(mask, escapes), key)
  }

  /// What is allowed where the rule of `state` ends in a token that goes on in `target`.
  private mutating func entry(_ state: Int32, endingIn target: Int32, _ entry: Entry) -> Entry {
    let key = UInt64(UInt32(bitPattern: state)) << 32 | UInt64(UInt32(bitPattern: target))
    if let known = entries[key] { return known }
    var mask = TokenMask(count: vocabulary.count)
    let escapes = follow(entry.escapes, into: target, &mask)
    return keep(Entry(mask, escapes), key)
  }

  private mutating func follow(_ escapes: [Escape], into target: Int32, _ mask: inout TokenMask) -> [Escape] {
    var further: [Escape] = []
    let start = prefixes.id(of: target)
    guard start >= 0 else { return [] }
    for escape in escapes { walk(Int(escape.trie), escape.node, start, &mask, &further) }
    return further
  }

  private mutating func keep(_ entry: Entry, _ key: UInt64) -> Entry {
    entries[key] = entry
    byteCount += entry.byteCount
    madeCount += 1
    return entry
  }

  /// Forgets everything once it is too much: what is needed comes back as it is needed.
  private mutating func trim() {
    guard byteCount + prefixes.byteCount > grammar.limits.maskBytes else { return }
    entries.removeAll()
    byteCount = 0
    if prefixes.byteCount > grammar.limits.maskBytes / 2 { prefixes = PrefixAutomaton(grammar) }
  }

  /// Goes down a trie, or the part of it below `node`, from the id `start`.
  private mutating func walk(
    _ index: Int, _ node: Int32?, _ start: Int32, _ mask: inout TokenMask, _ escapes: inout [Escape]
  ) {
    let trie = vocabulary.trie(index)
    let end = node.map { Int(trie.ends[Int($0)]) } ?? trie.count
    var current = node.map { Int($0) + 1 } ?? 0
    path[node.map { Int(trie.depths[Int($0)]) } ?? 0] = start
    var own: [Int32] = []
    swap(&own, &path)  // so that the walk can change what it goes through
    defer { swap(&own, &path) }
    own.withUnsafeMutableBufferPointer { path in
      trie.withBuffers { bytes, depths, ends, tokenStarts, tokens in
        grammar.classes.classOf.withUnsafeBufferPointer { classOf in
          while current < end {
            let depth = Int(depths[current])
            let id = prefixes.next(path[depth - 1], class: Int(classOf[Int(bytes[current])]))
            guard id >= 0 else {
              current = Int(ends[current])
              continue
            }
            path[depth] = id
            for place in Int(tokenStarts[current])..<Int(tokenStarts[current + 1]) { mask[tokens[place]] = true }
            if Int(ends[current]) > current + 1, prefixes.escapes(id) {
              escapes.append(Escape(trie: Int32(index), node: Int32(current)))
            }
            current += 1
          }
        }
      }
    }
  }
}

extension TokenTrie {
  /// Bytes, depths, ends, token starts and tokens as buffers, for a walk.
  @inline(__always)
  func withBuffers(
    _ body: (
      UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt16>, UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Int32>,
      UnsafeBufferPointer<Int32>
    ) -> Void
  ) {
    bytes.withUnsafeBufferPointer { bytes in
      depths.withUnsafeBufferPointer { depths in
        ends.withUnsafeBufferPointer { ends in
          tokenStarts.withUnsafeBufferPointer { starts in
            tokens.withUnsafeBufferPointer { tokens in body(bytes, depths, ends, starts, tokens) }
          }
        }
      }
    }
  }
}
