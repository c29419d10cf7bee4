// A waterfall as bars below each other: what each step leaves is solid, what it takes away is light.

package struct WaterfallChart: Chart {
  private let waterfall: Waterfall
  package let steps: [Waterfall.Step]

  private static let row = 34.0
  private static let right = 12.0

  /// nil for fewer than two steps that can be drawn.
  package init?(_ waterfall: Waterfall) {
    self.waterfall = waterfall
    steps = waterfall.steps.filter { PlotScale.isDrawable($0.value) && $0.value >= 0 }
    guard steps.count > 1, steps.contains(where: { $0.value > 0 }) else { return nil }
  }

  package var title: Phrase { .waterfall(waterfall) }

  private var about: Phrase {
    .list(steps.map { .step($0.name, waterfall.kind) + .same(" \(Quantity.text($0.value, waterfall.unit))") })
  }

  package func svg(_ size: ChartSize, _ language: ReportLanguage) -> SVG {
    let height = Double(steps.count) * Self.row + 40
    var svg = SVG(width: size.width, height: height, title: title, about: about, language: language)
    let names = (steps.map { SVG.textWidth(Phrase.step($0.name, waterfall.kind)[language]) }.max() ?? 0) + 12
    let end = size.width - Self.right
    guard
      let scale = PlotScale(
        .linear, holding: steps.map(\.value), from: names, to: end, mostTicks: size.width > 400 ? 6 : 4, isTight: true)
    else { return svg }
    for tick in scale.ticks {
      svg.line(scale.place(tick), 4, scale.place(tick), height - 36, "grid")
      let middle = min(scale.place(tick), size.width - 2 - SVG.textWidth(Quantity.tick(tick)) / 2)
      svg.text(middle, height - 21, Quantity.tick(tick), anchor: .middle, "t axis")
    }
    svg.text((names + end) / 2, height - 5, .same(waterfall.unit), anchor: .middle, "t axis")
    var before: Waterfall.Step?
    for (i, step) in steps.enumerated() {
      draw(step, after: before, y: Double(i) * Self.row + 6, &svg, scale, names)
      before = step
    }
    return svg
  }

  private func draw(
    _ step: Waterfall.Step, after before: Waterfall.Step?, y: Double, _ svg: inout SVG, _ scale: PlotScale,
    _ names: Double
  ) {
    let style = waterfall.kind == .operations ? "s8" : "f32"
    let bottom = Self.row - 8
    let name = Phrase.step(step.name, waterfall.kind)
    svg.text(names - 6, y + (step.factor == nil ? 17 : 11), name, anchor: .end)
    if let factor = step.factor {
      svg.text(names - 6, y + 24, "× \(Quantity.number(factor))", anchor: .end, "t axis")
    }
    let place = scale.place(step.value)
    if let before, before.value > step.value {
      svg.rectangle(place, y, scale.place(before.value) - place, bottom, "lost \(style)")
    }
    svg.rectangle(
      names, y, place - names, bottom, "bar \(style)" + (step.validity == .valid ? "" : " hollow"),
      tip: name + .same(" \(Quantity.text(step.value, waterfall.unit)); ") + .verdict(step.validity, step.reasons))
    let label = Quantity.text(step.value, waterfall.unit)
    if place - names > SVG.textWidth(label) + 10 {
      svg.text(place - 5, y + 17, label, anchor: .end, step.validity == .valid ? "t in" : "t")
    } else {
      svg.text(place + 5, y + 17, label, "t halo")
    }
  }
}
