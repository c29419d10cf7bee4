// Byte-pair encoding: merging neighbours, best pair first, in all its variants. Text comes here cut into words.

/// Merges the symbols of a word pair by pair until no pair is known.
struct BytePairModel: Sendable {
  /// Which pairs merge, and which of them first.
  enum Ranking: Sendable {
    /// A list of pairs of ids, the first to be merged first: (left, right) to (rank, merged id).
    case merges(PairTable)
    /// Two neighbours merge if together they are a piece; the lower its rank, the sooner. By id.
    case pieces([UInt32])
  }

  enum Symbols: Sendable {
    case bytes
    case characters
  }

  let vocabulary: Vocabulary
  let ranking: Ranking
  let symbols: Symbols
  /// What stands for a byte that no piece covers, by byte; nil if the vocabulary has no such tokens.
  let byteTokens: [Int32]?
  let unknown: Int32?
  /// Whether neighbouring unknown symbols become one token.
  var fusesUnknown = false
  /// Whether a word that is a piece becomes that piece, whatever the merges say.
  var takesWholeWords = false
  /// The token of each single byte that is a piece, or -1.
  private let byteSymbols: [Int32]

  init(
    vocabulary: Vocabulary, ranking: Ranking, symbols: Symbols, byteTokens: [Int32]?, unknown: Int32?,
    fusesUnknown: Bool = false, takesWholeWords: Bool = false
  ) {
    self.vocabulary = vocabulary
    self.ranking = ranking
    self.symbols = symbols
    self.byteTokens = byteTokens
    self.unknown = unknown
    self.fusesUnknown = fusesUnknown
    self.takesWholeWords = takesWholeWords
    byteSymbols = (0..<256).map { vocabulary.id(of: CollectionOfOne(UInt8($0))) ?? -1 }
  }

  /// The largest word that is merged as a whole. Longer ones are cut: places in a word are 32-bit numbers.
  private static let wordLimit = 1 << 30

  func encode(_ word: UnsafeBufferPointer<UInt8>, into result: inout [Int32], scratch: inout MergeScratch) {
    if takesWholeWords, let id = vocabulary.id(of: word) {
      result.append(id)
      return
    }
    var start = 0
    while start < word.count {
      var end = min(word.count, start + Self.wordLimit)
      while end < word.count, end > start + 1, word[end] & 0xC0 == 0x80 { end -= 1 }
      merge(UnsafeBufferPointer(rebasing: word[start..<end]), into: &result, scratch: &scratch)
      start = end
    }
  }

  private func merge(_ word: UnsafeBufferPointer<UInt8>, into result: inout [Int32], scratch: inout MergeScratch) {
    scratch.reset()
    var index = 0
    while index < word.count {
      let length = symbols == .bytes ? 1 : UTF8Scanner.scalar(word, at: index).length
      let id = length == 1 ? byteSymbols[Int(word[index])] : find(word, index, index + length)
      scratch.symbols.append(
        .init(id: id, start: UInt32(index), end: UInt32(index + length), previous: UInt32(scratch.symbols.count) &- 1))
      index += length
    }
    let count = scratch.symbols.count
    for left in 0..<max(0, count - 1) { propose(left, left + 1, word, &scratch.queue, scratch.symbols) }
    scratch.queue.order()
    while let best = scratch.queue.pop() {
      let left = Int(best.left)
      let right = Int(scratch.next(left))
      // A symbol only grows, so a pair of the same extent is the pair that was proposed.
      guard scratch.symbols[left].isAlive, right < count,
        scratch.symbols[right].end - scratch.symbols[left].start == best.length
      else { continue }
      scratch.join(left, right, id: best.merged)
      if left > 0 {
        propose(Int(scratch.symbols[left].previous), left, word, &scratch.queue, scratch.symbols)
      }
      let next = Int(scratch.next(left))
      if next < count { propose(left, next, word, &scratch.queue, scratch.symbols) }
    }
    emit(word, into: &result, scratch)
  }

