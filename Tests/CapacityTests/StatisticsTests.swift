// Statistics against values computed elsewhere (SciPy 1.17) and against what the definitions promise.
import Capacity
import Testing

@Suite struct StatisticsTests {
  @Test func mediansAndQuantiles() {
    #expect(Statistics.median([3]) == 3)
    #expect(Statistics.median([4, 1, 3, 2]) == 2.5)
    #expect(Statistics.median([9, 1, 5]) == 5)
    #expect(Statistics.median([]).isNaN)
    // numpy.quantile([1, 2, 4, 8, 16], [0.1, 0.5, 0.9])
    #expect(abs(Statistics.quantile([16, 1, 8, 2, 4], 0.1) - 1.4) < 1e-12)
    #expect(Statistics.quantile([16, 1, 8, 2, 4], 0.5) == 4)
    #expect(abs(Statistics.quantile([16, 1, 8, 2, 4], 0.9) - 12.8) < 1e-12)
  }

  @Test func outliersAreFlaggedAndKept() {
    #expect(Statistics.outliers([10, 10.1, 9.9, 10.2, 9.8, 30]) == [5])
    #expect(Statistics.outliers([5, 5, 5, 5]) == [])
    // Far in deviations and near in size is none, nor is what a wide spread explains.
    #expect(Statistics.outliers([10, 10.001, 9.999, 10.002, 9.998, 10.9]) == [])
    #expect(Statistics.outliers([10, 11, 9, 12, 8, 14]) == [])
    // Samples that are all alike leave no spread: a tenth of the median is far then.
    #expect(Statistics.outliers([5, 5, 5, 5, 5.6, 5, 4.4]) == [4, 6])
    #expect(Statistics.outliers([]) == [])
    let figure = Figure(samples: [10, 10.1, 9.9, 10.2, 2.5, 9.8, 10, 10.1], unit: "OP/s", protocol: "test")
    #expect(figure.outliers == 1 && figure.n == 8 && figure.samples.contains(2.5))
  }

  @Test(arguments: [
    // a, b, U and p of scipy.stats.mannwhitneyu(a, b): exact for the first two, asymptotic for the others
    ([1.1, 2.3, 3.2, 4.8, 9.9], [2.2, 3.1, 5.5, 6.1, 7.3, 8.4], 11.0, 0.5367965367965368, true),
    ([1, 2, 3], [4, 5, 6], 0.0, 0.1, true),
    ([1, 2, 2, 3, 4, 4, 4, 5], [2, 3, 4, 5, 5, 6, 7], 14.0, 0.11194323153940994, false),
  ])
  func rankTestAgreesWithSciPy(_ a: [Double], _ b: [Double], _ u: Double, _ p: Double, _ exact: Bool) {
    let test = MannWhitney(a, b)
    #expect(test.u == u)
    #expect(abs(test.p - p) < 1e-10)
    #expect(test.isExact == exact)
  }

  @Test func rankTestOfLargeSetsIsApproximate() {
    let a = (0..<30).map { Double($0 * 37 % 101) }
    let b = (0..<25).map { Double($0 * 53 % 97) + 8.5 }
    let test = MannWhitney(a, b)
    #expect(test.u == 355)
    #expect(abs(test.p - 0.7416945451865609) < 1e-10)
    #expect(!test.isExact)
  }

  @Test func equalSamplesAreNoDifference() {
    #expect(MannWhitney([2, 2, 2], [2, 2]).p == 1)
  }

  @Test func shiftIsTheMedianOfDifferences() {
    let shift = Comparison.hodgesLehmann([1.1, 2.3, 3.2, 4.8, 9.9], [2.2, 3.1, 5.5, 6.1, 7.3, 8.4])
    #expect(abs(shift - -1.65) < 1e-12)
  }

  /// Hollander and Wolfe, "Nonparametric Statistical Methods": depression scores of nine patients at two visits
  /// (table 3.1), and permeability of membranes (table 4.1), with the book's and R's figures.
  private static let visits = zip(
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30], [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
  ).map { $0 - $1 }

  @Test func signedRanksOfPublishedScores() {
    let test = SignedRank(Self.visits)
    #expect(test.v == 40 && test.n == 9 && test.isExact)
    #expect(abs(test.p - 0.0390625) < 1e-12)
    #expect(abs(test.pAbove - 0.01953125) < 1e-12)
  }

