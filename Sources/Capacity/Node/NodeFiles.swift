// Reads /proc and /sys through one root, so that tests can put a recorded tree in its place. What is written, power
// limits and clocks, is in NodeFiles+Write.swift.
import Foundation

public struct NodeFiles: Sendable {
  /// "/" on a live machine; a recorded tree's folder in a test.
  public let root: String
  /// Whether the tree is the machine this process runs on: affinity and clocks are asked of the system only then.
  public var isLive: Bool { root == "/" }
  /// Of a path, the errno that reading or writing it fails with; 0 for none. For tests: root is denied nothing.
  let fault: @Sendable (String) -> Int32

  public init(root: String = "/") {
    self.init(root: root) { _ in 0 }
  }

  package init(root: String, fault: @escaping @Sendable (String) -> Int32) {
    self.root = root
    self.fault = fault
  }

  func full(_ path: String) -> String { root == "/" ? "/" + path : root + "/" + path }

  /// The text of a file, without white space at its ends, or nil if it cannot be read. At most 1 MiB is read.
  public func text(_ path: String) -> String? { try? contents(path) }

  /// As `text`, with the reason where there is none.
  public func contents(_ path: String) throws(NodeFileError) -> String {
    let data = try bytes(path)
    return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The first `limit` bytes of a file.
  public func bytes(_ path: String, limit: Int = 1 << 20) throws(NodeFileError) -> [UInt8] {
    let injected = fault(path)
    if injected != 0 { throw NodeFileError(path: path, code: injected) }
    let descriptor = open(full(path), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw NodeFileError(path: path, code: errno) }
    defer { close(descriptor) }
    // Most of these files are a line; a few fill pages. /proc gives at most a page or so a call.
    var data: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while data.count < limit {
      let count = read(descriptor, &piece, min(piece.count, limit - data.count))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw NodeFileError(path: path, code: errno) }
      if count == 0 { break }
      data += piece[..<count]
    }
    return data
  }

  public func lines(_ path: String) -> [Substring] { text(path)?.split(separator: "\n") ?? [] }

  public func int(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

  public func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: full(path)) }

  /// The names in a folder, in order of the numbers in them: cpu2 before cpu10.
  public func names(in path: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: full(path))) ?? []
    return names.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
  }

  /// "key value" or "key: value" lines as pairs.
  public func pairs(_ path: String) -> [String: String] {
    var pairs: [String: String] = [:]
    for line in lines(path) {
      guard let cut = line.firstIndex(where: { $0 == ":" || $0 == " " || $0 == "\t" }) else { continue }
      let value = line[line.index(after: cut)...].drop { $0 == ":" || $0 == " " || $0 == "\t" }
      pairs[String(line[..<cut]).trimmingCharacters(in: .whitespaces)] = String(value)
    }
    return pairs
  }

  /// "0-3,8,10-11" as numbers. Nothing for a list that is not one, or that names more than 65,536.
  public static func list(_ text: String) -> [Int] {
    var numbers: [Int] = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-").compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
      guard let first = ends.first, let last = ends.last, ends.count <= 2, first <= last, last < 65_536,
        numbers.count + last - first < 65_536
      else { return [] }
      numbers += Array(first...last)
    }
    return numbers
  }
}
