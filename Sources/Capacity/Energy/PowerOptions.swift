// Where a run looks for power, and what the operator states about it.

public struct PowerOptions: Sendable, Equatable {
  /// A command that writes a reading a line: "watts" or "timestamp watts".
  public var meterCommand: String?
  /// A file of "timestamp,watts" lines that a meter fills meanwhile.
  public var meterFile: String?
  public var meter = MeterSource.Options()
  /// Watts that the operator states: class D.
  public var stated: StatedPower?
  public var site: SiteFactors?

  public init() {}
}

extension PowerDiscovery {
  /// Every sensor of the node, and what the options add. What is not there or cannot be read is listed, with the reason.
  public static func sensors(_ files: NodeFiles, _ options: PowerOptions = PowerOptions()) -> PowerDiscovery {
    var found = RAPLSource.discover(files) + HwmonSource.discover(files)
    let devices = ["dev/ipmi0", "dev/ipmi/0", "dev/ipmidev/0"]
    let controller = "power by the management controller (IPMI)"
    if !devices.contains(where: files.exists) {
      found.notMeasured.append(.init(what: controller, why: "there is no /dev/ipmi0"))
    } else if files.isLive {
      found = found + IPMISource.discover()
    }
    // A recorded tree has no drivers to ask.
    if files.isLive { found = found + NVMLSource.discover() }
    if let command = options.meterCommand {
      do throws(CapacityError) {
        found.sources.append(try MeterSource(command: command, options: options.meter))
      } catch {
        found.notMeasured.append(.init(what: "power by the meter", why: error.description))
      }
    }
    if let stated = options.stated { found.sources.append(stated) }
    return found
  }
}