  @Test func pairedShiftOfPublishedScores() {
    let shift = PairedShift(Self.visits)
    #expect(abs(shift.value - 0.46) < 1e-9)
    #expect(abs(shift.interval.lowerBound - 0.010) < 1e-9 && abs(shift.interval.upperBound - 0.786) < 1e-9)
    #expect(abs(shift.coverage - 0.9609375) < 1e-12)
  }

  @Test func signedRanksAgreeWithSciPy() {
    // scipy.stats.wilcoxon: tied sizes and a zero, so by the normal approximation with continuity correction
    let tied = SignedRank([1, -1, 2, 3, 0, -2, 4, 5, 5, -3])
    #expect(tied.v == 34.5 && !tied.isExact && tied.n == 9)
    #expect(abs(tied.p - 0.1715600915499338) < 1e-9)
    // all of one sign: 2 of 2^12 choices
    let all = SignedRank((1...12).map { Double($0) })
    #expect(abs(all.p - 2.0 / 4096) < 1e-15 && abs(all.pAbove - 1.0 / 4096) < 1e-15)
    #expect(SignedRank([0, 0]).p == 1 && SignedRank([]).p == 1)
  }

  /// 61 differences around 0.3, where the interval is an approximation: 95 % of them, over 200 seeds, hold the truth.
  @Test func intervalsOfManyDifferencesCover() {
    var covering = 0
    for seed in UInt64(1)...200 {
      var random = RandomSource(seed: seed)
      let shift = PairedShift((0..<61).map { _ in 0.3 + Double(random.signedUnit()) })
      #expect(shift.interval.contains(shift.value))
      #expect(shift.interval.upperBound - shift.interval.lowerBound < 0.5)
      if shift.interval.contains(0.3) { covering += 1 }
    }
    // A binomial count of 200 with 0.95 is below 178 or above 199 once in 10,000.
    #expect((178...199).contains(covering), "\(covering) of 200")
  }

  @Test func shiftOfTwoSetsHasAnInterval() {
    let x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    let y = [1.15, 0.88, 0.90, 0.74, 1.21]
    let comparison = Comparison(before: y, after: x)
    #expect(comparison.test.u == 35 && abs(comparison.test.p - 0.2544122544122544) < 1e-12)
    #expect(abs(comparison.shift - 0.305) < 1e-9)
    #expect(abs(comparison.cliffsDelta - 0.4) < 1e-12)
    // R: -0.15 to 0.76; the median before is 0.90
    let interval = Comparison.relativeInterval(before: y, after: x)
    #expect(abs(interval.lowerBound * 0.90 - -0.15) < 1e-9 && abs(interval.upperBound * 0.90 - 0.76) < 1e-9)
  }

