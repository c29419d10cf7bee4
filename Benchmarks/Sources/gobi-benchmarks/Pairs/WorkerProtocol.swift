// What a driver and a worker say to each other: one JSON object a line, request and reply in turn, over the worker's
// standard input and output. Programs of different revisions speak it with each other, so fields are only added, and
// what changes their meaning raises the version.
import Foundation

enum WorkerProtocol {
  static let version = 1

  static func line(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    return try encoder.encode(value) + Data("\n".utf8)
  }
}

struct WorkerRequest: Codable {
  enum Action: String, Codable {
    /// Answers `protocol`, `isa` and `threads`.
    case hello
    /// Answers `rows`, all ids.
    case list
    /// Prepares `row` and checks its answer: `seconds` for one run, `isRight`. The row before it is let go.
    case open
    /// Runs the open row `warm` times, then `repeats` times: `wall` and `thread` seconds of those.
    case run
    case quit
  }

  var action: Action
  var row: String?
  var repeats: Int?
  var warm: Int?
  /// A planted slow-down, to try the gate: work inside the timed window, of this share of the runs' own time. Asked for
  /// here and not by an option, which would move the stack.
  var plant: Double?
  /// Which of the processors that the worker may use runs the slices of the row; nil: the scheduler's choice.
  var processor: Int?
}

struct WorkerReply: Codable {
  var `protocol`: Int?
  var isa: String?
  var threads: Int?
  var rows: [String]?
  var seconds: Double?
  var isRight: Bool?
  var wall: Double?
  var thread: Double?
  /// What went wrong, in words: the other fields are nil.
  var error: String?
}
