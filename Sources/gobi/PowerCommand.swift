// `gobi power`: which sensors this machine has, what they cover, and what they read for a few seconds.
import ArgumentParser
import Capacity
import Foundation

struct PowerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "power",
    abstract: "Show what can be read of this machine's power, and what cannot and why.",
    usage: "gobi power <options>",
    discussion: """
      Readings are of class A (analyser on the mains), B (distribution unit, management controller, power supplies), \
      C (components' counters: a lower bound) or D (stated). Classes are never added up together.
      """)

  @Option(help: "Seconds to read for.")
  var seconds = 3.0

  @OptionGroup var power: PowerArguments

  func validate() throws {
    guard (0.5...86_400).contains(seconds) else { throw ValidationError("--seconds: expected 0.5 to 86400") }
  }

  func run() throws {
    Interrupt.watch()
    let options = try power.options()
    let found = PowerDiscovery.sensors(NodeFiles(), options)
    let sampler = PowerSampler(found.sources)
    let begin = FigureSampler.now()
    if !found.sources.isEmpty {
      sampler.start()
      while FigureSampler.now() - begin < seconds, !Interrupt.isRequested { usleep(50_000) }
    }
    let span = WorkSpan(begin: begin, end: FigureSampler.now(), tokens: 0)
    let series = sampler.stop()
    var table = TextTable(columns: [
      ("channel", .left), ("class", .left), ("watts", .right), ("readings", .right), ("failed", .right),
      ("added up", .left),
    ])
    for channel in series { table.rows.append(row(channel, span)) }
    if !series.isEmpty { for line in table.lines() { Console.out(line) } }
    for use in EnergyAccount(series).idle(span) {
      let reasons = use.reasons.isEmpty ? "" : " (" + use.reasons.map(\.rawValue).joined(separator: ", ") + ")"
      Console.out(
        "class \(use.energyClass.rawValue): \(Quantity.text(use.averageWatts, "W")) in the mean over "
          + "\(Quantity.text(use.seconds, "s"))\(reasons); \(use.energyClass.explanation)")
    }
    for missing in found.notMeasured { Console.out("not measured: \(missing.what): \(missing.why)") }
  }

  private func row(_ series: PowerSeries, _ span: WorkSpan) -> [String] {
    let window = PowerTrace(series).window(span.begin...span.end)
    let watts = window.map { Quantity.text($0.joules / (span.end - span.begin), "W") } ?? "none"
    return [
      series.channel.name, series.channel.energyClass.rawValue, watts, "\(series.seconds.count)", "\(series.failures)",
      series.channel.isCounted ? "yes" : series.channel.note ?? "no",
    ]
  }
}
