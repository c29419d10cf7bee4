// Files of reports and certificates: read within a limit, written aside, synced and renamed.
import Foundation
import Inference

enum ReportFile {
  /// No report is longer.
  static let mostBytes = 256 << 20

  static func bytes(_ path: String, limit: Int = mostBytes) throws(CertificateError) -> [UInt8] {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw .foreign(path: path, what: String(cString: strerror(errno)))
    }
    defer { try? handle.close() }
    do { return Array(try handle.read(upToCount: limit) ?? Data()) } catch {
      throw .foreign(path: path, what: error.localizedDescription)
    }
  }

  /// A full disk or a read-only folder leaves nothing under `path`, or what was there before.
  static func write(_ bytes: [UInt8], to path: String) throws(CertificateError) {
    do throws(WeightError) {
      let file = try OutputFile(path: path)
      try file.write(bytes)
      try file.finish()
    } catch {
      if case .cannotWrite(_, let reason) = error { throw .cannotWrite(path: path, reason: reason) }
      throw .cannotWrite(path: path, reason: "\(error)")
    }
  }
}
