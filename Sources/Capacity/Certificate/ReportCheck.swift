// Works every figure of a report out anew from its raw samples and readings, and says where the report differs. Reads no
// file and no clock: the same report gives the same answer anywhere.
import CKernels
import Inference

public struct ReportCheck: Sendable, Equatable {
  /// How many figures were worked out anew.
  public private(set) var figures = 0
  /// One line for each that differs.
  public private(set) var problems: [String] = []

  /// Working a figure out takes time with the square of its samples.
  private static let mostSamples = FigureSampler.mostSamples

  public init(_ report: CapacityReport) {
    let roofs = report.nearbyRoofs
    for (name, roof) in roofs where roof.before.count != roof.after.count || roof.before.isEmpty {
      problems.append("\(name): the roofs before and after it are not of the same launches")
    }
    for (name, figure) in report.measuredFigures {
      guard figure.samples.count + figure.warmUpSamples.count <= Self.mostSamples else {
        problems.append("\(name): more than \(Self.mostSamples) samples")
        continue
      }
      var found = figure.recomputed
      roofs[name]?.mark(&found)
      compare(name, figure, found)
    }
    guards(report)
    let spans = report.models.flatMap(\.figures).map(\.spans) + report.flex.flatMap(\.points).map(\.spans)
    guard spans.allSatisfy({ $0.count <= Self.mostSamples }) else {
      problems.append("more than \(Self.mostSamples) spans of work in one figure")
      return
    }
    nominal(report)
    linpack(report)
    kernels(report)
    for (i, model) in report.models.enumerated() { models("models[\(i)]", model, report) }
    energy(report)
    serving(report)
    flexServices(report)
    waterfalls(report)
  }

  // MARK: Figures

  private mutating func compare(_ name: String, _ stated: Figure?, _ found: Figure?) {
    guard stated != nil || found != nil else { return }
    figures += 1
    guard let stated, let found else {
      problems.append("\(name) is \(stated == nil ? "missing" : "there"), and should \(found == nil ? "not be" : "be")")
      return
    }
    guard stated != found else { return }
    let parts: [(String, Bool)] = [
      ("value", stated.value == found.value), ("interval", stated.ci95 == found.ci95), ("n", stated.n == found.n),
      ("verdict", stated.validity == found.validity && stated.reasons == found.reasons),
      ("outliers", stated.outliers == found.outliers),
    ]
    let wrong = parts.filter { !$0.1 }.map(\.0)
    problems.append(
      "\(name): \(wrong.isEmpty ? "a field" : wrong.joined(separator: ", ")) is not what the samples give "
        + "(\(stated.value) stated, \(found.value) found)")
  }

  private mutating func check(_ condition: Bool, _ problem: @autoclosure () -> String) {
    if !condition { problems.append(problem()) }
  }

  /// What the guards found in the whole run follows from their counts; and where the run has counts, its figures have.
  private mutating func guards(_ report: CapacityReport) {
    guard let window = report.window, let counts = window.counts else { return }
    check(window == GuardWindow(counts), "window: shares or reasons are not what the guards' counts give")
    for (name, figure) in report.measuredFigures {
      check(figure.windows?.isEmpty == false, "\(name): the guards' counts are missing")
    }
  }

  private mutating func nominal(_ report: CapacityReport) {
    for (i, stated) in report.nominal.enumerated() {
      let roof = stated.precision.map { report.roofs.peak($0) } ?? report.roofs.read
      compare("nominal[\(i)].share", stated.share, roof.map { NominalShare.share($0, of: stated.nominal) })
    }
  }

  private mutating func linpack(_ report: CapacityReport) {
    let peak = report.roofs.peak(.f64)
    for (i, result) in report.linpack.enumerated() {
      let share = result.kind == .f64 ? peak.map { Linpack.share(result.rate, of: $0) } : nil
      compare("linpack[\(i)].share", result.share, share)
      check(
        (result.residual > Linpack.largestResidual) == result.rate.reasons.contains(.numericFail),
        "linpack[\(i)]: a residual of \(result.residual) and its verdict do not agree")
    }
  }

