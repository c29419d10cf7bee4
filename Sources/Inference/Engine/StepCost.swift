// What a step takes, learnt from the steps that were measured: a linear model, and its inverse for prompts.

/// What a step's time depends on.
package struct StepShape: Sendable, Equatable {
  /// Tokens of prompts.
  package var prefillTokens = 0
  /// Tokens of sequences that decode: one each, more behind forced tokens.
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

/// Seconds of a step = fixed + a prompt token + a token of a decoding sequence + a position looked at. Fitted by recursive least
/// squares that forgets (Haykin, "Adaptive Filter Theory", ch. 10), on relative errors: a step that something else
/// held up counts for little because it is long.
package struct StepCost: Sendable {
  /// Of 1, 64 prompt tokens, a token of a decoding sequence, 4,096 positions.
  private var fitted = SIMD4<Double>(0.5e-3, 10e-3, 1e-3, 0.5e-3)
  /// No part of a step takes less than no time; the fit may think so on its way.
  private var weights: SIMD4<Double> { fitted.replacing(with: 0, where: fitted .< 0) }
  private var covariance = [
    SIMD4<Double>(1, 0, 0, 0), SIMD4<Double>(0, 1, 0, 0), SIMD4<Double>(0, 0, 1, 0), SIMD4<Double>(0, 0, 0, 1),
  ]
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
    let spread = SIMD4(
      (covariance[0] * x).sum(), (covariance[1] * x).sum(), (covariance[2] * x).sum(), (covariance[3] * x).sum())
    let gain = spread / (Self.memory + (x * spread).sum())
    fitted += gain * (1 - (fitted * x).sum())
    let trace = covariance[0][0] + covariance[1][1] + covariance[2][2] + covariance[3][3]
    let forgetting = trace < Self.restless ? Self.memory : 1
    for row in 0..<4 { covariance[row] = (covariance[row] - gain[row] * spread) / forgetting }
    steps += 1
  }

  /// Seconds that computing `count` prompt tokens from `position` on adds to a step.
  package func prefill(_ count: Int, at position: Int) -> Double {
    let tokens = Double(count), weights = weights
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
    let weights = weights
    let square = weights[3] / 8_192
    let linear = weights[1] / 64 + weights[3] * Double(position) / 4_096
    // The stable form of the root, which also holds where a term is 0.
    let divisor = linear + (linear * linear + 4 * square * seconds).squareRoot()
    let tokens = divisor > 0 ? 2 * seconds / divisor : .infinity
    return tokens < 1e9 ? Int(tokens) : 1_000_000_000
  }
}
