// The roofline: rate over arithmetic intensity, both logarithmic, with the node's roofs as lines and every kernel as a
// point.
import Foundation

package struct RooflinePlot: Chart {
  private let report: CapacityReport
  private let read: Double
  private let highest: Double

  /// nil where there is nothing to draw: no bandwidth or no peak was measured.
  package init?(_ report: CapacityReport) {
    let peaks = Precision.allCases.compactMap { report.roofs.peak($0)?.value }
    guard let read = report.roofs.read?.value, read > 0, PlotScale.isDrawable(read),
      let highest = peaks.filter({ $0 > 0 && PlotScale.isDrawable($0) }).max()
    else { return nil }
    self.report = report
    self.read = read
    self.highest = highest
  }

  package var title: Phrase {
    Phrase("Roofline: operations a second over operations a byte", "屋顶线图：运算速率与运算强度")
  }

  private var about: Phrase {
    Phrase(
      "\(report.kernels.count) kernels as points under the roofs of the arithmetic units and of the memory, "
        + "\(Quantity.text(read, "B/s")).",
      "\(report.kernels.count) 个内核以点表示，位于算力上限与内存带宽上限（\(Quantity.text(read, "B/s"))）之下。")
  }

  /// The axes' ends: all points, the knee of the highest roof, and room for the roofs' names behind it.
  package func scales(from xStart: Double, _ xEnd: Double, from yStart: Double, _ yEnd: Double) -> (
    x: PlotScale, y: PlotScale
  )? {
    let points = report.kernels.filter(Self.isDrawable)
    let low = min(points.map(\.intensity).min() ?? 0.5, 0.5)
    // The names take about 110 units.
    let high = max(points.map(\.intensity).max() ?? 1, highest / read) * (xEnd - xStart < 400 ? 80 : 5)
    let least = min(points.map(\.rate.value).min() ?? highest, low * read)
    guard
      let x = PlotScale(.logarithmic, holding: [low, high], from: xStart, to: xEnd, mostTicks: 9),
      let y = PlotScale(.logarithmic, holding: [least, highest * 1.2], from: yStart, to: yEnd, mostTicks: 9)
    else { return nil }
    return (x, y)
  }

  private static func isDrawable(_ point: KernelPoint) -> Bool {
    point.intensity > 0 && point.rate.value > 0 && PlotScale.isDrawable(point.intensity)
      && PlotScale.isDrawable(point.rate.value)
  }

  package func svg(_ size: ChartSize, _ language: ReportLanguage) -> SVG {
    var svg = SVG(width: size.width, height: size.height, title: title, about: about, language: language)
    let frame = PlotFrame(size, language, legend: legend)
    guard let (x, y) = scales(from: frame.xStart, frame.xEnd, from: frame.yStart, frame.yEnd) else { return svg }
    frame.draw(
      &svg,
      x: .init(
        scale: x, title: Phrase("intensity, operations a byte", "运算强度（次运算/字节）"),
        label: { String(format: "%g", $0) }),
      y: .init(
        scale: y, title: Phrase("rate, FLOP/s or OP/s", "运算速率（FLOP/s 或 OP/s）"),
        label: { Quantity.tick($0) }))
    drawMemory(&svg, x, y)
    drawPeaks(&svg, frame, x, y)
    for point in report.kernels where Self.isDrawable(point) { mark(&svg, point, x, y) }
    return svg
  }

  private var slopeName: Phrase {
    Phrase("memory read \(Quantity.text(read, "B/s"))", "内存读带宽 \(Quantity.text(read, "B/s"))")
  }

  /// The slope of the memory, up to the highest roof.
  private func drawMemory(_ svg: inout SVG, _ x: PlotScale, _ y: PlotScale) {
    let from = max(x.lower, y.lower / read), to = highest / read
    guard to > from else { return }
    svg.polyline(
      [(x.place(from), y.place(from * read)), (x.place(to), y.place(highest))], "roof memory", tip: slopeName)
  }

  /// The level roofs, each named above its line or, where two are close, below.
  private func drawPeaks(_ svg: inout SVG, _ frame: PlotFrame, _ x: PlotScale, _ y: PlotScale) {
    var last = -Double.infinity
    for precision in Precision.allCases.reversed() {
      guard let peak = report.roofs.peak(precision), peak.value > 0, PlotScale.isDrawable(peak.value) else { continue }
      let place = y.place(peak.value)
      let name = "\(Quantity.precision(precision)) \(Quantity.text(peak))"
      svg.polyline(
        [(x.place(peak.value / read), place), (frame.xEnd, place)], "roof \(precision.rawValue)", tip: .same(name))
      let above = place - 5 - last > 12
      let line = above ? place - 5 : place + 13
      svg.text(frame.xEnd - 4, line, name, anchor: .end, "t halo \(precision.rawValue)-text")
      last = line
    }
  }

  private func mark(_ svg: inout SVG, _ point: KernelPoint, _ x: PlotScale, _ y: PlotScale) {
    let style = KernelStyle(point)
    let share = point.share.map { share in
      Phrase(", \(Quantity.text(share)) of its roof", "，为上限的 \(Quantity.text(share))")
    }
    svg.mark(
      style.mark, x.place(point.intensity), y.place(point.rate.value),
      "point \(style.name)" + (point.rate.validity == .valid ? "" : " hollow"),
      tip: .same("\(point.format), m = \(point.m): \(Quantity.text(point.rate))") + (share ?? .same(""))
        + Phrase("; ", "；") + .verdict(point.rate))
  }

  private var legend: [LegendEntry] {
    let used = Set(report.kernels.map { KernelStyle($0) })
    let kinds = [Precision.s8, .bf16, .f32].map(KernelStyle.init).filter(used.contains).map {
      LegendEntry(
        name: Phrase("\($0.title) products", "\($0.title) 矩阵乘"), style: $0.name, mark: $0.mark)
    }
    let hollow = report.kernels.contains { $0.rate.validity != .valid }
    return kinds + [LegendEntry(name: slopeName, style: "memory", line: "line")]
      + (hollow
        ? [
          LegendEntry(
            name: Phrase("hollow: not a valid figure", "空心：非有效数据"), style: "neutral hollow", mark: .circle)
        ] : [])
  }
}

/// How a kernel looks: its roof's colour and mark.
struct KernelStyle: Hashable {
  private let precision: Precision

  init(_ precision: Precision) { self.precision = precision }

  init(_ point: KernelPoint) {
    let tag = point.rate.precision ?? ""
    precision = tag.hasPrefix("bf16") ? .bf16 : tag.hasPrefix("f32") ? .f32 : .s8
  }

  var name: String { precision.rawValue }
  var title: String { Quantity.precision(precision) }

  var mark: SVG.Mark {
    switch precision {
    case .s8: .circle
    case .bf16: .square
    case .f32, .f64: .diamond
    }
  }
}
