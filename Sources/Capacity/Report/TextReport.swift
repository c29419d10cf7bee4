// The report for a terminal: 80 columns, no colour. Every figure with its interval, roof and verdict.

public struct TextReport {
  static let width = 80
  private let report: CapacityReport

  public init(_ report: CapacityReport) { self.report = report }

  public func text() -> String {
    var lines: [String] = []
    lines += node()
    lines += roofs()
    lines += linpack()
    lines += kernels()
    lines += models()
    lines += report.serving.flatMap { ServiceText(result: $0).lines() }
    lines += WaterfallText.lines(report.waterfalls)
    lines += flex()
    lines += energy()
    lines += verdict()
    return lines.flatMap(Self.folded).joined(separator: "\n") + "\n"
  }

  // MARK: Parts

  private func node() -> [String] {
    let facts = NodeFacts(report.node).rows
    let wanted = [
      "Processor", "Topology", "Caches", "Memory", "System", "Virtual machine", "CPU quota", "Gobi", "BLAS",
    ]
    return ["NODE"] + facts.filter { wanted.contains($0.name) }.map { Self.pad($0.name, 16) + $0.value } + [""]
  }

  private func roofs() -> [String] {
    var lines = ["ROOFS" + Self.pad("", 15) + Self.right("all threads", 14) + Self.right("one", 14) + "  verdict"]
    for precision in Precision.allCases.reversed() {
      guard let all = report.roofs.peak(precision) else { continue }
      let one = report.roofs.compute.first { $0.precision == precision && $0.threads == 1 }?.figure
      lines.append(row(Quantity.precision(precision) + " multiply-add", all, one))
    }
    for stated in report.nominal {
      let name = stated.precision.map(Quantity.precision) ?? "memory"
      let share = stated.share.map { "\(Quantity.text($0)) of it reached, \(Quantity.verdict($0))" } ?? "not measured"
      lines.append("\(name) nominal \(Quantity.text(stated.nominal, stated.unit)): \(share) (\(stated.source))")
    }
    for roof in report.roofs.memory where roof.threads > 1 || roof.pass == .latency || report.node.build.threads == 1 {
      let name = "\(roof.level) \(roof.pass.rawValue)" + (roof.hugePages ? "" : ", 4K")
      guard !roof.pass.isLatency else {
        lines.append(row(name, nil, roof.figure))
        continue
      }
      let one = report.roofs.memory.first {
        $0.level == roof.level && $0.pass == roof.pass && $0.threads == 1 && $0.hugePages == roof.hugePages
      }?.figure
      lines.append(row(name, roof.figure, one))
    }
    return lines + numa() + [""]
  }

  /// A line a node: what its processors read from each node's memory, and how long they wait for it.
  private func numa() -> [String] {
    guard let roofs = report.roofs.numa else { return [] }
    let nodes = roofs.map(\.processors).unique
    return ["NUMA: processors of a node with the memory of each"]
      + nodes.flatMap { node in
        roofs.filter { $0.processors == node }.map {
          row("  \(node) with \($0.memory)", $0.read, $0.latency)
        }
      }
  }

  private func row(_ name: String, _ all: Figure?, _ one: Figure?) -> String {
    let verdict = (all ?? one).map(Quantity.fullVerdict) ?? ""
    return Self.pad(name, 20) + Self.right(all.map(Quantity.text) ?? "", 14)
      + Self.right(one.map(Quantity.text) ?? "", 14) + "  " + verdict
  }

  private func linpack() -> [String] {
    guard !report.linpack.isEmpty else { return [] }
    var lines = ["LINPACK             n          rate        spread  share  residual  verdict"]
    for result in report.linpack {
      lines.append(
        Self.pad(result.kind == .f64 ? "FP64" : "FP32, refined", 14) + Self.right("\(result.n)", 7)
          + Self.right(Quantity.text(result.rate), 14) + Self.right(Quantity.spread(result.rate), 14)
          + Self.right(result.share.map { Quantity.number($0.value * 100) } ?? "", 7)
          + Self.right(Self.small(result.residual), 10) + "  " + Quantity.fullVerdict(result.rate))
    }
    return lines + [""]
  }

