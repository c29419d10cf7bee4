// The options of commands that read power: external meters, stated watts, and what the site states.
import ArgumentParser
import Capacity

struct PowerArguments: ParsableArguments {
  @Option(help: "A command that writes an external meter's readings, a line each: 'watts' or 'timestamp watts'.")
  var meter: String?

  @Option(help: "A file that an external meter fills meanwhile: lines of 'timestamp,watts'.")
  var meterFile: String?

  @Option(help: "What the meter is: A, an analyser on the mains, or B, a distribution unit.")
  var meterClass = EnergyClass.b

  @Option(help: "The meter's clock less this machine's, in seconds. Default: it is estimated.")
  var meterOffset: Double?

  @Option(help: "Watts of the node where nothing can be read: class D, a model. Needs --stated-source.")
  var statedWatts: Double?

  @Option(help: "Where the stated watts come from.")
  var statedSource: String?

  @Option(
    help: "A JSON file with PUE, carbon of the grid and of the node, each with source and time (docs/METRICS.md).")
  var site: String?

  func validate() throws {
    if statedWatts != nil, statedSource?.isEmpty ?? true {
      throw ValidationError("--stated-watts: needs --stated-source")
    }
    if meterClass > .b { throw ValidationError("--meter-class: expected A or B") }
  }

  func options() throws -> PowerOptions {
    var options = PowerOptions()
    options.meterCommand = meter
    options.meterFile = meterFile
    options.meter = MeterSource.Options(energyClass: meterClass, offset: meterOffset)
    if let watts = statedWatts, let source = statedSource {
      options.stated = try StatedPower(watts: watts, source: source)
    }
    options.site = try site.map { try SiteFactors(path: $0) }
    return options
  }
}

extension EnergyClass: ExpressibleByArgument {}