  private func find(_ word: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Int32 {
    vocabulary.id(of: UnsafeBufferPointer(rebasing: word[start..<end])) ?? -1
  }

  @inline(__always)
  private func propose(
    _ left: Int, _ right: Int, _ word: UnsafeBufferPointer<UInt8>, _ queue: inout MergeQueue,
    _ symbols: borrowing [MergeScratch.Symbol]
  ) {
    let (first, second) = (symbols[left], symbols[right])
    let length = second.end - first.start
    switch ranking {
    case .merges(let table):
      guard first.id >= 0, second.id >= 0,
        let (rank, merged) = table[UInt32(bitPattern: first.id), UInt32(bitPattern: second.id)]
      else { return }
      queue.add(.init(rank: rank, left: UInt32(left), length: length, merged: Int32(bitPattern: merged)))
    case .pieces(let ranks):
      let id = find(word, Int(first.start), Int(second.end))
      guard id >= 0, ranks.indices.contains(Int(id)) else { return }
      queue.add(.init(rank: ranks[Int(id)], left: UInt32(left), length: length, merged: id))
    }
  }

  private func emit(_ word: UnsafeBufferPointer<UInt8>, into result: inout [Int32], _ scratch: MergeScratch) {
    var index = 0
    var lastWasUnknown = false
    while index < scratch.symbols.count {
      let symbol = scratch.symbols[index]
      if symbol.id >= 0 {
        result.append(symbol.id)
        lastWasUnknown = false
      } else if let byteTokens {
        for byte in word[Int(symbol.start)..<Int(symbol.end)] { result.append(byteTokens[Int(byte)]) }
        lastWasUnknown = false
      } else if let unknown, !(lastWasUnknown && fusesUnknown) {
        result.append(unknown)
        lastWasUnknown = true
      }
      index = Int(scratch.next(index))
    }
  }
}

/// The symbols of a word while they merge; kept from word to word for its memory.
struct MergeScratch {
  struct Symbol {
    /// The piece that it is, or -1.
    var id: Int32
    var start: UInt32
    var end: UInt32
    /// The symbol before it. Meaningless for the first.
    var previous: UInt32
    /// The symbol after it; 0 while it is the neighbour in memory, since no symbol comes before the first.
    var next: UInt32 = 0
    var isAlive: Bool { end > start }
  }

  fileprivate(set) var symbols: [Symbol] = []
  fileprivate var queue = MergeQueue()

  fileprivate mutating func reset() {
    symbols.removeAll(keepingCapacity: true)
    queue.removeAll()
  }

  @inline(__always)
  fileprivate func next(_ index: Int) -> UInt32 {
    symbols[index].next == 0 ? UInt32(index + 1) : symbols[index].next
  }

  @inline(__always)
  fileprivate mutating func join(_ left: Int, _ right: Int, id: Int32) {
    let following = next(right)
    symbols[left].id = id
    symbols[left].end = symbols[right].end
    symbols[left].next = following
    symbols[right].end = symbols[right].start
    if Int(following) < symbols.count { symbols[Int(following)].previous = UInt32(left) }
  }
}

/// A binary heap of merges: the lowest rank first, and the leftmost of equal ones.
struct MergeQueue {
  struct Merge {
    var rank: UInt32
    var left: UInt32
    /// The bytes that both symbols cover together: tells whether the proposal still holds.
    var length: UInt32
    var merged: Int32

    @inline(__always) var key: UInt64 { UInt64(rank) << 32 | UInt64(left) }
  }

  private var heap: [Merge] = []
  /// Whether `heap` is in order; before the first `order` merges are only collected.
  private var isOrdered = false

  mutating func removeAll() {
    heap.removeAll(keepingCapacity: true)
    isOrdered = false
  }

  @inline(__always)
  mutating func add(_ merge: Merge) {
    heap.append(merge)
    if isOrdered { siftUp(heap.count - 1) }
  }

  mutating func order() {
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    isOrdered = true
  }

  mutating func pop() -> Merge? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      heap[0] = last
      siftDown(0)
    }
    return first
  }

  private mutating func siftUp(_ start: Int) {
    var index = start
    let moving = heap[index]
    while index > 0 {
      let parent = (index - 1) / 2
      guard moving.key < heap[parent].key else { break }
      heap[index] = heap[parent]
      index = parent
    }
    heap[index] = moving
  }

  private mutating func siftDown(_ start: Int) {
    var index = start
    let moving = heap[index]
    while true {
      var child = 2 * index + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].key < heap[child].key { child += 1 }
      guard heap[child].key < moving.key else { break }
      heap[index] = heap[child]
      index = child
    }
    heap[index] = moving
  }
}
