// A report's certificate: what was measured by which binary at whose request, signed, and chained to the one before it.
// A small file beside the report, in canonical JSON; any other spelling of it is refused.
import Foundation
import Inference

public struct Certificate: Sendable, Equatable {
  public static let schema = "gobi.certificate/1"
  /// No certificate is longer.
  static let mostBytes = 1 << 16
  static let longestNonce = 256

  /// SHA-256 of the report's file, of its raw samples (RawSamples), and of the executable that measured.
  public let reportHash: String
  public let samplesHash: String
  public let binaryHash: String?
  /// Whoever asked for the measurement chose it: an old report does not have it.
  public let nonce: String
  /// SHA-256 of the previous certificate's file; nil for the first.
  public let previousHash: String?
  /// 1 for the first, and one more each time.
  public let sequence: Int
  /// ISO 8601, UTC.
  public let issued: String
  public let publicKey: PublicKey
  /// Ed25519 over the canonical JSON of all the others.
  public let signature: [UInt8]

  /// Signs the report whose file holds `reportBytes`.
  public init(
    of report: CapacityReport, reportBytes: [UInt8], key: SigningKey, nonce: String, previous: Certificate? = nil,
    issued: String
  ) throws(CertificateError) {
    guard !nonce.isEmpty, nonce.utf8.count <= Self.longestNonce else {
      throw .request(what: "a nonce has 1 to \(Self.longestNonce) bytes")
    }
    if let previous {
      guard previous.publicKey == key.publicKey else {
        throw .request(what: "the previous certificate was signed with another key")
      }
      guard previous.reportHash != FileHash.of(reportBytes) else {
        throw .request(what: "the previous certificate is of this same report")
      }
    }
    reportHash = FileHash.of(reportBytes)
    samplesHash = try RawSamples(report).hash()
    binaryHash = report.node.build.binaryHash
    self.nonce = nonce
    previousHash = try previous.map { previous throws(CertificateError) in FileHash.of(try previous.bytes()) }
    sequence = (previous?.sequence ?? 0) + 1
    self.issued = issued
    publicKey = key.publicKey
    let unsigned = Self.fields(
      reportHash, samplesHash, binaryHash, nonce, previousHash, sequence, issued, publicKey)
    signature = try key.signature(try CanonicalJSON.bytes(.object(unsigned)))
  }

  private static func fields(
    _ report: String, _ samples: String, _ binary: String?, _ nonce: String, _ previous: String?, _ sequence: Int,
    _ issued: String, _ key: PublicKey
  ) -> JSONObject {
    JSONObject([
      ("schema", .string(schema)), ("report_sha256", .string(report)), ("samples_sha256", .string(samples)),
      ("binary_sha256", binary.map { .string($0) } ?? .null), ("nonce", .string(nonce)),
      ("previous_sha256", previous.map { .string($0) } ?? .null), ("sequence", .int(Int64(sequence))),
      ("issued", .string(issued)), ("public_key", .string(key.hex)),
    ])
  }

  private var unsigned: JSONObject {
    Self.fields(reportHash, samplesHash, binaryHash, nonce, previousHash, sequence, issued, publicKey)
  }

  // MARK: Files

  /// What the file holds: canonical JSON.
  public func bytes() throws(CertificateError) -> [UInt8] {
    var fields = unsigned
    fields["signature"] = .string(FileHash.hex(signature))
    return try CanonicalJSON.bytes(.object(fields))
  }

  /// Reads a certificate and checks its signature. Throws for anything that is not the very bytes of a certificate.
  public init(bytes: [UInt8], path: String) throws(CertificateError) {
    let foreign = { (what: String) in CertificateError.foreign(path: path, what: "not a certificate: \(what)") }
    guard bytes.count <= Self.mostBytes else { throw foreign("it is longer than \(Self.mostBytes) bytes") }
    let parsed = bytes.withUnsafeBytes { raw in
      Result { () throws(JSONError) in try JSONValue(parsing: raw, maximumDepth: 4) }
    }
    let value: JSONValue
    switch parsed {
    case .success(let json): value = json
    case .failure(let error): throw foreign("\(error)")
    }
    guard value["schema"]?.string == Self.schema else { throw foreign("its schema is not \(Self.schema)") }
    guard try CanonicalJSON.bytes(value) == bytes else { throw foreign("it is not in canonical form") }
    let hash = { (key: String) -> String? in
      value[key]?.string.flatMap { FileHash.bytes(hex: $0, count: 32) == nil ? nil : $0 }
    }
    guard value.object?.count == 10, let report = hash("report_sha256"), let samples = hash("samples_sha256"),
      let nonce = value["nonce"]?.string, let sequence = value["sequence"]?.int, sequence > 0,
      let issued = value["issued"]?.string, let key = value["public_key"]?.string.flatMap(PublicKey.init(hex:)),
      let signature = value["signature"]?.string.flatMap({ FileHash.bytes(hex: $0, count: 64) }),
      let binary = value["binary_sha256"], binary.isNull || hash("binary_sha256") != nil,
      let previous = value["previous_sha256"], previous.isNull || hash("previous_sha256") != nil,
      previous.isNull == (sequence == 1)
    else { throw foreign("a field is missing or is not what it should be") }
    reportHash = report
    samplesHash = samples
    binaryHash = binary.string
    self.nonce = nonce
    previousHash = previous.string
    self.sequence = sequence
    self.issued = issued
    publicKey = key
    self.signature = signature
    let message = try CanonicalJSON.bytes(.object(unsigned))
    guard key.isValid(signature, for: message) else { throw .badSignature(path: path) }
  }

  public init(path: String) throws(CertificateError) {
    try self.init(bytes: try ReportFile.bytes(path, limit: Self.mostBytes + 1), path: path)
  }

  /// Writes the file, whole or not at all.
  public func write(to path: String) throws(CertificateError) {
    try ReportFile.write(try bytes(), to: path)
  }

  // MARK: Checks

  /// Throws unless this certificate is of these bytes and these samples.
  public func check(_ report: CapacityReport, bytes: [UInt8], path: String) throws(CertificateError) {
    guard FileHash.of(bytes) == reportHash else {
      throw .mismatch(path: path, what: "not the report that was signed: it was changed, or is another one")
    }
    guard try RawSamples(report).hash() == samplesHash else {
      throw .mismatch(path: path, what: "its raw samples are not those that were signed")
    }
    guard report.node.build.binaryHash == binaryHash else {
      throw .mismatch(path: path, what: "the binary it names is not the one that was signed")
    }
  }

  /// Throws unless `previous` is the certificate right before this one, by the same key.
  public func follows(_ previous: Certificate, path: String) throws(CertificateError) {
    guard previousHash == FileHash.of(try previous.bytes()) else {
      throw .mismatch(path: path, what: "not the certificate that number \(sequence) follows")
    }
    guard previous.publicKey == publicKey, previous.sequence + 1 == sequence, previous.issued <= issued else {
      throw .mismatch(path: path, what: "its key, number or time does not go before number \(sequence)")
    }
  }
}
