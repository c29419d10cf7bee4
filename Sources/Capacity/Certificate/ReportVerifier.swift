// Checks a report's file offline: that its figures follow from its samples, that its certificate is of these bytes and
// signed, and that the chain of certificates before it holds.
import Foundation

public struct ReportVerifier: Sendable {
  /// What was found to be so.
  public struct Outcome: Sendable, Equatable {
    public var figures: Int
    /// Of the figures that the report states, those that are VALID, and all.
    public var valid: Int
    public var stated: Int
    /// False for the report of a run that was cancelled.
    public var isComplete: Bool
    /// Of the report's node and time, for whoever reads the outcome.
    public var processor: String
    public var started: String
    /// nil for a report without a certificate: its figures agree with its samples, and nobody vouches for these.
    public var certificate: Certificate?
    /// Certificates before it that were checked.
    public var chained: Int
  }

  /// A certificate's file; nil where there is none.
  public var certificate: String?
  /// Files of the certificates before it, the newest first.
  public var previous: [String]
  /// The key that must have signed; nil: any.
  public var key: PublicKey?
  /// The nonce that was asked for; nil: any.
  public var nonce: String?

  public init(certificate: String? = nil, previous: [String] = [], key: PublicKey? = nil, nonce: String? = nil) {
    self.certificate = certificate
    self.previous = previous
    self.key = key
    self.nonce = nonce
  }

  /// Throws the first thing that is wrong with the certificate, or .mismatch with every figure that is wrong.
  public func verify(_ path: String) throws(CertificateError) -> Outcome {
    let bytes = try ReportFile.bytes(path)
    let signed = try certificate.map { path throws(CertificateError) in try Certificate(path: path) }
    guard signed != nil || (previous.isEmpty && key == nil && nonce == nil) else {
      throw .foreign(path: path, what: "it has no certificate")
    }
    if let signed, FileHash.of(bytes) != signed.reportHash {
      throw .mismatch(path: path, what: "not the report that was signed: it was changed, or is another one")
    }
    let report: CapacityReport
    do { report = try CapacityReport(json: Data(bytes), path: path) } catch {
      throw .foreign(path: path, what: error.description.replacing("\(path): ", with: ""))
    }
    if let signed {
      try signed.check(report, bytes: bytes, path: path)
      try checkAsked(signed)
      try checkChain(signed)
    }
    let check = ReportCheck(report)
    guard check.problems.isEmpty else {
      throw .mismatch(
        path: path, what: "figures do not follow from their samples:\n" + check.problems.joined(separator: "\n"))
    }
    return Outcome(
      figures: check.figures, valid: report.figures.count { $0.validity == .valid }, stated: report.figures.count,
      isComplete: report.isComplete, processor: report.node.processor.model, started: report.started,
      certificate: signed,
      chained: previous.count)
  }

  private func checkAsked(_ signed: Certificate) throws(CertificateError) {
    let name = certificate ?? ""
    if let key, key != signed.publicKey {
      throw .mismatch(path: name, what: "signed by the key \(signed.publicKey.fingerprint), not \(key.fingerprint)")
    }
    if let nonce, nonce != signed.nonce { throw .mismatch(path: name, what: "the nonce is not the one asked for") }
  }

  private func checkChain(_ signed: Certificate) throws(CertificateError) {
    var later = signed
    for path in previous {
      let earlier = try Certificate(path: path)
      try later.follows(earlier, path: path)
      later = earlier
    }
  }
}
