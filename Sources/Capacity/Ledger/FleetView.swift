// What a ledger's records say of a fleet: totals over measured nodes, cohorts, and nodes that need a look. Opens no
// file; the rules are METRICS', "A node in a fleet".

public struct FleetView: Codable, Sendable, Equatable {
  /// Nodes of one model and one set of settings.
  public struct Cohort: Codable, Sendable, Equatable {
    public var description: String
    public var nodes: [String]
  }

  /// A sum over nodes whose latest figure is VALID. Figures of two precision tags are two totals.
  public struct Total: Codable, Sendable, Equatable {
    public var name: String
    public var unit: String
    public var precision: String?
    public var nodes: Int
    /// Measured, but the latest figure is not VALID: not in the sum.
    public var notValid: [String]
    /// Expected nodes without this figure: not in the sum, and not guessed.
    public var unmeasured: [String]
    public var sum: Double
    /// Sums of the intervals' ends: at least 95 %, whether the nodes' errors are independent or not.
    public var low: Double
    public var high: Double
  }

  /// The interval's better end was below 0.97 of the cohort's median in the node's last two records.
  public struct Straggler: Codable, Sendable, Equatable {
    public var node: String
    public var name: String
    public var unit: String
    public var value: Double
    public var median: Double
  }

  /// A latest value more than 3.5 robust deviations from the node's own past, or from its cohort.
  public struct Outlier: Codable, Sendable, Equatable {
    public var node: String
    public var name: String
    public var unit: String
    public var value: Double
    /// nil: too few values, or no spread.
    public var zOfPast: Double?
    public var zOfCohort: Double?
  }

  public struct Drift: Codable, Sendable, Equatable {
    public var node: String
    public var name: String
    public var isRise: Bool
    /// When the first record was measured that differs, and the one that raised the alarm.
    public var since: String
    public var alarm: String
  }

  /// A NUMERIC_FAIL: arithmetic was wrong.
  public struct Suspicion: Codable, Sendable, Equatable {
    public var node: String
    public var number: Int
    public var started: String
    public var names: [String]
  }

  /// What is stated and what was reached, of one node in one precision on one day.
  public struct Delivered: Codable, Sendable, Equatable {
    public var node: String
    public var day: String
    public var name: String
    public var unit: String
    public var precision: String?
    public var nominal: Double
    public var source: String
    public var roof: Double
    public var validity: Validity
    /// The best product with this very tag; nil where none was measured.
    public var product: Double?
  }

  public var nodes: [String]
  public var unmeasured: [String]
  public var records: Int
  public var cohorts: [Cohort]
  public var totals: [Total]
  public var stragglers: [Straggler]
  public var outliers: [Outlier]
  public var drifts: [Drift]
  public var suspicions: [Suspicion]
  public var delivered: [Delivered]
  public var availability: [Availability]

  /// Below this share of the cohort's median a node lags.
  public static let stragglerShare = 0.97
  /// A cohort of fewer has no median to lag behind.
  public static let smallestCohort = 3

  /// `records` in the order they were measured; `nodes`: all that are expected or measured.
  public init(_ records: [LedgerRecord], nodes: [String]) {
    let series = FigureSeries.all(records)
    let measured = Set(records.map(\.node))
    self.nodes = nodes
    self.records = records.count
    unmeasured = nodes.filter { !measured.contains($0) }
    let latest = Dictionary(records.map { ($0.node, $0) }) { $1 }
    cohorts = Dictionary(grouping: latest.values, by: \.cohort)
      .map { Cohort(description: $0.key, nodes: $0.value.map(\.node).sorted()) }
      .sorted { $0.nodes[0] < $1.nodes[0] }
    totals = Self.totals(series, nodes)
    (stragglers, outliers) = Self.judged(series)
    drifts = series.compactMap(\.drift)
    suspicions = records.filter(\.hasNumericFailure).map { record in
      Suspicion(
        node: record.node, number: record.number, started: record.started,
        names: record.figures.filter { $0.reasons.contains(.numericFail) }.map(\.name))
    }
    delivered = Self.delivered(records)
    availability = Availability.all(records)
  }

