// `gobi verify`: whether a report is what was measured, offline.
import ArgumentParser
import Capacity
import Foundation

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a report: its figures against their samples, its certificate, and the chain before it.",
    usage: "gobi verify <report> <options>",
    discussion: """
      Every figure is worked out anew from the report's raw samples. With a certificate (beside the report, or \
      --certificate) the file must be the very bytes that were signed. Without --key the signature only shows that \
      nothing was changed since whoever holds that key signed it. Exit code 1 if anything does not fit.
      """)

  @Argument(help: "capacity.json of a run.")
  var report: String

  @Option(help: "The report's certificate. Default: capacity.certificate.json beside it, if it is there.")
  var certificate: String?

  @Option(parsing: .singleValue, help: "The certificate before it; may be repeated, the newest first.")
  var previous: [String] = []

  @Option(help: "The public key that must have signed: a PEM file.")
  var key: String?

  @Option(help: "The nonce that the measurement was asked for with.")
  var nonce: String?

  func run() throws {
    guard FileManager.default.fileExists(atPath: report) else { throw Failure("there is no file '\(report)'") }
    var verifier = ReportVerifier(previous: previous, nonce: nonce)
    let beside = Self.path(beside: report)
    verifier.certificate = certificate ?? (FileManager.default.fileExists(atPath: beside) ? beside : nil)
    verifier.key = try key.map { try PublicKey(path: $0) }
    let found = try verifier.verify(report)
    Console.out("\(report): \(found.processor), \(found.started)")
    if !found.isComplete { Console.out("this report is partial: its run was cancelled") }
    Console.out("\(found.figures) figures follow from their raw samples; \(found.valid) of \(found.stated) are valid")
    guard let signed = found.certificate else {
      Console.out("no certificate: nobody vouches for the samples")
      return
    }
    Console.out("certificate \(signed.sequence), issued \(signed.issued), nonce \(signed.nonce)")
    Console.out(
      "signed by \(signed.publicKey.fingerprint)" + (key == nil ? " (no --key to hold it against)" : ", as asked"))
    if signed.previousHash != nil, found.chained == 0 { Console.out("the certificate before it was not given") }
    if found.chained > 0 { Console.out("\(found.chained) certificate(s) before it fit") }
  }

  static func path(beside report: String) -> String {
    ((report as NSString).deletingLastPathComponent as NSString).appendingPathComponent("capacity.certificate.json")
  }
}
