// What was taken in a window by the channels of one class, and whether the readings suffice to say so.

public struct PowerUse: Codable, Sendable, Equatable {
  public var energyClass: EnergyClass
  /// The channels that are added up.
  public var coverage: [String]
  public var joules: Double
  /// Of the windows together.
  public var seconds: Double
  public var averageWatts: Double
  /// The longest time without a reading, of any channel that is added up.
  public var largestGap: Double
  /// |counter - trapezoid| ÷ counter, of channels that give both, where the time is 2 s or more.
  public var counterDisagreement: Double?
  /// POWER_GAP or CLOCK_SYNC; none: it counts.
  public var reasons: [Reason]

  /// Seconds without a reading, and disagreement, that energy survives.
  public static let gapLimit = 3.0
  public static let disagreementLimit = 0.05
}
