// A report with every part that the page can show: sampleReport() with a load against a simulated server, and waterfalls.
import Capacity
import Foundation

enum FullReport {
  static func make() throws -> CapacityReport {
    var report = try sampleReport()
    report.serving = [try serving.get()]
    report.waterfalls = waterfalls
    addFigures(to: &report)
    return report
  }

  /// The knee of a server that answers one request after the other.
  static let serving = Result {
    let server = SimulatedServer(secondsToFirst: 0.1, secondsPerToken: 0.01)
    let plan = ServingBench.Plan(
      objective: ServiceObjective(timeToFirstToken: 0.5, timePerOutputToken: 0.05),
      lengths: .fixed(prompt: 8, output: 3), lengthsName: "8 + 3 tokens", firstRate: 1)
    let bench = ServingBench(driver: LoadDriver(clock: SimulatedClock()), seed: 4)
    return try bench.measure(server, plan) { _, _ in server.reset() }
  }

  /// Factors and values are whole, so that lengths of bars are known.
  static var waterfalls: [Waterfall] {
    let step = { (name: Waterfall.StepName, factor: Double?, value: Double) in
      Waterfall.Step(
        name: name, factor: factor, value: value, ci95: factor.map { _ in [value * 0.99, value * 1.01] },
        source: "a test",
        validity: .valid, reasons: [])
    }
    return [
      Waterfall(
        kind: .operations, model: "a <model> & more", work: .decode, count: 1, depth: 0, precision: "w4×s8:s32→f32:32",
        unit: "OP/s", perToken: 2.5e9,
        steps: [step(.nominal, nil, 1e12), step(.chip, 0.8, 8e11), step(.library, 0.5, 4e11), step(.model, 0.25, 1e11)]),
      Waterfall(
        kind: .bytes, model: "a <model> & more", work: .decode, count: 1, depth: 0, precision: "w4×s8:s32→f32:32",
        unit: "B/s", perToken: 7e8, steps: [step(.nominal, nil, 8e10), step(.memory, 0.75, 6e10)],
        notMeasured: ["it needs a model"]),
    ]
  }

  /// Batches and depths enough for lines.
  private static func addFigures(to report: inout CapacityReport) {
    let facts = report.models[0].facts
    let figure = { (value: Double, name: String) in
      Figure(
        samples: [value, value * 1.001, value * 0.999, value], unit: "token/s", precision: facts.precisionTag,
        protocol: name, rule: StoppingRule(minimumSamples: 3, seconds: 1))
    }
    for (batch, depth, rate) in [(4, 0, 200.0), (16, 0, 330), (4, 2048, 150), (16, 2048, 210)] {
      var row = ModelFigure(
        work: .decode, count: batch, depth: depth, rate: figure(rate, "decode"), facts: facts, roofs: report.roofs)
      if batch == 16, depth > 0 { row.rate.mark(.contended) }
      report.models[0].figures.append(row)
    }
    report.models[0].figures.append(
      ModelFigure(
        work: .prefill, count: 512, depth: 2048, rate: figure(280, "prefill"), facts: facts, roofs: report.roofs))
  }
}
