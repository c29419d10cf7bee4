// The charts: places on axes for known values, what is left out, and that no figure, however odd, makes a picture that
// cannot be drawn.
import Capacity
import Foundation
import Testing

/// The numbers of a drawing's attributes, by element.
struct Drawing {
  let text: String

  init(_ chart: any Chart, _ size: ChartSize = .wide) { text = chart.svg(size, .en).document() }

  /// What stands in `attribute` of elements `name` whose class begins with `style`.
  func values(_ name: String, _ attribute: String, style: String) -> [Double] {
    elements(name, style: style).compactMap { Self.attribute(attribute, of: $0).flatMap(Double.init) }
  }

  func points(_ name: String, style: String) -> [[(x: Double, y: Double)]] {
    elements(name, style: style).map { element in
      (Self.attribute("points", of: element) ?? "").split(separator: " ").map { pair in
        let numbers = pair.split(separator: ",").compactMap { Double($0) }
        return (numbers[0], numbers[1])
      }
    }
  }

  private func elements(_ name: String, style: String) -> [Substring] {
    text.split(separator: "<").filter { $0.hasPrefix("\(name) ") && $0.contains("class=\"\(style)") }
  }

  private static func attribute(_ name: String, of element: Substring) -> String? {
    guard let start = element.firstRange(of: " \(name)=\"") else { return nil }
    return String(element[start.upperBound...].prefix { $0 != "\"" })
  }
}

@Suite struct PlotScaleTests {
  @Test func linearPlaces() throws {
    let scale = try #require(PlotScale(.linear, holding: [3, 80], from: 100, to: 200))
    #expect(scale.ticks == [0, 20, 40, 60, 80])
    #expect([0, 20, 80].map(scale.place) == [100, 125, 200])
    // Beyond the ends and what is no number stay on the paper.
    #expect(scale.place(1e9) == 200 && scale.place(-5) == 100 && scale.place(.nan) == 100)
    let tight = try #require(PlotScale(.linear, holding: [12.5], from: 0, to: 100, isTight: true))
    #expect(tight.upper == 12.5 && tight.ticks == [0, 5, 10] && tight.place(10) == 80)
  }

  @Test func logarithmicPlaces() throws {
    let scale = try #require(PlotScale(.logarithmic, holding: [1, 10_000], from: 300, to: 0))
    #expect(scale.ticks == [1, 10, 100, 1000, 10_000])
    #expect(abs(scale.place(100) - 150) < 1e-9)
    #expect(abs((scale.place(1) - scale.place(10)) - (scale.place(10) - scale.place(100))) < 1e-9)
    #expect(scale.place(0) == 300 && scale.place(-1) == 300)
  }

  @Test func nothingToDrawIsNoScale() {
    for values in [[], [.nan], [.infinity, -.infinity], [-1], [1e308], [.leastNonzeroMagnitude]] as [[Double]] {
      for kind in [PlotScale.Kind.linear, .logarithmic] {
        #expect(PlotScale(kind, holding: values, from: 0, to: 1) == nil, "\(values)")
      }
    }
    #expect(PlotScale(.logarithmic, holding: [0], from: 0, to: 1) == nil)
  }

  @Test func ticksAreRoundFewAndWithin() throws {
    var random = RandomSource(seed: 5)
    for _ in 0..<500 {
      let values = (0..<3).map { _ in pow(10, Double(random.signedUnit()) * 29) }
      for kind in [PlotScale.Kind.linear, .logarithmic] {
        for values in [values, [values[0]], [0, values[0]]] {
          let scale = try #require(PlotScale(kind, holding: values, from: 10, to: 90))
          #expect(!scale.ticks.isEmpty && scale.ticks.count <= 8)
          #expect(zip(scale.ticks, scale.ticks.dropFirst()).allSatisfy { $0 < $1 })
          for tick in scale.ticks {
            #expect(tick >= scale.lower * (1 - 1e-9) && tick <= scale.upper * (1 + 1e-9))
            #expect((10 - 1e-6...90 + 1e-6).contains(scale.place(tick)))
          }
          #expect(values.allSatisfy { $0 <= scale.upper * (1 + 1e-9) })
        }
      }
    }
  }
}

@Suite struct ChartTests {
  @Test func aKernelStandsAtItsIntensityAndRate() throws {
    let report = try sampleReport()
    let plot = try #require(RooflinePlot(report))
    let drawing = Drawing(plot)
    let slope = try #require(drawing.points("polyline", style: "roof memory").first)
    let top = try #require(drawing.points("polyline", style: "roof s8").first)
    let read = try #require(report.roofs.read).value, peak = try #require(report.roofs.peak(.s8)).value
    // A unit of the logarithm, by two points whose intensities are known.
    let marks = drawing.values("circle", "cx", style: "point s8").suffix(2)
    let unit = (marks.last! - marks.first!) / log(800 / 3.5)
    #expect(abs(top[0].x - marks.first! - unit * log(peak / read / 3.5)) < 0.2)
    // The slope meets the highest roof, and rises by one unit of rate a unit of intensity.
    #expect(abs(slope[1].x - top[0].x) < 0.15 && abs(slope[1].y - top[0].y) < 0.15)
    let heights = drawing.values("circle", "cy", style: "point s8").suffix(2)
    let up = (heights.first! - heights.last!) / log(7e11 / 8e10)
    #expect(abs((slope[0].y - slope[1].y) / up - (slope[1].x - slope[0].x) / unit) < 0.02)
    #expect(abs((heights.first! - top[0].y) / up - log(peak / 8e10)) < 0.02)
    // Of the two BF16 products one is invalid.
    #expect(drawing.values("rect", "x", style: "point bf16 hollow").count == 1)
  }

