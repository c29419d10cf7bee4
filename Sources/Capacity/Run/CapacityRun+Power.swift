// Power within a run: the idle node first, and at the end the meter's file and every figure of energy.
import Foundation

extension CapacityRun {
  /// Leaves the node alone for a moment: what it takes then is told beside, and never subtracted.
  func measureIdle(into report: inout CapacityReport) throws(CapacityError) {
    guard let power else { return }
    let seconds = budget.idle
    try part("power of the idle node", seconds: seconds, &report) { report throws(CapacityError) in
      power.poll()
      let begin = FigureSampler.now()
      while FigureSampler.now() - begin < seconds {
        if isCancelled() { throw .cancelled }
        usleep(50_000)
      }
      report.energy.idleSpan = WorkSpan(begin: begin, end: FigureSampler.now(), tokens: 0)
      power.poll()
    }
  }

  /// Ends the sampler, reads a meter's file, and works out every figure of energy.
  func finishPower(into report: inout CapacityReport) {
    var series = power?.stop() ?? []
    power = nil
    if let path = options.power.meterFile {
      let now = PowerClock.live.wall()
      do throws(CapacityError) {
        let read = try MeterFile.series(
          path: path, options: options.power.meter, window: (now - (FigureSampler.now() - began))...now)
        let ahead = now - PowerClock.live.monotonic()
        let offset = options.power.meter.offset.map { ClockOffset(kind: .given, seconds: $0, uncertainty: 0) }
        let end = FigureSampler.now()
        let busy = min(report.energy.idleSpan?.end ?? began, end)...end
        series.append(
          read.aligned(
            offset ?? EnergyAccount.offset(of: read, from: series, busy: busy, ahead: ahead), wallAhead: ahead))
      } catch {
        report.energy.notMeasured.append(.init(what: "power by the meter's file", why: error.description))
      }
    }
    report.energy.series = series
    report.energy = report.energy.withoutDoubles
    let account = EnergyAccount(report.energy.series, site: report.energy.site, seed: report.seed)
    report.models = report.models.map(account.filled)
    report.flex = report.flex.map(account.filled)
    report.energy.idle = account.idle(report.energy.idleSpan)
  }
}
