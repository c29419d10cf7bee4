// What a report says about energy, as lines and cells: for text, Markdown and HTML alike.

struct EnergyFacts {
  private let report: CapacityReport

  init(_ report: CapacityReport) { self.report = report }

  /// "0.52 J/token, class C", or "not measured".
  static func cell(_ figure: ModelFigure) -> String {
    guard let energy = figure.bestEnergy else { return "not measured" }
    let mark = energy.perToken.validity == .valid ? "" : energy.perToken.validity == .inconclusive ? "~" : "!"
    return "\(Quantity.text(energy.perToken))\(mark), class \(energy.use.energyClass.rawValue)"
  }

  /// "not measured: why"; nil where there are readings.
  var whyNot: String? { report.energy.whyNot }

  /// One line a class: what it covers and what the idle node takes.
  var coverage: [String] {
    var classes: [EnergyClass: [PowerSeries]] = [:]
    for series in report.energy.series where series.channel.isCounted && !series.seconds.isEmpty {
      classes[series.channel.energyClass, default: []].append(series)
    }
    return classes.keys.sorted().map { energyClass in
      let names = classes[energyClass, default: []].map(\.channel.name).joined(separator: ", ")
      let idle = report.energy.idle.first { $0.energyClass == energyClass }
      let watts = idle.map { "; idle \(Quantity.text($0.averageWatts, "W"))\(Self.marks($0.reasons)), not subtracted" }
      return "class \(energyClass.rawValue), \(energyClass.explanation). Covers \(names)\(watts ?? "")"
    }
  }

  /// Channels that are read and not added up, and sensors that could not be read.
  var rest: [String] {
    let listed = report.energy.series.filter { !$0.channel.isCounted && !$0.seconds.isEmpty }
      .map { "\($0.channel.name): \($0.channel.note ?? "not added")" }
    let broken = report.energy.series.filter { $0.failures > 0 }
      .map { "\($0.channel.name): \($0.failures) reading(s) failed, the first with: \($0.firstFailure ?? "")" }
    return listed + broken + report.energy.notMeasured.map { "not measured: \($0.what): \($0.why)" }
  }

  static let head = [
    "Work", "Depth", "Class", "J/token", "Spread", "Power", "J/token with PUE", "gCO2e/Mtoken", "Verdict",
  ]

  /// One row for each of a model's figures and classes.
  static func rows(_ model: ModelResult) -> [[String]] {
    model.figures.flatMap { figure in
      figure.energy.map { energy in
        [
          figure.work == .prefill ? "prefill \(figure.count)" : "decode, batch \(figure.count)", "\(figure.depth)",
          energy.use.energyClass.rawValue, Quantity.text(energy.perToken), Quantity.spread(energy.perToken),
          Quantity.text(energy.use.averageWatts, "W"),
          energy.site?.facilityJoulesPerToken.map { Quantity.text($0, "J/token") } ?? "not stated",
          energy.site?.softwareCarbonIntensity.map(Quantity.number) ?? "not stated",
          Quantity.verdict(energy.perToken),
        ]
      }
    }
  }

  static let flexHead = ["Cap", "token/s", "Spread", "Power", "J/token", "Step p99", "t90", "Verdict"]

  /// One row a point, by rising cap.
  static func rows(_ curve: FlexCurve) -> [[String]] {
    curve.byCap.map { point in
      [
        point.isIdle ? "idle" : Quantity.text(point.cap, curve.unit),
        point.rate.map { Quantity.number($0.value) } ?? "", point.rate.map(Quantity.spread) ?? "",
        point.power.map { Quantity.text($0.averageWatts, "W") } ?? "not measured",
        point.energy.map { Quantity.text($0.perToken) } ?? (point.isIdle ? "" : "not measured"),
        point.stepP99.map { Quantity.text($0, "s") } ?? "", point.settling.map { Quantity.text($0, "s") } ?? "",
        point.rate.map(Quantity.verdict) ?? (point.power.map { marks($0.reasons) } ?? ""),
      ]
    }
  }

  /// "a request of 512 + 128 tokens: …".
  static func requests(_ model: ModelResult) -> [String] {
    model.requests.map {
      "a request of \($0.promptTokens) + \($0.outputTokens) tokens: \(Quantity.text($0.perOutputToken, "J")) an output token, "
        + "\(Quantity.text($0.perTotalToken, "J")) a token in all, class \($0.energyClass.rawValue)"
        + ($0.validity == .inconclusive ? " (inconclusive)" : marks($0.reasons))
    }
  }

  /// What the operator stated of the site, each with its source and time.
  var site: [String] {
    guard let site = report.energy.site else { return [] }
    let rows: [(String, SiteFactors.Stated?)] = [
      ("PUE", site.pue), ("gCO2e/kWh of the grid", site.gramsPerKilowattHour),
      ("green share, not netted", site.greenShare), ("gCO2e/h of making the node", site.embodiedGramsPerHour),
    ]
    return rows.compactMap { name, stated in
      stated.map { "\(name) \(Quantity.number($0.value)), stated: \($0.source), \($0.time)" }
    }
  }

  private static func marks(_ reasons: [Reason]) -> String {
    reasons.isEmpty ? "" : " (" + reasons.map(\.rawValue).joined(separator: ", ") + ")"
  }
}
