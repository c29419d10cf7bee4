// What one step is to evaluate: tokens for several sequences, and which rows' logits are wanted.

/// A sequence of one session. Stays valid until it is removed; a removed one is never mistaken for a newer.
public struct SequenceID: Hashable, Sendable, CustomStringConvertible {
  package let slot: Int
  package let serial: Int

  package init(slot: Int, serial: Int) {
    self.slot = slot
    self.serial = serial
  }

  public var description: String { "\(slot).\(serial)" }
}

/// The tokens of one step, sequence by sequence. Keep one and refill it: it then allocates nothing.
public struct Batch: Sendable {
  /// Which of a sequence's tokens give an output.
  public enum Output: Sendable, Hashable {
    case none
    /// The last one.
    case last
    case all
    /// All from this index into the tokens on.
    case from(Int)
  }

  struct Entry: Sendable {
    let sequence: SequenceID
    /// Its tokens, in `tokens`.
    let range: Range<Int>
    /// Index of the first of its tokens that gives an output.
    let firstOutput: Int
  }

  private(set) var tokens: [Int32] = []
  private(set) var entries: [Entry] = []

  public init() {}

  /// A batch with one sequence's tokens.
  public init(_ sequence: SequenceID, _ tokens: some Collection<Int32>, output: Output = .last) {
    add(sequence, tokens, output: output)
  }

  public var isEmpty: Bool { entries.isEmpty }
  /// Sequences in the batch.
  public var count: Int { entries.count }
  /// Tokens of all sequences together.
  public var tokenCount: Int { tokens.count }
  /// Rows of logits that the step gives.
  public var outputCount: Int { entries.reduce(0) { $0 + $1.range.count - $1.firstOutput } }

  /// Adds tokens that follow what the sequence holds. A sequence may come once in a batch.
  public mutating func add(_ sequence: SequenceID, _ tokens: some Collection<Int32>, output: Output = .last) {
    let first = self.tokens.count
    self.tokens.append(contentsOf: tokens)
    append(sequence, first..<self.tokens.count, output)
  }

  /// Adds one token.
  public mutating func add(_ sequence: SequenceID, _ token: Int32, output: Output = .last) {
    tokens.append(token)
    append(sequence, tokens.count - 1..<tokens.count, output)
  }

  private mutating func append(_ sequence: SequenceID, _ range: Range<Int>, _ output: Output) {
    let firstOutput =
      switch output {
      case .none: range.count
      case .last: max(range.count - 1, 0)
      case .all: 0
      case .from(let index): min(max(index, 0), range.count)
      }
    entries.append(Entry(sequence: sequence, range: range, firstOutput: firstOutput))
  }

  /// Empties the batch and keeps its memory.
  public mutating func removeAll() {
    tokens.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
  }
}
