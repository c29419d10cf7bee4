// Keys as text (RFC 7468): a label, base64, a label.
import Foundation

enum PEM {
  static func text(_ label: String, _ bytes: [UInt8]) -> String {
    let body = Data(bytes).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    return "-----BEGIN \(label)-----\n\(body)\n-----END \(label)-----\n"
  }

  /// What is between the labels in a file of at most 4 KiB.
  static func bytes(_ path: String, _ label: String) throws(CertificateError) -> [UInt8] {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw .key(path: path, what: String(cString: strerror(errno)))
    }
    defer { try? handle.close() }
    let text = String(decoding: (try? handle.read(upToCount: 4096)) ?? Data(), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
    guard let begin = lines.firstIndex(of: "-----BEGIN \(label)-----"),
      let end = lines.firstIndex(of: "-----END \(label)-----"), begin < end,
      let data = Data(base64Encoded: lines[(begin + 1)..<end].joined())
    else { throw .key(path: path, what: "no \(label) in PEM") }
    return Array(data)
  }
}
