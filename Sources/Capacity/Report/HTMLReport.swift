// The report as one page that needs nothing else: text, tables and pictures in line, light and dark, narrow and wide,
// on paper too. The pictures are drawn by RooflinePlot and ShareChart.
import Foundation

public struct HTMLReport {
  private let report: CapacityReport

  public init(_ report: CapacityReport) { self.report = report }

  public func page() -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8"/>
    <meta name="viewport" content="width=device-width, initial-scale=1"/>
    <title>Gobi capacity report: \(escaped(report.node.processor.model))</title>
    <style>\(HTMLStyle.sheet)</style>
    </head>
    <body>
    <main>
    \(head())
    \(verdicts())
    \(headline())
    \(models())
    \(flex())
    \(energy())
    \(roofline())
    \(shares())
    \(roofs())
    \(linpack())
    \(kernels())
    \(node())
    \(reading())
    </main>
    </body>
    </html>

    """
  }

  // MARK: Parts

  private func head() -> String {
    let t = report.node.topology
    return """
      <header>
      <h1>What this node delivers</h1>
      <p class="lead">\(escaped(report.node.processor.model)), \(t.cores) core\(t.cores == 1 ? "" : "s"), \
      \(Quantity.bytes(report.node.memory.bytes)) of memory</p>
      <p class="soft">Measured \(escaped(report.started)) in \(Quantity.number(report.seconds)) s, level \
      \(report.level.rawValue), by Gobi \(escaped(report.node.build.version)), kernels for \
      \(escaped(report.node.build.isa)), \(report.node.build.threads) thread(s).</p>
      </header>
      """
  }

  private func verdicts() -> String {
    let lines = Verdicts(report).sentences
    var body = lines.map { "<li>\(escaped($0))</li>" }.joined()
    if !report.isComplete { body = "<li><strong>This report is partial: the run was cancelled.</strong></li>" + body }
    body += report.notMeasured.map { "<li>Not measured: \(escaped($0.what)): \(escaped($0.why)).</li>" }.joined()
    let state = !report.failures.isEmpty ? "bad" : report.figures.allSatisfy { $0.validity == .valid } ? "good" : "fair"
    return "<section class=\"verdict \(state)\"><h2>Can these figures be trusted?</h2><ul>\(body)</ul></section>"
  }

  private func headline() -> String {
    var cards: [(String, String, String)] = []
    for precision in [Precision.s8, .bf16, .f32] {
      guard let peak = report.roofs.peak(precision) else { continue }
      cards.append((Quantity.precision(precision) + " roof", Quantity.text(peak), precision.tag))
    }
    if let read = report.roofs.read { cards.append(("Memory read", Quantity.text(read), "all threads, DRAM")) }
    for model in report.models {
      for work in [ModelFigure.Work.prefill, .decode] {
        guard
          let best = model.figures.filter({ $0.work == work && $0.depth == 0 }).last(where: {
            work == .prefill || $0.count == 1
          })
        else { continue }
        cards.append(("\(work.rawValue.capitalized), \(model.facts.label)", Quantity.text(best.rate), described(best)))
      }
    }
    let body = cards.map {
      "<div class=\"card\"><div class=\"soft\">\(escaped($0.0))</div><div class=\"big\">\(escaped($0.1))</div>"
        + "<div class=\"soft\">\(escaped($0.2))</div></div>"
    }
    return cards.isEmpty ? "" : "<section class=\"cards\">\(body.joined())</section>"
  }

  private func described(_ figure: ModelFigure) -> String {
    let share = (figure.work == .decode ? figure.mbu : nil) ?? figure.mfu
    let name = figure.work == .decode && figure.mbu != nil ? "MBU" : "MFU"
    let count = figure.work == .prefill ? "\(figure.count) tokens" : "batch \(figure.count)"
    return share.map { "\(count), \(name) \(Quantity.text($0))" } ?? count
  }

  private func roofline() -> String {
    guard let wide = RooflinePlot(report, width: 760, height: 420),
      let narrow = RooflinePlot(report, width: 350, height: 340)
    else { return "" }
    let legend = [Precision.s8, .bf16, .f32].filter { report.roofs.peak($0) != nil }.map {
      "<span class=\"key\"><span class=\"swatch \($0.rawValue)\"></span>\(Quantity.precision($0))</span>"
    }
    return """
      <section><h2>Roofline</h2>
      <p>Each point is a kernel: a weight format at a number of rows m, on the matrix products of one
      \(escaped(report.kernels.first?.model ?? "model")) layer. The lines are what the node can do at most. Hollow
      points are not valid figures.</p>
      <p>\(legend.joined(separator: " "))</p>
      \(wide.svg().document(class: "wide"))\(narrow.svg().document(class: "narrow"))
      </section>
      """
  }

  private func shares() -> String {
    var rows: [Int] = []
    for point in report.kernels where !rows.contains(point.m) { rows.append(point.m) }
    let charts = rows.map { m -> String in
      let bars = report.kernels.filter { $0.m == m && $0.share != nil }.map { point in
        let share = point.share ?? point.rate
        return ShareChart.Bar(
          name: point.format, share: share.value, label: Quantity.text(share), style: KernelColour.style(point),
          isValid: share.validity == .valid,
          tip: "\(Quantity.text(point.rate)), bound by \(point.boundBy ?? "nothing known"); \(Quantity.verdict(share))")
      }
      let chart = ShareChart(title: "Share of the roof of each format at m = \(m)", bars: bars)
      let words = m == 1 ? "one sequence decodes" : "\(m) tokens or sequences at once"
      return bars.isEmpty
        ? "" : "<figure><figcaption>m = \(m): \(words)</figcaption>\(chart.svg().document())</figure>"
    }
    guard charts.contains(where: { !$0.isEmpty }) else { return "" }
    return """
      <section><h2>Each kernel's share of its roof</h2>
      <p>The roof is the lower of the arithmetic units' and the memory's, by the bytes that the product must move.</p>
      <div class="grid">\(charts.joined())</div></section>
      """
  }

  private func models() -> String {
    report.models.map { model in
      let bars = model.figures.compactMap { figure -> ShareChart.Bar? in
        let share = figure.work == .prefill ? figure.mfu : figure.mbu ?? figure.mfu
        guard let share, share.value > 0 else { return nil }
        let name = (figure.work == .prefill ? "prefill \(figure.count)" : "batch \(figure.count)")
        return ShareChart.Bar(
          name: name + (figure.depth > 0 ? " @\(figure.depth)" : ""), share: share.value,
          label: "\(Quantity.number(figure.rate.value)) of \(Quantity.number(figure.rate.value / share.value))",
          style: figure.work == .prefill ? "s8" : "bf16", isValid: share.validity == .valid,
          tip: "\(Quantity.text(figure.rate)) \(Quantity.spread(figure.rate)); \(Quantity.verdict(share))")
      }
      let rows = model.figures.map { figure in
        [
          figure.work == .prefill ? "prefill \(figure.count)" : "decode, batch \(figure.count)", "\(figure.depth)",
          Quantity.number(figure.rate.value), Quantity.spread(figure.rate),
          figure.mfu.map(Quantity.text) ?? "", figure.mbu.map(Quantity.text) ?? "", EnergyFacts.cell(figure),
          Quantity.verdict(figure.rate),
        ]
      }
      let chart = ShareChart(title: "Tokens a second beside the roof: \(model.facts.label)", bars: bars)
      let notes = model.notMeasured.map { "<p class=\"soft\">Not measured: \(escaped($0)).</p>" }.joined()
      return """
        <section><h2>\(escaped(model.facts.label))</h2>
        <p>\(escaped(numerics(model)))</p>
        <figure class="beside"><figcaption>Tokens a second, of what the roof allows: prefill by the arithmetic units,
        decode by the memory</figcaption>\(chart.svg().document())</figure>
        \(table(["Work", "Depth", "token/s", "Spread", "MFU", "MBU", "Energy", "Verdict"], rows))
        \(notes)</section>
        """
    }.joined()
  }

  private func numerics(_ model: ModelResult) -> String {
    let facts = model.facts
    var text =
      "\(facts.architecture), \(facts.layers) layers, \(Quantity.text(Double(facts.activeParameters), "")) active "
      + "parameters, \(facts.precisionTag)" + (facts.isGenerated ? ", generated weights. " : ". ")
    guard let quality = model.quality else { return text + "Its numerics were not checked." }
    text +=
      "Against exact arithmetic over \(quality.tokens) tokens: KL divergence "
      + "\(TextReport.small(quality.meanDivergence)), the best token agrees in \(Quantity.number(quality.agreement * 100)) %. "
    return text + (quality.passes ? "The check passes." : "The check FAILS: the figures below do not count.")
  }

  private func flex() -> String {
    report.flex.map { curve in
      "<section><h2>Decode by \(escaped(curve.title))</h2><p>\(escaped(curve.model)), in random order.</p>"
        + table(EnergyFacts.flexHead, EnergyFacts.rows(curve)) + "</section>"
    }.joined()
  }

  private func energy() -> String {
    let facts = EnergyFacts(report)
    if let why = facts.whyNot {
      return "<section><h2>Energy</h2><p>Not measured: \(escaped(why)).</p></section>"
    }
    let tables = report.models.filter { model in model.figures.contains { !$0.energy.isEmpty } }.map { model in
      "<h3>\(escaped(model.facts.label))</h3>" + table(EnergyFacts.head, EnergyFacts.rows(model))
        + EnergyFacts.requests(model).map { "<p>For \(escaped($0)).</p>" }.joined()
    }
    let coverage = facts.coverage.map { "<p>Readings of \(escaped($0)).</p>" }.joined()
    let rest = (facts.site + facts.rest).map { "<li>\(escaped($0))</li>" }.joined()
    return "<section><h2>Energy</h2>\(coverage)\(tables.joined())"
      + (rest.isEmpty ? "" : "<ul class=\"soft\">\(rest)</ul>") + "</section>"
  }

  private func roofs() -> String {
    var rows = report.roofs.compute.map {
      [
        "\(Quantity.precision($0.precision)) multiply-add", $0.precision.tag, "\($0.threads)", Quantity.text($0.figure),
        Quantity.spread($0.figure), "\($0.figure.n)", Quantity.verdict($0.figure),
      ]
    }
    rows += report.roofs.memory.map {
      [
        "\($0.level) \($0.pass.rawValue)", Quantity.bytes($0.bytes), "\($0.threads)", Quantity.text($0.figure),
        Quantity.spread($0.figure), "\($0.figure.n)", Quantity.verdict($0.figure),
      ]
    }
    let head = ["Roof", "Precision or bytes", "Threads", "Median", "Spread", "n", "Verdict"]
    return rows.isEmpty ? "" : "<section><h2>Roofs</h2>\(table(head, rows))\(nominal())</section>"
  }

  private func nominal() -> String {
    let rows = report.nominal.map {
      [
        $0.precision.map(Quantity.precision) ?? "Memory", Quantity.text($0.nominal, $0.unit), $0.source,
        $0.share.map(Quantity.text) ?? "not measured", $0.share.map(Quantity.verdict) ?? "",
      ]
    }
    return rows.isEmpty ? "" : table(["Nominal", "Stated", "Source", "Reached by the roof", "Verdict"], rows)
  }

  private func linpack() -> String {
    let rows = report.linpack.map {
      [
        $0.kind == .f64 ? "FP64" : "FP32 factors, refined to FP64", "\($0.n)", Quantity.text($0.rate),
        Quantity.spread($0.rate), $0.share.map(Quantity.text) ?? "", TextReport.small($0.residual),
        Quantity.verdict($0.rate),
      ]
    }
    let head = ["Kind", "n", "Rate", "Spread", "Of the FP64 roof", "Residual (≤ 16)", "Verdict"]
    return rows.isEmpty ? "" : "<section><h2>LINPACK</h2>\(table(head, rows))</section>"
  }

  private func kernels() -> String {
    let rows = report.kernels.map {
      [
        $0.format, "\($0.m)", Quantity.text($0.rate), Quantity.spread($0.rate), $0.share.map(Quantity.text) ?? "",
        $0.boundBy ?? "", $0.rate.precision ?? "", Quantity.verdict($0.rate),
      ]
    }
    guard !rows.isEmpty else { return "" }
    let head = ["Format", "m", "Rate", "Spread", "Of its roof", "Bound by", "Precision", "Verdict"]
    return "<section><h2>Kernels</h2>\(table(head, rows))</section>"
  }

  private func node() -> String {
    let rows = NodeFacts(report.node).rows.map { "<dt>\(escaped($0.name))</dt><dd>\(escaped($0.value))</dd>" }
    return "<section><h2>The node</h2><dl>\(rows.joined())</dl></section>"
  }

  private func reading() -> String {
    """
    <section><h2>How to read this</h2>
    <p>A multiply counts 1 and an add counts 1. Figures are medians; the spread is half of the 95 % bootstrap interval.
    A precision tag names what is multiplied, what it is summed in and what comes out: figures of different tags
    are never added or converted. MFU is the share of the arithmetic roof that tokens use, MBU the share of the
    memory's.
    An invalid figure is still printed, with its reasons. 1 GB is 1,000,000,000 bytes.</p></section>
    """
  }

  private func table(_ head: [String], _ rows: [[String]]) -> String {
    let cells = { (cells: [String], tag: String) in
      "<tr>" + cells.map { "<\(tag)>\(escaped($0))</\(tag)>" }.joined() + "</tr>"
    }
    return "<div class=\"scroll\"><table><thead>\(cells(head, "th"))</thead><tbody>"
      + rows.map { cells($0, "td") }.joined() + "</tbody></table></div>"
  }
}
