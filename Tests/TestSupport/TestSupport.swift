// Where the fixtures are and how the tests read them. No assertions here: those belong to the tests.
import Foundation

/// The folder `Tests/Fixtures` of this checkout.
public enum Fixtures {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

  public static func url(_ path: String) -> URL { root.appendingPathComponent(path) }
  public static func path(_ path: String) -> String { url(path).path }
  public static func data(_ path: String) throws -> Data { try Data(contentsOf: url(path)) }
  public static func text(_ path: String) throws -> String {
    String(decoding: try data(path), as: UTF8.self)
  }
}

/// A float32 array in NumPy's `.npy` format, version 1 or 2, C order.
public struct NPYArray: Sendable {
  public let shape: [Int]
  public let values: [Float]

  public struct Malformed: Error, CustomStringConvertible {
    public let description: String
  }

  public init(contentsOf url: URL) throws {
    let data = [UInt8](try Data(contentsOf: url))
    guard data.count > 10, Array(data[0..<6]) == [0x93] + Array("NUMPY".utf8) else {
      throw Malformed(description: "\(url.path): not an .npy file")
    }
    let wide = data[6] >= 2
    let headerStart = wide ? 12 : 10
    let headerLength =
      wide
      ? Int(data[8]) | Int(data[9]) << 8 | Int(data[10]) << 16 | Int(data[11]) << 24
      : Int(data[8]) | Int(data[9]) << 8
    let header = String(decoding: data[headerStart..<headerStart + headerLength], as: UTF8.self)
    guard header.contains("'<f4'"), header.contains("'fortran_order': False"),
      let open = header.firstIndex(of: "("), let close = header.firstIndex(of: ")")
    else { throw Malformed(description: "\(url.path): expected C-ordered float32, found \(header)") }
    shape = header[header.index(after: open)..<close].split(separator: ",").compactMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    let body = data[(headerStart + headerLength)...]
    let count = shape.reduce(1, *)
    guard body.count == count * 4 else {
      throw Malformed(description: "\(url.path): \(body.count) bytes for shape \(shape)")
    }
    values = body.withUnsafeBytes { raw in
      (0..<count).map {
        Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
      }
    }
  }
}

/// A folder that is removed when the value goes away.
public final class TemporaryFolder: Sendable {
  public let url: URL
  public init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("gobi-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }
  public func path(_ name: String) -> String { url.appendingPathComponent(name).path }
  deinit { try? FileManager.default.removeItem(at: url) }
}
