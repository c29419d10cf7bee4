// One line of an external meter: "timestamp watts" or "watts", apart by space, tab, comma or semicolon.
import Foundation

public struct MeterLine: Sendable, Equatable {
  /// Seconds since 1970, UTC, by the meter's clock.
  public var stamp: Double?
  public var watts: Double

  /// No line is longer; what is longer is rubbish.
  static let longest = 512
  static let mostWatts = 1e6

  /// nil for a line that is not one: a heading, a message, an empty line, a power that no node has. A timestamp is in
  /// seconds or milliseconds since 1970, or in ISO 8601.
  public init?(_ line: some StringProtocol) {
    guard line.utf8.count <= Self.longest else { return nil }
    let fields = line.split { $0 == " " || $0 == "\t" || $0 == "," || $0 == ";" || $0 == "\r" }
    guard let first = fields.first, let power = Double(fields.count == 1 ? first : fields[1]), power.isFinite,
      power >= 0, power <= Self.mostWatts
    else { return nil }
    watts = power
    guard fields.count > 1 else { return }
    guard let time = Self.seconds(String(first)) else { return nil }
    stamp = time
  }

  private static func seconds(_ text: String) -> Double? {
    if let number = Double(text) {
      // 2001 to 2100, in one of the two units.
      if (1e9..<4.2e9).contains(number) { return number }
      if (1e12..<4.2e12).contains(number) { return number / 1000 }
      return nil
    }
    let formatter = ISO8601DateFormatter()
    if let date = formatter.date(from: text) { return date.timeIntervalSince1970 }
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    return formatter.date(from: text)?.timeIntervalSince1970
  }
}
