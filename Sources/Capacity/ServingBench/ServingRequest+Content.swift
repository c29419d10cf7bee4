// What stands in a request's prompt: random tokens, the same for the same seed. Prompts share what their traces say that
// they share, and nothing else.

extension ServingRequest {
  /// Tokens that a recorded hash stands for.
  public static let hashTokens = 512

  /// The prompt as `promptTokens` numbers below `bound`: those of each hash are the same in all requests of one seed,
  /// and what no hash covers is this request's own.
  package func content(below bound: Int) -> [Int] {
    var content: [Int] = []
    content.reserveCapacity(promptTokens)
    func fill(_ count: Int, _ name: UInt64) {
      // The name is mixed before it meets the seed: SplitMix's neighbouring seeds would give shifted copies.
      var mixed = RandomSource(seed: name)
      var random = RandomSource(seed: mixed.next() ^ seed)
      for _ in 0..<count { content.append(random.index(below: bound)) }
    }
    for hash in hashes where content.count < promptTokens {
      fill(min(Self.hashTokens, promptTokens - content.count), UInt64(bitPattern: hash))
    }
    // Counted from the other end: no recorded hash is as large.
    if content.count < promptTokens { fill(promptTokens - content.count, ~UInt64(id)) }
    return content
  }
}
