// Decoding as the work of a curve: one sequence, brought back to its start before it grows long.

extension FlexBench.Work {
  /// Steps before the sequence begins anew: a curve's points must not differ by their depth.
  private static var stepsOfSequence: Int { 32 }

  init(decoding model: any ModelUnderTest, seed: UInt64) {
    var random = RandomSource(seed: seed &+ 47)
    var count = 0
    self.init(label: model.facts.label, tokensPerStep: 1, precisionTag: model.facts.precisionTag) {
      () throws(CapacityError) in
      if count % Self.stepsOfSequence == 0 { try model.prepare(sequences: 1, depth: 0) }
      count += 1
      try model.decode([Int32(random.index(below: max(model.facts.vocabulary, 1)))])
    }
  }
}
