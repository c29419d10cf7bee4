// What a ledger's records say of a fleet: totals, cohorts, stragglers, drift, outliers and wrong results.
import Capacity
import Foundation
import Testing

@Suite struct FleetViewTests {
  /// A record with one figure.
  private func record(
    _ node: String, day: Int, _ value: Double, name: String = "R_pk s8 threads=all", unit: String = "OP/s",
    precision: String? = "s8×s8:s32→s32", validity: Validity = .valid, reasons: [Reason] = [], cohort: String = "c",
    version: String = "v1", nominal: Double? = nil
  ) -> LedgerRecord {
    let entry = LedgerRecord.Entry(
      name: name, layer: .roof, unit: unit, precision: precision, value: value, low: value * 0.999,
      high: value * 1.001, n: 9, validity: validity, reasons: reasons, nominal: nominal,
      source: nominal.map { _ in "s" })
    let date = String(format: "2026-01-%02dT03:04:05Z", day)
    return LedgerRecord(
      number: day, hash: "\(node)\(day)", node: node, started: date, added: date, level: "quick", isComplete: true,
      cohort: cohort, version: version, isSigned: false, figures: [entry])
  }

  private func view(_ records: [LedgerRecord], expecting: [String] = []) -> FleetView {
    FleetView(records.sorted { $0.started < $1.started }, nodes: Set(records.map(\.node) + expecting).sorted())
  }

  @Test func totalsAreOfMeasuredNodesOnly() throws {
    let found = view(
      [
        record("n1", day: 1, 5), record("n1", day: 2, 10), record("n2", day: 1, 20),
        record("n3", day: 1, 40, validity: .invalid, reasons: [.contended]),
        record("n4", day: 1, 80, precision: "bf16×bf16:f32→f32"),
      ], expecting: ["n5"])
    #expect(found.unmeasured == ["n5"])
    #expect(found.totals.count == 2)
    let total = try #require(found.totals.first { $0.precision == "s8×s8:s32→s32" })
    #expect(total.sum == 30 && total.nodes == 2 && total.notValid == ["n3"] && total.unmeasured == ["n4", "n5"])
    #expect(abs(total.low - 29.97) < 1e-9 && abs(total.high - 30.03) < 1e-9)
    #expect(FleetText(found).text().contains("unmeasured: n5"))
  }

  @Test func timesAndEnergyAreNotAddedUp() {
    let found = view([
      record("n1", day: 1, 1e-7, name: "latency", unit: "s"), record("n1", day: 1, 2, name: "J_tok", unit: "J/token"),
    ])
    #expect(found.totals.isEmpty)
  }

  @Test func gapsCountAsUnavailable() throws {
    var partial = record("n1", day: 5, 10)
    partial.isComplete = false
    // Days 1 and 2 are vouched for, 3 is a gap, 4 is right again, 5 is a partial run; 6 is the ledger's end.
    let found = view([
      record("n1", day: 1, 10), record("n1", day: 2, 10), record("n1", day: 4, 10), partial,
      record("n2", day: 1, 5, name: "G m", unit: "token/s"), record("n2", day: 2, 5, reasons: [.numericFail]),
      record("n2", day: 3, 8, name: "G m", unit: "token/s"), record("n2", day: 6, 8, name: "G m", unit: "token/s"),
      record("n3", day: 6, 1),
    ])
    #expect(found.availability.map(\.node) == ["n1", "n2"])
    #expect(found.availability[0].share == 0.6 && found.availability[0].healthyHours == 72)
    // Day 1 and day 3; G·A of the latest record.
    #expect(found.availability[1].share == 0.4 && found.availability[1].deliveredTokens == 8 * 0.4)
    #expect(found.availability[0].deliveredTokens == nil)
    #expect(FleetText(found).text().contains("n1: A = 60.0 %, 72.0 of 120 hours"))
  }

  @Test func aStragglerLagsTwice() {
    var records = (1...5).flatMap { n in (1...3).map { record("n\(n)", day: $0, 100 + Double(n) * 0.1) } }
    records += [record("slow", day: 1, 100), record("slow", day: 2, 96), record("slow", day: 3, 96.5)]
    records += [record("once", day: 1, 100), record("once", day: 2, 100), record("once", day: 3, 96)]
    // Its value is below 0.97 of 100.15, and its interval is not.
    records += [record("near", day: 1, 97.1), record("near", day: 2, 97.1)]
    records += [record("other", day: 1, 50, cohort: "d"), record("other", day: 2, 50, cohort: "d")]
    records += (1...2).map { record("shared", day: $0, 50, validity: .invalid, reasons: [.contended]) }
    let found = view(records)
    #expect(found.stragglers.map(\.node) == ["slow"])
    #expect(found.cohorts.map(\.description) == ["c", "d"] && found.cohorts[1].nodes == ["other"])
    #expect(!found.isSound)
    // Of times the larger are worse.
    let times = (1...4).flatMap { n in
      (1...2).map { record("n\(n)", day: $0, n == 4 ? 110 : 100, name: "latency", unit: "s") }
    }
    #expect(view(times).stragglers.map(\.node) == ["n4"])
    #expect(view(Array(times.suffix(4))).stragglers.isEmpty, "two nodes are no cohort")
  }

