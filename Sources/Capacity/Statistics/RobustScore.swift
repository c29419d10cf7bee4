// How far a value is from others of its kind, in deviations that a few strange ones do not move.

public enum RobustScore {
  /// Fewer values than this have no spread to speak of.
  public static let fewest = 5
  /// Iglewicz and Hoaglin (1993): further than this is strange.
  public static let strange = 3.5

  /// (value - median) ÷ (1.4826 · MAD) of `others`. nil for fewer than 5 of them, or where more than half are equal.
  public static func z(_ value: Double, among others: [Double]) -> Double? {
    guard others.count >= fewest else { return nil }
    let middle = Statistics.median(others)
    let deviation = deviation(others)
    guard deviation > 0, (value - middle).isFinite else { return nil }
    return (value - middle) / deviation
  }

  /// 1.4826 · MAD: the standard deviation, where values are normal.
  public static func deviation(_ values: [Double]) -> Double {
    let middle = Statistics.median(values)
    return 1.4826 * Statistics.median(values.map { abs($0 - middle) })
  }
}
