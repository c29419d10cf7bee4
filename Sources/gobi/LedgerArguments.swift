// Where the ledger is: what all of `gobi ledger` have in common.
import ArgumentParser
import Capacity
import Foundation

struct LedgerArguments: ParsableArguments {
  @Option(help: "The ledger's file.")
  var ledger = "gobi-ledger.sqlite"

  @Option(help: "Seconds to wait while another process has it locked.")
  var wait = 5.0

  func validate() throws {
    guard (0...3600).contains(wait) else { throw ValidationError("--wait: expected 0 to 3600") }
  }

  func open(creating: Bool = false) throws -> Ledger {
    try Ledger(path: ledger, creating: creating, patience: wait)
  }

  /// Keys as in reports.
  static func print(json value: some Encodable) throws {
    Console.write([UInt8](try ReportJSON.data(value)))
    Console.out("")
  }
}
