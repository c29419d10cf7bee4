// The page's parts about models: what they deliver, and with which energy.

extension HTMLBody {
  var models: String { report.models.map(model).joined(separator: "\n") }

  private func model(_ model: ModelResult) -> String {
    var table = HTMLTable(
      language: language,
      head: [.work, .depth] + HTMLTable.figureHead() + [.same("MFU"), .same("MBU"), .verdictHead])
    for figure in model.figures {
      table.rows.append(
        [HTMLTable.text(.work(figure)), HTMLTable.number("\(figure.depth)")] + HTMLTable.cells(figure.rate)
          + [
            HTMLTable.share(figure.mfu, of: figure.rate), HTMLTable.share(figure.mbu, of: figure.rate),
            HTMLTable.verdict(figure.rate),
          ])
    }
    let charts = [ModelCharts.decode(model), ModelCharts.prefill(model)].map { figure($0, .half) }
    return section(
      .same(model.facts.label), paragraph(.facts(model.facts) + .same(" ") + .numerics(model.quality)), grid(charts),
      grid([figure(ModelCharts.shares(model), .half)]), table.html(),
      list(model.notMeasured.map { .missing + Phrase(": ", "：") + .told($0) }, "soft"))
  }

  // MARK: Flex

  var flex: String {
    report.flex.map { curve in
      var table = HTMLTable(
        language: language,
        head: [.cap] + HTMLTable.figureHead() + [.power, .same("J/token"), .stepP99, .settling, .verdictHead])
      let isServed = curve.points.contains { $0.service != nil }
      if isServed { table.head.insert(.goodputName, at: 5) }
      table.rows = curve.byCap.map { point in
        var row = row(point, curve.unit)
        let rate = point.service.map { Quantity.text($0.goodRate, "token/s") }
        if isServed { row.insert(HTMLTable.number(rate ?? "—"), at: 5) }
        return row
      }
      return section(.flexHeading(curve), paragraph(.flexText(curve)), table.html())
    }.joined(separator: "\n")
  }

  private func row(_ point: FlexPoint, _ unit: String) -> [HTMLTable.Cell] {
    let rate = point.rate.map { HTMLTable.cells($0) } ?? (0..<4).map { _ in HTMLTable.text("—") }
    let energy = point.energy.map { energy in
      Phrase.same("\(Quantity.text(energy.perToken)) \(Quantity.spread(energy.perToken)), n = \(energy.perToken.n), ")
        + .verdict(energy.perToken)
    }
    let verdict =
      point.rate.map(HTMLTable.verdict)
      ?? point.power.map { HTMLTable.verdict($0.reasons.isEmpty ? .valid : .invalid, $0.reasons) }
    return [point.isIdle ? HTMLTable.text(.idle) : HTMLTable.number(Quantity.text(point.cap, unit))] + rate
      + [
        HTMLTable.Cell(text: point.power.map { .same(Quantity.text($0.averageWatts, "W")) } ?? .missing, style: "n"),
        HTMLTable.text(energy ?? (point.isIdle ? .same("—") : .missing)),
        HTMLTable.number(point.stepP99.map { Quantity.text($0, "s") } ?? "—"),
        HTMLTable.number(point.settling.map { Quantity.text($0, "s") } ?? "—"), verdict ?? HTMLTable.text("—"),
      ]
  }

  // MARK: Energy

  var energy: String {
    let facts = EnergyFacts(report)
    if facts.whyNot != nil { return section(.energy, paragraph(.whyNoEnergy(whyNoEnergy))) }
    let charts = report.models.flatMap { model in
      EnergyClass.allCases.map { figure(ModelCharts.energy(model, $0), .half, caption: caption(model, $0)) }
    }
    return section(
      .energy, coverage.map { paragraph($0) }.joined(), figure(PowerPlot(report)), grid(charts),
      report.models.map(energyTable).joined(), list(site + rest, "soft"))
  }

  private func caption(_ model: ModelResult, _ energyClass: EnergyClass) -> Phrase {
    Phrase(
      "\(model.facts.label): energy a token, class \(energyClass.rawValue)",
      "\(model.facts.label)：每 token 能耗（\(energyClass.rawValue) 类）")
  }