  @Test func tokensHaveALineADepthAndTheirRoofs() throws {
    let report = try FullReport.make()
    let plot = try #require(ModelCharts.decode(report.models[0]))
    let lines = plot.series.filter { !$0.isRoof }
    // By depth: 0, the service's own, 2048.
    #expect(lines.map { $0.points.map(\.x) } == [[1, 4, 16], [4], [4, 16]])
    #expect(lines.map { $0.points.map(\.isValid) } == [[true, true, true], [true], [true, false]])
    let drawing = Drawing(plot)
    let x = try #require(drawing.points("polyline", style: "line s8").first).map(\.x)
    // Batches 1, 4, 16: even steps of a logarithm.
    #expect(abs((x[1] - x[0]) - (x[2] - x[1])) < 0.11)
    let y = try #require(drawing.points("polyline", style: "line s8").first).map(\.y)
    #expect(abs((y[1] - y[2]) / (y[1] - y[0]) - (330 - 200) / (350 - 200.0)) < 0.01)
    #expect(!drawing.points("polyline", style: "line dashed s8").isEmpty)
    let figure = try #require(report.models[0].figures.first { $0.mbu != nil })
    #expect(abs(try #require(ModelCharts.roof(of: figure)) - 400) < 1)
    let prefill = try #require(ModelCharts.prefill(report.models[0]))
    #expect(prefill.series.first?.points.map(\.x) == [0, 2048])
    // One place is no line.
    #expect(ModelCharts.prefill(try sampleReport().models[0]) == nil)
  }

  @Test func latencyHasTheTrialsTheObjectiveAndTheKnee() throws {
    let result = try FullReport.serving.get()
    let plot = try #require(ServingCharts.latency(result))
    let drawing = Drawing(plot)
    let passed = result.knee.trials.count(where: \.passes), failed = result.knee.trials.count - passed
    #expect(passed > 0 && failed > 0)
    #expect(drawing.values("circle", "cx", style: "point s8\"").count == passed + 1)  // the legend's too
    #expect(drawing.values("circle", "cx", style: "point s8 hollow").count == failed)
    #expect(drawing.values("line", "y1", style: "line dashed").count == 2)
    // The knee's band is between the last rate that passed and the first that failed.
    let band = try #require(drawing.values("rect", "x", style: "band").first)
    let points = try #require(drawing.points("polyline", style: "line s8").first)
    let rates = result.knee.trials.map(\.rate).sorted()
    let best = try #require(result.knee.passed)
    let place = try #require(rates.firstIndex(of: best))
    #expect(abs(points[place].x - band) < 0.11)
  }

  @Test func powerIsWhatTheReadingsSayAndBreaksWhereTheyAreMissing() throws {
    var report = try sampleReport()
    let plot = try #require(PowerPlot(report))
    #expect(plot.lines.count == 2)
    for (line, watts) in zip(plot.lines, [200.0, 80]) {
      #expect(line.stretches.count == 1)
      #expect(line.stretches[0].allSatisfy { abs($0.1 - watts) < 1e-6 })
    }
    // Nothing between 20 s and 40 s.
    for i in report.energy.series.indices {
      let watts = try #require(report.energy.series[i].watts?.first)
      for j in 0...20 {
        report.energy.series[i].append(
          seconds: 40 + Double(j) / 2, watts: watts, joules: watts * (40 + Double(j) / 2))
      }
    }
    #expect(PowerPlot(report)?.lines.map(\.stretches.count) == [2, 2])
    report.energy.series = []
    #expect(PowerPlot(report) == nil)
  }

