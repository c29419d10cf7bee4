// Lines with marked points over two axes, with roofs as dashed lines, levels across, and a band: what latency, token and
// memory charts are made of. Points of invalid figures are hollow; what cannot be drawn is left out.

package struct LinePlot: Chart {
  package struct Point: Equatable {
    package var x: Double
    package var y: Double
    /// Ends of the interval; nil draws none.
    var low: Double?
    var high: Double?
    package var isValid: Bool
    var tip: Phrase

    init(_ x: Double, _ y: Double, interval: [Double] = [], isValid: Bool = true, tip: Phrase) {
      self.x = x
      self.y = y
      (low, high) = interval.count == 2 ? (interval[0], interval[1]) : (nil, nil)
      self.isValid = isValid
      self.tip = tip
    }
  }

  package struct Series {
    var name: Phrase
    var style: String
    var mark: SVG.Mark
    package var points: [Point]
    /// A dashed line without marks.
    package var isRoof = false
  }

  /// A value that everything is held against.
  struct Level {
    var y: Double
    var name: Phrase
    var style: String
  }

  /// A stretch of the lower axis.
  struct Band {
    var from: Double
    var to: Double
    var name: Phrase
  }

  struct Axis {
    var kind: PlotScale.Kind
    var title: Phrase
    /// Where it is marked, and what it must hold beside the points.
    var ticks: [Double]?
    var label: (Double) -> String
  }

  package let title: Phrase
  let about: Phrase
  let x: Axis
  let y: Axis
  package let series: [Series]
  var levels: [Level] = []
  var band: Band?

  /// nil where no point can be drawn.
  init?(
    title: Phrase, about: Phrase, x: Axis, y: Axis, series: [Series], levels: [Level] = [], band: Band? = nil
  ) {
    let fits = { (value: Double, axis: Axis) in
      PlotScale.isDrawable(value) && (axis.kind == .linear ? value >= 0 : value > 0)
    }
    self.title = title
    self.about = about
    self.x = x
    self.y = y
    self.series = series.map { series in
      var series = series
      series.points = series.points.filter { fits($0.x, x) && fits($0.y, y) }
      return series
    }.filter { !$0.points.isEmpty }
    self.levels = levels.filter { fits($0.y, y) }
    self.band = band.flatMap { fits($0.from, x) && fits($0.to, x) ? $0 : nil }
    guard self.series.contains(where: { !$0.isRoof }) else { return nil }
  }

  package func svg(_ size: ChartSize, _ language: ReportLanguage) -> SVG {
    var svg = SVG(width: size.width, height: size.height, title: title, about: about, language: language)
    let frame = PlotFrame(size, language, legend: legend)
    let points = series.flatMap(\.points)
    let xs = points.map(\.x) + (band.map { [$0.from, $0.to] } ?? []) + (x.ticks ?? [])
    let ys = points.map(\.y) + levels.map(\.y)
    guard let xScale = PlotScale(x.kind, holding: xs, from: frame.xStart, to: frame.xEnd),
      let yScale = PlotScale(y.kind, holding: ys, from: frame.yStart, to: frame.yEnd)
    else { return svg }
    if let band {
      let from = xScale.place(band.from), to = xScale.place(band.to)
      svg.rectangle(from, frame.yEnd, max(to - from, 2), frame.yStart - frame.yEnd, "band", tip: band.name)
    }
    frame.draw(
      &svg, x: .init(scale: xScale, title: x.title, ticks: x.ticks, label: x.label),
      y: .init(scale: yScale, title: y.title, ticks: y.ticks, label: y.label))
    for level in levels {
      let place = yScale.place(level.y)
      svg.line(frame.xStart, place, frame.xEnd, place, "line dashed \(level.style)")
      svg.text(frame.xStart + 4, place - 4, level.name, "t halo")
    }
    if let band { label(band, &svg, frame, xScale) }
    for series in series { draw(series, &svg, xScale, yScale) }
    return svg
  }

  /// Above the plot, behind the axis' name.
  private func label(_ band: Band, _ svg: inout SVG, _ frame: PlotFrame, _ xScale: PlotScale) {
    let half = SVG.textWidth(band.name[svg.language]) / 2
    let least = SVG.textWidth(y.title[svg.language]) + half + 16
    let middle = (xScale.place(band.from) + xScale.place(band.to)) / 2
    svg.text(min(max(middle, least), frame.xEnd - half), frame.yEnd - 6, band.name, anchor: .middle)
  }

  private func draw(_ series: Series, _ svg: inout SVG, _ x: PlotScale, _ y: PlotScale) {
    let places = series.points.map { (x.place($0.x), y.place($0.y)) }
    svg.polyline(places, series.isRoof ? "line dashed \(series.style)" : "line \(series.style)")
    guard !series.isRoof else { return }
    for (point, place) in zip(series.points, places) {
      if let low = point.low, let high = point.high, low.isFinite, high.isFinite {
        let (a, b) = (y.place(low), y.place(high))
        if abs(a - b) > 9 { svg.line(place.0, a, place.0, b, "whisker \(series.style)") }
      }
      svg.mark(
        series.mark, place.0, place.1, "point \(series.style)" + (point.isValid ? "" : " hollow"), tip: point.tip)
    }
  }

  private var legend: [LegendEntry] {
    let named = series.filter { !$0.isRoof }.map {
      LegendEntry(name: $0.name, style: $0.style, mark: $0.mark, line: "line")
    }
    let roof = series.first(where: \.isRoof).map {
      [LegendEntry(name: $0.name, style: "neutral", mark: nil, line: "line dashed")]
    }
    let hollow = series.contains { series in !series.isRoof && series.points.contains { !$0.isValid } }
    return named + (roof ?? [])
      + (hollow ? [LegendEntry(name: hollowName, style: "neutral hollow", mark: .circle)] : [])
  }

  /// What a hollow point says.
  var hollowName = Phrase("hollow: not a valid figure", "空心：非有效数据")
}