  private mutating func kernels(_ report: CapacityReport) {
    for (i, point) in report.kernels.enumerated() {
      guard let format = Format(name: point.format),
        let info = ck_format_describe(ck_format(rawValue: UInt32(format.rawValue)))?.pointee
      else {
        problems.append("kernels[\(i)]: there is no format \(point.format)")
        continue
      }
      let found = point.held(against: report.roofs, report.roofs.servingPrecision(info.activation))
      compare("kernels[\(i)].share", point.share, found.share)
      check(point.boundBy == found.boundBy, "kernels[\(i)]: another roof binds than it says")
    }
  }

  private mutating func models(_ name: String, _ model: ModelResult, _ report: CapacityReport) {
    if let quality = model.quality {
      check(
        quality.passes == (quality.tokens > 0 && quality.isWithinBounds), "\(name): its numerics and verdict disagree")
    }
    let fails = model.quality.map { !$0.passes } ?? false
    for (i, figure) in model.figures.enumerated() {
      let found = ModelFigure(
        work: figure.work, count: figure.count, depth: figure.depth, rate: figure.rate, facts: model.facts,
        roofs: report.roofs, nearby: figure.nearby, scope: figure.scope)
      compare("\(name).figures[\(i)].mfu", figure.mfu, found.mfu)
      compare("\(name).figures[\(i)].mbu", figure.mbu, found.mbu)
      check(
        fails == figure.rate.reasons.contains(.qualityFloor),
        "\(name).figures[\(i)]: QUALITY_FLOOR does not agree with the model's numerics")
    }
  }

  // MARK: Service

  private mutating func serving(_ report: CapacityReport) {
    for (i, result) in report.serving.enumerated() {
      figures += result.knee.trials.count + 1
      problems += result.problems.map { "serving[\(i)]: \($0)" }
      check(
        report.models.contains { $0.facts.label == result.model && $0.facts.precisionTag == result.precision },
        "serving[\(i)]: no model of the report has its label and precision tag")
    }
  }

  private mutating func flexServices(_ report: CapacityReport) {
    for (i, curve) in report.flex.enumerated() {
      for (j, point) in curve.points.enumerated() {
        guard let trial = point.service else { continue }
        figures += 1
        check(
          curve.objective.map { trial.recomputed($0) == trial } ?? false,
          "flex[\(i)].points[\(j)].service is not what its samples give")
      }
    }
  }

  private mutating func waterfalls(_ report: CapacityReport) {
    // Reports from before there were waterfalls have none.
    guard !report.waterfalls.isEmpty else { return }
    let found = WaterfallBuilder(report).waterfalls
    check(
      report.waterfalls.count == found.count, "waterfalls: there are \(found.count), not \(report.waterfalls.count)")
    for (i, (stated, found)) in zip(report.waterfalls, found).enumerated() {
      figures += stated.steps.count
      check(stated == found, "waterfalls[\(i)] is not what the report's figures give")
      check(stated.multipliesOut, "waterfalls[\(i)]: its factors do not multiply to its values")
    }
  }

  // MARK: Energy

  private mutating func energy(_ report: CapacityReport) {
    for (i, series) in report.energy.series.enumerated() {
      check(series.isConsistent, "energy.series[\(i)]: its readings are not in order")
    }
    check(report.energy == report.energy.withoutDoubles, "energy.series: what is added up is not what should be")
    let account = EnergyAccount(report.energy.series, site: report.energy.site, seed: report.seed)
    check(report.energy.idle == account.idle(report.energy.idleSpan), "energy.idle is not what the readings give")
    for (i, curve) in report.flex.enumerated() {
      check(curve == account.filled(curve), "flex[\(i)]: its energy is not what the readings give")
    }
    for (i, model) in report.models.enumerated() {
      let found = account.filled(model)
      for (j, figure) in model.figures.enumerated() {
        let name = "models[\(i)].figures[\(j)].energy"
        let again = found.figures[j].energy
        for k in 0..<max(figure.energy.count, again.count) {
          compare(
            "\(name)[\(k)].per_token", figure.energy.indices.contains(k) ? figure.energy[k].perToken : nil,
            again.indices.contains(k) ? again[k].perToken : nil)
        }
        check(
          figure.energy.map(\.use) == again.map(\.use) && figure.energy.map(\.site) == again.map(\.site),
          "\(name): joules, coverage or site are not what the readings give")
      }
      check(found.requests == model.requests, "models[\(i)].requests are not what its figures give")
    }
  }
}
