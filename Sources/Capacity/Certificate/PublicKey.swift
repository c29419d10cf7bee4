// An Ed25519 public key: what a certificate's signature is checked with.
import Crypto
import Foundation

public struct PublicKey: Sendable, Equatable {
  /// 32 of them.
  public let bytes: [UInt8]

  init(_ key: Curve25519.Signing.PublicKey) { bytes = Array(key.rawRepresentation) }

  /// nil unless `hex` is 32 bytes in lower-case hexadecimal that are a key.
  public init?(hex: String) {
    guard let bytes = FileHash.bytes(hex: hex, count: 32) else { return nil }
    self.bytes = bytes
  }

  /// From a PEM file: of the public key, or of the private one it belongs to.
  public init(path: String) throws(CertificateError) {
    if let bytes = try? PEM.bytes(path, "PUBLIC KEY") {
      guard bytes.count == Self.prefix.count + 32, bytes.starts(with: Self.prefix) else {
        throw .key(path: path, what: "not an Ed25519 public key")
      }
      self.bytes = Array(bytes.dropFirst(Self.prefix.count))
    } else {
      self = try SigningKey(path: path).publicKey
    }
  }

  static let prefix: [UInt8] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]

  public var hex: String { FileHash.hex(bytes) }
  /// What people compare: SHA-256 of the key.
  public var fingerprint: String { FileHash.of(bytes) }
  public var pem: String { PEM.text("PUBLIC KEY", Self.prefix + bytes) }

  func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
    return key.isValidSignature(signature, for: message)
  }
}