  private var whyNoEnergy: Phrase {
    let energy = report.energy
    let all =
      energy.notMeasured.map(Phrase.told)
      + energy.series.compactMap { series in
        (series.firstFailure ?? series.channel.note).map { .same("\(series.channel.name): ") + .told($0) }
      }
    return all.isEmpty
      ? .told("no sensor was looked for")
      : Phrase(all.map(\.en).joined(separator: "; "), all.map(\.zh).joined(separator: "；"))
  }

  private var coverage: [Phrase] {
    let counted = report.energy.series.filter { $0.channel.isCounted && !$0.seconds.isEmpty }
    let classes = Dictionary(grouping: counted, by: \.channel.energyClass)
    return classes.keys.sorted().map { energyClass in
      .coverage(
        energyClass, classes[energyClass, default: []].map(\.channel.name).joined(separator: ", "),
        report.energy.idle.first { $0.energyClass == energyClass })
    }
  }

  private func energyTable(_ model: ModelResult) -> String {
    let site = report.energy.site != nil
    var table = HTMLTable(
      language: language,
      head: [.work, .depth, .energyClass] + HTMLTable.figureHead(.same("J/token")) + [.ofRoof, .power]
        + (site ? [.withPUE, .carbon] : []) + [.verdictHead])
    for figure in model.figures {
      for energy in figure.energy {
        let stated = [
          energy.site?.facilityJoulesPerToken.map { Phrase.same(Quantity.text($0, "J/token")) } ?? .notStated,
          energy.site?.softwareCarbonIntensity.map { .same(Quantity.number($0)) } ?? .notStated,
        ]
        table.rows.append(
          [
            HTMLTable.text(.work(figure)), HTMLTable.number("\(figure.depth)"),
            HTMLTable.text(energy.use.energyClass.rawValue),
          ] + HTMLTable.cells(energy.perToken, precision: figure.rate.precision)
            + [
              HTMLTable.share(figure.mbu ?? figure.mfu, of: energy.perToken),
              HTMLTable.number(Quantity.text(energy.use.averageWatts, "W")),
            ] + (site ? stated.map { HTMLTable.Cell(text: $0, style: "n") } : []) + [HTMLTable.verdict(energy.perToken)]
        )
      }
    }
    guard !table.rows.isEmpty else { return "" }
    return "<h3>\(escaped(model.facts.label))</h3>" + table.html()
      + model.requests.map { paragraph(.request($0)) }.joined()
  }

  private var site: [Phrase] {
    guard let site = report.energy.site else { return [] }
    let rows: [(Phrase, SiteFactors.Stated?)] = [
      (.same("PUE"), site.pue),
      (Phrase("gCO2e/kWh of the grid", "电网碳强度 gCO2e/kWh"), site.gramsPerKilowattHour),
      (Phrase("green share, not netted", "绿电占比（不抵扣）"), site.greenShare),
      (Phrase("gCO2e/h of making the node", "节点制造碳排放 gCO2e/h"), site.embodiedGramsPerHour),
    ]
    return rows.compactMap { name, stated in stated.map { .siteFactor(name, $0) } }
  }

  /// Channels that are read and not added up, and sensors that could not be read.
  private var rest: [Phrase] {
    let series = report.energy.series
    let listed = series.filter { !$0.channel.isCounted && !$0.seconds.isEmpty }.map {
      Phrase.same("\($0.channel.name): ") + .told($0.channel.note ?? "not added")
    }
    let broken = series.filter { $0.failures > 0 }.map {
      let first = $0.firstFailure ?? ""
      return Phrase(
        "\($0.channel.name): \($0.failures) reading(s) failed, the first with: \(first)",
        "\($0.channel.name)：\($0.failures) 次读数失败，首次原因：") + Phrase("", Phrase.told(first).zh)
    }
    return listed + broken + report.energy.notMeasured.map { .missing + Phrase(": ", "：") + .told($0) }
  }
}
