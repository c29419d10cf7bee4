// What a vendor or a contract states of a node, in the precision it is stated in and with its source: what measured
// figures are held against. Nothing here is measured or guessed.
import Foundation

public struct NominalFigures: Codable, Sendable, Equatable {
  public struct Peak: Codable, Sendable, Equatable {
    public var precision: Precision
    /// Operations a second of the whole node, dense: of sparse figures half is meant at most.
    public var value: Double
    /// Where it stands: a data sheet, a contract, or sockets × cores × operations a cycle × clock.
    public var source: String
    /// The same at the base clock; nil where it is not known.
    public var base: Double?

    public init(precision: Precision, value: Double, source: String, base: Double? = nil) {
      self.precision = precision
      self.value = value
      self.source = source
      self.base = base
    }
  }

  public struct Bandwidth: Codable, Sendable, Equatable {
    /// Bytes a second of the whole node's memory.
    public var value: Double
    public var source: String

    public init(value: Double, source: String) {
      self.value = value
      self.source = source
    }
  }

  public var peaks: [Peak]
  public var memory: Bandwidth?

  public init(peaks: [Peak], memory: Bandwidth? = nil) {
    self.peaks = peaks
    self.memory = memory
  }

  /// From JSON: {"peaks": [{"precision": "bf16", "value": 1.2e14, "source": "…"}], "memory": {"value": …, "source": "…"}}.
  public init(path: String) throws(CapacityError) {
    do {
      self = try JSONDecoder().decode(NominalFigures.self, from: try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw .option(name: "nominal", what: "\(path) is not a file of nominal figures: \(error)")
    }
    try check()
  }

  /// With what is stated in place of what is derived, figure by figure.
  public func filled(with derived: NominalFigures) -> NominalFigures {
    NominalFigures(
      peaks: peaks + derived.peaks.filter { other in !peaks.contains { $0.precision == other.precision } },
      memory: memory ?? derived.memory)
  }

  /// Throws for a figure without a source, one that no node has, and two for one precision.
  public func check() throws(CapacityError) {
    let all =
      peaks.map { ($0.precision.rawValue, $0.value, $0.source) }
      + (memory.map { [("memory", $0.value, $0.source)] } ?? [])
    for (name, value, source) in all {
      guard value.isFinite, value > 1e6, value < 1e21 else {
        throw .option(name: "nominal", what: "\(name): \(value) is no node's figure")
      }
      guard !source.isEmpty else { throw .option(name: "nominal", what: "\(name) needs a source") }
    }
    guard Set(peaks.map(\.precision)).count == peaks.count else {
      throw .option(name: "nominal", what: "a precision is there twice")
    }
  }
}

/// One nominal figure beside what was measured: η_chip = R_pk ÷ R_nom, or B_pk ÷ B_nom.
public struct NominalShare: Codable, Sendable, Equatable {
  /// nil for memory.
  public var precision: Precision?
  public var nominal: Double
  /// "FLOP/s", "OP/s" or "B/s".
  public var unit: String
  public var source: String
  /// Of a peak, the same at the base clock; nil where it is not known.
  public var base: Double?
  /// nil where the roof was not measured. Above 1.02 it is IMPOSSIBLE: the node is not what is stated.
  public var share: Figure?

  static func share(_ roof: Figure, of nominal: Double) -> Figure {
    roof.share(of: nominal, protocol: "nominal-share")
  }

  public static func of(_ nominal: NominalFigures, _ roofs: Roofs) -> [NominalShare] {
    let share = { (figure: Figure?, value: Double) in figure.map { Self.share($0, of: value) } }
    let peaks = nominal.peaks.map {
      NominalShare(
        precision: $0.precision, nominal: $0.value, unit: $0.precision.unit, source: $0.source,
        base: $0.base, share: share(roofs.peak($0.precision), $0.value))
    }
    let memory = nominal.memory.map {
      NominalShare(
        precision: nil, nominal: $0.value, unit: "B/s", source: $0.source, share: share(roofs.read, $0.value))
    }
    return peaks + [memory].compactMap { $0 }
  }
}
