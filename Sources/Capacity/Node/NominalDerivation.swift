// R_nom and B_nom of a node whose family is known: sockets × cores × operations a cycle × clock, and channels × width ×
// transfers. What cannot be read is not guessed: then it is said why.

/// What follows for a node, or why nothing does.
public struct NominalDerivation: Sendable, Equatable {
  public var figures = NominalFigures(peaks: [])
  /// What could not be derived, and why.
  public var notDerived: [CapacityReport.Omission] = []

  static let peak = "nominal peak"
  static let bandwidth = "nominal bandwidth"

  public init(_ node: NodeManifest) {
    peaks(node)
    memory(node)
  }

  private mutating func peaks(_ node: NodeManifest) {
    guard let family = ProcessorFamily(node.processor) else {
      notDerived.append(
        .init(what: Self.peak, why: "the family of \(node.processor.model) is not among the known ones"))
      return
    }
    guard node.system.hypervisor == nil else {
      notDerived.append(
        .init(what: Self.peak, why: "under a hypervisor neither cores nor clocks are the machine's own"))
      return
    }
    guard let clock = Self.highest(node.clock) else {
      notDerived.append(
        .init(what: Self.peak, why: "the kernel does not tell the largest clock that its cores may run at"))
      return
    }
    let sockets = max(node.topology.sockets, 1), cores = max(node.topology.cores / sockets, 1)
    for precision in Precision.allCases {
      guard let perCycle = family.perCycle[precision] else { continue }
      let perHertz = Double(sockets * cores) * perCycle
      let base = node.clock.baseHertz
      let source =
        "\(family.name): \(sockets) socket(s) × \(cores) cores × \(Int(perCycle)) \(precision.unit.dropLast(2))/cycle "
        + "(\(family.units)) × \(Quantity.text(clock, "Hz")), the largest clock that the kernel tells"
        + (base.map { "; base clock \(Quantity.text($0, "Hz"))" } ?? "; base clock not readable")
      figures.peaks.append(
        .init(precision: precision, value: perHertz * clock, source: source, base: base.map { perHertz * $0 }))
    }
  }

  /// The clock that no core passes. acpi-cpufreq tells the base clock as the largest one where there is a boost.
  private static func highest(_ clock: NodeManifest.Clock) -> Double? {
    if clock.turbo == false { return clock.baseHertz ?? clock.maximumHertz }
    if clock.driver == "acpi-cpufreq" { return nil }
    return clock.maximumHertz
  }

  private mutating func memory(_ node: NodeManifest) {
    let speeds = Set(node.memory.modules.map(\.megatransfers))
    guard let channels = node.memory.channels, channels > 0, node.system.hypervisor == nil, speeds.count == 1,
      let speed = speeds.first.flatMap({ $0 })
    else {
      notDerived.append(
        .init(what: Self.bandwidth, why: "channels and transfers a second of the memory are not readable"))
      return
    }
    figures.memory = .init(
      value: Double(channels) * 8 * Double(speed) * 1e6,
      source: "\(channels) channels × 8 B × \(speed) MT/s, as the memory controllers and the firmware tell them")
  }
}
