// How far a meter's clock is from ours, and how well that is known. A residue above 100 ms makes energy CLOCK_SYNC.
import Foundation

public struct ClockOffset: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable {
    /// The operator's word.
    case given
    /// From the moments at which the readings came in.
    case arrival
    /// From the meter's power against what the node did at each time.
    case correlation
    /// None could be found: times are taken as they are.
    case unknown
  }

  public var kind: Kind
  /// Meter's clock less ours, in seconds. It has been taken off.
  public var seconds: Double
  /// What may be left, in seconds; nil if nothing is known of it.
  public var uncertainty: Double?

  /// Largest residue that energy survives.
  public static let limit = 0.1

  public var isGood: Bool { uncertainty.map { $0 <= Self.limit } ?? false }

  public init(kind: Kind, seconds: Double, uncertainty: Double?) {
    self.kind = kind
    self.seconds = seconds
    self.uncertainty = uncertainty
  }

  /// From stamps and the wall-clock times at which they came. A reading can only be late: the least late one tells the
  /// offset, the spread of the early half how sure that is.
  public init(stamps: [Double], arrivals: [Double]) {
    let leads = zip(stamps, arrivals).map { $0 - $1 }.sorted(by: >)
    guard let best = leads.first, leads.count >= 5 else {
      self.init(kind: .unknown, seconds: 0, uncertainty: nil)
      return
    }
    self.init(kind: .arrival, seconds: best, uncertainty: best - leads[leads.count / 2])
  }

  /// From `watts` at `stamps`, and `reference`: what the node took, or how busy it was, at a time of ours. Offsets of
  /// up to `reach` seconds are tried; those within one standard error of the best correlation (Fisher's z) are the
  /// uncertainty. Unknown below a correlation of 0.6, or where nothing varies.
  public init(stamps: [Double], watts: [Double], reach: Double = 30, reference: (Double) -> Double) {
    func z(_ offset: Double) -> Double {
      atanh(min(Self.correlation(watts, stamps.map { reference($0 - offset) }), 0.999_999))
    }
    guard stamps.count >= 8 else {
      self.init(kind: .unknown, seconds: 0, uncertainty: nil)
      return
    }
    let coarse = stride(from: -reach, through: reach, by: 0.25).map { ($0, z($0)) }
    guard let start = coarse.max(by: { $0.1 < $1.1 }), start.1 >= atanh(0.6) else {
      self.init(kind: .unknown, seconds: 0, uncertainty: nil)
      return
    }
    let fine = stride(from: start.0 - 0.5, through: start.0 + 0.5, by: 0.01).map { ($0, z($0)) }
    let top = fine.map(\.1).max() ?? start.1
    let error = 1 / Double(stamps.count - 3).squareRoot()
    let likely = (fine + coarse).filter { $0.1 >= top - error }.map(\.0)
    let plateau = fine.filter { $0.1 >= top - 1e-9 }.map(\.0)
    let middle = (plateau.min() ?? start.0) / 2 + (plateau.max() ?? start.0) / 2
    let spread = likely.map { abs($0 - middle) }.max()
    self.init(kind: .correlation, seconds: middle, uncertainty: spread)
  }

  /// Pearson's; 0 where one of the two does not vary.
  static func correlation(_ x: [Double], _ y: [Double]) -> Double {
    let n = Double(x.count)
    let (mx, my) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
    var (xy, xx, yy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
      xy += (a - mx) * (b - my)
      xx += (a - mx) * (a - mx)
      yy += (b - my) * (b - my)
    }
    return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : 0
  }
}
