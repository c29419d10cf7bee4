// What is wrong with a key, a certificate or a report that is checked.

public enum CertificateError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A value has no canonical form.
  case notCanonical(what: String)
  /// A file is not what it should be: another kind of file, damaged, or changed.
  case foreign(path: String, what: String)
  /// The signature is not that of the key in the certificate on what the certificate says.
  case badSignature(path: String)
  /// Two things that must agree do not.
  case mismatch(path: String, what: String)
  /// A key cannot be read, made or used.
  case key(path: String, what: String)
  /// A nonce or a chain that cannot be signed.
  case request(what: String)
  case cannotWrite(path: String, reason: String)

  public var description: String {
    switch self {
    case .notCanonical(let what): what
    case .foreign(let path, let what), .mismatch(let path, let what), .key(let path, let what): "\(path): \(what)"
    case .badSignature(let path): "\(path): the signature does not fit: the certificate was changed or forged"
    case .request(let what): what
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }
}
