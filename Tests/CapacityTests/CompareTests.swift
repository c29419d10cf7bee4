// Two reports: what changed and in which layer, and what is never compared.
import Capacity
import Foundation
import TestSupport
import Testing

@Suite struct CompareTests {
  private func compared(_ before: SmallReport, _ after: SmallReport) throws -> ReportComparison {
    ReportComparison(
      before: try before.report(), named: "a", after: try after.report(), named: "b", assumedSpread: 0.05)
  }

  @Test func noiseIsNoChange() throws {
    for seed in 2..<30 as Range<UInt64> {
      let found = try compared(SmallReport(), SmallReport(seed: seed))
      #expect(!found.isSlower && found.moved == [] && found.changes.allSatisfy { $0.verdict == .same }, "seed \(seed)")
      #expect(found.changes.count == 5 && found.onlyBefore == [] && found.onlyAfter == [])
    }
  }

  @Test func theLayerThatMovedIsTold() throws {
    let hardware = try compared(SmallReport(), SmallReport(roof: 0.9, seed: 2))
    #expect(hardware.moved == [.roof] && hardware.isSlower)
    #expect(hardware.layers.first { $0.layer == .gemm }.map { $0.worse == 1 && $0.followRoof == 1 } == true)
    let library = try compared(SmallReport(), SmallReport(product: 0.92, seed: 2))
    #expect(library.moved == [.gemm, .tokens] && library.isSlower)
    let runtime = try compared(SmallReport(), SmallReport(tokens: 0.92, seed: 2))
    #expect(runtime.moved == [.tokens] && runtime.isSlower)
    let faster = try compared(SmallReport(), SmallReport(product: 1.08, tokens: 1 / 1.08, seed: 2))
    #expect(faster.moved == [.gemm] && !faster.isSlower)
    #expect(ComparisonText(library).text().contains("moved: library, and above it runtime"))
  }

  /// A report of one launch does not know how far launches differ.
  @Test func whatMayBeAnotherLaunchDoesNotCount() throws {
    let found = try compared(SmallReport(), SmallReport(tokens: 0.96, seed: 2))
    let tokens = try #require(found.changes.first { $0.layer == .tokens })
    #expect(tokens.verdict == .worse && tokens.isUnproven && !found.isSlower && found.moved == [])
    #expect(found.layers.first { $0.layer == .tokens }.map { $0.unproven == 1 && $0.worse == 0 } == true)
    let text = ComparisonText(found).text()
    #expect(text.contains("worse, or another launch: S_pp") && text.contains("5 figures have one launch a side"))
    // Without a word of the operator no change counts, however large.
    let half = ReportComparison(
      before: try SmallReport().report(), named: "a", after: try SmallReport(tokens: 0.5, seed: 2).report(), named: "b")
    #expect(half.changes.contains { $0.verdict == .worse } && !half.isSlower && half.moved == [])
  }

  @Test func lessThanTwoPercentIsNoChange() throws {
    let found = try compared(SmallReport(), SmallReport(roof: 0.985, seed: 2))
    let roof = try #require(found.changes.first { $0.name == "R_pk s8 threads=all" })
    #expect(try #require(roof.p) < 0.01 && roof.verdict == .same)
  }

  @Test func largerTimesAndJoulesAreWorse() throws {
    let before = try sampleReport()
    var after = before
    after.roofs.memory[3].figure = Figure(
      samples: Array(repeating: 1.2e-7, count: 9).enumerated().map { $1 * (1 + Double($0) * 1e-4) }, unit: "s",
      protocol: "roof-latency")
    var earlier = before
    earlier.roofs.memory[3].figure = Figure(
      samples: Array(repeating: 9.8e-8, count: 9).enumerated().map { $1 * (1 + Double($0) * 1e-4) }, unit: "s",
      protocol: "roof-latency")
    let found = ReportComparison(before: earlier, named: "a", after: after, named: "b")
    #expect(found.changes.first { $0.name.hasPrefix("latency") }?.verdict == .worse)
    #expect(found.changes.contains { $0.layer == .energy && $0.name.contains("class=B") })
  }

  @Test func precisionTagsAreNeverMixed() throws {
    let found = try compared(SmallReport(), SmallReport(product: 0.5, seed: 2, precisionTag: "w8×s8:s32→f32:32"))
    let product = try #require(found.changes.first { $0.layer == .gemm })
    #expect(product.verdict == .refused && product.why?.contains("never mixed") == true && product.p == nil)
    #expect(found.layers.first { $0.layer == .gemm }?.compared == 0)
  }

  @Test func invalidFiguresAreMarkedAndNotCounted() throws {
    let found = try compared(SmallReport(), SmallReport(product: 0.5, tokens: 2, seed: 2, invalid: .contended))
    let product = try #require(found.changes.first { $0.layer == .gemm })
    #expect(product.verdict == .worse && product.isInvalid && !product.isSlower && !found.isSlower)
    #expect(ComparisonText(found).text().contains("INVALID: CONTENDED"))
  }

  @Test func fewSamplesShowNothing() throws {
    let found = ReportComparison(before: try sampleReport(), named: "a", after: try sampleReport(), named: "b")
    #expect(found.changes.contains { $0.why?.contains("too few samples") == true })
  }

  @Test func differencesOfTheEnvironmentAreListed() throws {
    let found = try compared(SmallReport(), SmallReport(version: "1.2.4", kernel: "6.1.0-19", seed: 2))
    let names = found.environment.map(\.what)
    #expect(names == ["build.version", "seed", "system.kernel"])
    #expect(found.environment[0].before == "1.2.3" && found.environment[0].after == "1.2.4")
  }

  @Test func figuresOfOneReportAreListed() throws {
    var after = try SmallReport().report()
    after.kernels = []
    let found = ReportComparison(before: try SmallReport().report(), named: "a", after: after, named: "b")
    #expect(found.onlyBefore == ["D_gemm llama-3.2-1b Q4_0 m=512"])
  }

  @Test func jsonThereAndBack() throws {
    let found = try compared(SmallReport(), SmallReport(roof: 0.9, seed: 2))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    #expect(try decoder.decode(ReportComparison.self, from: found.json()) == found)
  }

  @Test func hostileSamplesEndNothing() throws {
    for samples in [[], [0, 0, 0, 0, 0, 0], [1e308, -1e308, 1e308, -1e308, 5, 6], Array(repeating: 1, count: 5000)] {
      var report = try SmallReport().report()
      report.roofs.compute[0].figure.samples = samples
      report.roofs.compute.append(report.roofs.compute[0])
      let found = ReportComparison(before: report, named: "a", after: report, named: "b")
      #expect(found.changes.allSatisfy { !$0.isChange })
      #expect(Set(found.changes.map(\.name)).count == found.changes.count)
      #expect(try found.json().count > 100)
    }
  }
}
