// The page's body in one language: its order, head and foot, and what all parts are made of. The parts stand in
// HTMLBody+*.swift.

struct HTMLBody {
  let report: CapacityReport
  let language: ReportLanguage

  init(_ report: CapacityReport, _ language: ReportLanguage) {
    self.report = report
    self.language = language
  }

  func html() -> String {
    [
      head, trust, cards, waterfalls, serving, models, flex, energy, roofline, kernelShares, ladder, roofs, linpack,
      kernels, node, reading,
    ].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  // MARK: Elements

  func say(_ phrase: Phrase) -> String { escaped(phrase[language]) }

  func paragraph(_ phrase: Phrase, _ style: String = "") -> String {
    "<p\(style.isEmpty ? "" : " class=\"\(style)\"")>\(say(phrase))</p>"
  }

  func list(_ phrases: [Phrase], _ style: String = "") -> String {
    guard !phrases.isEmpty else { return "" }
    return "<ul\(style.isEmpty ? "" : " class=\"\(style)\"")>" + phrases.map { "<li>\(say($0))</li>" }.joined()
      + "</ul>"
  }

  /// Empty where it has no body.
  func section(_ heading: Phrase, _ parts: String...) -> String {
    let body = parts.filter { !$0.isEmpty }.joined(separator: "\n")
    return body.isEmpty ? "" : "<section><h2>\(say(heading))</h2>\n\(body)\n</section>"
  }

  /// The chart in its wide and its narrow drawing; empty without one.
  func figure(_ chart: (any Chart)?, _ wide: ChartSize = .wide, caption: Phrase? = nil) -> String {
    guard let chart else { return "" }
    // What is as narrow as that anyway is drawn once.
    let sizes = wide.width > ChartSize.narrow.width ? [wide, .narrow] : [wide]
    let drawings = sizes.map { chart.svg($0, language).document(class: $0.style) }
    let name = "<figcaption>\(say(caption ?? chart.title))</figcaption>"
    return "<figure class=\"\(wide.frame)\">\(name)\(drawings.joined())</figure>"
  }

  /// Charts beside each other where there is room.
  func grid(_ figures: [String]) -> String {
    let figures = figures.filter { !$0.isEmpty }
    return figures.isEmpty ? "" : "<div class=\"grid\">\(figures.joined(separator: "\n"))</div>"
  }

  // MARK: Head

  private var head: String {
    "<header><h1>\(say(.title))</h1>" + paragraph(.lead(report.node), "lead") + paragraph(.when(report), "soft")
      + "</header>"
  }

  private var trust: String {
    let summary = TrustSummary(report)
    let skipped =
      report.notMeasured.map(Phrase.told)
      + report.models.flatMap { model in model.notMeasured.map { .same("\(model.facts.label): ") + .told($0) } }
      + (EnergyFacts(report).whyNot.map { _ in [Phrase.energy] } ?? [])
    let groups: [(Phrase, [Phrase])] = [
      (.trusted, summary.trusted),
      (.notTrusted, summary.notTrusted + (report.window.map { [.window($0)] } ?? [])), (.notMeasured, skipped),
    ]
    let body = groups.filter { !$0.1.isEmpty }.map { "<div><h3>\(say($0.0))</h3>\(list($0.1))</div>" }
    let partial = report.isComplete ? "" : "<p><strong>\(say(.partial))</strong></p>"
    return "<section class=\"verdict \(summary.state)\"><h2>\(say(.trust))</h2>\(partial)"
      + "<p><strong>\(say(summary.headline))</strong></p>\(body.joined())</section>"
  }

  // MARK: Cards

  private struct Card {
    var name: Phrase
    var figure: Figure
    var note: Phrase
  }

  private var cards: String {
    var cards = [Precision.s8, .bf16, .f32].compactMap { precision in
      report.roofs.peak(precision).map { Card(name: .roofCard(precision), figure: $0, note: .same(precision.tag)) }
    }
    if let read = report.roofs.read { cards.append(Card(name: .readCard, figure: read, note: .readNote)) }
    for model in report.models { cards += self.cards(model) }
    let body = cards.map { card in
      let mark = card.figure.validity == .valid ? "" : " doubtful"
      return "<div class=\"card\"><div class=\"soft\">\(say(card.name))</div>"
        + "<div class=\"big\">\(escaped(Quantity.text(card.figure)))</div><div class=\"soft\">\(say(card.note))</div>"
        + "<div class=\"mark\(mark)\">\(say(.verdict(card.figure)))</div></div>"
    }
    return cards.isEmpty ? "" : "<section class=\"cards\">\(body.joined())</section>"
  }

  /// The longest prefill and the decode of one sequence, both from an empty cache.
  private func cards(_ model: ModelResult) -> [Card] {
    let label = model.facts.label
    let fresh = model.figures.filter { $0.depth == 0 && !$0.isEndToEnd }
    let best = [fresh.last { $0.work == .prefill }, fresh.last { $0.work == .decode && $0.count == 1 }].compactMap {
      $0
    }
    let goodput = report.serving.first { $0.model == label }.flatMap { result in
      result.goodput.map { Card(name: .goodputCard(label), figure: $0, note: .goodputNote(result)) }
    }
    let rates = best.map { Card(name: .workCard($0, label), figure: $0.rate, note: .workNote($0)) }
    let energy = best.last.flatMap { figure in
      figure.bestEnergy.map {
        Card(name: .energyCard(label), figure: $0.perToken, note: .energyNote(figure, $0.use.energyClass))
      }
    }
    return rates + [goodput, energy].compactMap { $0 }
  }

  // MARK: Foot

  private var node: String {
    let rows = NodeFacts(report.node).rows.map { "<dt>\(say($0.title))</dt><dd>\(say($0.text))</dd>" }
    return section(.node, "<dl>\(rows.joined())</dl>")
  }

  private var reading: String { section(.reading, paragraph(.readingText)) }
}
