// The one spelling of this library's JSON: keys in snake case and sorted, an entry a line.
import Foundation

public enum ReportJSON {
  /// Throws .report for a number that JSON has not.
  public static func data(_ value: some Encodable) throws(CapacityError) -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do { return try encoder.encode(value) } catch { throw .report(path: "JSON", what: "\(error)") }
  }
}
