// A: the share of calendar time at which a node was shown to be healthy. Gaps count as unavailable.
import Foundation

/// One node's, over the time that the ledger knows of it.
public struct Availability: Codable, Sendable, Equatable {
  public var node: String
  /// When its first record was measured, and the ledger's latest of any node.
  public var from: String
  public var to: String
  /// Calendar hours between, and those of them that a healthy record vouches for.
  public var hours: Double
  public var healthyHours: Double
  /// A.
  public var share: Double
  /// G·A in output tokens a second, where the node's latest record has a VALID G: of P_delivered = G·F_tok·A all but the
  /// operations of a token, which the report has.
  public var deliveredTokens: Double?

  /// A record vouches for the time until the next one, and for no longer than this: a day.
  public static let hoursVouched = 24.0

  /// Complete, with right results, and with a figure that counts at all.
  static func isHealthy(_ record: LedgerRecord) -> Bool {
    let wrong: Set<Reason> = [.numericFail, .qualityFloor]
    return record.isComplete && record.figures.contains { $0.validity == .valid }
      && record.figures.allSatisfy { wrong.isDisjoint(with: $0.reasons) }
  }

  /// Of every node with records at two times or more.
  static func all(_ records: [LedgerRecord]) -> [Availability] {
    let format = ISO8601DateFormatter()
    let timed = records.compactMap { record in
      format.date(from: record.started).map { (record: record, time: $0.timeIntervalSince1970) }
    }.sorted { ($0.time, $0.record.number) < ($1.time, $1.record.number) }
    guard let end = timed.last else { return [] }
    return Dictionary(grouping: timed, by: \.record.node).compactMap { node, own -> Availability? in
      guard let first = own.first, let last = own.last, end.time > first.time else { return nil }
      let nexts = own.dropFirst().map(\.time) + [end.time]
      let vouched = zip(own, nexts).reduce(0.0) { sum, pair in
        sum + (isHealthy(pair.0.record) ? min(pair.1 - pair.0.time, hoursVouched * 3600) : 0)
      }
      let share = vouched / (end.time - first.time)
      let goodput = last.record.figures.first { $0.name.hasPrefix("G ") && $0.validity == .valid }
      return Availability(
        node: node, from: first.record.started, to: end.record.started, hours: (end.time - first.time) / 3600,
        healthyHours: vouched / 3600, share: share, deliveredTokens: goodput.map { $0.value * share })
    }.sorted { $0.node < $1.node }
  }
}
