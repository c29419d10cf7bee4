// What all charts with two axes have in common: size, legend, grid, ticks and the axes' names with their units.

/// How large a chart is drawn. Pages show the wide drawing, or, on a phone, the narrow one.
package struct ChartSize: Sendable {
  let width: Double
  let height: Double
  /// Its class in the page.
  let style: String
  /// The class of the figure around it, which bounds how far it is stretched.
  var frame = "whole"

  package static let wide = ChartSize(width: 760, height: 400, style: "wide")
  /// Two of them stand beside each other.
  package static let half = ChartSize(width: 530, height: 310, style: "wide", frame: "half")
  package static let narrow = ChartSize(width: 350, height: 310, style: "narrow")
  /// Three of them.
  package static let bars = ChartSize(width: 350, height: 310, style: "", frame: "bars")
}

/// A picture of a report, drawn in a size and a language.
package protocol Chart {
  var title: Phrase { get }
  func svg(_ size: ChartSize, _ language: ReportLanguage) -> SVG
}

package struct LegendEntry {
  var name: Phrase
  var style: String
  var mark: SVG.Mark?
  /// "" for no line, "line", or "line dashed".
  var line = ""
  /// A field of colour in place of a mark.
  var isArea = false
}

struct PlotFrame {
  struct Axis {
    var scale: PlotScale
    /// With the unit.
    var title: Phrase
    /// Where the axis is marked; nil: at the scale's ticks.
    var ticks: [Double]?
    var label: (Double) -> String
  }

  let size: ChartSize
  let language: ReportLanguage
  let left: Double
  let right = 16.0
  let top: Double
  let bottom = 40.0
  private let legend: [[(x: Double, entry: LegendEntry)]]

  private static let rowHeight = 16.0

  init(_ size: ChartSize, _ language: ReportLanguage, legend: [LegendEntry], left: Double = 50) {
    self.size = size
    self.language = language
    self.left = left
    self.legend = Self.rows(legend, width: size.width, language)
    top = Double(self.legend.count) * Self.rowHeight + 26
  }

  var xStart: Double { left }
  var xEnd: Double { size.width - right }
  var yStart: Double { size.height - bottom }
  var yEnd: Double { top }

  /// Legend entries from left to right, as many rows as they need.
  private static func rows(_ entries: [LegendEntry], width: Double, _ language: ReportLanguage)
    -> [[(x: Double, entry: LegendEntry)]]
  {
    var rows: [[(x: Double, entry: LegendEntry)]] = []
    var x = width
    for entry in entries {
      let room = SVG.textWidth(entry.name[language]) + 40
      if x + room - 14 > width {
        rows.append([])
        x = 4
      }
      rows[rows.count - 1].append((x, entry))
      x += room
    }
    return rows
  }

  func draw(_ svg: inout SVG, x: Axis, y: Axis) {
    drawLegend(&svg)
    for tick in y.ticks ?? y.scale.ticks {
      let place = y.scale.place(tick)
      svg.line(xStart, place, xEnd, place, "grid")
      svg.text(xStart - 6, place + 4, y.label(tick), anchor: .end, "t axis")
    }
    var last = -Double.infinity
    for tick in x.ticks ?? x.scale.ticks {
      let place = x.scale.place(tick)
      let text = x.label(tick)
      svg.line(place, yEnd, place, yStart, "grid")
      // A label that would run into the one before it is left out; none runs out of the picture.
      let width = SVG.textWidth(text)
      let middle = min(place, size.width - 2 - width / 2)
      guard middle - width / 2 > last + 4 else { continue }
      svg.text(middle, yStart + 15, text, anchor: .middle, "t axis")
      last = middle + width / 2
    }
    svg.line(xStart, yStart, xEnd, yStart, "axis")
    svg.text((xStart + xEnd) / 2, size.height - 6, x.title, anchor: .middle, "t axis")
    svg.text(4, top - 10, y.title, "t axis")
  }

  private func drawLegend(_ svg: inout SVG) {
    for (i, row) in legend.enumerated() {
      let y = Double(i) * Self.rowHeight + 10
      for (x, entry) in row {
        if entry.isArea { svg.rectangle(x, y - 5, 20, 10, entry.style) }
        if !entry.line.isEmpty { svg.line(x, y, x + 20, y, "\(entry.line) \(entry.style)") }
        if let mark = entry.mark { svg.mark(mark, x + 10, y, "point \(entry.style)") }
        svg.text(x + 25, y + 4, entry.name)
      }
    }
  }
}
