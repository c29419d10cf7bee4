// The memory's levels beside each other: what they give, and how long one load takes.

enum MemoryCharts {
  static func bandwidth(_ roofs: Roofs) -> BarChart? {
    let figures = levels(roofs).compactMap { level in
      roofs.memory.filter { $0.level == level && $0.pass == .read && $0.hugePages }.max { $0.threads < $1.threads }
    }
    return chart(
      figures, Phrase("Read bandwidth by level, all threads", "各级存储读带宽（全部线程）"), tick: { Quantity.text($0, "B/s") })
  }

  static func latency(_ roofs: Roofs) -> BarChart? {
    let figures = levels(roofs).compactMap { level in
      roofs.memory.first { $0.level == level && $0.pass == .latency && $0.hugePages }
    }
    return chart(
      figures, Phrase("Latency by level, one thread", "各级存储访问延迟（单线程）"), tick: { Quantity.text($0, "s") })
  }

  private static func levels(_ roofs: Roofs) -> [String] {
    roofs.memory.map(\.level).unique
  }

  private static func chart(_ roofs: [MemoryRoof], _ title: Phrase, tick: @escaping (Double) -> String) -> BarChart? {
    let bars = roofs.map { roof in
      BarChart.Bar(
        name: .same(roof.level), value: roof.figure.value, label: .same(Quantity.text(roof.figure)), style: "s8",
        isValid: roof.figure.validity == .valid,
        tip: .same("\(roof.level), \(Quantity.bytes(roof.bytes)): \(Quantity.text(roof.figure)); ")
          + .verdict(roof.figure))
    }
    let best = bars.map { "\($0.name.en) \($0.label.en)" }.joined(separator: ", ")
    return BarChart(
      title: title, about: .same(best), bars: bars, tickLabel: tick)
  }
}
