// Which part of a node a figure is about, from the bottom up: where a change shows first is where it came from.

/// A level of METRICS' ladder, and what answers for it.
public enum CapacityLayer: String, Codable, Sendable, CaseIterable, Comparable {
  /// R_pk, B_pk, latency, and their share of what is stated.
  case roof
  /// D_gemm and LINPACK.
  case gemm
  /// S_pp, S_tg.
  case tokens
  /// J_tok.
  case energy

  /// What changed where this layer and none below it did.
  public var cause: String {
    switch self {
    case .roof: "hardware"
    case .gemm: "library"
    case .tokens: "runtime"
    case .energy: "energy"
    }
  }

  public static func < (a: CapacityLayer, b: CapacityLayer) -> Bool {
    allCases.firstIndex(of: a) ?? 0 < allCases.firstIndex(of: b) ?? 0
  }
}
