// What a model's table says, as pictures: tokens a second against batch and against depth, shares of the roof, joules a
// token.

package enum ModelCharts {
  /// The looks of series, told apart by mark as well as by colour.
  private static let looks: [(style: String, mark: SVG.Mark)] = [
    ("s8", .circle), ("bf16", .square), ("f32", .diamond), ("f64", .triangle),
  ]

  private static let roofName = Phrase("roof (dashed)", "理论上限（虚线）")

  /// Decode against batch: a line a depth, each with its roof.
  package static func decode(_ model: ModelResult) -> LinePlot? {
    let figures = model.figures.filter { $0.work == .decode && !$0.isEndToEnd }
    return plot(
      figures, by: \.depth, at: \.count,
      name: { depth in Phrase("depth \(depth)", "上下文深度 \(depth)") },
      title: Phrase("Decode throughput against batch", "解码吞吐量与批大小"),
      about: Phrase(
        "Tokens a second of \(model.facts.label), a line a depth.", "\(model.facts.label) 每秒生成的 token 数，每条线为一种上下文深度。"),
      x: LinePlot.Axis(
        kind: .logarithmic, title: Phrase("batch, sequences", "批大小（序列数）"), ticks: places(figures.map(\.count)),
        label: { "\(Int($0))" }))
  }

  /// Prefill against depth: a line a length.
  package static func prefill(_ model: ModelResult) -> LinePlot? {
    let figures = model.figures.filter { $0.work == .prefill && !$0.isEndToEnd }
    return plot(
      figures, by: \.count, at: \.depth,
      name: { count in Phrase("\(count) tokens", "\(count) token") },
      title: Phrase("Prefill throughput against depth", "预填充吞吐量与上下文深度"),
      about: Phrase(
        "Tokens a second of \(model.facts.label), a line a prompt length.",
        "\(model.facts.label) 每秒处理的 token 数，每条线为一种提示词长度。"),
      x: LinePlot.Axis(
        kind: .linear, title: Phrase("depth, tokens before", "上下文深度（已有 token 数）"),
        ticks: places(figures.map(\.depth) + [0]), label: { "\(Int($0))" }))
  }

  private static func places(_ values: [Int]) -> [Double] { Set(values).sorted().map(Double.init) }

  private static func plot(
    _ figures: [ModelFigure], by key: KeyPath<ModelFigure, Int>, at place: KeyPath<ModelFigure, Int>,
    name: (Int) -> Phrase, title: Phrase, about: Phrase, x: LinePlot.Axis
  ) -> LinePlot? {
    var series: [LinePlot.Series] = []
    for (i, value) in Set(figures.map { $0[keyPath: key] }).sorted().enumerated() {
      let look = looks[i % looks.count]
      let own = figures.filter { $0[keyPath: key] == value }.sorted { $0[keyPath: place] < $1[keyPath: place] }
      series.append(
        LinePlot.Series(
          name: name(value), style: look.style, mark: look.mark,
          points: own.map { figure in
            LinePlot.Point(
              Double(figure[keyPath: place]), figure.rate.value, interval: figure.rate.ci95,
              isValid: figure.rate.validity == .valid, tip: tip(figure))
          }))
      let roofs = own.compactMap { figure in
        roof(of: figure).map { LinePlot.Point(Double(figure[keyPath: place]), $0, tip: roofName) }
      }
      series.append(
        LinePlot.Series(name: roofName, style: look.style, mark: look.mark, points: roofs, isRoof: true))
    }
    // One place is no line: the bars tell it.
    guard Set(figures.map { $0[keyPath: place] }).count > 1 else { return nil }
    return LinePlot(
      title: title, about: about, x: x,
      y: LinePlot.Axis(
        kind: .linear, title: Phrase("tokens a second, token/s", "吞吐量，token/s"), label: { Quantity.tick($0) }),
      series: series)
  }

  /// Tokens a second that the roof which binds the work allows: the nearer one of memory and arithmetic.
  package static func roof(of figure: ModelFigure) -> Double? {
    guard let share = [figure.mfu?.value, figure.mbu?.value].compactMap({ $0 }).max(), share > 0 else { return nil }
    return figure.rate.value / share
  }

  private static func tip(_ figure: ModelFigure) -> Phrase {
    Phrase.shortWork(figure) + .same(": \(Quantity.text(figure.rate)) \(Quantity.spread(figure.rate)); ")
      + .verdict(figure.rate)
  }

  /// Each figure's share of its roof: prefill of the arithmetic units, decode of the memory.
  static func shares(_ model: ModelResult) -> BarChart? {
    let bars = model.figures.compactMap { figure -> BarChart.Bar? in
      let share = figure.work == .prefill ? figure.mfu : figure.mbu ?? figure.mfu
      guard let share else { return nil }
      let (rate, most) = (Quantity.number(figure.rate.value), Quantity.number(figure.rate.value / share.value))
      return BarChart.Bar(
        name: .shortWork(figure), value: share.value, label: Phrase("\(rate) of \(most)", "\(rate) / \(most)"),
        style: figure.work == .prefill ? "s8" : "bf16", isValid: share.validity == .valid, tip: tip(figure))
    }
    return .shares(
      title: Phrase("Tokens a second beside the roof", "吞吐量占理论上限的比例"),
      about: Phrase(
        "\(model.facts.label): each figure's share of what its roof allows.", "\(model.facts.label) 各项吞吐量占其上限的比例。"),
      bars: bars)
  }

  /// Joules a token by readings of one class.
  package static func energy(_ model: ModelResult, _ energyClass: EnergyClass) -> BarChart? {
    let bars = model.figures.compactMap { figure -> BarChart.Bar? in
      guard let energy = figure.energy.first(where: { $0.use.energyClass == energyClass }) else { return nil }
      let value = Quantity.text(energy.perToken)
      return BarChart.Bar(
        name: .shortWork(figure), value: energy.perToken.value, interval: energy.perToken.ci95, label: .same(value),
        style: figure.work == .prefill ? "s8" : "bf16", isValid: energy.perToken.validity == .valid,
        tip: .shortWork(figure) + .same(": \(value); ") + .verdict(energy.perToken))
    }
    return BarChart(
      title: Phrase("Energy a token, class \(energyClass.rawValue)", "每 token 能耗（\(energyClass.rawValue) 类）"),
      about: Phrase("\(model.facts.label): joules a token.", "\(model.facts.label) 每 token 的焦耳数。"), bars: bars,
      tickLabel: { Quantity.text($0, "J") })
  }
}
