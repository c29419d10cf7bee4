// Horizontal bars of a share of a roof: one a kernel or one a model's figure. The roof is the chart's right edge.

struct ShareChart {
  struct Bar {
    var name: String
    /// Of the roof, 0 to 1; above 1.1 it is drawn to 1.1.
    var share: Double
    var label: String
    var style: String
    var isValid: Bool
    var tip: String
  }

  let title: String
  let bars: [Bar]
  private static let row = 20.0
  private static let names = 112.0
  private static let width = 344.0
  private static let right = 10.0

  func svg() -> SVG {
    let height = Double(bars.count) * Self.row + 30
    let span = Self.width - Self.names - Self.right
    var svg = SVG(width: Self.width, height: height, title: title)
    let place = { (share: Double) in Self.names + min(max(share, 0), 1.1) / 1.1 * span }
    for tick in [0, 0.25, 0.5, 0.75, 1.0] {
      svg.line(place(tick), 4, place(tick), height - 24, tick == 1 ? "limit" : "grid")
      svg.text(place(tick), height - 8, "\(Int(tick * 100)) %", anchor: .middle, "t axis")
    }
    for (i, bar) in bars.enumerated() {
      let y = Double(i) * Self.row + 6
      svg.text(Self.names - 6, y + 11, bar.name, anchor: .end)
      svg.rectangle(
        Self.names, y, place(bar.share) - Self.names, Self.row - 6, "bar \(bar.style)" + (bar.isValid ? "" : " hollow"),
        tip: bar.tip)
      // Inside a long bar, behind a short one.
      if bar.share > 0.5 {
        svg.text(place(bar.share) - 4, y + 11, bar.label, anchor: .end, bar.isValid ? "t in" : "t")
      } else {
        svg.text(place(bar.share) + 4, y + 11, bar.label)
      }
    }
    return svg
  }
}
