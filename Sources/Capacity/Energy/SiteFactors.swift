// What the operator states of the site: its losses, its grid's carbon, and the node's own share of carbon from being
// made. Each with its source and time. Nothing here is measured.
import Foundation

public struct SiteFactors: Codable, Sendable, Equatable {
  public struct Stated: Codable, Sendable, Equatable {
    public var value: Double
    public var source: String
    /// When it held: ISO 8601.
    public var time: String

    public init(value: Double, source: String, time: String) {
      self.value = value
      self.source = source
      self.time = time
    }
  }

  /// All power of the building ÷ power of its machines (ISO/IEC 30134-2): 1 or more.
  public var pue: Stated?
  /// gCO2e for a kWh of the grid at this location.
  public var gramsPerKilowattHour: Stated?
  /// Of the energy bought, the share that certificates call green: shown beside, never subtracted.
  public var greenShare: Stated?
  /// Carbon of making the node, spread over its life: gCO2e for an hour of the node.
  public var embodiedGramsPerHour: Stated?

  public init(
    pue: Stated? = nil, gramsPerKilowattHour: Stated? = nil, greenShare: Stated? = nil,
    embodiedGramsPerHour: Stated? = nil
  ) {
    self.pue = pue
    self.gramsPerKilowattHour = gramsPerKilowattHour
    self.greenShare = greenShare
    self.embodiedGramsPerHour = embodiedGramsPerHour
  }

  /// From JSON such as {"pue": {"value": 1.25, "source": "…", "time": "2026-01-01T00:00:00Z"}, …}, snake case.
  public init(path: String) throws(CapacityError) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(SiteFactors.self, from: try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw .option(name: "site", what: "\(path) is not a file of site factors: \(error)")
    }
    // All of them may be left out, but a file with none is another file, or misspelt.
    guard self != SiteFactors() else { throw .option(name: "site", what: "\(path) has no site factor") }
    try check()
  }

  /// Throws for what cannot be, and for a value without source or time.
  public func check() throws(CapacityError) {
    let bounds: [(String, Stated?, ClosedRange<Double>)] = [
      ("pue", pue, 1...10), ("grams_per_kilowatt_hour", gramsPerKilowattHour, 0...5000),
      ("green_share", greenShare, 0...1), ("embodied_grams_per_hour", embodiedGramsPerHour, 0...1e6),
    ]
    for (name, stated, range) in bounds {
      guard let stated else { continue }
      guard range.contains(stated.value) else {
        throw .option(
          name: "site", what: "\(name): \(stated.value) is not within \(range.lowerBound) to \(range.upperBound)")
      }
      guard !stated.source.isEmpty, ISO8601DateFormatter().date(from: stated.time) != nil else {
        throw .option(name: "site", what: "\(name) needs a source and a time such as 2026-01-01T00:00:00Z")
      }
    }
  }
}

/// A token's energy at the site's meter, and its carbon.
public struct SiteEnergy: Codable, Sendable, Equatable {
  /// J_fac: J/token · PUE. nil without a PUE.
  public var facilityJoulesPerToken: Double?
  /// E·PUE·I, in gCO2e for a million tokens.
  public var operationalGramsPerMillion: Double?
  /// M: carbon of making the node for the time that a million tokens take.
  public var embodiedGramsPerMillion: Double?
  /// (E·PUE·I + M) ÷ Mtoken in gCO2e (ISO/IEC 21031). nil unless PUE, intensity and embodied carbon are all stated.
  public var softwareCarbonIntensity: Double?

  /// Of `joules` a token at `rate` tokens a second. nil where nothing is stated.
  public init?(_ factors: SiteFactors?, joules: Double, rate: Double) {
    guard let factors, factors != SiteFactors(greenShare: factors.greenShare) else { return nil }
    facilityJoulesPerToken = factors.pue.map { joules * $0.value }
    if let facility = facilityJoulesPerToken, let grid = factors.gramsPerKilowattHour {
      operationalGramsPerMillion = facility * 1e6 / 3.6e6 * grid.value
    }
    if let hourly = factors.embodiedGramsPerHour, rate > 0 {
      embodiedGramsPerMillion = hourly.value * 1e6 / (rate * 3600)
    }
    if let operational = operationalGramsPerMillion, let embodied = embodiedGramsPerMillion {
      softwareCarbonIntensity = operational + embodied
    }
  }
}
