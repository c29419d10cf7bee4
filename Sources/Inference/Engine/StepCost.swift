// What a step takes, learnt from the steps that were measured: a linear model, and its inverse for prompts.

/// What a step's time depends on.
package struct StepShape: Sendable, Equatable {
  /// Tokens of prompts.
  package var prefillTokens = 0
  /// Tokens of sequences that decode: one each, more behind forced tokens and with drafts.
  package var decodeRows = 0
  /// Positions that all rows together look at.
  package var context = 0.0

  package init() {}

  /// Adds `count` tokens of a sequence that holds `position` positions.
  mutating func add(_ count: Int, at position: Int, decoding: Bool) {
    if decoding { decodeRows += count } else { prefillTokens += count }
    context += Double(count) * (Double(position) + Double(count + 1) / 2)
  }
}

/// Seconds of a step = fixed + a prompt token + a token of a decoding sequence + a position looked at. Fitted by
/// non-negative least squares that forget, on relative errors: a step that something else held up counts for little
/// because it is long.
///
/// Non-negative, because steps that are much alike can't tell what is fixed from what a token takes: without a bound one
/// of them may be far below 0 and the other far above, and what is predicted of other steps is worth nothing.
package struct StepCost: Sendable {
  /// Of 1, 64 prompt tokens, a token of a decoding sequence, 4,096 positions.
  private var weights = SIMD4<Double>(0.5e-3, 10e-3, 1e-3, 0.5e-3)
  /// Sums over the steps of what they depend on, by their seconds: its products, and itself. They begin with one weak
  /// belief in each of the weights above.
  private var products = [
    SIMD4<Double>(1, 0, 0, 0), SIMD4<Double>(0, 1, 0, 0), SIMD4<Double>(0, 0, 1, 0), SIMD4<Double>(0, 0, 0, 1),
  ]
  private var sums = SIMD4<Double>(0.5e-3, 10e-3, 1e-3, 0.5e-3)
  /// The weights above 0, a bit each.
  private var choice = 0b1111
  /// What is left of earlier steps' weight after one more.
  private var forgetting = StepCost.memory
  /// Steps learnt from.
  package private(set) var steps = 0

  /// Half of what a step taught is forgotten after about 140 more.
  private static let memory = 0.995
  /// Where steps are all alike, forgetting would make the fit restless: it stops at this sum of variances.
  private static let restless = 4.0

  package init() {}

  private static func features(_ shape: StepShape) -> SIMD4<Double> {
    SIMD4(1, Double(shape.prefillTokens) / 64, Double(shape.decodeRows), shape.context / 4_096)
  }

  package func predict(_ shape: StepShape) -> Double { (weights * Self.features(shape)).sum() }

  package mutating func learn(_ shape: StepShape, seconds: Double) {
    guard seconds > 0, seconds.isFinite else { return }
    let x = Self.features(shape) / seconds
    if steps % 16 == 0 { forgetting = variance < Self.restless ? Self.memory : 1 }
    for row in 0..<4 { products[row] = products[row] * forgetting + x[row] * x }
    sums = sums * forgetting + x
    steps += 1
    if let found = solution(sums, of: choice), found.min() >= 0, isBest(found) {
      weights = found
      return
    }
    // Four weights have fifteen choices of those above 0: the best one of least squares that has none below.
    var best = -Double.infinity
    for candidate in 1..<16 {
      guard let found = solution(sums, of: candidate), found.min() >= 0 else { continue }
      let merit = (found * sums).sum()
      if merit > best { (best, weights, choice) = (merit, found, candidate) }
    }
  }

  /// Whether no weight that is 0 would better be above it (the condition of Karush, Kuhn and Tucker).
  private func isBest(_ found: SIMD4<Double>) -> Bool {
    (0..<4).allSatisfy { row in
      choice >> row & 1 == 1 || (products[row] * found).sum() >= sums[row]
    }
  }

  /// The sum of the weights' variances.
  private var variance: Double {
    (0..<4).reduce(0) { sum, row in
      var unit = SIMD4<Double>.zero
      unit[row] = 1
      return sum + (solution(unit, of: 0b1111)?[row] ?? .infinity)
    }
  }

  /// Solves products · x = `right` for the unknowns whose bits `choice` has, the others being 0; nil where rounding does
  /// not allow it.
  private func solution(_ right: SIMD4<Double>, of choice: Int) -> SIMD4<Double>? {
    var rows = products, right = right, result = SIMD4<Double>.zero
    let chosen = (0..<4).filter { choice >> $0 & 1 == 1 }
    // The matrix is positive definite: no row need be exchanged.
    for pivot in chosen {
      guard rows[pivot][pivot] > 0 else { return nil }
      for row in chosen where row != pivot {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        rows[row] -= factor * rows[pivot]
        right[row] -= factor * right[pivot]
      }
    }
    for row in chosen { result[row] = right[row] / rows[row][row] }
    return result
  }

  /// Seconds that computing `count` prompt tokens from `position` on adds to a step.
  package func prefill(_ count: Int, at position: Int) -> Double {
    let tokens = Double(count)
    return weights[1] * tokens / 64 + weights[3] * tokens * (Double(position) + tokens / 2) / 4_096
  }

  /// Seconds that `count` more tokens of a sequence that decodes, and holds `position` positions, add to a step.
  package func decode(_ count: Int, at position: Int) -> Double {
    var shape = StepShape()
    shape.add(count, at: position, decoding: true)
    return predict(shape) - weights[0]
  }

  /// How many prompt tokens from `position` on fit into so many seconds: ``prefill(_:at:)`` solved for its count.
  package func prefillTokens(within seconds: Double, at position: Int) -> Int {
    guard seconds > 0 else { return 0 }
    let square = weights[3] / 8_192
    let linear = weights[1] / 64 + weights[3] * Double(position) / 4_096
    // The stable form of the root, which also holds where a term is 0.
    let divisor = linear + (linear * linear + 4 * square * seconds).squareRoot()
    let tokens = divisor > 0 ? 2 * seconds / divisor : .infinity
    return tokens < 1e9 ? Int(tokens) : 1_000_000_000
  }
}
