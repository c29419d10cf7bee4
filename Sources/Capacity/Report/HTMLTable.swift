// A table of the page. A figure's own columns are the same in all tables: its value with the unit, the interval, how many
// samples, and the precision tag; its share of the roof and its verdict end the row.

struct HTMLTable {
  struct Cell {
    var text: Phrase
    /// The cell's class.
    var style = ""
  }

  let language: ReportLanguage
  var head: [Phrase]
  var rows: [[Cell]] = []

  /// `name` heads the first of a figure's columns.
  static func figureHead(_ name: Phrase = .median) -> [Phrase] { [name, .interval, .samples, .precision] }

  /// `precision` stands for a figure that has no tag itself: joules are of the work's.
  static func cells(_ figure: Figure, precision: String? = nil) -> [Cell] {
    let (interval, tag) = (Quantity.interval(figure), figure.precision ?? precision ?? "")
    return [
      number(Quantity.text(figure)), figure.n > 1 ? number(interval.isEmpty ? "—" : interval) : number("—"),
      number("\(figure.n)"), Cell(text: .same(tag.isEmpty ? "—" : tag), style: "tag"),
    ]
  }

  /// A share of a roof, with its verdict where that is worse than `figure`'s own.
  static func share(_ share: Figure?, of figure: Figure) -> Cell {
    guard let share else { return number("—") }
    let value = Phrase.same(Quantity.text(share))
    let isSame = share.validity == figure.validity && share.reasons == figure.reasons
    guard share.validity != .valid, !isSame else { return Cell(text: value, style: "n") }
    return Cell(text: value + Phrase(" (", "（") + .verdict(share) + Phrase(")", "）"))
  }

  static func verdict(_ figure: Figure) -> Cell { verdict(figure.validity, figure.reasons) }

  static func verdict(_ validity: Validity, _ reasons: [Reason]) -> Cell {
    let style = validity == .valid ? "good" : validity == .inconclusive ? "fair" : "bad"
    return Cell(text: .verdict(validity, reasons), style: "v \(style)")
  }

  static func text(_ phrase: Phrase) -> Cell { Cell(text: phrase, style: phrase.en.count > 24 ? "long" : "") }
  static func text(_ text: String) -> Cell { Self.text(.same(text)) }

  /// Numbers are not broken over lines.
  static func number(_ text: String) -> Cell { Cell(text: .same(text), style: "n") }

  func html() -> String {
    guard !rows.isEmpty else { return "" }
    let heads = head.map { "<th scope=\"col\">\(escaped($0[language]))</th>" }.joined()
    let body = rows.map { row in
      let cells = row.map { cell in
        "<td\(cell.style.isEmpty ? "" : " class=\"\(cell.style)\"")>\(escaped(cell.text[language]))</td>"
      }
      return "<tr>\(cells.joined())</tr>"
    }
    return "<div class=\"scroll\"><table><thead><tr>\(heads)</tr></thead><tbody>\n\(body.joined(separator: "\n"))\n"
      + "</tbody></table></div>"
  }
}
