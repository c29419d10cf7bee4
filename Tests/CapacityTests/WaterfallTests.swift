// The waterfall: factors that multiply out bit for bit, levels that are the report's own figures, verdicts, and what is
// not known.
import Capacity
import Foundation
import TestSupport
import Testing

@Suite struct WaterfallTests {
  /// A report with roofs, products in two formats, a model and its service.
  private func report(nominal: Bool = true) throws -> CapacityReport {
    var report = try sampleReport()
    if !nominal { report.nominal = [] }
    report.waterfalls = WaterfallBuilder(report).waterfalls
    return report
  }

  private func fall(_ report: CapacityReport, _ kind: Waterfall.Kind, _ work: Waterfall.Work) throws -> Waterfall {
    try #require(report.waterfalls.first { $0.kind == kind && $0.work == work })
  }

  /// How many numbers lie between two, at most.
  private func ulps(_ a: Double, _ b: Double) -> Double { abs(a - b) / min(a.ulp, b.ulp) }

  @Test func everyStepIsTheFigureItStandsFor() throws {
    let report = try report()
    let serving = try fall(report, .operations, .serving)
    #expect(serving.steps.map(\.name) == [.nominal, .chip, .library, .model, .objective])
    let row = try #require(report.models[0].figures.last), goodput = try #require(report.serving[0].goodput)
    let point = try #require(report.kernels.first { $0.format == "Q4_0" && $0.m == 1 })
    let tokens = report.models[0].facts.operationsPerToken(context: 9 + 3.5)
    #expect(serving.perToken == tokens && serving.count == 4 && serving.depth == 9)
    let levels = [
      1.2e12, try #require(report.roofs.peak(.s8)).value, point.rate.value, row.rate.value * tokens,
      goodput.value * tokens,
    ]
    for (step, level) in zip(serving.steps, levels) { #expect(ulps(step.value, level) <= 2, "\(step.name)") }
    // A reader with a pocket calculator of 64 bits.
    var product = serving.steps[0].value
    for factor in serving.steps.compactMap(\.factor) { product *= factor }
    #expect(product == serving.delivered?.value)
    #expect(serving.precision == "w4×s8:s32→f32:32" && serving.unit == "OP/s")
    #expect(serving.notMeasured.contains { $0.hasPrefix("A:") })
  }

  /// Levels from all magnitudes: the running product stays within 2 units in the last place of each.
  @Test func factorsMultiplyOutWhateverTheLevels() {
    var random = RandomSource(seed: 6)
    for _ in 0..<20_000 {
      let levels = (0..<5).map { _ in exp(40 * Double(random.signedUnit()) + 40) }
      let fall = Waterfall(operations: levels)
      #expect(fall.multipliesOut)
      for (step, level) in zip(fall.steps, levels) { #expect(ulps(step.value, level) <= 2) }
    }
    var wrong = Waterfall(operations: [8, 4, 2])
    wrong.steps[2].value = 2.0.nextUp
    #expect(!wrong.multipliesOut)
    wrong = Waterfall(operations: [8, 4, 2])
    wrong.steps[0].factor = 1
    #expect(!wrong.multipliesOut)
  }

  @Test func anUnknownNominalIsSaidAndNotGuessed() throws {
    let serving = try fall(try report(nominal: false), .operations, .serving)
    #expect(serving.steps.first?.name == .chip && serving.steps.first?.factor == nil)
    #expect(serving.notMeasured.contains { $0.contains("R_nom is not known") })
    #expect(serving.multipliesOut)
  }

  @Test func prefillHasOneOfItsOwnAndBytesStandBesideDecode() throws {
    let report = try report()
    let prefill = try fall(report, .operations, .prefill)
    #expect(prefill.steps.map(\.name) == [.nominal, .chip, .library, .model])
    #expect(prefill.steps[2].source.contains("m = 512"))
    let bytes = report.waterfalls.filter { $0.kind == .bytes }
    #expect(bytes.map(\.count) == [1, 4] && bytes.allSatisfy { $0.steps.map(\.name) == [.nominal, .memory, .model] })
    for fall in bytes {
      let row = try #require(report.models[0].figures.first { $0.work == .decode && $0.count == fall.count })
      // The last factor is the row's MBU.
      let mbu = ModelFigure(
        work: .decode, count: row.count, depth: row.depth, rate: row.rate, facts: report.models[0].facts,
        roofs: report.roofs
      ).mbu
      #expect(abs(try #require(fall.steps.last?.factor) / #require(mbu).value - 1) < 1e-14)
      #expect(fall.unit == "B/s")
    }
    // A node whose memory is never the limit has no waterfall of bytes.
    var fast = report
    for i in fast.roofs.memory.indices { fast.roofs.memory[i].figure.value = 1e18 }
    #expect(WaterfallBuilder(fast).waterfalls.allSatisfy { $0.kind == .operations })
  }

  @Test func theVerdictIsTheWorstOfItsParts() throws {
    var report = try report()
    let peak = try #require(report.roofs.compute.lastIndex { $0.precision == .s8 && $0.threads == 2 })
    report.roofs.compute[peak].figure.mark(.contended)
    report.models[0].figures[2].rate.mark(.throttled)
    let steps = try #require(WaterfallBuilder(report).waterfalls.first { $0.work == .serving }).steps
    #expect(steps[0].validity == .valid && steps[1].validity == .invalid && steps[1].reasons == [.contended])
    #expect(steps[2].reasons == [.contended] && steps[4].reasons == [.contended, .throttled])
    #expect(steps[4].validity == .invalid)
  }

  @Test func precisionTagsAreNeverMixed() throws {
    var report = try report()
    // The model's own products were not measured: no others stand in.
    report.kernels.removeAll { $0.format == "Q4_0" }
    #expect(WaterfallBuilder(report).waterfalls.allSatisfy { $0.kind == .bytes })
    report.models[0].facts.format = "BF16"
    let serving = try #require(WaterfallBuilder(report).waterfalls.first { $0.work == .serving })
    #expect(serving.precision == Precision.bf16.tag && serving.unit == "FLOP/s")
    #expect(ulps(serving.steps[0].value, try #require(report.roofs.peak(.bf16)).value) == 0)
  }

  @Test func ratesThatAreNoneMakeNoWaterfall() throws {
    for value in [0, -1, Double.infinity, Double.leastNonzeroMagnitude] {
      var report = try report()
      for i in report.models[0].figures.indices { report.models[0].figures[i].rate.value = value }
      for fall in WaterfallBuilder(report).waterfalls {
        #expect(fall.steps.allSatisfy { $0.value.isFinite && $0.value > 0 })
      }
    }
  }

  @Test func editsAreFound() throws {
    let report = try soundReport()
    #expect(ReportCheck(report).problems == [] && report.waterfalls.count == 4)
    for change in 0..<4 {
      var edited = report
      switch change {
      case 0: edited.waterfalls[1].steps[2].value *= 1.0001
      case 1: edited.waterfalls[1].steps[4].factor = 0.9
      case 2: edited.waterfalls[0].steps[0].validity = .invalid
      default: edited.waterfalls.removeLast()
      }
      #expect(ReportCheck(edited).problems.contains { $0.contains("waterfalls") }, "\(change)")
    }
  }

  @Test func olderReportsHaveNone() throws {
    let text = try sampleReport().json()
    var json = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
    json["waterfalls"] = nil
    json["serving"] = nil
    let older = try CapacityReport(json: JSONSerialization.data(withJSONObject: json), path: "x")
    #expect(older.waterfalls.isEmpty && older.serving.isEmpty && older.models.count == 1)
    #expect(!TextReport(older).text().contains("WATERFALL"))
  }
}

extension Waterfall {
  /// A chain through these levels.
  fileprivate init(operations levels: [Double]) {
    self.init(
      kind: .operations, model: "m", work: .decode, count: 1, depth: 0, precision: "t", unit: "OP/s", perToken: 1)
    for level in levels { add(.chip, level, ci95: nil, source: "", validity: .valid, reasons: []) }
  }
}
