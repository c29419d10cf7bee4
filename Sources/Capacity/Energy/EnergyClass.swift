// How good a reading of energy is. Classes are never mixed: sums stay within one, and a ratio carries the worse.

public enum EnergyClass: String, Codable, Sendable, CaseIterable, Comparable {
  /// An external analyser on the mains.
  case a = "A"
  /// The rack's distribution unit, or the node's own management controller or power supplies.
  case b = "B"
  /// Counters of components: a lower bound, whose coverage is listed.
  case c = "C"
  /// A model: watts that the operator states.
  case d = "D"

  /// Better is smaller.
  public static func < (x: EnergyClass, y: EnergyClass) -> Bool { x.rawValue < y.rawValue }

  public var explanation: String {
    switch self {
    case .a: "measured on the mains by an external analyser"
    case .b: "measured by a distribution unit, the management controller or the power supplies"
    case .c: "components' own counters: a lower bound of what the node takes"
    case .d: "not measured: a model from watts that the operator stated"
    }
  }
}

/// An amount with the class of the readings it comes from.
public struct ClassedAmount: Codable, Sendable, Equatable {
  public var value: Double
  /// "J", "W", "J/token" or "1".
  public var unit: String
  public var energyClass: EnergyClass

  public init(_ value: Double, _ unit: String, _ energyClass: EnergyClass) {
    self.value = value
    self.unit = unit
    self.energyClass = energyClass
  }

  /// nil where classes or units differ: they are never mixed.
  public func adding(_ other: ClassedAmount) -> ClassedAmount? {
    guard energyClass == other.energyClass, unit == other.unit else { return nil }
    return ClassedAmount(value + other.value, unit, energyClass)
  }

  /// A ratio of two amounts of the same unit, with the worse of the two classes. nil for other units or a zero.
  public func ratio(to other: ClassedAmount) -> ClassedAmount? {
    guard unit == other.unit, other.value != 0 else { return nil }
    return ClassedAmount(value / other.value, "1", max(energyClass, other.energyClass))
  }
}
