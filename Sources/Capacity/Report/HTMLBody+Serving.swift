// The page's parts about what is delivered in the end: waterfalls, and serving within an objective.

extension HTMLBody {
  // MARK: Waterfalls

  var waterfalls: String {
    let all = report.waterfalls.filter { !$0.steps.isEmpty }
    guard !all.isEmpty else { return "" }
    let charts = all.map { figure(WaterfallChart($0), .half, caption: .waterfall($0)) }
    return section(
      .waterfalls, paragraph(.waterfallText), grid(charts), all.map(steps).joined(),
      list(report.waterfalls.flatMap(\.notMeasured).unique.map { .missing + Phrase(": ", "：") + .told($0) }, "soft"))
  }

  private func steps(_ waterfall: Waterfall) -> String {
    var table = HTMLTable(
      language: language, head: [.stepHead, .factorHead, .valueHead, .interval, .precision, .source, .verdictHead])
    for step in waterfall.steps {
      let ends = (step.ci95 ?? []).map { Quantity.text($0, waterfall.unit) }
      table.rows.append([
        HTMLTable.text(.step(step.name, waterfall.kind)),
        HTMLTable.number(step.factor.map(Quantity.number) ?? "—"),
        HTMLTable.number(Quantity.text(step.value, waterfall.unit)),
        HTMLTable.number(ends.count == 2 ? ends.joined(separator: " – ") : "—"),
        HTMLTable.Cell(text: .same(waterfall.precision), style: "tag"), HTMLTable.text(.told(step.source)),
        HTMLTable.verdict(step.validity, step.reasons),
      ])
    }
    return "<h3>\(say(.waterfall(waterfall)))</h3>" + (Phrase.delivered(waterfall).map { paragraph($0) } ?? "")
      + table.html()
  }

  // MARK: Serving

  var serving: String {
    report.serving.map { result in
      section(
        .serving, paragraph(.objective(result)), paragraph(.knee(result)), figure(ServingCharts.latency(result)),
        goodput(result), trials(result), paragraph(.trialsNote, "soft"))
    }.joined(separator: "\n")
  }

  private func goodput(_ result: ServingResult) -> String {
    guard let figure = result.goodput else { return "" }
    var table = HTMLTable(
      language: language, head: [.work] + HTMLTable.figureHead(.goodputName) + [.ofRoof, .verdictHead])
    table.rows = [
      [HTMLTable.text(.goodput)] + HTMLTable.cells(figure) + [
        HTMLTable.text(goodputShare(result)), HTMLTable.verdict(figure),
      ]
    ]
    return table.html()
  }

  /// Of the model's roof, by the waterfall that ends in this goodput.
  private func goodputShare(_ result: ServingResult) -> String {
    guard
      let steps = report.waterfalls.first(where: {
        $0.kind == .operations && $0.work == .serving && $0.model == result.model
      })?
      .steps,
      let peak = steps.first(where: { $0.name == .chip })?.value,
      let end = steps.last(where: { $0.name == .objective })?.value,
      peak > 0
    else { return "—" }
    return Quantity.text(end / peak, "1")
  }

  private func trials(_ result: ServingResult) -> String {
    var table = HTMLTable(
      language: language,
      head: [
        .rate, .sent, .requests, .misses, .firstToken, .eachToken, .betweenTokens, .outputRate, .outcome,
      ])
    for trial in result.knee.trials.sorted(by: { $0.rate < $1.rate }) {
      let pair = { (q: LoadTrial.Quantiles?) in
        q.map { "\(Quantity.text($0.p50, "s")) / \(Quantity.text($0.p99, "s"))" } ?? "—"
      }
      table.rows.append([
        HTMLTable.number(Quantity.number(trial.rate)),
        HTMLTable.number(trial.achievedRate.map(Quantity.number) ?? "—"), HTMLTable.number("\(trial.requests)"),
        HTMLTable.number("\(trial.misses)"), HTMLTable.number(pair(trial.timeToFirstToken)),
        HTMLTable.number(pair(trial.timePerOutputToken)),
        HTMLTable.number(trial.interTokenLatency.map { Quantity.text($0.p99, "s") } ?? "—"),
        HTMLTable.number("\(Quantity.number(trial.goodRate)) / \(Quantity.number(trial.outputRate))"),
        HTMLTable.Cell(text: .outcome(trial), style: trial.passes ? "v good" : "v bad"),
      ])
    }
    return table.html()
  }
}
