// An operator's Ed25519 keys in files: the private one in PKCS #8, the public one in SPKI, both PEM (RFC 8410), so that
// other tools read them. The private key is never printed, and a file that others may read is refused.
import Crypto
import Foundation

public struct SigningKey: Sendable {
  private let key: Curve25519.Signing.PrivateKey

  /// A new key from the system's random source.
  public init() { key = Curve25519.Signing.PrivateKey() }

  public var publicKey: PublicKey { PublicKey(key.publicKey) }

  func signature(_ message: [UInt8]) throws(CertificateError) -> [UInt8] {
    do { return Array(try key.signature(for: message)) } catch { throw .key(path: "key", what: "\(error)") }
  }

  // MARK: Files

  private static let prefix: [UInt8] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]

  /// Writes the private key to `path`, readable by its owner alone, and the public one to `path`.pub. Neither may be
  /// there already. Each appears whole or not at all.
  public func write(to path: String) throws(CertificateError) {
    let mine = PEM.text("PRIVATE KEY", Self.prefix + Array(key.rawRepresentation))
    let open = PEM.text("PUBLIC KEY", PublicKey.prefix + publicKey.bytes)
    guard access(path + ".pub", F_OK) != 0 else {
      throw .cannotWrite(path: path + ".pub", reason: "it is there already")
    }
    try Self.create(path, mine, mode: 0o600)
    do { try Self.create(path + ".pub", open, mode: 0o644) } catch {
      unlink(path)
      throw error
    }
  }

  /// Under another name, synced, then linked: a name that is taken is left as it is.
  private static func create(_ path: String, _ text: String, mode: mode_t) throws(CertificateError) {
    let aside = "\(path).\(UInt32.random(in: 0...UInt32.max)).tmp"
    let descriptor = Foundation.open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    let reason = { String(cString: strerror(errno)) }
    guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: reason()) }
    defer { unlink(aside) }
    let bytes = Array(text.utf8)
    let isWritten = Foundation.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
    let why = reason()
    close(descriptor)
    guard isWritten else { throw .cannotWrite(path: path, reason: why) }
    guard link(aside, path) == 0 else {
      throw .cannotWrite(path: path, reason: errno == EEXIST ? "it is there already" : reason())
    }
  }

  /// Throws for a file that others than its owner may read or write.
  public init(path: String) throws(CertificateError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .key(path: path, what: String(cString: strerror(errno))) }
    guard status.st_mode & 0o077 == 0 else {
      throw .key(path: path, what: "others than its owner may read it: chmod 600 it, or make a new key")
    }
    let bytes = try PEM.bytes(path, "PRIVATE KEY")
    guard bytes.count == Self.prefix.count + 32, bytes.starts(with: Self.prefix) else {
      throw .key(path: path, what: "not an Ed25519 private key")
    }
    do { key = try Curve25519.Signing.PrivateKey(rawRepresentation: bytes.dropFirst(Self.prefix.count)) } catch {
      throw .key(path: path, what: "not an Ed25519 private key")
    }
  }
}
