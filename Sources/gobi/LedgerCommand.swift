// `gobi ledger`: reports of many nodes and days in one file.
import ArgumentParser
import Capacity
import Foundation

struct LedgerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Keep the reports of many nodes, and tell which of them need a look.",
    subcommands: [Add.self, Expect.self, List.self, Show.self, Compare.self, LedgerTrend.self])

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check reports and add them; a line is printed for each as soon as it is on the disk.",
      discussion: """
        A report that is in the ledger already, whose figures do not follow from its samples, or whose certificate \
        does not fit is refused; the others are added. Exit code 1 if one was refused.
        """)

    @OptionGroup var at: LedgerArguments

    @Argument(help: "NODE=capacity.json, one or more. capacity.certificate.json beside it is kept with it.")
    var reports: [String]

    func run() throws {
      let pairs = try reports.map { text -> (String, String) in
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
          throw Failure("'\(text)' is not NODE=PATH", hint: "Reports do not name the machine they are of.")
        }
        try LedgerEntry.check(node: parts[0])
        return (parts[0], parts[1])
      }
      let ledger = try at.open(creating: true)
      var refused = 0
      for (node, path) in pairs {
        let beside = VerifyCommand.path(beside: path)
        do throws(LedgerError) {
          let entry = try LedgerEntry(
            node: node, path: path, certificate: FileManager.default.fileExists(atPath: beside) ? beside : nil)
          let number = try ledger.add(entry)
          Console.out(
            "added \(number) \(entry.hash) \(node) \(entry.report.started)"
              + (entry.certificate == nil ? "" : " with its certificate"))
        } catch {
          switch error {
          case .duplicate, .unsound:
            Console.error("\(path): refused: " + error.description.replacing("\(path): ", with: ""))
            refused += 1
          default: throw error
          }
        }
      }
      if refused > 0 { throw ExitCode(ExitStatus.checkFailed.rawValue) }
    }
  }

  struct Expect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Name nodes that should be measured: without a report they are shown as unmeasured.")

    @OptionGroup var at: LedgerArguments

    @Argument(help: "Nodes' names.")
    var nodes: [String]

    func run() throws {
      try at.open(creating: true).expect(nodes)
      Console.out("\(nodes.count) nodes are expected")
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the reports.", usage: "gobi ledger list <options>")

    @OptionGroup var at: LedgerArguments

    @Option(help: "Of this node only.")
    var node: String?

    @Flag(help: "Print JSON, with every figure.")
    var json = false

    @Flag(help: "Have SQLite check the whole file first. Exit code 1 if it finds damage.")
    var check = false

    func run() throws {
      let ledger = try at.open()
      if check {
        let found = try ledger.integrity()
        guard found == ["ok"] else {
          throw Failure("\(ledger.path): damaged: \(found.joined(separator: "; "))", status: .checkFailed)
        }
      }
      let records = try ledger.records(of: node)
      if json { return try LedgerArguments.print(json: records) }
      var table = TextTable(columns: [
        ("number", .right), ("hash", .left), ("node", .left), ("measured", .left), ("level", .left), ("valid", .right),
        ("notes", .left),
      ])
      for record in records {
        let notes = [
          record.isComplete ? nil : "partial", record.isSigned ? "signed" : nil,
          record.hasNumericFailure ? "NUMERIC_FAIL" : nil,
        ]
        table.rows.append([
          "\(record.number)", String(record.hash.prefix(12)), record.node, record.started, record.level,
          "\(record.figures.count { $0.validity == .valid })/\(record.figures.count)",
          notes.compactMap { $0 }.joined(separator: ", "),
        ])
      }
      for line in table.lines() { Console.out(line) }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the fleet: totals, cohorts, stragglers, outliers, drift, suspected corruption, nominal figures.",
      discussion: "Exit code 1 if a node lags, drifts, or had a wrong result.")

    @OptionGroup var at: LedgerArguments

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
      let ledger = try at.open()
      let view = FleetView(try ledger.records(), nodes: try ledger.nodes())
      if json {
        try LedgerArguments.print(json: view)
      } else {
        Console.out(FleetText(view).text(), terminator: "")
      }
      if !view.isSound { throw ExitCode(ExitStatus.checkFailed.rawValue) }
    }
  }

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare two reports of the ledger, as gobi compare does two files.",
      usage: "gobi ledger compare <before> <after> <options>")

    @OptionGroup var at: LedgerArguments

    @Argument(help: "The earlier report: its number, or how its hash begins.")
    var before: String

    @Argument(help: "The later one.")
    var after: String

    @Flag(help: "List figures that did not change too.")
    var all = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
      let ledger = try at.open()
      let (a, b) = (try ledger.report(before), try ledger.report(after))
      let comparison = ReportComparison(
        before: a.report, named: "\(a.hash.prefix(12)) of \(a.report.started)", after: b.report,
        named: "\(b.hash.prefix(12)) of \(b.report.started)")
      try CompareCommand.show(comparison, all: all, json: json)
    }
  }
}
