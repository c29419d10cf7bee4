// Works the waterfalls of a report out from its figures: docs/METRICS.md, "Waterfall". The same figures give the same
// waterfalls anywhere: gobi verify makes them anew.
import CKernels
import Inference

package struct WaterfallBuilder {
  private let report: CapacityReport

  package init(_ report: CapacityReport) { self.report = report }

  /// For each model: operations of prefill and of decode or serving, and bytes where memory binds decode.
  package var waterfalls: [Waterfall] { report.models.flatMap(waterfalls) }

  private func waterfalls(_ model: ModelResult) -> [Waterfall] {
    var all: [Waterfall] = []
    if let row = model.largest(.prefill) { all += [operations(model, row, nil)].compactMap { $0 } }
    let result = report.serving.first { $0.model == model.facts.label && $0.goodput != nil }
    let served = result.flatMap { result in
      model.figures.last { $0.work == .decode && $0.count == result.mostSequences && $0.depth == result.depth }
    }
    let row = served ?? model.largest(.decode)
    if let row { all += [operations(model, row, served == nil ? nil : result)].compactMap { $0 } }
    var rows = [row].compactMap { $0 }
    let single = model.figures.first { $0.work == .decode && $0.count == 1 && $0.depth == 0 && $0.scope == nil }
    if let single, single != row { rows.insert(single, at: 0) }
    return all + rows.compactMap { bytes(model, $0) }
  }

  // MARK: Operations

  /// Products in the model's format with as many rows as the work has, or nearly.
  private func product(_ facts: ModelFacts, rows: Int) -> (point: KernelPoint, roof: Precision)? {
    let points = report.kernels.filter {
      facts.format.map { [$0] }?.contains($0.format) ?? ($0.rate.precision == facts.precisionTag)
    }
    // As far on a ratio scale: the smaller of two.
    let distance = { (m: Int) in max(Double(m), 1) / max(Double(rows), 1) }
    guard
      let point = points.min(by: { a, b in
        let (x, y) = (distance(a.m), distance(b.m))
        return (max(x, 1 / x), a.m) < (max(y, 1 / y), b.m)
      }), let format = Format(name: point.format),
      let info = ck_format_describe(ck_format(rawValue: UInt32(format.rawValue)))?.pointee
    else { return nil }
    return (point, report.roofs.servingPrecision(info.activation))
  }

  /// nil where the products or their roof were not measured.
  private func operations(_ model: ModelResult, _ row: ModelFigure, _ result: ServingResult?) -> Waterfall? {
    guard let (point, precision) = product(model.facts, rows: row.count), let peak = report.roofs.peak(precision)
    else { return nil }
    let perToken = model.facts.operationsPerToken(of: row)
    let work: Waterfall.Work = row.work == .prefill ? .prefill : result == nil ? .decode : .serving
    var fall = Waterfall(
      kind: .operations, model: model.facts.label, work: work, count: row.count, depth: row.depth,
      precision: point.rate.precision ?? precision.tag, unit: precision.unit, perToken: perToken)
    nominal(precision, into: &fall)
    fall.add(.chip, of: peak, source: "R_pk: \(Quantity.precision(precision)) multiply-adds, all threads")
    fall.add(
      .library, of: point.rate, source: "D_gemm: products of a \(point.model) layer, \(point.format), m = \(point.m)")
    fall.add(
      .model, of: row.rate, times: perToken,
      source: "S·F_tok: \(Self.words(row)) of \(model.facts.label), \(Quantity.text(perToken, "")) operations a token")
    if let result, let goodput = result.goodput {
      let objective = result.objective
      fall.add(
        .objective, goodput.value * perToken, ci95: nil,
        source: "G·F_tok: \(result.lengths), TTFT \(Quantity.text(objective.timeToFirstToken, "s")), "
          + "TPOT \(Quantity.text(objective.timePerOutputToken, "s"))",
        validity: goodput.validity, reasons: goodput.reasons)
    } else {
      fall.notMeasured.append(
        row.work == .prefill
          ? "η_slo: a service's goodput counts output tokens; see its own waterfall"
          : "η_slo: no goodput was measured beside this row")
    }
    return fall.finished
  }

  // MARK: Bytes

  /// nil where arithmetic binds the row, or the memory was not measured.
  private func bytes(_ model: ModelResult, _ row: ModelFigure) -> Waterfall? {
    let facts = model.facts
    guard let read = report.roofs.read, let peak = report.roofs.peak(facts.precision) ?? report.roofs.peak(.f32)
    else { return nil }
    let perToken = facts.bytesPerToken(of: row)
    guard facts.operationsPerToken(of: row) / perToken * read.value < peak.value else { return nil }
    var fall = Waterfall(
      kind: .bytes, model: facts.label, work: .decode, count: row.count, depth: row.depth,
      precision: facts.precisionTag, unit: "B/s", perToken: perToken)
    nominal(nil, into: &fall)
    // The memory's rate moves from minute to minute: a row is held against what was read around it.
    let again = ModelFigure(
      work: row.work, count: row.count, depth: row.depth, rate: row.rate, facts: facts, roofs: report.roofs,
      nearby: row.nearby, scope: row.scope)
    guard let mbu = again.mbu, mbu.value > 0 else { return nil }
    fall.add(
      .memory, row.rate.value * perToken / mbu.value, ci95: row.nearby == nil ? read.ci95 : nil,
      source: "B_pk: DRAM read, all threads" + (row.nearby == nil ? "" : ", around this row"),
      validity: read.validity, reasons: read.reasons)
    fall.add(
      .model, row.rate.value * perToken, ci95: row.rate.ci95.map { $0 * perToken },
      source: "MBU: \(Self.words(row)) of \(facts.label), \(Quantity.text(perToken, "B")) a token",
      validity: mbu.validity, reasons: mbu.reasons)
    return fall.finished
  }

  private func nominal(_ precision: Precision?, into fall: inout Waterfall) {
    let name = precision == nil ? "B_nom" : "R_nom"
    guard let stated = report.nominal.first(where: { $0.precision == precision }) else {
      fall.notMeasured.append("η_chip: \(name) is not known, see --nominal; the waterfall starts at what the chip does")
      return
    }
    fall.add(
      .nominal, stated.nominal, ci95: nil, source: "\(name): \(stated.source)", validity: .valid,
      reasons: [])
  }

  private static func words(_ row: ModelFigure) -> String {
    let name = row.work == .prefill ? "prefill of \(row.count) tokens" : "decode, batch \(row.count)"
    return row.depth > 0 ? name + " at depth \(row.depth)" : name
  }
}

extension Waterfall {
  fileprivate mutating func add(_ name: StepName, of figure: Figure, times scale: Double = 1, source: String) {
    add(
      name, figure.value * scale, ci95: figure.ci95.map { $0 * scale }, source: source, validity: figure.validity,
      reasons: figure.reasons)
  }

  /// With what a single report never has; nil where a rate is none, so that nothing can be divided by it.
  fileprivate var finished: Waterfall? {
    guard steps.allSatisfy({ $0.value.isFinite && $0.value > 0 }) else { return nil }
    var fall = self
    fall.notMeasured.append("A: one report tells no availability; gobi ledger show does")
    return fall
  }
}
