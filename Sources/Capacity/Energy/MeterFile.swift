// An external meter's file: lines of "timestamp,watts" by the meter's own clock, read after the measurement.
import Foundation

public enum MeterFile {
  static let mostBytes = 256 << 20

  /// The readings in `path`, those of `window` (wall clock, seconds since 1970) and a minute on either side. Lines that
  /// are no readings are counted as failures, not errors: meters write headings. No reading at all is an error.
  public static func series(path: String, options: MeterSource.Options, window: ClosedRange<Double>? = nil)
    throws(CapacityError) -> PowerSeries
  {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw .option(name: "meter-file", what: "\(path) cannot be read")
    }
    defer { try? handle.close() }
    let data: Data
    do { data = try handle.read(upToCount: mostBytes) ?? Data() } catch {
      throw .option(name: "meter-file", what: "\(path): \(error.localizedDescription)")
    }
    return try series(String(decoding: data, as: UTF8.self), name: path, options: options, window: window)
  }

  package static func series(
    _ text: String, name: String, options: MeterSource.Options, window: ClosedRange<Double>? = nil
  ) throws(CapacityError) -> PowerSeries {
    var channel = PowerChannel(
      name: "meter: \(name)", group: "meter", component: .node, energyClass: options.energyClass)
    channel.isCounted = true
    var series = PowerSeries(channel)
    let wide = window.map { ($0.lowerBound - 60)...($0.upperBound + 60) }
    for line in text.split(whereSeparator: \.isNewline) {
      guard let reading = MeterLine(line), let stamp = reading.stamp else {
        series.fail("not a reading with a time: '\(line.prefix(40))'")
        continue
      }
      guard wide?.contains(stamp) ?? true else { continue }
      if !series.append(seconds: stamp, watts: reading.watts, joules: nil, stamp: stamp) {
        series.fail("a reading that is not later than the one before it")
      }
    }
    guard !series.seconds.isEmpty else {
      throw .option(name: "meter-file", what: "\(name) has no reading of the time of the run")
    }
    return series
  }
}
