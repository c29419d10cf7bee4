// Horizontal bars beside each other's names, over an axis from zero: shares of a roof, joules a token. Bars of invalid
// figures are hollow.

package struct BarChart: Chart {
  package struct Bar {
    var name: Phrase
    package var value: Double
    /// Ends of the interval; empty draws none.
    var interval: [Double] = []
    var label: Phrase
    var style: String
    var isValid: Bool
    var tip: Phrase
  }

  package let title: Phrase
  let about: Phrase
  package let bars: [Bar]
  /// What is at the axis' ends: nil, what the bars need.
  private let fixed: (upper: Double, ticks: [Double])?
  /// The value of the heavy line; nil for none.
  private let limit: Double?
  private let tickLabel: (Double) -> String

  private static let row = 20.0
  private static let right = 12.0

  /// nil where no bar can be drawn.
  init?(
    title: Phrase, about: Phrase, bars: [Bar], fixed: (upper: Double, ticks: [Double])? = nil, limit: Double? = nil,
    tickLabel: @escaping (Double) -> String
  ) {
    self.title = title
    self.about = about
    self.bars = bars.filter { PlotScale.isDrawable($0.value) && $0.value >= 0 }
    self.fixed = fixed
    self.limit = limit
    self.tickLabel = tickLabel
    guard self.bars.contains(where: { $0.value > 0 }) else { return nil }
  }

  /// Shares of a roof: the roof is the heavy line; what is above 1.1 is drawn to 1.1.
  static func shares(title: Phrase, about: Phrase, bars: [Bar]) -> BarChart? {
    BarChart(
      title: title, about: about, bars: bars, fixed: (1.1, [0, 0.25, 0.5, 0.75, 1]), limit: 1,
      tickLabel: { "\(Int($0 * 100)) %" })
  }

  package func svg(_ size: ChartSize, _ language: ReportLanguage) -> SVG {
    let height = Double(bars.count) * Self.row + 30
    var svg = SVG(width: size.width, height: height, title: title, about: about, language: language)
    let names = (bars.map { SVG.textWidth($0.name[language]) }.max() ?? 0) + 12
    guard
      let scale = fixed.map({
        BarScale(upper: $0.upper, ticks: $0.ticks, start: names, end: size.width - Self.right)
      }) ?? BarScale(holding: bars, start: names, end: size.width - Self.right)
    else { return svg }
    for tick in scale.ticks {
      svg.line(scale.place(tick), 4, scale.place(tick), height - 24, tick == limit ? "limit" : "grid")
      let text = tick == 0 && limit == nil ? "0" : tickLabel(tick)
      let middle = min(scale.place(tick), size.width - 2 - SVG.textWidth(text) / 2)
      svg.text(middle, height - 8, text, anchor: .middle, "t axis")
    }
    for (i, bar) in bars.enumerated() { draw(bar, y: Double(i) * Self.row + 6, &svg, scale, names) }
    return svg
  }

  private func draw(_ bar: Bar, y: Double, _ svg: inout SVG, _ scale: BarScale, _ names: Double) {
    svg.text(names - 6, y + 11, bar.name, anchor: .end)
    let end = scale.place(bar.value)
    svg.rectangle(
      names, y, end - names, Self.row - 6, "bar \(bar.style)" + (bar.isValid ? "" : " hollow"), tip: bar.tip)
    var tail = end
    if bar.interval.count == 2 {
      let (low, high) = (scale.place(bar.interval[0]), scale.place(bar.interval[1]))
      if high - low > 4 {
        svg.line(low, y + 7, high, y + 7, "whisker neutral")
        tail = max(end, high)
      }
    }
    // Inside a bar that has room for it, behind one that has not.
    let room = SVG.textWidth(bar.label[svg.language]) + 10
    if end - names > room, tail + room > svg.width - Self.right || bar.interval.isEmpty {
      svg.text(end - 5, y + 11, bar.label, anchor: .end, bar.isValid ? "t in" : "t")
    } else {
      svg.text(tail + 4, y + 11, bar.label, "t halo")
    }
  }
}

/// The axis of a bar chart.
private struct BarScale {
  let upper: Double
  let ticks: [Double]
  let start: Double
  let end: Double

  init(upper: Double, ticks: [Double], start: Double, end: Double) {
    (self.upper, self.ticks, self.start, self.end) = (upper, ticks, start, end)
  }

  /// With room for the label of the longest bar.
  init?(holding bars: [BarChart.Bar], start: Double, end: Double) {
    let values = bars.flatMap { [$0.value] + $0.interval }.map { $0 * 1.2 }
    guard let scale = PlotScale(.linear, holding: values, from: start, to: end, mostTicks: 4, isTight: true) else {
      return nil
    }
    self.init(upper: scale.upper, ticks: scale.ticks, start: start, end: end)
  }

  func place(_ value: Double) -> Double {
    guard value.isFinite else { return start }
    return start + min(max(value / upper, 0), 1) * (end - start)
  }
}