  @Test func manyTestsAreHeldToOneRate() {
    let adjusted = Holm.adjusted([0.01, 0.04, 0.03, 0.005])
    for (got, want) in zip(adjusted, [0.03, 0.06, 0.06, 0.02]) { #expect(abs(got - want) < 1e-12) }
    #expect(Holm.adjusted([]) == [] && Holm.adjusted([0.7, 0.9]) == [1, 1])
  }

  @Test func changeNeedsBothSizeAndCertainty() {
    let base = (0..<15).map { 100 + Double($0 % 5) * 0.1 }
    #expect(!Comparison(before: base, after: base.map { $0 * 1.01 + 0.001 }).isChange)  // certain, but small
    #expect(Comparison(before: base, after: base.map { $0 * 0.95 + 0.001 }).isChange)
    #expect(!Comparison(before: [100, 101], after: [90, 91]).isChange)  // large, but two samples prove nothing
  }

  /// A 95 % interval covers the true median about 95 times in 100: 300 seeded trials on 25 normal-ish samples.
  @Test func bootstrapCovers() {
    var random = RandomSource(seed: 7)
    var covered = 0
    for trial in 0..<300 {
      let samples = (0..<25).map { _ in (0..<12).reduce(0.0) { sum, _ in sum + Double(random.signedUnit()) } }
      if Statistics.bootstrapMedian(samples, resamples: 400, seed: UInt64(trial)).contains(0) { covered += 1 }
    }
    #expect((270...297).contains(covered), "\(covered) of 300")
  }

  @Test func bootstrapIsRepeatable() {
    let samples = [5.0, 7, 4, 9, 6, 5]
    #expect(Statistics.bootstrapMedian(samples, seed: 3) == Statistics.bootstrapMedian(samples, seed: 3))
    #expect(Statistics.bootstrapMedian([4.0]) == 4...4)
  }

  @Test func warmUpEndsAtTheChange() {
    let steady = (0..<20).map { 100 + Double($0 * 7 % 5) * 0.2 }
    #expect(WarmUp.length(steady) == 0)
    let slow = (0..<6).map { 60 + Double($0 * 3 % 4) }
    #expect(WarmUp.length(slow + steady) == 6)
    #expect(WarmUp.isSteady(steady))
    // A change in the later half is not warm-up: the series is not steady.
    #expect(!WarmUp.isSteady(steady + slow))
    #expect(WarmUp.length(steady + slow) == 0)
    // One of less than 2 % is no change worth cutting.
    #expect(WarmUp.length((0..<10).map { 99 + Double($0 % 2) * 0.1 } + steady) == 0)
  }

  @Test func changePointOfAStep() throws {
    let step = try #require(ChangePoint([1, 1.1, 1.2, 1.3, 1.4, 2, 2.1, 2.2, 2.3, 2.4]))
    #expect(step.index == 5)
    #expect(step.statistic == 25)  // n²/4 for a perfect split in the middle
    #expect(abs(step.p - 0.06614) < 1e-4)  // 2 exp(-6·625 / 1100)
    #expect(ChangePoint([1, 2, 3]) == nil)
  }

  @Test func stoppingRule() {
    let rule = StoppingRule(minimumSamples: 5, seconds: 1)
    #expect(!rule.isMet(by: [100, 100, 100, 100]))
    #expect(rule.isMet(by: [100, 100.5, 99.5, 100, 100.2]))
    #expect(!rule.isMet(by: [100, 140, 60, 120, 80]))
  }
}

@Suite struct FigureTests {
  @Test func verdicts() {
    let rule = StoppingRule(minimumSamples: 5, seconds: 1)
    let good = Figure(samples: [10, 10.01, 10, 9.99, 10], unit: "B/s", protocol: "test", rule: rule)
    #expect(good.validity == .valid)
    #expect(good.value == 10 && good.n == 5 && good.ci95.count == 2 && good.reasons.isEmpty)
    let wide = Figure(samples: [10, 15, 6, 12, 8], unit: "B/s", protocol: "test", rule: rule)
    #expect(wide.validity == .inconclusive)
    let wrong = Figure(
      samples: [10, 10, 10, 10, 10], unit: "B/s", protocol: "test", rule: rule, reasons: [.numericFail])
    #expect(wrong.validity == .invalid && wrong.reasons == [.numericFail] && wrong.value == 10)
  }

  @Test func sharesCarryTheWorseVerdictAndKnowTheImpossible() {
    let rule = StoppingRule(minimumSamples: 5, seconds: 1)
    let figure = Figure(samples: [10, 10, 10, 10, 10], unit: "B/s", protocol: "test", rule: rule)
    #expect(figure.share(of: 20, protocol: "s").value == 0.5)
    #expect(figure.share(of: 20, protocol: "s").validity == .valid)
    let wide = Figure(samples: [10, 15, 6, 12, 8], unit: "B/s", protocol: "roof", rule: rule)
    #expect(figure.share(of: 20, measuredAs: wide, protocol: "s").validity == .inconclusive)
    var shared = figure
    shared.mark(.contended)
    let share = figure.share(of: 20, measuredAs: shared, protocol: "s")
    #expect(share.validity == .invalid && share.reasons == [.contended])
    #expect(shared.share(of: 20, measuredAs: wide, protocol: "s").validity == .invalid)
    #expect(figure.share(of: 10, protocol: "s").reasons == [])
    let above = figure.share(of: 9.7, protocol: "s")
    #expect(above.validity == .invalid && above.reasons == [.impossible])
  }

  @Test func warmUpIsCutAndCounted() {
    let samples = [5.0, 5.1, 5.2, 5.1, 5] + (0..<15).map { 10 + Double($0 % 3) * 0.01 }
    let figure = Figure(samples: samples, unit: "B/s", protocol: "test")
    #expect(figure.warmUp == 5 && figure.n == 15)
  }
}
