// One thing whose power is read: which sensor, what of the node it covers, and whether it is added up. Reads nothing.

public struct PowerChannel: Codable, Sendable, Equatable {
  public enum Component: String, Codable, Sendable {
    /// All that the node takes.
    case node
    /// A processor's package.
    case processor
    case memory
    case accelerator
    /// What the processor counts of the board around it (psys).
    case platform
    /// Something inside a processor's package: its cores, its graphics.
    case part
    case unknown
  }

  /// Unique within a report: "rapl intel-rapl:0 package-0".
  public var name: String
  /// Which channels are one measurement: "rapl", "hwmon amd_energy", "ipmi", "meter", "nvml", "stated".
  public var group: String
  public var component: Component
  public var energyClass: EnergyClass
  /// Part of its class's sum. Channels that measure what another one already has are listed, not added.
  public var isCounted: Bool
  /// Why it is not counted.
  public var note: String?
  /// Joules at which the counter starts again from 0; nil for one that does not.
  public var counterRange: Double?
  /// What the channel cannot exceed, in watts: a counter that seems to was reset.
  public var largestWatts: Double

  public init(
    name: String, group: String, component: Component, energyClass: EnergyClass, counterRange: Double? = nil,
    largestWatts: Double = 20_000
  ) {
    self.name = name
    self.group = group
    self.component = component
    self.energyClass = energyClass
    isCounted = false
    self.counterRange = counterRange
    self.largestWatts = largestWatts
  }

  // Where two groups measure the same component of one class, the earlier one is added.
  private static let preference = [
    "meter", "ipmi", "hwmon power_meter", "hwmon power supply", "rapl", "hwmon amd_energy", "hwmon zenpower",
    "hwmon fam15h_power", "stated",
  ]

  /// `channels` with `isCounted` and `note` set, so that nothing is added up twice: of each class and component, the
  /// channels of the most preferred group.
  static func counting(_ channels: [PowerChannel]) -> [PowerChannel] {
    let rank = { (channel: PowerChannel) in preference.firstIndex(of: channel.group) ?? preference.count }
    return channels.map { channel in
      var channel = channel
      (channel.isCounted, channel.note) = (false, nil)
      switch channel.component {
      case .node, .processor, .memory:
        let rivals = channels.filter { $0.energyClass == channel.energyClass && $0.component == channel.component }
        let best = rivals.min { rank($0) < rank($1) }
        channel.isCounted = best?.group == channel.group
        channel.note = channel.isCounted ? nil : "\(best?.group ?? "another") measures the same: listed, not added"
      case .accelerator: channel.note = "this benchmark does not use it: listed, not added"
      case .platform: channel.note = "it holds the packages: listed apart, not added"
      case .part: channel.note = "it is inside its package: listed, not added"
      case .unknown: channel.note = "what it covers is not known: listed, not added"
      }
      return channel
    }
  }
}