  /// Nothing needs a look.
  public var isSound: Bool { stragglers.isEmpty && drifts.isEmpty && suspicions.isEmpty }

  // MARK: Rules

  private struct Kind: Hashable { var name: String, unit: String, precision: String? }

  private static func grouped(_ series: [FigureSeries]) -> [(kind: Kind, series: [FigureSeries])] {
    var order: [Kind] = []
    var groups: [Kind: [FigureSeries]] = [:]
    for one in series {
      let kind = Kind(name: one.name, unit: one.unit, precision: one.precision)
      if groups[kind] == nil { order.append(kind) }
      groups[kind, default: []].append(one)
    }
    return order.map { ($0, groups[$0] ?? []) }
  }

  private static func totals(_ series: [FigureSeries], _ nodes: [String]) -> [Total] {
    grouped(series).filter { NamedFigure.addsUp(unit: $0.kind.unit) }.map { kind, series in
      let valid = series.compactMap { $0.latest.validity == .valid ? $0.latest : nil }
      let with = Set(series.map(\.node))
      return Total(
        name: kind.name, unit: kind.unit, precision: kind.precision, nodes: valid.count,
        notValid: series.filter { $0.latest.validity != .valid }.map(\.node),
        unmeasured: nodes.filter { !with.contains($0) }, sum: valid.map(\.value).reduce(0, +),
        low: valid.map(\.low).reduce(0, +), high: valid.map(\.high).reduce(0, +))
    }
  }

  private static func judged(_ series: [FigureSeries]) -> ([Straggler], [Outlier]) {
    var (stragglers, outliers): ([Straggler], [Outlier]) = ([], [])
    for (_, group) in grouped(series) {
      let cohorts = Dictionary(grouping: group.filter { !$0.sound.isEmpty }, by: \.cohort)
      for one in group {
        guard let last = one.sound.last else { continue }
        let peers = cohorts[one.cohort] ?? []
        let values = peers.compactMap { $0.sound.last?.entry.value }
        if values.count >= smallestCohort, one.lags(behind: Statistics.median(values)) {
          stragglers.append(
            Straggler(
              node: one.node, name: one.name, unit: one.unit, value: last.entry.value,
              median: Statistics.median(values)))
        }
        let past = RobustScore.z(last.entry.value, among: one.sound.dropLast().map(\.entry.value))
        let others = peers.filter { $0.node != one.node }.compactMap { $0.sound.last?.entry.value }
        let cohort = RobustScore.z(last.entry.value, among: others)
        if max(abs(past ?? 0), abs(cohort ?? 0)) > RobustScore.strange {
          outliers.append(
            Outlier(
              node: one.node, name: one.name, unit: one.unit, value: last.entry.value, zOfPast: past,
              zOfCohort: cohort))
        }
      }
    }
    return (stragglers, outliers)
  }

  private static func delivered(_ records: [LedgerRecord]) -> [Delivered] {
    // The last record of a day stands for it.
    let days = Dictionary(records.map { ([$0.node, $0.day], $0) }) { $1 }
    let order = days.values.sorted { ($0.node, $0.started) < ($1.node, $1.started) }
    return order.flatMap { record in
      record.figures.compactMap { figure -> Delivered? in
        guard let nominal = figure.nominal else { return nil }
        let products = record.figures.filter {
          $0.layer == .gemm && $0.validity == .valid && $0.precision == figure.precision && $0.unit == figure.unit
        }
        return Delivered(
          node: record.node, day: record.day, name: figure.name, unit: figure.unit, precision: figure.precision,
          nominal: nominal, source: figure.source ?? "", roof: figure.value, validity: figure.validity,
          product: figure.precision == nil ? nil : products.map(\.value).max())
      }
    }
  }
}
