// One figure of one node through time. INVALID values are in `points` and no ground to judge a node by.

public struct FigureSeries: Sendable, Equatable {
  public struct Point: Sendable, Equatable {
    public var started: String
    public var version: String
    public var entry: LedgerRecord.Entry
  }

  public let node: String
  public let name: String
  public let unit: String
  public let precision: String?
  /// Of the last record.
  public let cohort: String
  /// All of this precision and unit, in the order they were measured; never empty.
  public let points: [Point]

  public var latest: LedgerRecord.Entry { points[points.count - 1].entry }
  /// Without the INVALID ones.
  public var sound: [Point] { points.filter { $0.entry.validity != .invalid } }

  /// The series of every node and figure in `records`, which must be in the order they were measured. Points of another
  /// cohort than the node's last (another processor, other settings) are left out.
  public static func all(_ records: [LedgerRecord]) -> [FigureSeries] {
    struct Key: Hashable { var node: String, name: String, unit: String, precision: String? }
    let cohorts = Dictionary(records.map { ($0.node, $0.cohort) }) { $1 }
    var order: [Key] = []
    var points: [Key: [Point]] = [:]
    for record in records where cohorts[record.node] == record.cohort {
      for entry in record.figures {
        let key = Key(node: record.node, name: entry.name, unit: entry.unit, precision: entry.precision)
        if points[key] == nil { order.append(key) }
        points[key, default: []].append(Point(started: record.started, version: record.version, entry: entry))
      }
    }
    return order.map { key in
      FigureSeries(
        node: key.node, name: key.name, unit: key.unit, precision: key.precision, cohort: cohorts[key.node] ?? "",
        points: points[key] ?? [])
    }
  }

  /// Whether the last two sound values both lag: the better end of the interval is beyond 0.97 of `median`.
  func lags(behind median: Double) -> Bool {
    let last = sound.suffix(2)
    return last.count == 2
      && last.allSatisfy { point in
        point.entry.largerIsBetter
          ? point.entry.high < FleetView.stragglerShare * median : point.entry.low > median / FleetView.stragglerShare
      }
  }

  /// The sound values since a version last changed.
  public var current: [Point] {
    let sound = sound
    guard let version = sound.last?.version else { return [] }
    return Array(sound.reversed().prefix { $0.version == version }.reversed())
  }

  /// An alarm of the cumulative sums over `current`.
  public var drift: FleetView.Drift? {
    let current = current
    let sums = CUSUM(current.map(\.entry.value))
    guard let alarm = sums.alarm, let since = sums.since else { return nil }
    return FleetView.Drift(
      node: node, name: name, isRise: sums.isRise, since: current[since].started, alarm: current[alarm].started)
  }
}
