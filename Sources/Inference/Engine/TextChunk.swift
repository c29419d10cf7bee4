// A text of any length as pieces that a model can look at.

/// What is evaluated as a whole.
package struct TextChunk: Sendable, Equatable {
  var tokens: [Int32]
  /// A type a token, empty where all are of type 0.
  var types: [Int32] = []
  /// Tokens of the request in it that no earlier chunk has.
  var fresh: Int

  /// Where chunks of up to `length` of `count` tokens lie, each sharing `overlap` with the one before.
  package static func ranges(count: Int, length: Int, overlap: Int) -> [Range<Int>] {
    guard count > length else { return [0..<count] }
    var ranges: [Range<Int>] = []
    var start = 0
    while true {
      let end = min(start + length, count)
      ranges.append(start..<end)
      if end == count { return ranges }
      start = end - overlap
    }
  }

  /// The chunks of a request.
  ///
  /// - Parameters:
  ///   - limit: tokens of a chunk at most.
  ///   - hasTypes: whether the model tells the two texts of a pair apart by types.
  static func chunks(
    of request: EmbeddingRequest, limit: Int, options: EmbeddingOptions, hasTypes: Bool
  ) throws(EngineError) -> [TextChunk] {
    let head: [Int32], body: [Int32], headTypes: Int
    switch request.input {
    case .text(let tokens):
      (head, body, headTypes) = (options.opening, tokens, 0)
    case .pair(let first, let second):
      head = options.opening + first + options.separator
      (body, headTypes) = (second, head.count)
    }
    let special = head.count + options.closing.count
    let room = limit - special
    let count = special + body.count
    guard room > 0, !body.isEmpty || special > 0 else {
      if room <= 0 { throw .promptTooLong(tokens: count, limit: limit) }
      throw .invalidRequest(field: "input", reason: "no tokens")
    }
    var pieces: [Range<Int>]
    switch request.excess {
    case .refuse:
      guard body.count <= room else { throw .promptTooLong(tokens: count, limit: limit) }
      pieces = [0..<body.count]
    case .truncate: pieces = [0..<min(body.count, room)]
    case .chunk(let overlap):
      let overlap = overlap ?? room / 8
      guard overlap >= 0, overlap < room else {
        throw .invalidRequest(field: "excess", reason: "an overlap of \(overlap) in chunks of \(room) tokens")
      }
      pieces = ranges(count: body.count, length: room, overlap: overlap)
    }
    var chunks: [TextChunk] = []
    var covered = 0
    for piece in pieces {
      let tokens = head + body[piece] + options.closing
      let isTyped = hasTypes && headTypes > 0
      let types = isTyped ? (0..<tokens.count).map { Int32($0 < headTypes ? 0 : 1) } : []
      chunks.append(TextChunk(tokens: tokens, types: types, fresh: piece.upperBound - covered))
      covered = piece.upperBound
    }
    return chunks
  }
}

/// Chunks' results on their way to one.
struct ChunkSum: Sendable {
  private var sum: [Double] = []
  private var only: [Float]?
  private var weight = 0.0
  private(set) var count = 0

  /// Adds a chunk's vector; in order, so that the sum is the same whatever ran together.
  mutating func add(_ values: [Float], weight: Int) {
    count += 1
    only = count == 1 ? values : nil
    if sum.isEmpty { sum = Array(repeating: 0, count: values.count) }
    for index in values.indices { sum[index] += Double(weight) * Double(values[index]) }
    self.weight += Double(weight)
  }

  /// Keeps the highest of each label's scores.
  mutating func raise(_ scores: [Float]) {
    count += 1
    only = only.map { zip($0, scores).map { max($0, $1) } } ?? scores
  }

  /// The mean of the vectors, or the scores.
  func result(normalised: Bool) -> [Float] {
    let mean = only ?? sum.map { Float(weight > 0 ? $0 / weight : 0) }
    guard normalised else { return mean }
    let length = mean.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return length > 0 ? mean.map { Float(Double($0) / length) } : mean
  }
}