  private func kernels() -> [String] {
    let layers = report.kernels.map(\.model).unique
    guard !layers.isEmpty else { return [] }
    return layers.flatMap(kernels) + ["in G(FL)OP/s; ! invalid, ~ inconclusive: the JSON file has every reason", ""]
  }

  /// A line a format: the products of one model's layer.
  private func kernels(of model: String) -> [String] {
    let points = report.kernels.filter { $0.model == model }
    let rows = points.map(\.m).unique
    var lines = ["KERNELS  matrix products of a \(model) layer: rate, share of the roof in %"]
    lines.append(Self.pad("", 8) + rows.map { Self.right("m=\($0)", 14) }.joined())
    for format in points.map(\.format).unique {
      let cells = rows.map { m -> String in
        guard let point = points.first(where: { $0.format == format && $0.m == m }) else { return "" }
        let mark = point.rate.validity == .valid ? "" : point.rate.validity == .inconclusive ? "~" : "!"
        let share = point.share.map { Self.right(Quantity.number($0.value * 100), 5) } ?? "    -"
        return Quantity.number(point.rate.value * 1e-9) + "\(mark)" + share
      }
      lines.append(Self.pad(format, 8) + cells.map { Self.right($0, 14) }.joined())
    }
    return lines
  }

  private func models() -> [String] {
    report.models.flatMap { model -> [String] in
      var lines = [
        "MODEL  \(model.facts.label)"
          + (model.facts.isGenerated && !model.facts.label.contains("generated") ? " (generated weights)" : "")
      ]
      lines.append("work                      token/s  spread       MFU %   MBU %  verdict")
      for figure in model.figures {
        let name = figure.title.replacing("end to end", with: "e2e")
        lines.append(
          Self.pad(name + (figure.depth > 0 ? " @ \(figure.depth)" : ""), 23)
            + Self.right(Quantity.number(figure.rate.value), 10) + "  " + Self.pad(Quantity.spread(figure.rate), 10)
            + Self.right(figure.mfu.map { Quantity.number($0.value * 100) } ?? "", 8)
            + Self.right(figure.mbu.map { Quantity.number($0.value * 100) } ?? "", 8) + "  "
            + Quantity.fullVerdict(figure.rate))
      }
      if let quality = model.quality {
        lines.append(
          "numerics: KL \(Self.small(quality.meanDivergence)) nat, best token agrees in "
            + "\(Quantity.number(quality.agreement * 100)) % of \(quality.tokens): "
            + (quality.passes ? "pass" : "FAIL"))
      }
      return lines + model.notMeasured.map { "not measured: \($0)" } + [""]
    }
  }

  private func flex() -> [String] {
    report.flex.flatMap { curve -> [String] in
      var lines = ["FLEX  \(curve.model): decode by \(curve.title), in random order"]
      lines.append("cap           token/s  spread         power       J/token  step p99  verdict")
      for row in EnergyFacts.rows(curve) {
        lines.append(
          Self.pad(row[0], 11) + Self.right(row[1], 10) + "  " + Self.pad(row[2], 9) + Self.right(row[3], 12)
            + Self.right(row[4], 14) + Self.right(row[5], 10) + "  " + row[7])
      }
      for point in curve.byCap {
        guard let trial = point.service else { continue }
        lines.append(
          "at \(Quantity.text(point.cap, curve.unit)) a load of \(Quantity.number(trial.rate)) requests/s: "
            + "\(Quantity.number(trial.goodRate)) token/s within the objective, "
            + "\(trial.requests - trial.misses) of \(trial.requests) requests")
      }
      if !curve.points.contains(where: { $0.service != nil }) {
        lines.append("rates are those of decode: no service was measured under these settings")
      }
      return lines + [""]
    }
  }

