// A small writer of SVG elements: escaping, numbers, closing. Knows no chart.
import Foundation

package struct SVG {
  private(set) var body = ""
  let width: Double
  let height: Double
  /// What the picture is, and what can be read off it: for screen readers.
  let title: String
  let about: String
  let language: ReportLanguage

  init(width: Double, height: Double, title: Phrase, about: Phrase, language: ReportLanguage) {
    self.width = width
    self.height = height
    self.title = title[language]
    self.about = about[language]
    self.language = language
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    body += "<line x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\" class=\"\(escaped(style))\"/>"
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ w: Double, _ h: Double, _ style: String, tip: Phrase? = nil
  ) {
    body += "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(w, 0)))\" height=\"\(n(max(h, 0)))\" "
    body += "class=\"\(escaped(style))\""
    close("rect", tip)
  }

  enum Mark: CaseIterable { case circle, square, diamond, triangle }

  /// A point of a chart, about 7 units wide.
  mutating func mark(_ mark: Mark, _ x: Double, _ y: Double, _ style: String, tip: Phrase? = nil) {
    switch mark {
    case .circle:
      body += "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"3.6\" class=\"\(escaped(style))\""
      close("circle", tip)
    case .square: rectangle(x - 3.2, y - 3.2, 6.4, 6.4, style, tip: tip)
    case .diamond: polygon([(x, y - 4.4), (x + 4.4, y), (x, y + 4.4), (x - 4.4, y)], style, tip: tip)
    case .triangle: polygon([(x, y - 4.2), (x + 4.2, y + 3.4), (x - 4.2, y + 3.4)], style, tip: tip)
    }
  }

  mutating func polyline(_ points: [(Double, Double)], _ style: String, tip: Phrase? = nil) {
    shape("polyline", points, style, tip)
  }

  mutating func polygon(_ points: [(Double, Double)], _ style: String, tip: Phrase? = nil) {
    shape("polygon", points, style, tip)
  }

  private mutating func shape(_ name: String, _ points: [(Double, Double)], _ style: String, _ tip: Phrase?) {
    guard !points.isEmpty else { return }
    let list = points.map { "\(n($0.0)),\(n($0.1))" }.joined(separator: " ")
    body += "<\(name) points=\"\(list)\" class=\"\(escaped(style))\""
    close(name, tip)
  }

  enum Anchor: String { case start, middle, end }

  mutating func text(_ x: Double, _ y: Double, _ phrase: Phrase, anchor: Anchor = .start, _ style: String = "t") {
    text(x, y, phrase[language], anchor: anchor, style)
  }

  mutating func text(_ x: Double, _ y: Double, _ string: String, anchor: Anchor = .start, _ style: String = "t") {
    body +=
      "<text x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor.rawValue)\" class=\"\(escaped(style))\">"
      + "\(escaped(string))</text>"
  }

  private mutating func close(_ name: String, _ tip: Phrase?) {
    body += tip.map { "><title>\(escaped($0[language]))</title></\(name)>" } ?? "/>"
  }

  /// The whole picture; `style` is its class in the page. The fill of invalid bars is a pattern of the page's own.
  package func document(class style: String = "") -> String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" "
      + "lang=\"\(language.tag)\" class=\"\(escaped(style))\"><title>\(escaped(title))</title>"
      + "<desc>\(escaped(about))</desc>\(body)</svg>"
  }

  private func n(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e6 else { return "0" }
    let text = String(format: "%.1f", value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// How wide a text of the charts' 11 units is, about: for placing one beside another.
  static func textWidth(_ text: String) -> Double {
    text.unicodeScalars.reduce(0) { width, scalar in
      let isWide = scalar == "m" || scalar == "w" || scalar == "M" || scalar == "W"
      return width + (scalar.value > 0x2e80 ? 11 : isWide ? 9.4 : scalar.properties.isUppercase ? 7.4 : 6.1)
    }
  }
}

/// Text for element content and attribute values. Characters that XML forbids become U+FFFD.
package func escaped(_ text: String) -> String {
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
