// What a ledger tells of one report without opening it: whose, when, under which versions, and its figures.

public struct LedgerRecord: Codable, Sendable, Equatable {
  /// One figure of a record, without its samples: these are in the report, which the ledger keeps.
  public struct Entry: Codable, Sendable, Equatable {
    public var name: String
    public var layer: CapacityLayer
    public var unit: String
    public var precision: String?
    public var value: Double
    /// Ends of the 95 % interval.
    public var low: Double
    public var high: Double
    public var n: Int
    public var validity: Validity
    public var reasons: [Reason]
    /// What is stated of the node for this figure, in its unit and precision, and by whom.
    public var nominal: Double?
    public var source: String?

    package init(
      name: String, layer: CapacityLayer, unit: String, precision: String? = nil, value: Double, low: Double,
      high: Double, n: Int, validity: Validity, reasons: [Reason] = [], nominal: Double? = nil, source: String? = nil
    ) {
      self.name = name
      self.layer = layer
      self.unit = unit
      self.precision = precision
      self.value = value
      self.low = low
      self.high = high
      self.n = n
      self.validity = validity
      self.reasons = reasons
      self.nominal = nominal
      self.source = source
    }

    public var largerIsBetter: Bool { NamedFigure.largerIsBetter(unit: unit) }
  }

  /// In the order they were added, from 1.
  public var number: Int
  public var hash: String
  public var node: String
  /// ISO 8601, UTC: when the measurement began, and when it was added.
  public var started: String
  public var added: String
  public var level: String
  public var isComplete: Bool
  public var cohort: String
  public var version: String
  public var isSigned: Bool
  public var figures: [Entry]

  package init(
    number: Int, hash: String, node: String, started: String, added: String, level: String, isComplete: Bool,
    cohort: String, version: String, isSigned: Bool, figures: [Entry]
  ) {
    self.number = number
    self.hash = hash
    self.node = node
    self.started = started
    self.added = added
    self.level = level
    self.isComplete = isComplete
    self.cohort = cohort
    self.version = version
    self.isSigned = isSigned
    self.figures = figures
  }

  /// "2026-01-02".
  public var day: String { String(started.prefix(10)) }

  public var hasNumericFailure: Bool { figures.contains { $0.reasons.contains(.numericFail) } }
}

extension CapacityReport {
  /// The figures as a ledger keeps them, with what is stated beside what was measured of it.
  var ledgerEntries: [LedgerRecord.Entry] {
    namedFigures.map { named in
      let figure = named.figure
      var entry = LedgerRecord.Entry(
        name: named.name, layer: named.layer, unit: figure.unit, precision: figure.precision, value: figure.value,
        low: figure.ci95.first ?? figure.value, high: figure.ci95.last ?? figure.value, n: figure.n,
        validity: figure.validity, reasons: figure.reasons)
      let stated = nominal.first { stated in
        let roof = stated.precision.map { self.roofs.peak($0) } ?? self.roofs.read
        return roof == figure && named.layer == .roof
      }
      entry.nominal = stated?.nominal
      entry.source = stated?.source
      return entry
    }
  }
}
