// The options of `gobi capacity` that sign its report.
import ArgumentParser
import Capacity
import Foundation

struct SigningArguments: ParsableArguments {
  @Option(help: "Sign the report with this private key (gobi keys new). Needs --nonce.")
  var sign: String?

  @Option(help: "What whoever asked for the measurement chose: it stands in the certificate.")
  var nonce: String?

  @Option(help: "The certificate that this one follows.")
  var previous: String?

  func validate() throws {
    if sign != nil, nonce?.isEmpty ?? true { throw ValidationError("--sign: needs --nonce") }
    if sign == nil, nonce != nil || previous != nil { throw ValidationError("--nonce, --previous: need --sign") }
  }

  /// What the report is signed with; nil if it is not to be. Read before anything is measured.
  func prepared() throws -> Signer? {
    guard let sign, let nonce else { return nil }
    return Signer(
      key: try SigningKey(path: sign), nonce: nonce, previous: try previous.map { try Certificate(path: $0) })
  }

  /// Gives an earlier certificate in the folder of `report` its number's name: a chain is not overwritten, and a new
  /// report does not stand beside another one's certificate. The new name, if there was one.
  static func keepEarlier(besideReportIn folder: String) throws -> String? {
    let path = VerifyCommand.path(beside: folder + "/capacity.json")
    guard let earlier = try? Certificate(path: path) else { return nil }
    let kept = folder + "/capacity.certificate.\(earlier.sequence).json"
    guard rename(path, kept) == 0 else {
      throw Failure("\(path): cannot be renamed: \(String(cString: strerror(errno)))", status: .cannotHere)
    }
    return kept
  }

  struct Signer {
    let key: SigningKey
    let nonce: String
    let previous: Certificate?

    /// Signs the file at `path`, which holds `report`. The certificate's path.
    func sign(_ report: CapacityReport, at path: String) throws -> String {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let issued = ISO8601DateFormatter().string(from: Date())
      let certificate = try Certificate(
        of: report, reportBytes: bytes, key: key, nonce: nonce, previous: previous, issued: issued)
      let target = VerifyCommand.path(beside: path)
      try certificate.write(to: target)
      return target
    }
  }
}
