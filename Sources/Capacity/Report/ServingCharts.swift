// Latency against load, with the objective and the knee.

package enum ServingCharts {
  /// Times over the rates of all loads that were tried. nil where no request came so far.
  package static func latency(_ result: ServingResult) -> LinePlot? {
    let trials = result.knee.trials.sorted { $0.rate < $1.rate }
    let series = { (name: Phrase, style: String, mark: SVG.Mark, value: (LoadTrial) -> Double?) in
      LinePlot.Series(
        name: name, style: style, mark: mark,
        points: trials.compactMap { trial in
          value(trial).map { LinePlot.Point(trial.rate, $0, isValid: trial.passes, tip: tip(name, trial, $0)) }
        })
    }
    let rates = trials.map(\.rate).filter { $0 > 0 }
    let isWide = (rates.max() ?? 1) / (rates.min() ?? 1) > 12
    let objective = result.objective
    var plot = LinePlot(
      title: Phrase("Latency against load", "延迟与负载"),
      about: about(result),
      x: LinePlot.Axis(
        kind: isWide ? .logarithmic : .linear, title: Phrase("load, requests/s", "请求到达率，请求/s"),
        label: { Quantity.tick($0) }),
      y: LinePlot.Axis(
        kind: .logarithmic, title: Phrase("latency, s", "延迟，s"), label: { Quantity.tick($0) }),
      series: [
        series(Phrase("TTFT p50", "首字延迟 p50"), "f32", .diamond) { $0.timeToFirstToken?.p50 },
        series(Phrase("TTFT p99", "首字延迟 p99"), "s8", .circle) { $0.timeToFirstToken?.p99 },
        series(Phrase("TPOT p99", "每 token 延迟 p99"), "bf16", .square) { $0.timePerOutputToken?.p99 },
      ],
      levels: [
        .init(
          y: objective.timeToFirstToken,
          name: Phrase("SLO: TTFT ", "SLO：首字延迟 ") + .same(Quantity.text(objective.timeToFirstToken, "s")),
          style: "s8"),
        .init(
          y: objective.timePerOutputToken,
          name: Phrase("SLO: TPOT ", "SLO：每 token 延迟 ") + .same(Quantity.text(objective.timePerOutputToken, "s")),
          style: "bf16"),
      ], band: band(result.knee))
    plot?.hollowName = Phrase("hollow: objective not kept", "空心：未达到 SLO")
    return plot
  }

  /// Between the largest rate that passed and the smallest that failed; on one of them where there is no other.
  private static func band(_ knee: Knee) -> LinePlot.Band? {
    switch (knee.passed, knee.failed) {
    case (let passed?, let failed?):
      let range = "\(Quantity.number(passed))–\(Quantity.number(failed))"
      return .init(from: passed, to: failed, name: Phrase("knee \(range)/s", "拐点 \(range)/s"))
    case (let passed?, nil):
      let rate = Quantity.number(passed)
      return .init(from: passed, to: passed, name: Phrase("knee above \(rate)/s", "拐点高于 \(rate)/s"))
    case (nil, let failed?):
      let rate = Quantity.number(failed)
      return .init(from: failed, to: failed, name: Phrase("knee below \(rate)/s", "拐点低于 \(rate)/s"))
    case (nil, nil): return nil
    }
  }

  private static func tip(_ name: Phrase, _ trial: LoadTrial, _ seconds: Double) -> Phrase {
    let rate = Quantity.number(trial.rate)
    return Phrase("\(rate) requests/s, ", "\(rate) 请求/s，") + name + .same(" \(Quantity.text(seconds, "s")); ")
      + (trial.passes ? Phrase("passed", "达标") : Phrase("failed", "未达标"))
  }

  private static func about(_ result: ServingResult) -> Phrase {
    let count = result.knee.trials.count
    guard let band = band(result.knee) else { return Phrase("No load was tried.", "未进行负载测试。") }
    return Phrase("\(count) loads; ", "\(count) 次负载测试；") + band.name
  }
}
