// Sensors of /sys/class/hwmon that give power or energy. What they cover follows from the chip's name and the label; an
// unknown chip is listed and never added.

public struct HwmonSource: PowerSource {
  private struct Sensor {
    /// Microwatts, or nil.
    var power: String?
    /// Microjoules, or nil.
    var energy: String?
    var channel: PowerChannel
  }

  public var channels: [PowerChannel] { sensors.map(\.channel) }
  /// Accelerators' sensors are not added up, nor those that nobody knows.
  public var isFine: Bool {
    sensors.allSatisfy { $0.energy != nil || [.accelerator, .unknown].contains($0.channel.component) }
  }
  private let files: NodeFiles
  private let sensors: [Sensor]

  static let folder = "sys/class/hwmon"

  public static func discover(_ files: NodeFiles) -> PowerDiscovery {
    var sensors: [Sensor] = []
    var missing: [CapacityReport.Omission] = []
    for device in files.names(in: folder) {
      let path = "\(folder)/\(device)"
      let chip = files.text("\(path)/name") ?? device
      for var sensor in Self.sensors(files, path: path, device: device, chip: chip) {
        // A value that cannot be read now is left out, with the reason; the other one may do.
        for keyPath in [\Sensor.power, \Sensor.energy] {
          guard let file = sensor[keyPath: keyPath] else { continue }
          if let why = Self.fault(files, file) {
            missing.append(.init(what: "\(sensor.channel.name)", why: why))
            sensor[keyPath: keyPath] = nil
          }
        }
        if sensor.power != nil || sensor.energy != nil { sensors.append(sensor) }
      }
    }
    if sensors.isEmpty, missing.isEmpty {
      missing.append(.init(what: "power by hwmon", why: "no sensor of /\(folder) gives power or energy"))
    }
    let sources: [any PowerSource] = sensors.isEmpty ? [] : [HwmonSource(files: files, sensors: sensors)]
    return PowerDiscovery(sources: sources, notMeasured: missing)
  }

  private static func fault(_ files: NodeFiles, _ path: String) -> String? {
    do throws(NodeFileError) {
      return Double(try files.contents(path)) == nil ? "/\(path): not a number" : nil
    } catch { return error.description }
  }

  private static func sensors(_ files: NodeFiles, path: String, device: String, chip: String) -> [Sensor] {
    let names = files.names(in: path)
    var indices: [Int] = []
    for name in names {
      for kind in ["power", "energy"] where name.hasPrefix(kind) {
        guard let end = name.firstIndex(of: "_"), let index = Int(name[..<end].dropFirst(kind.count)),
          ["input", "average"].contains(name[name.index(after: end)...]), !indices.contains(index)
        else { continue }
        indices.append(index)
      }
    }
    var sensors: [Sensor] = []
    for i in indices.sorted() {
      let power = ["power\(i)_input", "power\(i)_average"].first(where: names.contains)
      let energy = names.contains("energy\(i)_input") ? "energy\(i)_input" : nil
      let powerLabel = files.text("\(path)/power\(i)_label")
      let energyLabel = files.text("\(path)/energy\(i)_label")
      let make = { (power: String?, energy: String?, label: String?) in
        Sensor(
          power: power.map { "\(path)/\($0)" }, energy: energy.map { "\(path)/\($0)" },
          channel: channel(device: device, chip: chip, index: i, label: label))
      }
      if power != nil, energy != nil, powerLabel == energyLabel {
        sensors.append(make(power, energy, powerLabel))
      } else {
        if power != nil { sensors.append(make(power, nil, powerLabel)) }
        if energy != nil { sensors.append(make(nil, energy, energyLabel)) }
      }
    }
    return sensors
  }

  /// What a chip's sensor covers. Sources: the kernel's Documentation/hwmon of each driver.
  private static func channel(device: String, chip: String, index: Int, label: String?) -> PowerChannel {
    let name = "hwmon \(device) \(chip) \(label ?? "\(index)")"
    let of = { (group: String, component: PowerChannel.Component, energyClass: EnergyClass, most: Double) in
      PowerChannel(
        name: name, group: group, component: component, energyClass: energyClass, largestWatts: most)
    }
    let word = label?.lowercased() ?? ""
    switch chip {
    case "power_meter": return of("hwmon power_meter", .node, .b, 20_000)
    case "amd_energy": return of("hwmon amd_energy", word.hasPrefix("esocket") ? .processor : .part, .c, 2000)
    case "zenpower", "fam15h_power": return of("hwmon \(chip)", .processor, .c, 2000)
    case "amdgpu", "i915", "xe", "nouveau": return of("hwmon \(chip)", .accelerator, .c, 4000)
    default:
      // PMBus power supplies call their input "pin".
      if word.hasPrefix("pin") { return of("hwmon power supply", .node, .b, 20_000) }
      return of("hwmon \(chip)", .unknown, .c, 20_000)
    }
  }

  public func read(_ clock: PowerClock) -> [(channel: Int, outcome: PowerOutcome)] {
    sensors.indices.map { i in
      do throws(NodeFileError) {
        let watts = try value(sensors[i].power)
        let joules = try value(sensors[i].energy)
        return (i, .reading(seconds: clock.monotonic(), watts: watts, joules: joules))
      } catch {
        return (i, .failed(error.description))
      }
    }
  }

  private func value(_ path: String?) throws(NodeFileError) -> Double? {
    guard let path else { return nil }
    guard let micro = Double(try files.contents(path)), micro.isFinite, micro >= 0 else {
      throw NodeFileError(path: path, code: 22)
    }
    return micro * 1e-6
  }
}
