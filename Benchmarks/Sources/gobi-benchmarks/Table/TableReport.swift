// What `kernels` measured, as a file: the baseline of a later run.
import Capacity
import Foundation

struct TableRow: Codable {
  var id: String
  var work: Work
  /// Seconds for one run: median, interval, samples, verdict. NUMERIC_FAIL where an answer was wrong.
  var seconds: Figure
  /// Of the roof: the least time that the row could take, over the time that it took. Nil without roofs.
  var share: Double?
  /// "s8", "f32"… where arithmetic is the limit, else the level of the memory: "L2", "DRAM".
  var bound: String?
}

struct TableReport: Codable {
  /// Of this file's layout; another one is not read.
  static let version = 1

  var version = TableReport.version
  var started: String
  var isa: String
  var threads: Int
  var node: NodeManifest
  var roofs: Roofs
  var rows: [TableRow] = []

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do { try encoder.encode(self).write(to: URL(fileURLWithPath: path)) } catch {
      throw BenchmarkError("cannot write \(path): \(error.localizedDescription)")
    }
  }

  static func read(_ path: String) throws -> TableReport {
    guard let data = FileManager.default.contents(atPath: path) else { throw AskedError("cannot read \(path)") }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let report = try? decoder.decode(TableReport.self, from: data), report.version == version else {
      throw AskedError("\(path) is not a file that `gobi-benchmarks kernels --json` wrote, of version \(version)")
    }
    return report
  }
}
