// The roofline: rate over arithmetic intensity, both logarithmic, with the node's roofs as lines and every kernel as a
// point. Drawn for a given size; words are in the page around it.
import Foundation

struct RooflinePlot {
  private let report: CapacityReport
  private let width: Double
  private let height: Double
  private let left = 52.0
  private let right = 20.0
  private let top = 12.0
  private let bottom = 40.0
  private let xRange: ClosedRange<Double>  // of log10
  private let yRange: ClosedRange<Double>

  /// nil where there is nothing to draw: no bandwidth or no peak was measured.
  init?(_ report: CapacityReport, width: Double, height: Double) {
    let peaks = Precision.allCases.compactMap { report.roofs.peak($0)?.value }.filter { $0 > 0 }
    guard let read = report.roofs.read?.value, read > 0, let highest = peaks.max() else { return nil }
    self.report = report
    self.width = width
    self.height = height
    let xs = report.kernels.map(\.intensity).filter { $0 > 0 }
    let ys = report.kernels.map(\.rate.value).filter { $0 > 0 }
    // All points, the knee of the highest roof, and room for the roofs' names behind them.
    let low = min(xs.min() ?? 0.5, 0.5)
    let high = max(xs.max() ?? 1, highest / read) * 8
    xRange = log10(low).rounded(.down)...log10(high).rounded(.up)
    let bottomRate = min(ys.min() ?? highest, low * read)
    yRange = log10(bottomRate).rounded(.down)...(log10(highest) + 0.25)
  }

  private func x(_ intensity: Double) -> Double {
    let share = (log10(intensity) - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound)
    return left + share * (width - left - right)
  }

  private func y(_ rate: Double) -> Double {
    let share = (log10(rate) - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound)
    return height - bottom - min(max(share, 0), 1) * (height - top - bottom)
  }

  func svg() -> SVG {
    var svg = SVG(
      width: width, height: height,
      title: "Roofline: operations per second over operations per byte, with every kernel measured")
    axes(&svg)
    for precision in Precision.allCases.reversed() { roof(&svg, precision) }
    for point in report.kernels { mark(&svg, point) }
    return svg
  }

  private func axes(_ svg: inout SVG) {
    for exponent in stride(from: xRange.lowerBound, through: xRange.upperBound, by: 1) {
      let place = x(pow(10, exponent))
      svg.line(place, top, place, height - bottom, "grid")
      svg.text(place, height - bottom + 16, Self.plain(exponent), anchor: .middle, "t axis")
    }
    for exponent in stride(from: yRange.lowerBound.rounded(.up), through: yRange.upperBound, by: 1) {
      let place = y(pow(10, exponent))
      svg.line(left, place, width - right, place, "grid")
      svg.text(left - 6, place + 4, Quantity.text(pow(10, exponent), "").trimmed, anchor: .end, "t axis")
    }
    svg.text((left + width - right) / 2, height - 6, "operations per byte", anchor: .middle, "t axis")
    svg.text(6, top + 2, "op/s", "t axis")
  }

  private static func plain(_ exponent: Double) -> String {
    exponent < 0 ? String(format: "%g", pow(10, exponent)) : String(format: "%.0f", pow(10, exponent))
  }

  private func roof(_ svg: inout SVG, _ precision: Precision) {
    guard let peak = report.roofs.peak(precision), let read = report.roofs.read, peak.value > 0 else { return }
    let knee = peak.value / read.value
    let start = pow(10, xRange.lowerBound)
    let from = (
      x(max(start, pow(10, yRange.lowerBound) / read.value)), y(max(start * read.value, pow(10, yRange.lowerBound)))
    )
    svg.polyline(
      [from, (x(knee), y(peak.value)), (width - right, y(peak.value))], "roof \(precision.rawValue)",
      tip: "\(Quantity.precision(precision)) roof: \(Quantity.text(peak)); reading \(Quantity.text(read))")
    svg.text(
      width - right - 4, y(peak.value) - 5, "\(Quantity.precision(precision)) \(Quantity.text(peak))", anchor: .end,
      "t \(precision.rawValue)-text")
  }

  private func mark(_ svg: inout SVG, _ point: KernelPoint) {
    guard point.intensity > 0, point.rate.value > 0 else { return }
    let style = "point \(KernelColour.style(point))" + (point.rate.validity == .valid ? "" : " hollow")
    let share = point.share.map { ", \(Quantity.text($0)) of its roof" } ?? ""
    svg.circle(
      x(point.intensity), y(point.rate.value), 3.5, style,
      tip: "\(point.format), m = \(point.m): \(Quantity.text(point.rate))\(share); \(Quantity.verdict(point.rate))")
  }
}

/// Which colour a kernel has: its roof's.
enum KernelColour {
  static func style(_ point: KernelPoint) -> String {
    let tag = point.rate.precision ?? ""
    if tag.hasPrefix("bf16") { return Precision.bf16.rawValue }
    return tag.hasPrefix("f32") ? Precision.f32.rawValue : Precision.s8.rawValue
  }
}

extension String {
  fileprivate var trimmed: String { replacing(" ", with: "").replacing(".00", with: "").replacing(".0", with: "") }
}
