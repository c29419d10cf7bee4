// Power over the run, a line a class of readings, over fields that show what was worked on. Where readings are missing for
// longer than energy survives, the line is broken.

package struct PowerPlot: Chart {
  package struct Line {
    let energyClass: EnergyClass
    /// Unbroken stretches of (seconds of the run, watts).
    package let stretches: [[(Double, Double)]]
  }

  struct Field {
    enum Kind: CaseIterable { case idle, prefill, decode, flex }
    let kind: Kind
    /// Seconds of the run.
    let begin: Double
    let end: Double
    let tip: Phrase
  }

  package let lines: [Line]
  private let fields: [Field]
  private let seconds: Double

  private static let points = 300.0

  /// nil where no class of readings gives power.
  package init?(_ report: CapacityReport) {
    let usable = report.energy.series.filter {
      $0.channel.isCounted && !$0.seconds.isEmpty && $0.isConsistent && $0.seconds.allSatisfy(PlotScale.isDrawable)
    }
    guard let begin = usable.compactMap(\.seconds.first).min(), let end = usable.compactMap(\.seconds.last).max(),
      end > begin
    else { return nil }
    seconds = end - begin
    let width = max(seconds / Self.points, 0.5)
    let classes = Dictionary(grouping: usable, by: \.channel.energyClass)
    lines = classes.keys.sorted().map { energyClass in
      let traces = classes[energyClass, default: []].map(PowerTrace.init)
      return Line(energyClass: energyClass, stretches: Self.stretches(traces, begin...end, width))
    }.filter { !$0.stretches.isEmpty }
    fields = Self.fields(report).map {
      Field(kind: $0.kind, begin: $0.begin - begin, end: $0.end - begin, tip: $0.tip)
    }.filter { PlotScale.isDrawable($0.begin) && PlotScale.isDrawable($0.end) && $0.end > $0.begin }
    if lines.isEmpty { return nil }
  }

  /// Mean power over steps of `width`, of all channels of a class together.
  private static func stretches(_ traces: [PowerTrace], _ range: ClosedRange<Double>, _ width: Double)
    -> [[(Double, Double)]]
  {
    var stretches: [[(Double, Double)]] = [[]]
    for i in 0..<max(Int(((range.upperBound - range.lowerBound) / width).rounded(.down)), 1) {
      let from = range.lowerBound + Double(i) * width, to = min(from + width, range.upperBound)
      let windows = traces.map { to > from ? $0.window(from...to) : nil }
      let known = windows.compactMap { $0 }.filter { $0.largestGap <= PowerUse.gapLimit && $0.joules >= 0 }
      let watts = known.reduce(0) { $0 + $1.joules } / (to - from)
      if known.count == traces.count, PlotScale.isDrawable(watts) {
        stretches[stretches.count - 1].append(((from + to) / 2 - range.lowerBound, watts))
      } else if stretches.last?.isEmpty == false {
        stretches.append([])
      }
    }
    return stretches.filter { !$0.isEmpty }
  }

  /// From the first to the last span of each figure.
  private static func fields(_ report: CapacityReport) -> [Field] {
    let field = { (kind: Field.Kind, spans: [WorkSpan], name: Phrase) -> Field? in
      guard let first = spans.first, let last = spans.last else { return nil }
      return Field(kind: kind, begin: first.begin, end: last.end, tip: name)
    }
    var all = [field(.idle, [report.energy.idleSpan].compactMap { $0 }, name(.idle))]
    for model in report.models {
      all += model.figures.map {
        field($0.work == .prefill ? .prefill : .decode, $0.spans, .same("\(model.facts.label): ") + .work($0))
      }
    }
    for curve in report.flex {
      all += curve.points.map { field($0.isIdle ? .idle : .flex, $0.spans, $0.isIdle ? name(.idle) : name(.flex)) }
    }
    return all.compactMap { $0 }
  }

  private static func name(_ kind: Field.Kind) -> Phrase {
    switch kind {
    case .idle: Phrase("idle", "空载")
    case .prefill: Phrase("prefill", "预填充")
    case .decode: Phrase("decode", "解码")
    case .flex: Phrase("under caps", "限功率/限频/部分负载")
    }
  }

  private static func style(_ kind: Field.Kind) -> String {
    switch kind {
    case .idle: "field neutral"
    case .prefill: "field s8"
    case .decode: "field bf16"
    case .flex: "field f32"
    }
  }

  package var title: Phrase { Phrase("Power over the run", "运行期间的功率") }

  private var about: Phrase {
    let classes = lines.map(\.energyClass.rawValue).joined(separator: ", ")
    return Phrase(
      "Power in watts over \(Quantity.text(seconds, "s")) by readings of class \(classes).",
      "\(Quantity.text(seconds, "s")) 内的功率（瓦），读数类别 \(classes)。")
  }

  private func look(_ line: Int) -> String { ["neutral", "f64", "f32", "s8"][line % 4] }

  package func svg(_ size: ChartSize, _ language: ReportLanguage) -> SVG {
    var svg = SVG(width: size.width, height: size.height, title: title, about: about, language: language)
    let names = lines.enumerated().map { i, line in
      LegendEntry(
        name: Phrase("class \(line.energyClass.rawValue)", "\(line.energyClass.rawValue) 类"), style: look(i),
        line: "line")
    }
    let kinds = Field.Kind.allCases.filter { kind in fields.contains { $0.kind == kind } }.map {
      LegendEntry(name: Self.name($0), style: Self.style($0), isArea: true)
    }
    let frame = PlotFrame(size, language, legend: names + kinds)
    let watts = lines.flatMap { $0.stretches.flatMap { $0.map(\.1) } }
    guard let x = PlotScale(.linear, holding: [seconds], from: frame.xStart, to: frame.xEnd, isTight: true),
      let y = PlotScale(.linear, holding: watts, from: frame.yStart, to: frame.yEnd)
    else { return svg }
    for field in fields {
      let from = x.place(field.begin)
      svg.rectangle(
        from, frame.yEnd, max(x.place(field.end) - from, 1), frame.yStart - frame.yEnd, Self.style(field.kind),
        tip: field.tip)
    }
    frame.draw(
      &svg, x: .init(scale: x, title: Phrase("time since the start, s", "开始后的时间，s"), label: { Quantity.tick($0) }),
      y: .init(scale: y, title: Phrase("power, W", "功率，W"), label: { Quantity.tick($0) }))
    for (i, line) in lines.enumerated() {
      for stretch in line.stretches {
        svg.polyline(stretch.map { (x.place($0.0), y.place($0.1)) }, "line \(look(i))")
      }
    }
    return svg
  }
}
