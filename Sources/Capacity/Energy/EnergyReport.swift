// A report's part about energy: every reading, what the idle node took, what the operator stated, and what could not be
// read and why.

public struct EnergyReport: Codable, Sendable, Equatable {
  /// Raw readings, from which all figures of energy are worked out.
  public var series: [PowerSeries] = []
  /// When the node was left alone before the measurement.
  public var idleSpan: WorkSpan?
  /// Of the idle node, one a class. Never subtracted from anything.
  public var idle: [PowerUse] = []
  public var site: SiteFactors?
  /// Sensors that are not there or cannot be read.
  public var notMeasured: [CapacityReport.Omission] = []

  public init() {}

  /// With what is added up chosen over all series that have readings: a meter's file comes after the others, and a meter
  /// that hangs must not stand in the way of one that answers.
  var withoutDoubles: EnergyReport {
    var report = self
    let usable = series.indices.filter { !series[$0].seconds.isEmpty && series[$0].deadness == nil }
    let channels = PowerChannel.counting(usable.map { series[$0].channel })
    for i in report.series.indices {
      report.series[i].channel.isCounted = false
      report.series[i].channel.note = series[i].deadness ?? "it gave no reading"
    }
    for (channel, i) in zip(channels, usable) { report.series[i].channel = channel }
    return report
  }

  /// Why there is no energy, in one line; nil if there is.
  public var whyNot: String? {
    guard !series.contains(where: { $0.channel.isCounted && !$0.seconds.isEmpty }) else { return nil }
    let reasons = notMeasured.map { "\($0.what): \($0.why)" }
    let silent = series.compactMap { series in series.firstFailure.map { "\(series.channel.name): \($0)" } }
    let uncounted = series.filter { $0.firstFailure == nil }.compactMap { series in
      series.channel.note.map { "\(series.channel.name): \($0)" }
    }
    let all = reasons + silent + uncounted
    return all.isEmpty ? "no sensor was looked for" : all.joined(separator: "; ")
  }
}