  private func energy() -> [String] {
    let facts = EnergyFacts(report)
    if let why = facts.whyNot { return ["ENERGY  not measured: \(why)", ""] }
    var lines = ["ENERGY"] + facts.coverage
    for model in report.models where model.figures.contains(where: { !$0.energy.isEmpty }) {
      lines.append("\(model.facts.label)")
      lines.append("work                   class   J/token  spread     power    verdict")
      for row in EnergyFacts.rows(model) {
        lines.append(
          Self.pad(row[0] + (row[1] == "0" ? "" : " @ \(row[1])"), 23) + Self.pad(row[2], 3)
            + Self.right(row[3], 14) + "  " + Self.pad(row[4], 9) + Self.right(row[5], 8) + "  " + row[8])
      }
      lines += EnergyFacts.requests(model)
    }
    return lines + facts.site + facts.rest + [""]
  }

  private func verdict() -> [String] {
    var lines = report.notMeasured.map { "not measured: \($0.what): \($0.why)" }
    if let launches = report.launches { lines.append("Measured in \(launches.count) launches of the process.") }
    if !report.isComplete { lines.append("This report is partial: the run was cancelled.") }
    return lines + Verdicts(report).sentences
  }

  // MARK: Layout

  static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.count, text.isEmpty || width == 0 ? 0 : 1))
  }

  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.count, text.isEmpty ? 0 : 1)) + text
  }

  static func small(_ value: Double) -> String {
    guard value != 0 else { return "0" }
    let exponent = Int(value.magnitude.log10Floor)
    var mantissa = value
    if exponent < 0 { for _ in 0..<(-exponent) { mantissa *= 10 } }
    return exponent < -2 ? Quantity.number(mantissa) + "e\(exponent)" : Quantity.number(value)
  }

  /// Lines of at most 80 characters: longer ones continue, indented.
  static func folded(_ line: String) -> [String] {
    guard line.count > width else { return [line] }
    let indent = "    "
    var lines: [String] = []
    var rest = Substring(line)
    while rest.count > width - (lines.isEmpty ? 0 : indent.count) {
      let room = width - (lines.isEmpty ? 0 : indent.count)
      let end = rest.index(rest.startIndex, offsetBy: room)
      let cut = rest[..<end].lastIndex(of: " ").flatMap { $0 > rest.startIndex ? $0 : nil } ?? end
      lines.append((lines.isEmpty ? "" : indent) + rest[..<cut])
      rest = rest[cut...].drop { $0 == " " }
    }
    if !rest.isEmpty { lines.append(indent + rest) }
    return lines
  }
}

extension Double {
  fileprivate var log10Floor: Double {
    var exponent = 0.0
    var value = self
    guard value > 0, value.isFinite else { return 0 }
    while value < 1 {
      value *= 10
      exponent -= 1
    }
    return exponent
  }
}

/// What the verdicts of a report mean, in plain words.
struct Verdicts {
  let sentences: [String]

  init(_ report: CapacityReport) {
    let figures = report.figures
    let valid = figures.filter { $0.validity == .valid }.count
    let open = figures.filter { $0.validity == .inconclusive }.count
    var lines = ["\(valid) of \(figures.count) figures are valid."]
    for reason in Reason.allCases {
      let count = figures.filter { $0.reasons.contains(reason) }.count
      if count > 0 { lines.append("\(reason.rawValue), \(count) figure(s): \(reason.explanation).") }
    }
    let held = report.measuredFigures.map { $0.figure.outliers ?? 0 }.filter { $0 > 0 }
    if !held.isEmpty {
      lines.append(
        "Outliers: \(held.reduce(0, +)) sample(s) of \(held.count) figure(s) are far from their median; they are kept.")
    }
    if open > 0 { lines.append("INCONCLUSIVE, \(open) figure(s): \(Quantity.inconclusiveExplanation).") }
    if let window = report.window {
      let steal = Quantity.text(window.stealShare, "1")
      let foreign = Quantity.text(window.foreignShare, "1")
      lines.append("Over the whole run other work took \(foreign) of the processors' time, the hypervisor \(steal).")
    }
    sentences = lines
  }
}
