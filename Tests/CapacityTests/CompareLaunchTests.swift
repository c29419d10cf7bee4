// Samples of several launches: launches that differ among themselves make no change, and what exceeds them does.
import Capacity
import Foundation
import Testing

@Suite struct CompareLaunchTests {
  // scipy.stats.t.sf(t, degrees) * 2
  @Test(arguments: [
    (12.7062047364, 1, 0.05), (9.92484320092, 2, 0.01), (3.18244630528, 3, 0.05), (2.77644510520, 4, 0.05),
    (3.35538733133, 8, 0.01), (3.24983554402, 9, 0.01), (0, 5, 1), (-2.57058183661, 5, 0.05),
  ])
  func studentsTAgreesWithTables(_ t: Double, _ degrees: Int, _ p: Double) {
    #expect(abs(StudentT.p(t, degrees: degrees) - p) < 1e-9)
  }

  @Test func studentsTOfStrangeValues() {
    #expect(StudentT.p(.infinity, degrees: 3) < 1e-12 && StudentT.p(.nan, degrees: 3) == 1)
  }

  /// `count` launches of 12 samples about 100 · `level`; launches differ by `spread`, samples of one by 0.2 %.
  private func launches(_ count: Int, level: Double = 1, spread: Double, _ random: inout RandomSource) -> [[Double]] {
    func normal() -> Double { (0..<12).reduce(0) { sum, _ in sum + Double(random.signedUnit()) } / 2 }
    return (0..<count).map { _ in
      let own = 100 * level * (1 + spread * normal())
      return (0..<12).map { _ in own * (1 + 0.002 * normal()) }
    }
  }

  private func change(_ before: [[Double]], _ after: [[Double]], assumed: Double? = nil) -> FigureChange {
    let named = { (samples: [[Double]]) in
      // A figure of one launch that is steady, given the others' samples: what they differ by is no warm-up.
      var figure = Figure(samples: [1, 1, 1], unit: "OP/s", protocol: "roof-compute")
      figure.samples = samples.flatMap { $0 }
      return NamedFigure(.roof, "R_pk", [], figure)
    }
    return FigureChange(named(before), named(after), launches: (before, after), assumedSpread: assumed)
  }

  @Test(arguments: [2, 3, 5, 8]) func launchesThatDifferAreNoChange(_ count: Int) {
    var random = RandomSource(seed: 40 + UInt64(count))
    var (changes, bySamples) = (0, 0)
    for _ in 0..<100 {
      let found = change(
        launches(count, spread: 0.03, &random), launches(count, spread: 0.03, &random))
      changes += found.isChange ? 1 : 0
      bySamples += found.isWithinLaunches || found.isChange ? 1 : 0
      #expect(found.before.launches == count && (found.launchSpread ?? 0) > 0)
    }
    #expect(changes <= 1)
    // By the samples alone many of them would be.
    #expect(bySamples > 10)
  }

  @Test func fivePercentBeyondLaunchesIsFound() {
    var random = RandomSource(seed: 50)
    for (count, spread) in [(3, 0.004), (5, 0.008), (8, 0.01)] {
      var found = 0
      for i in 0..<100 {
        let slower = i % 2 == 0
        let result = change(
          launches(count, spread: spread, &random),
          launches(count, level: slower ? 0.95 : 1.05, spread: spread, &random))
        found += result.verdict == (slower ? .worse : .better) && result.counts && !result.isUnproven ? 1 : 0
      }
      #expect(found >= 95, "\(count) launches")
    }
  }

  @Test func oneLaunchOfBadLuckAmongManyIsForgiven() {
    var random = RandomSource(seed: 51)
    var before = launches(10, spread: 0.004, &random)
    before[3] = before[3].map { $0 * 0.94 }
    let result = change(before, launches(10, level: 0.95, spread: 0.004, &random))
    #expect(result.verdict == .worse)
  }

  /// With one launch a side nobody knows how far launches differ: changes are told, and count if the operator says how far.
  @Test func withOneLaunchEachNothingIsProven() {
    var random = RandomSource(seed: 52)
    let before = launches(1, spread: 0, &random)
    let slower = change(before, launches(1, level: 0.5, spread: 0, &random))
    #expect(slower.verdict == .worse && slower.isUnproven && !slower.counts && slower.launchSpread == nil)
    let small = change(before, launches(1, level: 0.96, spread: 0, &random), assumed: 0.05)
    #expect(small.verdict == .worse && small.isUnproven && !small.isSlower)
    let large = change(before, launches(1, level: 0.9, spread: 0, &random), assumed: 0.05)
    #expect(large.verdict == .worse && !large.isUnproven && large.isSlower)
    // Two on one side: their spread stands for both.
    let known = change(before, launches(4, level: 0.96, spread: 0.0005, &random))
    #expect(known.launchSpread != nil && known.isSlower)
  }

  @Test func launchesWithoutSamplesOrSpread() {
    let same = Array(repeating: 1.0, count: 12)
    #expect(change([same, same], [same, same]).verdict == .same)
    let apart = change([same, same], [same, same].map { $0.map { $0 * 1.1 } })
    #expect(apart.verdict == .better && apart.launchP == 0)
    #expect(change([same, []], [same]).verdict == .same)
  }
}
