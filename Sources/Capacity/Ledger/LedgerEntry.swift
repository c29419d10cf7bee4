// A report on its way into a ledger: read, its figures worked out anew, its certificate checked. What fails is refused.
import Foundation

public struct LedgerEntry: Sendable {
  /// Whose report it is: reports do not name their machine.
  public let node: String
  public let report: CapacityReport
  /// The file's, in full, and their SHA-256.
  let bytes: [UInt8]
  public let hash: String
  public let certificate: Certificate?

  static let longestName = 255
  /// A ledger keeps the whole report; more than this is no report of one node.
  static let mostBytes = 64 << 20

  /// `certificate` is its file's path; nil for none.
  public init(node: String, path: String, certificate: String? = nil) throws(LedgerError) {
    try Self.check(node: node)
    self.node = node
    do throws(CertificateError) {
      bytes = try ReportFile.bytes(path, limit: Self.mostBytes + 1)
    } catch { throw .unsound(path: path, what: Self.words(error, path)) }
    guard bytes.count <= Self.mostBytes else {
      throw .unsound(path: path, what: "it is longer than \(Quantity.bytes(Self.mostBytes))")
    }
    do throws(CapacityError) {
      report = try CapacityReport(json: Data(bytes), path: path)
    } catch { throw .unsound(path: path, what: error.description.replacing("\(path): ", with: "")) }
    guard ISO8601DateFormatter().date(from: report.started) != nil else {
      throw .unsound(path: path, what: "its time is not one: \(report.started.prefix(40))")
    }
    let problems = ReportCheck(report).problems
    guard problems.isEmpty else {
      throw .unsound(path: path, what: "figures do not follow from their samples:\n" + problems.joined(separator: "\n"))
    }
    hash = FileHash.of(bytes)
    do throws(CertificateError) {
      let signed = try certificate.map { path throws(CertificateError) in try Certificate(path: path) }
      try signed?.check(report, bytes: bytes, path: path)
      self.certificate = signed
    } catch { throw .unsound(path: path, what: Self.words(error, path)) }
  }

  private static func words(_ error: CertificateError, _ path: String) -> String {
    error.description.replacing("\(path): ", with: "")
  }

  /// Throws unless `node` has 1 to 255 bytes, all of them visible ASCII, and no comma, slash, quote or equals sign.
  public static func check(node: String) throws(LedgerError) {
    guard !node.isEmpty, node.utf8.count <= longestName,
      node.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !",/=\"'\\".utf8.contains($0) }), !node.hasPrefix("-"),
      node != ".", node != ".."
    else {
      throw .request(what: "'\(node.prefix(60))' is no name of a node: 1 to 255 letters, digits, dots and dashes")
    }
  }

  /// Nodes of one processor model with the same settings: what may be compared with what.
  static func cohort(_ node: NodeManifest) -> String {
    let turbo = node.clock.turbo.map { $0 ? "turbo" : "no turbo" } ?? "turbo unknown"
    return [
      node.processor.model,
      "\(node.topology.sockets) x \(node.topology.cores) cores, \(node.topology.threads) threads",
      "SMT \(node.topology.smt ?? "unknown")", node.clock.governor ?? "governor unknown", turbo,
      node.system.hypervisor.map { "under \($0)" } ?? "no hypervisor",
      node.system.quota.map { "quota \(Quantity.number($0))" } ?? "no quota",
      "huge pages \(node.memory.transparentHugePages ?? "unknown")", node.memory.speed ?? "memory unknown",
      "\(node.build.isa), \(node.build.threads) threads",
    ].joined(separator: "; ")
  }

  /// What may change a node's figures with nobody at fault: a new series starts where it changes.
  static func version(_ node: NodeManifest) -> String {
    [
      "gobi \(node.build.version)", node.build.binaryHash.map { "binary \($0.prefix(12))" } ?? "binary unknown",
      node.build.blas ?? "no BLAS", "Linux \(node.system.kernel)", "microcode \(node.processor.microcode ?? "unknown")",
      node.build.libc ?? "libc unknown",
    ].joined(separator: "; ")
  }
}
