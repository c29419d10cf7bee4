// The processor's own energy counters through powercap (RAPL; AMD's packages appear there too): class C. Packages and
// memory are added up; cores and graphics are inside a package, and psys holds the packages.

public struct RAPLSource: PowerSource {
  public let channels: [PowerChannel]
  private let files: NodeFiles
  private let paths: [String]

  private init(_ files: NodeFiles, _ found: [(path: String, channel: PowerChannel)]) {
    self.files = files
    paths = found.map(\.path)
    channels = found.map(\.channel)
  }

  static let folder = "sys/class/powercap"

  public static func discover(_ files: NodeFiles) -> PowerDiscovery {
    var found: [(path: String, channel: PowerChannel)] = []
    var missing: [CapacityReport.Omission] = []
    let zones = files.names(in: folder).filter { $0.hasPrefix("intel-rapl") && $0.contains(":") }
    for zone in zones {
      let path = "\(folder)/\(zone)"
      guard let name = files.text("\(path)/name") else { continue }
      // The same packages once more, by another way to their registers.
      if zone.hasPrefix("intel-rapl-mmio"), zones.contains(where: { $0.hasPrefix("intel-rapl:") }) { continue }
      do throws(NodeFileError) {
        let text = try files.contents("\(path)/energy_uj")
        guard Double(text) != nil else { throw NodeFileError(path: "\(path)/energy_uj", code: 22) }
        found.append((path, channel(files, zone: zone, name: name, path: path)))
      } catch {
        missing.append(.init(what: "power of \(name) (RAPL)", why: error.description))
      }
    }
    if zones.isEmpty { missing.append(.init(what: "power by RAPL", why: "there is no /\(folder)/intel-rapl*")) }
    let sources: [any PowerSource] = found.isEmpty ? [] : [RAPLSource(files, found)]
    return PowerDiscovery(sources: sources, notMeasured: missing)
  }

  private static func channel(_ files: NodeFiles, zone: String, name: String, path: String) -> PowerChannel {
    let component: PowerChannel.Component =
      if name.hasPrefix("package") {
        .processor
      } else if name == "dram" {
        .memory
      } else {
        name == "psys" ? .platform : .part
      }
    // What a limit may be set to is less than a package can take for a moment. Zones without one: a large socket's.
    let stated = files.text("\(path)/constraint_0_max_power_uw").flatMap(Double.init).map { $0 * 1e-6 } ?? 0
    return PowerChannel(
      name: "rapl \(zone) \(name)", group: "rapl", component: component, energyClass: .c,
      counterRange: files.text("\(path)/max_energy_range_uj").flatMap(Double.init).map { $0 * 1e-6 },
      largestWatts: max(4 * stated, 2000))
  }

  public func read(_ clock: PowerClock) -> [(channel: Int, outcome: PowerOutcome)] {
    paths.indices.map { i in
      let path = "\(paths[i])/energy_uj"
      do throws(NodeFileError) {
        let text = try files.contents(path)
        guard let microjoules = Double(text), microjoules >= 0 else { return (i, .failed("/\(path): not a number")) }
        return (i, .reading(seconds: clock.monotonic(), watts: nil, joules: microjoules * 1e-6))
      } catch {
        return (i, .failed(error.description))
      }
    }
  }
}
