// How far the path that serves is from exact arithmetic on the same weights: KL divergence and agreement of the best
// token, over logits of the same tokens.
import Foundation

public struct QualityCheck: Codable, Sendable, Equatable {
  public var tokens: Int
  /// Mean over tokens of KL(exact ‖ served), in nats.
  public var meanDivergence: Double
  public var worstDivergence: Double
  /// Share of tokens whose best next token is the same, a tie of the exact one within `tieMargin` counting as the same.
  public var agreement: Double
  public var passes: Bool

  /// A path whose rounding alone changes more than this is broken, not rounded: 8-bit activations give about 1e-3 on
  /// trained models. Generated weights give nearly flat distributions, for which KL is smaller still.
  public static let largestMeanDivergence = 0.02
  public static let smallestAgreement = 0.90
  /// Of the largest exact logit: two candidates this close are a draw that rounding may decide.
  public static let tieMargin = 0.02

  /// Both (tokens, vocabulary). A NaN or an infinity among `served` fails.
  public init(exact: [Float], served: [Float], vocabulary: Int) {
    precondition(vocabulary > 0 && exact.count == served.count && exact.count % vocabulary == 0, "shapes must agree")
    tokens = exact.count / vocabulary
    var divergences: [Double] = []
    var same = 0
    for token in 0..<tokens {
      let range = (token * vocabulary)..<((token + 1) * vocabulary)
      let p = exact[range]
      let q = served[range]
      divergences.append(Self.divergence(p, q))
      if Self.agree(p, q) { same += 1 }
    }
    let mean = divergences.reduce(0, +) / Double(max(tokens, 1))
    let finite = mean.isFinite
    meanDivergence = finite ? mean : .greatestFiniteMagnitude
    worstDivergence = finite ? divergences.max() ?? 0 : .greatestFiniteMagnitude
    agreement = Double(same) / Double(max(tokens, 1))
    passes = false
    passes = tokens > 0 && isWithinBounds
  }

  /// A divergence that is no number is stored as the largest there is, which is beyond the bound.
  var isWithinBounds: Bool { meanDivergence <= Self.largestMeanDivergence && agreement >= Self.smallestAgreement }

  private static func divergence(_ p: ArraySlice<Float>, _ q: ArraySlice<Float>) -> Double {
    let (logP, logQ) = (logNormaliser(p), logNormaliser(q))
    var sum = 0.0
    for (a, b) in zip(p, q) {
      let log = Double(a) - logP
      sum += exp(log) * (log - (Double(b) - logQ))
    }
    return max(sum, 0) + (sum.isNaN ? .nan : 0)
  }

  private static func logNormaliser(_ x: ArraySlice<Float>) -> Double {
    let peak = Double(x.max() ?? 0)
    return peak + log(x.reduce(0) { $0 + exp(Double($1) - peak) })
  }

  private static func agree(_ p: ArraySlice<Float>, _ q: ArraySlice<Float>) -> Bool {
    guard let best = q.indices.max(by: { q[$0] < q[$1] }), let top = p.max(), !q[best].isNaN else { return false }
    let scale = p.reduce(Float(0)) { max($0, abs($1)) }
    return p[p.startIndex + (best - q.startIndex)] >= top - Float(tieMargin) * scale
  }
}