  @Test func outliersStandOutFromTheirPastAndCohort() throws {
    let usual = [100, 101, 99, 100.5, 99.5, 100.2]
    let past = usual.enumerated().map { record("n0", day: $0.offset + 1, $0.element) } + [record("n0", day: 20, 90)]
    let own = try #require(view(past).outliers.first)
    #expect(try #require(own.zOfPast) < -3.5 && own.zOfCohort == nil)
    let peers = usual.enumerated().map { record("n\($0.offset + 1)", day: 1, $0.element) }
    let other = try #require(view(peers + [record("n9", day: 1, 120)]).outliers.first)
    #expect(other.node == "n9" && other.zOfPast == nil)
    #expect(try #require(other.zOfCohort) > 3.5)
    #expect(view(peers).outliers.isEmpty)
  }

  @Test func theRobustScoreIsMediansAndMAD() {
    // Median 3, deviations 2 1 0 1 97: MAD 1.
    #expect(RobustScore.z(6, among: [1, 2, 3, 4, 100]) == 3 / 1.4826)
    #expect(RobustScore.z(6, among: [1, 2, 3, 4]) == nil)
    #expect(RobustScore.z(6, among: [3, 3, 3, 4, 100]) == nil)
  }

  @Test func driftIsFoundAndResetByAVersion() throws {
    let wobble = [0.1, -0.2, 0.3, -0.1, 0, 0.2, -0.3, 0.1, -0.1, 0.2]
    let steady = wobble.enumerated().map { record("n1", day: $0.offset + 1, 100 + $0.element) }
    #expect(view(steady).drifts.isEmpty)
    let fallen = steady + (11...14).map { record("n1", day: $0, 98.5) }
    let drift = try #require(view(fallen).drifts.first)
    #expect(!drift.isRise && drift.since.hasPrefix("2026-01-11") && drift.alarm > drift.since)
    let updated = steady + (11...14).map { record("n1", day: $0, 98.5, version: "v2") }
    #expect(view(updated).drifts.isEmpty)
    // The same fall after an update of another kind, once there is a baseline again.
    let later = steady + (11...20).map { record("n1", day: $0, 98.5, version: "v2") }
    #expect(view(later + (21...25).map { record("n1", day: $0, 101, version: "v2") }).drifts.first?.isRise == true)
  }

  @Test func cumulativeSumsSeldomAlarmForNothing() {
    var random = RandomSource(seed: 5)
    var (alarms, found) = (0, 0)
    for _ in 0..<200 {
      // A sum of twelve is near enough to normal: deviation 0.005 · √(12/3) · … of 1 %.
      let draw = { () -> Double in (0..<12).map { _ in Double(random.signedUnit()) }.reduce(0, +) / 2 }
      let series = (0..<30).map { _ in 100 * (1 + 0.002 * draw()) }
      alarms += CUSUM(series).alarm == nil ? 0 : 1
      let shifted = series + (0..<10).map { _ in 100 * (0.97 + 0.002 * draw()) }
      found += CUSUM(shifted).alarm == nil ? 0 : 1
    }
    #expect(alarms < 30 && found == 200, "\(alarms) false alarms, \(found) found")
    #expect(CUSUM([]).alarm == nil && CUSUM(Array(repeating: 0, count: 20)).alarm == nil)
  }

  @Test func aWrongResultIsSuspectedCorruption() {
    let found = view([
      record("n1", day: 1, 1), record("n2", day: 1, 1, validity: .invalid, reasons: [.numericFail]),
      record("n2", day: 2, 1),
    ])
    #expect(found.suspicions.map(\.node) == ["n2"] && found.suspicions[0].names == ["R_pk s8 threads=all"])
    #expect(!found.isSound && FleetText(found).text().contains("NUMERIC_FAIL: n2"))
  }

  @Test func nominalStandsBesideDelivered() throws {
    let found = view([
      record("n1", day: 1, 80, nominal: 100), record("n1", day: 2, 82, nominal: 100), record("n2", day: 1, 90),
    ])
    #expect(found.delivered.map(\.day) == ["2026-01-01", "2026-01-02"])
    #expect(found.delivered.allSatisfy { $0.node == "n1" && $0.nominal == 100 && $0.source == "s" })
    #expect(FleetText(found).text().contains("82.0 OP/s reached (82.0 %)"))
  }

  @Test func nothingIsAFleetToo() {
    #expect(FleetText(view([])).text().contains("0 nodes"))
    #expect(FleetText(view([], expecting: ["a"])).text().contains("unmeasured: a"))
  }
}
