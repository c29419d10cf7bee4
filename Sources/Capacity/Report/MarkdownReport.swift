// The report's tables in Markdown, for documents. The text around them is the document's.

public struct MarkdownReport {
  private let report: CapacityReport

  public init(_ report: CapacityReport) { self.report = report }

  public func roofs() -> String {
    var rows = report.roofs.compute.map {
      [Quantity.precision($0.precision), $0.precision.tag, "\($0.threads)"] + Self.cells($0.figure)
    }
    rows += report.roofs.memory.map {
      ["\($0.level) \($0.pass.rawValue)", Quantity.bytes($0.bytes), "\($0.threads)"] + Self.cells($0.figure)
    }
    return Self.table(["Roof", "Precision or bytes", "Threads", "Median", "95 % interval", "n", "Verdict"], rows)
  }

  public func kernels() -> String {
    let rows = report.kernels.map { point in
      [
        point.format, "\(point.m)", Quantity.text(point.rate), Self.interval(point.rate), "\(point.rate.n)",
        point.rate.precision ?? "", point.share.map(Quantity.text) ?? "—", point.boundBy ?? "—", point.kernel,
        Quantity.fullVerdict(point.rate),
      ]
    }
    return Self.table(
      ["Format", "m", "Median", "95 % interval", "n", "Precision", "Of its roof", "Bound by", "Kernel", "Verdict"], rows
    )
  }

  public func models() -> String {
    let rows = report.models.flatMap { model in
      model.figures.map { figure in
        [
          model.facts.label, figure.work.rawValue, "\(figure.count)", "\(figure.depth)", Quantity.text(figure.rate),
          Self.interval(figure.rate), "\(figure.rate.n)", figure.rate.precision ?? "",
          figure.mfu.map(Quantity.text) ?? "—", figure.mbu.map(Quantity.text) ?? "—", EnergyFacts.cell(figure),
          Quantity.fullVerdict(figure.rate),
        ]
      }
    }
    return Self.table(
      [
        "Model", "Work", "Tokens or batch", "Depth", "Median", "95 % interval", "n", "Precision", "MFU", "MBU",
        "Energy",
        "Verdict",
      ], rows)
  }

  /// Rate and energy under caps; empty where they were not measured.
  public func flex() -> String {
    report.flex.map { Self.table(EnergyFacts.flexHead, EnergyFacts.rows($0)) }.joined(separator: "\n")
  }

  /// The energy of all models, or one line that says why there is none.
  public func energy() -> String {
    let facts = EnergyFacts(report)
    if let why = facts.whyNot { return "Energy: not measured: \(why).\n" }
    let rows = report.models.flatMap { model in EnergyFacts.rows(model).map { [model.facts.label] + $0 } }
    let notes = facts.coverage + report.models.flatMap(EnergyFacts.requests) + facts.site + facts.rest
    return Self.table(["Model"] + EnergyFacts.head, rows) + "\n" + notes.map { "- \($0)\n" }.joined()
  }

  private static func cells(_ figure: Figure) -> [String] {
    [Quantity.text(figure), interval(figure), "\(figure.n)", Quantity.fullVerdict(figure)]
  }

  /// One sample has none.
  private static func interval(_ figure: Figure) -> String { figure.n > 1 ? Quantity.interval(figure) : "—" }

  static func table(_ head: [String], _ rows: [[String]]) -> String {
    let line = { (cells: [String]) in
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    return ([line(head), line(head.map { _ in "---" })] + rows.map(line)).joined(separator: "\n") + "\n"
  }
}
