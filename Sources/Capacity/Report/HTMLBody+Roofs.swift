// The page's parts about the machine: roofline, shares of the roof, the memory's levels, roofs, LINPACK, kernels.

extension HTMLBody {
  var roofline: String {
    guard let plot = RooflinePlot(report) else { return "" }
    let models = Set(report.kernels.map(\.model)).sorted()
    return section(
      .roofline, models.isEmpty ? "" : paragraph(.rooflineText(models.joined(separator: ", "))), figure(plot))
  }

  var kernelShares: String {
    let models = report.kernels.map(\.model).unique
    let parts = models.map { model -> String in
      let points = report.kernels.filter { $0.model == model }
      let counts = points.map(\.m).unique
      let charts = grid(counts.map { m in figure(shares(points, m), .bars, caption: .rows(m)) })
      return charts.isEmpty ? "" : "<h3>\(say(.layer(model)))</h3>\(charts)"
    }.joined()
    return section(.kernelShares, parts.isEmpty ? "" : paragraph(.kernelSharesText), parts)
  }

  private func shares(_ points: [KernelPoint], _ m: Int) -> BarChart? {
    let bars = points.filter { $0.m == m }.compactMap { point in
      point.share.map { share in
        BarChart.Bar(
          name: .same(point.format), value: share.value, label: .same(Quantity.text(share)),
          style: KernelStyle(point).name, isValid: share.validity == .valid,
          tip: .same(Quantity.text(point.rate)) + Phrase(", bound by ", "，瓶颈：") + .bound(by: point.boundBy)
            + Phrase("; ", "；") + .verdict(share))
      }
    }
    let title = Phrase("Share of the roof of each format at m = \(m)", "m = \(m) 时各权重格式达到上限的比例")
    let about = bars.map { "\($0.name.en) \($0.label.en)" }.joined(separator: ", ")
    return .shares(title: title, about: .same(about), bars: bars)
  }

  var ladder: String {
    section(
      .ladder,
      grid([
        figure(MemoryCharts.bandwidth(report.roofs), .half), figure(MemoryCharts.latency(report.roofs), .half),
      ]))
  }

  // MARK: Tables

  var roofs: String {
    let stated = { (precision: Precision?) in self.report.nominal.first { $0.precision == precision }?.share }
    var table = HTMLTable(
      language: language,
      head: [.roof, .workingSet, .threads] + HTMLTable.figureHead() + [.ofNominal, .verdictHead])
    for roof in report.roofs.compute {
      let isPeak = report.roofs.peak(roof.precision) == roof.figure
      table.rows.append(
        [.multiplyAdd(roof.precision), .same("—"), .same("\(roof.threads)")].map(HTMLTable.text)
          + HTMLTable.cells(roof.figure)
          + [
            HTMLTable.share(isPeak ? stated(roof.precision) : nil, of: roof.figure), HTMLTable.verdict(roof.figure),
          ])
    }
    for roof in report.roofs.memory {
      let isRead = report.roofs.read == roof.figure
      table.rows.append(
        [
          HTMLTable.text(.roof(roof)), HTMLTable.number(Quantity.bytes(roof.bytes)),
          HTMLTable.number("\(roof.threads)"),
        ] + HTMLTable.cells(roof.figure)
          + [HTMLTable.share(isRead ? stated(nil) : nil, of: roof.figure), HTMLTable.verdict(roof.figure)])
      guard let load = roof.load else { continue }
      table.rows.append(
        [
          HTMLTable.text(.load(roof)), HTMLTable.number(Quantity.bytes(roof.bytes)),
          .init(text: .same("\(roof.threads - 1)")),
        ]
          + HTMLTable.cells(load) + [HTMLTable.number("—"), HTMLTable.verdict(load)])
    }
    return section(.roofs, table.html(), numa, nominal)
  }

  private var numa: String {
    var table = HTMLTable(
      language: language,
      head: [.processorsOf, .memoryOf, .roof, .threads] + HTMLTable.figureHead() + [.verdictHead])
    for roof in report.roofs.numa ?? [] {
      for (pass, figure) in [(MemoryRoof.Pass.read, roof.read), (.latency, roof.latency)] {
        table.rows.append(
          [
            HTMLTable.number("\(roof.processors)"), HTMLTable.number("\(roof.memory)"), HTMLTable.text(.pass(pass)),
            HTMLTable.number(pass == .read ? "\(roof.threads)" : "1"),
          ] + HTMLTable.cells(figure) + [HTMLTable.verdict(figure)])
      }
    }
    return table.rows.isEmpty ? "" : "<h3>\(say(.numa))</h3>" + table.html()
  }

  private var nominal: String {
    var table = HTMLTable(
      language: language,
      head: [.nominal, .stated, .source] + HTMLTable.figureHead(.reached) + [.verdictHead])
    for stated in report.nominal {
      let name = stated.precision.map { Phrase.same(Quantity.precision($0)) } ?? .memory
      let share = stated.share.map { HTMLTable.cells($0) + [HTMLTable.verdict($0)] }
      table.rows.append(
        [
          HTMLTable.text(name), HTMLTable.number(Quantity.text(stated.nominal, stated.unit)),
          HTMLTable.text(stated.source),
        ] + (share ?? [HTMLTable.text(.missing)] + (0..<4).map { _ in HTMLTable.text("—") }))
    }
    return table.html()
  }

  var linpack: String {
    var table = HTMLTable(
      language: language,
      head: [.kind, .order] + HTMLTable.figureHead() + [.ofRoof, .residual, .verdictHead])
    for result in report.linpack {
      table.rows.append(
        [HTMLTable.text(.linpack(result.kind)), HTMLTable.number("\(result.n)")] + HTMLTable.cells(result.rate)
          + [
            HTMLTable.share(result.share, of: result.rate), HTMLTable.number(TextReport.small(result.residual)),
            HTMLTable.verdict(result.rate),
          ])
    }
    return section(.linpack, table.html())
  }

  var kernels: String {
    var table = HTMLTable(
      language: language,
      head: [.layerHead, .format, .same("m")] + HTMLTable.figureHead() + [.ofRoof, .boundBy, .verdictHead])
    for point in report.kernels {
      table.rows.append(
        [HTMLTable.text(point.model), HTMLTable.text(point.format), HTMLTable.number("\(point.m)")]
          + HTMLTable.cells(point.rate)
          + [
            HTMLTable.share(point.share, of: point.rate), HTMLTable.text(.bound(by: point.boundBy)),
            HTMLTable.verdict(point.rate),
          ])
    }
    return section(.kernels, table.html())
  }
}
