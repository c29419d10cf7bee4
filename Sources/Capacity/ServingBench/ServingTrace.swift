// Recorded arrivals: CSV with a header, as the Azure traces have it, or a JSON object a line, as Mooncake's.
import Foundation
import Inference

/// Requests of a recorded service: when they came and how many tokens they had. At least one row, in order of time.
public struct ServingTrace: Sendable, Equatable {
  public struct Row: Sendable, Equatable {
    /// Seconds after the first row.
    public var arrival: Double
    public var promptTokens: Int
    public var outputTokens: Int
    /// Of the prompt's beginning, ``ServingRequest/hashTokens`` tokens each; empty where the trace has none.
    public var hashes: [Int64] = []
  }

  public let name: String
  public let rows: [Row]

  /// Reads the trace at `path`. Throws `CapacityError.report` with the line that is wrong: a column that is missing, a
  /// number that is none, a time before the one above it.
  public init(path: String) throws(CapacityError) {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw .report(path: path, what: "cannot be read: \(error.localizedDescription)")
    }
    guard let text = String(data: data, encoding: .utf8) else { throw .report(path: path, what: "is not UTF-8") }
    try self.init(text: text, name: path)
  }

  public init(text: String, name: String) throws(CapacityError) {
    self.name = name
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard let first = lines.first(where: { !$0.isEmpty }) else { throw .report(path: name, what: "has no rows") }
    var parser: any TraceLineParser = first.hasPrefix("{") ? JSONLineParser() : CSVLineParser()
    var rows: [Row] = []
    var origin: Double?
    for (number, line) in lines.enumerated() where !line.isEmpty {
      let fault = { (what: String) in CapacityError.report(path: name, what: "line \(number + 1): \(what)") }
      guard let (time, prompt, output, hashes) = try parser.row(line, fault) else { continue }
      guard time.isFinite else { throw fault("\(time) is no time") }
      guard prompt > 0, output > 0, prompt <= Self.mostTokens, output <= Self.mostTokens else {
        throw fault("\(prompt) and \(output) tokens: each must be in 1…\(Self.mostTokens)")
      }
      guard hashes.count <= (prompt - 1) / ServingRequest.hashTokens + 1 else {
        throw fault("\(hashes.count) hashes of \(ServingRequest.hashTokens) tokens for a prompt of \(prompt)")
      }
      let start = origin ?? time
      origin = start
      guard time - start >= (rows.last?.arrival ?? 0) else { throw fault("its time is before the one above it") }
      rows.append(Row(arrival: time - start, promptTokens: prompt, outputTokens: output, hashes: hashes))
    }
    guard !rows.isEmpty else { throw .report(path: name, what: "has no rows") }
    self.rows = rows
  }

  /// Longer than any context; a number above it is a mistake in the file.
  static let mostTokens = 1 << 26

  /// Requests a second, over the whole trace; nil if all came at once.
  public var rate: Double? {
    guard let last = rows.last, last.arrival > 0 else { return nil }
    return Double(rows.count - 1) / last.arrival
  }

  /// Whether it says which prompts begin alike.
  public var hasHashes: Bool { rows.contains { !$0.hashes.isEmpty } }

  /// The same arrivals with no request of more than `prompt` and `output` tokens: for a machine or a model that is too
  /// small for the longest ones. How many rows that changed stands beside.
  public func limited(prompt: Int, output: Int) -> (trace: ServingTrace, changed: Int) {
    var changed = 0
    let rows = rows.map { row in
      let promptTokens = min(row.promptTokens, prompt)
      let covered = (promptTokens - 1) / ServingRequest.hashTokens + 1
      let short = Row(
        arrival: row.arrival, promptTokens: promptTokens, outputTokens: min(row.outputTokens, output),
        hashes: Array(row.hashes.prefix(covered)))
      if short != row { changed += 1 }
      return short
    }
    return (ServingTrace(name: name, rows: rows), changed)
  }

  /// One request at once.
  init(promptTokens: Int, outputTokens: Int) {
    self.init(name: "one", rows: [Row(arrival: 0, promptTokens: promptTokens, outputTokens: outputTokens)])
  }

  private init(name: String, rows: [Row]) {
    self.name = name
    self.rows = rows
  }
}

