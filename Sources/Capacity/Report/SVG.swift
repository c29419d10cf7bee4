// A small writer of SVG elements: escaping, numbers, closing. Knows no chart.
import Foundation

struct SVG {
  private(set) var body = ""
  let width: Double
  let height: Double
  /// Read out by screen readers in place of the picture.
  let title: String

  init(width: Double, height: Double, title: String) {
    self.width = width
    self.height = height
    self.title = title
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    body += "<line x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\" class=\"\(escaped(style))\"/>"
  }

  mutating func rectangle(_ x: Double, _ y: Double, _ w: Double, _ h: Double, _ style: String, tip: String? = nil) {
    body += "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(w, 0)))\" height=\"\(n(h))\" class=\"\(escaped(style))\""
    close("rect", tip)
  }

  mutating func circle(_ x: Double, _ y: Double, _ r: Double, _ style: String, tip: String? = nil) {
    body += "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(r))\" class=\"\(escaped(style))\""
    close("circle", tip)
  }

  mutating func polyline(_ points: [(Double, Double)], _ style: String, tip: String? = nil) {
    let list = points.map { "\(n($0.0)),\(n($0.1))" }.joined(separator: " ")
    body += "<polyline points=\"\(list)\" class=\"\(escaped(style))\""
    close("polyline", tip)
  }

  enum Anchor: String { case start, middle, end }

  mutating func text(_ x: Double, _ y: Double, _ string: String, anchor: Anchor = .start, _ style: String = "t") {
    body +=
      "<text x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor.rawValue)\" class=\"\(escaped(style))\">"
      + "\(escaped(string))</text>"
  }

  private mutating func close(_ name: String, _ tip: String?) {
    body += tip.map { "><title>\(escaped($0))</title></\(name)>" } ?? "/>"
  }

  /// The whole picture; `style` is its class in the page.
  func document(class style: String = "") -> String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" "
      + "class=\"\(escaped(style))\"><title>\(escaped(title))</title>\(body)</svg>"
  }

  private func n(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let text = String(format: "%.1f", value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// Text for element content and attribute values. Characters that XML forbids become U+FFFD.
func escaped(_ text: String) -> String {
  var out = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": out += "&amp;"
    case "<": out += "&lt;"
    case ">": out += "&gt;"
    case "\"": out += "&quot;"
    case "'": out += "&#39;"
    case "\t", "\n", "\r": out.unicodeScalars.append(scalar)
    case "\u{0}"..<" ", "\u{fffe}", "\u{ffff}": out += "\u{fffd}"
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out
}
