// Tokens as a tree over their bytes, laid out so that a walk goes forward through memory. Not what may come next.

/// Words for one bit a token.
public struct TokenMask: Sendable, Equatable {
  /// How many tokens it has bits for.
  public let count: Int
  public private(set) var words: [UInt64]

  /// A mask that allows nothing.
  public init(count: Int) {
    self.count = count
    words = Array(repeating: 0, count: (count + 63) / 64)
  }

  /// The mask for `64 * words.count` tokens whose bits are in `words`, the lowest first.
  public init(words: some Collection<UInt64>) {
    self.words = Array(words)
    count = self.words.count * 64
  }

  public subscript(_ token: Int32) -> Bool {
    get { token >= 0 && Int(token) < count && words[Int(token) >> 6] >> (UInt64(token) & 63) & 1 == 1 }
    set {
      guard token >= 0, Int(token) < count else { return }
      let bit = UInt64(1) << (UInt64(token) & 63)
      if newValue { words[Int(token) >> 6] |= bit } else { words[Int(token) >> 6] &= ~bit }
    }
  }

  public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  /// How many tokens are allowed.
  public var allowedCount: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// The allowed tokens, lowest first.
  public var allowed: [Int32] {
    var result: [Int32] = []
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        result.append(Int32(index * 64 + rest.trailingZeroBitCount))
        rest &= rest - 1
      }
    }
    return result
  }

  mutating func clear() { for index in words.indices { words[index] = 0 } }

  mutating func formUnion(_ other: TokenMask) {
    words.withUnsafeMutableBufferPointer { words in
      other.words.withUnsafeBufferPointer { others in
        for index in 0..<min(words.count, others.count) { words[index] |= others[index] }
      }
    }
  }

  /// Minus infinity for every token that is not allowed, and for logits beyond the mask.
  func apply(to logits: UnsafeMutableBufferPointer<Float>) {
    for (index, word) in words.enumerated() where word != .max && index * 64 < logits.count {
      for token in index * 64..<min(index * 64 + 64, logits.count) where word >> UInt64(token & 63) & 1 == 0 {
        logits[token] = -.infinity
      }
    }
    for token in min(words.count * 64, logits.count)..<logits.count { logits[token] = -.infinity }
  }
}

/// A tree of byte strings in preorder: the children of a node follow it.
struct TokenTrie: Sendable {
  /// The byte that leads to each node.
  private(set) var bytes: [UInt8] = []
  /// How many bytes lead to each node, from 1.
  private(set) var depths: [UInt16] = []
  /// The node behind each node's subtree.
  private(set) var ends: [Int32] = []
  /// The tokens that end at a node: from `tokenStarts[node]` up to `tokenStarts[node + 1]`.
  private(set) var tokenStarts: [Int32] = [0]
  private(set) var tokens: [Int32] = []
  private(set) var deepest = 0

  /// Longer tokens are left out: no model has them, and they would let a file decide how deep walks go.
  static let longestToken = 1_024

  /// - Parameter entries: bytes, at least one each, and ids; sorted by their bytes.
  init(sorted entries: [(bytes: ArraySlice<UInt8>, token: Int32)]) {
    var path: [UInt8] = [], open: [Int32] = []
    func close(to depth: Int, _ trie: inout TokenTrie) {
      while open.count > depth { trie.ends[Int(open.removeLast())] = Int32(trie.bytes.count) }
    }
    for (text, token) in entries {
      let common = zip(path, text).prefix { $0 == $1 }.count
      if common < text.count || common < path.count {
        close(to: common, &self)
        path.removeLast(path.count - common)
        for byte in text.dropFirst(common) {
          open.append(Int32(bytes.count))
          bytes.append(byte)
          path.append(byte)
          depths.append(UInt16(path.count))
          ends.append(0)
          tokenStarts.append(Int32(tokens.count))
        }
        deepest = max(deepest, path.count)
      }
      tokens.append(token)
      tokenStarts[tokenStarts.count - 1] = Int32(tokens.count)
    }
    close(to: 0, &self)
  }

  var count: Int { bytes.count }
}