/// What a line says: seconds, or milliseconds made seconds, from any origin.
private typealias TraceLine = (time: Double, prompt: Int, output: Int, hashes: [Int64])

/// Reads lines of one kind of file. nil: a line without a row, such as a header.
private protocol TraceLineParser {
  mutating func row(_ line: Substring, _ fault: (String) -> CapacityError) throws(CapacityError) -> TraceLine?
}

/// Mooncake: {"timestamp": ms, "input_length": n, "output_length": n, "hash_ids": [n, …]}, hashes where it has them.
private struct JSONLineParser: TraceLineParser {
  mutating func row(_ line: Substring, _ fault: (String) -> CapacityError) throws(CapacityError) -> TraceLine? {
    let value: JSONValue
    do { value = try JSONValue(parsing: String(line)) } catch { throw fault("is not JSON: \(error)") }
    guard let time = value["timestamp"]?.double else { throw fault("has no number \"timestamp\"") }
    guard let prompt = value["input_length"]?.int else { throw fault("has no whole number \"input_length\"") }
    guard let output = value["output_length"]?.int else { throw fault("has no whole number \"output_length\"") }
    var hashes: [Int64] = []
    if let list = value["hash_ids"], !list.isNull {
      guard let ids = list.array else { throw fault("\"hash_ids\" is no list") }
      for id in ids {
        guard let id = id.int, id >= 0 else { throw fault("\"hash_ids\" holds what is no whole number of 0 or more") }
        hashes.append(Int64(id))
      }
    }
    return (time / 1000, Int(prompt), Int(output), hashes)
  }
}

/// A header that names the columns, then rows. Times are seconds, or dates as 2023-11-16 18:17:03.9799600.
private struct CSVLineParser: TraceLineParser {
  private static let timeNames = ["timestamp", "arrival", "arrival_time", "time"]
  private static let promptNames = ["contexttokens", "prompt_tokens", "input_length", "input_tokens"]
  private static let outputNames = ["generatedtokens", "output_tokens", "output_length", "completion_tokens"]

  private var time: Int?
  private var prompt: Int?
  private var output: Int?

  mutating func row(_ line: Substring, _ fault: (String) -> CapacityError) throws(CapacityError) -> TraceLine? {
    let fields = line.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    guard let time, let prompt, let output else {
      func column(_ known: [String]) throws(CapacityError) -> Int {
        guard let place = fields.firstIndex(where: { known.contains($0.lowercased()) }) else {
          throw fault("the header names no column of \(known.joined(separator: ", "))")
        }
        return place
      }
      self.time = try column(Self.timeNames)
      self.prompt = try column(Self.promptNames)
      self.output = try column(Self.outputNames)
      return nil
    }
    guard fields.count > max(time, prompt, output) else { throw fault("has \(fields.count) columns") }
    guard let seconds = Double(fields[time]) ?? Self.seconds(ofDate: fields[time]) else {
      throw fault("'\(fields[time])' is no time")
    }
    guard let promptTokens = Int(fields[prompt]) else { throw fault("'\(fields[prompt])' is no number of tokens") }
    guard let outputTokens = Int(fields[output]) else { throw fault("'\(fields[output])' is no number of tokens") }
    return (seconds, promptTokens, outputTokens, [])
  }

  /// Seconds since 1970 of YYYY-MM-DD hh:mm:ss[.fraction], taken as UTC: only differences count.
  private static func seconds(ofDate text: String) -> Double? {
    let parts = text.split(whereSeparator: { " T".contains($0) })
    guard parts.count == 2 else { return nil }
    let date = parts[0].split(separator: "-").compactMap { Int($0) }
    let clock = parts[1].split(separator: ":")
    guard date.count == 3, clock.count == 3, let hour = Int(clock[0]), let minute = Int(clock[1]),
      let second = Double(clock[2]), (0..<24).contains(hour), (0..<60).contains(minute), (0..<61).contains(second),
      (1...12).contains(date[1]), (1...31).contains(date[2]), (1970...9999).contains(date[0])
    else { return nil }
    return Double(days(date[0], date[1], date[2]) * 86_400 + hour * 3_600 + minute * 60) + second
  }

  /// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let y = month > 2 ? year : year - 1
    let m = month > 2 ? month - 3 : month + 9
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
  }
}
