// Two reports, figure by figure: what changed, in which layer, and what differs in what they were measured on. The
// reports' own raw samples are compared; nothing is measured and nothing is converted.
import Foundation

public struct ReportComparison: Codable, Sendable, Equatable {
  /// What became of one layer.
  public struct Layer: Codable, Sendable, Equatable {
    public var layer: CapacityLayer
    public var cause: String
    public var compared: Int
    /// Of the compared figures without an INVALID side, the changes that count.
    public var better: Int
    public var worse: Int
    /// Changes that may be launch against launch.
    public var unproven: Int
    /// Of the changes, those whose share of the roof stayed within 2 %.
    public var followRoof: Int
    /// Some figure changed that did not just follow its roof.
    public var moved: Bool
  }

  public var schema = "gobi.comparison/1"
  /// Of the two reports, as their callers name them.
  public var before: String
  public var after: String
  public var changes: [FigureChange]
  /// Names that one of the two does not have.
  public var onlyBefore: [String]
  public var onlyAfter: [String]
  public var layers: [Layer]
  public var environment: [EnvironmentDifference]

  /// `assumedSpread`: how far launches of one build may differ, as a fraction, where a figure has one launch a side.
  public init(
    before: CapacityReport, named beforeName: String, after: CapacityReport, named afterName: String,
    assumedSpread: Double? = nil
  ) {
    self.before = beforeName
    self.after = afterName
    let (a, b) = (before.namedFigures, after.namedFigures)
    let later = Dictionary(b.map { ($0.name, $0) }) { first, _ in first }
    let earlier = Set(a.map(\.name))
    changes = a.compactMap { figure in later[figure.name].map { FigureChange(figure, $0, assumedSpread: assumedSpread) }
    }
    onlyBefore = a.map(\.name).filter { later[$0] == nil }
    onlyAfter = b.map(\.name).filter { !earlier.contains($0) }
    environment = EnvironmentDifference.all(before, after)
    layers = []
    layers = CapacityLayer.allCases.map { Self.layer($0, changes) }
  }

  private static func layer(_ layer: CapacityLayer, _ changes: [FigureChange]) -> Layer {
    let counted = changes.filter { $0.layer == layer && $0.verdict != .refused && !$0.isInvalid }
    let changed = counted.filter(\.counts)
    let follow = changed.count(where: \.followsRoof)
    return Layer(
      layer: layer, cause: layer.cause, compared: counted.count, better: changed.count { $0.verdict == .better },
      worse: changed.count { $0.verdict == .worse }, unproven: counted.count(where: \.isUnproven), followRoof: follow,
      moved: changed.count > follow)
  }

  /// Layers in which something moved by itself, the lowest first.
  public var moved: [CapacityLayer] { layers.filter(\.moved).map(\.layer) }

  /// Some figure is worse in a way that counts.
  public var isSlower: Bool { changes.contains(where: \.isSlower) }

  public func json() throws(CapacityError) -> Data { try ReportJSON.data(self) }
}
