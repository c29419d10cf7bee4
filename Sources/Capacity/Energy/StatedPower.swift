// Class D: no sensor, but watts that the operator states, with where they come from. A model, and marked as one.

public struct StatedPower: PowerSource, Codable, Equatable {
  public var watts: Double
  /// "nameplate", "measured on a node of this kind on …".
  public var source: String

  public init(watts: Double, source: String) throws(CapacityError) {
    guard watts.isFinite, watts > 0, watts < 1e6 else {
      throw .option(name: "stated-watts", what: "\(watts) is not a node's power")
    }
    guard !source.isEmpty else { throw .option(name: "stated-source", what: "stated watts need a source") }
    self.watts = watts
    self.source = source
  }

  public var channels: [PowerChannel] {
    [PowerChannel(name: "stated: \(source)", group: "stated", component: .node, energyClass: .d)]
  }

  public func read(_ clock: PowerClock) -> [(channel: Int, outcome: PowerOutcome)] {
    [(0, .reading(seconds: clock.monotonic(), watts: watts, joules: nil))]
  }
}