  @Test func aWaterfallsBarsAreAsLongAsItsSteps() throws {
    let waterfall = FullReport.waterfalls[0]
    let drawing = Drawing(try #require(WaterfallChart(waterfall)), .half)
    let widths = drawing.values("rect", "width", style: "bar s8")
    #expect(widths.count == 4)
    for (width, step) in zip(widths, waterfall.steps) { #expect(abs(width / widths[0] - step.value / 1e12) < 0.001) }
    // What a step takes away is what is missing to the one before it.
    let lost = drawing.values("rect", "width", style: "lost")
    for (i, width) in lost.enumerated() { #expect(abs(width - (widths[i] - widths[i + 1])) < 0.2) }
    #expect(
      WaterfallChart(
        Waterfall(kind: .bytes, model: "", work: .decode, count: 1, depth: 0, precision: "", unit: "B/s", perToken: 1))
        == nil)
  }

  @Test func energyBarsAreOfOneClass() throws {
    let model = try sampleReport().models[0]
    let chart = try #require(ModelCharts.energy(model, .b))
    #expect(
      chart.bars.map(\.value)
        == model.figures.compactMap { $0.energy.first { $0.use.energyClass == .b } }.map(\.perToken.value))
    #expect(ModelCharts.energy(model, .a) == nil)
  }

  // MARK: Odd figures

  /// Reports whose figures are few, none of them valid, or of no machine.
  static func oddReports() throws -> [CapacityReport] {
    let full = try FullReport.make()
    var empty = full
    (empty.roofs, empty.kernels, empty.models, empty.linpack) = (Roofs(), [], [], [])
    (empty.nominal, empty.serving, empty.waterfalls, empty.flex, empty.energy) = ([], [], [], [], EnergyReport())
    var single = full
    single.kernels = [full.kernels[0]]
    single.roofs.memory = full.roofs.memory.filter { $0.level == "DRAM" && $0.pass == .read }
    single.roofs.compute = [full.roofs.compute[0]]
    single.models[0].figures = [full.models[0].figures[0]]
    single.serving[0].knee.trials = [full.serving[0].knee.trials[0]]
    single.energy.series = single.energy.series.map { series in
      var one = PowerSeries(series.channel)
      one.append(seconds: 1, watts: 5, joules: nil)
      return one
    }
    return [full, empty, single, changed(full) { $0.mark(.contended) }]
      + ([0, -1, .nan, .infinity, -.infinity, 1e308, .leastNonzeroMagnitude] as [Double]).map { odd in
        changed(full) { $0 = figure($0, odd) }
      }
  }

  private static func figure(_ old: Figure, _ value: Double) -> Figure {
    var figure = old
    (figure.value, figure.ci95, figure.samples) = (value, [value, value], [value])
    return figure
  }

  private static func changed(_ report: CapacityReport, _ change: (inout Figure) -> Void) -> CapacityReport {
    var report = report
    for i in report.roofs.compute.indices { change(&report.roofs.compute[i].figure) }
    for i in report.roofs.memory.indices { change(&report.roofs.memory[i].figure) }
    for i in report.linpack.indices { change(&report.linpack[i].rate) }
    for i in report.kernels.indices {
      change(&report.kernels[i].rate)
      if var share = report.kernels[i].share {
        change(&share)
        report.kernels[i].share = share
      }
    }
    for i in report.models[0].figures.indices {
      change(&report.models[0].figures[i].rate)
      for j in report.models[0].figures[i].energy.indices {
        change(&report.models[0].figures[i].energy[j].perToken)
      }
    }
    let value = report.kernels[0].rate.value
    guard report.kernels[0].rate.validity == .valid else { return report }
    for i in report.kernels.indices { report.kernels[i].intensity = value }
    for i in report.serving[0].knee.trials.indices {
      report.serving[0].knee.trials[i].timeToFirstToken?.p99 = value
      report.serving[0].knee.trials[i].rate = value
    }
    report.serving[0].objective.timeToFirstToken = value
    for i in report.waterfalls.indices {
      for j in report.waterfalls[i].steps.indices { report.waterfalls[i].steps[j].value = value }
    }
    report.energy.series = report.energy.series.map { series in
      var series = series
      series.watts = series.watts.map { $0.map { _ in value } }
      return series
    }
    return report
  }

  @Test func everyCoordinateIsOnThePaper() throws {
    for (i, report) in try Self.oddReports().enumerated() {
      let page = HTMLReport(report).page()
      for picture in page.components(separatedBy: "<svg ").dropFirst() {
        let body = picture.components(separatedBy: "</svg>")[0]
        let view = try #require(body.firstMatch(of: #/viewBox="0 0 ([0-9.]+) ([0-9.]+)"/#))
        let width = try #require(Double(view.1)), height = try #require(Double(view.2))
        #expect(width > 0 && height > 0)
        for match in body.matches(of: #/ (x|x1|x2|cx|y|y1|y2|cy|width|height)="([^"]*)"/#) {
          let value = try #require(Double(match.2), "report \(i): \(match.0)")
          let most = "xcw".contains(match.1.first!) && match.1 != "cy" ? width : height
          #expect(value.isFinite && value >= 0 && value <= most, "report \(i): \(match.0)")
        }
        for match in body.matches(of: #/points="([^"]*)"/#) {
          for number in match.1.split(whereSeparator: { $0 == " " || $0 == "," }) {
            let value = try #require(Double(number), "report \(i): \(match.0)")
            #expect(value.isFinite && value >= 0 && value <= max(width, height), "report \(i): \(match.0)")
          }
        }
      }
    }
  }
}
