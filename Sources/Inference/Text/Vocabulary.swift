// The pieces of a vocabulary and finding one by its bytes. Not how text is cut into pieces: that is a model's work.

/// What a token is for; raw values as in GGUF's `tokenizer.ggml.token_type`.
package enum TokenKind: UInt8, Sendable {
  case normal = 1
  case unknown = 2
  case control = 3
  case userDefined = 4
  case unused = 5
  /// Stands for one byte, where no piece covers a character.
  case byte = 6
}

/// Pieces by id, packed in one block of bytes, with an index from bytes to id over those that text may become.
package struct Vocabulary: Sendable {
  private var arena: [UInt8] = []
  private var ends: [Int] = []
  package private(set) var kinds: [TokenKind] = []
  /// Log probabilities or merge priorities, by id; empty if the vocabulary has none.
  package private(set) var scores: [Double] = []
  /// Ids, at a place given by the hash of their bytes; -1 where free. Its size is a power of two.
  private var slots: [Int32] = []
  /// Not the same in every process, so that no file can be made to collide.
  private let seed = UInt64.random(in: .min ... .max)
  /// The length in bytes of the longest piece in the index.
  package private(set) var longestPiece = 0

  package init() {}

  package var count: Int { ends.count }

  package mutating func reserve(_ pieces: Int, bytes: Int) {
    arena.reserveCapacity(bytes)
    ends.reserveCapacity(pieces)
    kinds.reserveCapacity(pieces)
  }

  /// Adds the piece of the next id.
  package mutating func append(_ piece: some Collection<UInt8>, kind: TokenKind, score: Double? = nil) {
    arena.append(contentsOf: piece)
    ends.append(arena.count)
    kinds.append(kind)
    if let score { scores.append(score) }
  }

  /// The bytes of a piece; none for an id out of range.
  package func piece(_ id: Int32) -> ArraySlice<UInt8> {
    guard let range = range(id) else { return [] }
    return arena[range]
  }

  /// The kind of a token, `unused` for an id out of range.
  package func kind(_ id: Int32) -> TokenKind {
    kinds.indices.contains(Int(id)) ? kinds[Int(id)] : .unused
  }

  private func range(_ id: Int32) -> Range<Int>? {
    let index = Int(id)
    guard ends.indices.contains(index) else { return nil }
    return (index == 0 ? 0 : ends[index - 1])..<ends[index]
  }

  // MARK: The index

  /// Makes pieces findable. Of several equal pieces the first is found.
  ///
  /// - Parameter includes: whether a token, of an id and a kind, is to be found.
  package mutating func buildIndex(_ includes: (Int32, TokenKind) -> Bool) {
    var capacity = 16
    while capacity < count * 2 { capacity *= 2 }
    slots = Array(repeating: -1, count: capacity)
    arena.withUnsafeBufferPointer { bytes in
      for id in 0..<Int32(clamping: count) where includes(id, kinds[Int(id)]) {
        guard let range = range(id), !range.isEmpty else { continue }
        let piece = UnsafeBufferPointer(rebasing: bytes[range])
        let slot = self.slot(of: piece, in: bytes)
        if slots[slot] < 0 {
          slots[slot] = id
          longestPiece = max(longestPiece, range.count)
        }
      }
    }
  }

  /// The id of the ordinary token with these bytes.
  @inline(__always)
  package func id(of piece: UnsafeBufferPointer<UInt8>) -> Int32? {
    guard !piece.isEmpty, piece.count <= longestPiece else { return nil }
    let id = arena.withUnsafeBufferPointer { slots[slot(of: piece, in: $0)] }
    return id < 0 ? nil : id
  }

  package func id(of piece: some Collection<UInt8>) -> Int32? {
    Array(piece).withUnsafeBufferPointer { id(of: $0) }
  }

  /// Where `piece` is in the index, or the free place where it would go.
  private func slot(of piece: UnsafeBufferPointer<UInt8>, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash(piece)) & mask
    while slots[slot] >= 0 {
      if let range = range(slots[slot]), range.count == piece.count,
        UnsafeBufferPointer(rebasing: bytes[range]).elementsEqual(piece)
      {
        return slot
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
    let raw = UnsafeRawBufferPointer(bytes)
    var state = seed ^ UInt64(raw.count)
    var offset = 0
    while offset + 8 <= raw.count {
      state = mixed(state ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var rest: UInt64 = 0
    while offset < raw.count {
      rest = rest << 8 | UInt64(raw[offset])
      offset += 1
    }
    return mixed(state ^ rest)
  }
}

/// Spreads every bit of `value` over the result (the product's halves folded together).
@inline(__always)
func mixed(_ value: UInt64) -> UInt64 {
  let (high, low) = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
  let folded = high ^ low
  return folded ^ (folded >> 29)
}

/// A map from pairs of 32-bit numbers to pairs of them, in open addressing. For merges, and for the edges of a trie.
struct PairTable: Sendable {
  private var keys: [UInt64] = []
  private var values: [UInt64] = []
  private(set) var count = 0
  private let seed = UInt64.random(in: .min ... .max)
  /// No pair: ids stay below it.
  private static let free = UInt64.max

  init(minimumCapacity: Int = 0) {
    var capacity = 16
    while capacity < minimumCapacity * 3 / 2 { capacity *= 2 }
    keys = Array(repeating: Self.free, count: capacity)
    values = Array(repeating: 0, count: capacity)
  }

  @inline(__always)
  private static func key(_ first: UInt32, _ second: UInt32) -> UInt64 { UInt64(first) << 32 | UInt64(second) }

  @inline(__always)
  private func slot(of key: UInt64) -> Int {
    let mask = keys.count - 1
    var slot = Int(truncatingIfNeeded: mixed(key ^ seed)) & mask
    while keys[slot] != key, keys[slot] != Self.free { slot = (slot + 1) & mask }
    return slot
  }

  @inline(__always)
  subscript(first: UInt32, second: UInt32) -> (UInt32, UInt32)? {
    let slot = slot(of: Self.key(first, second))
    guard keys[slot] != Self.free else { return nil }
    return (UInt32(truncatingIfNeeded: values[slot] >> 32), UInt32(truncatingIfNeeded: values[slot]))
  }

  /// Keeps the value that is there already.
  mutating func insertIfAbsent(_ first: UInt32, _ second: UInt32, _ value: (UInt32, UInt32)) {
    let key = Self.key(first, second)
    guard key != Self.free else { return }
    if count * 3 >= keys.count * 2 { grow() }
    let slot = slot(of: key)
    guard keys[slot] == Self.free else { return }
    keys[slot] = key
    values[slot] = Self.key(value.0, value.1)
    count += 1
  }

  private mutating func grow() {
    let old = zip(keys, values).filter { $0.0 != Self.free }
    keys = Array(repeating: Self.free, count: keys.count * 2)
    values = Array(repeating: 0, count: keys.count)
    for (key, value) in old {
      let slot = slot(of: key)
      keys[slot] = key
      values[slot] = value
    }
  }
}

/// Finds every entry that begins at a place in a text, in one walk over its bytes.
struct ByteTrie: Sendable {
  private var edges = PairTable()
  /// The entry that ends at a node, or -1.
  private var entries: [Int32] = [-1]
  private(set) var isEmpty = true

  /// Adds an entry; the first of several with the same bytes stays.
  mutating func insert(_ bytes: some Collection<UInt8>, entry: Int32) {
    guard !bytes.isEmpty else { return }
    isEmpty = false
    var node: UInt32 = 0
    for byte in bytes {
      if let next = edges[node, UInt32(byte)] {
        node = next.0
      } else {
        let next = UInt32(truncatingIfNeeded: entries.count)
        entries.append(-1)
        edges.insertIfAbsent(node, UInt32(byte), (next, 0))
        node = next
      }
    }
    if entries[Int(node)] < 0 { entries[Int(node)] = entry }
  }

  /// Calls `body` with each entry that begins at `start` and the index where it ends, the shortest first.
  @inline(__always)
  func forEachMatch(in bytes: UnsafeBufferPointer<UInt8>, at start: Int, _ body: (Int32, Int) -> Void) {
    var node: UInt32 = 0
    var index = start
    while index < bytes.count, let next = edges[node, UInt32(bytes[index])] {
      node = next.0
      index += 1
      if entries[Int(node)] >= 0 { body(entries[Int(node)], index) }
    }
  }
}
