// `gobi export`: a report in the words of monitoring systems and schedulers.
import ArgumentParser
import Capacity

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a report for Prometheus, Kubernetes, Slurm, traffic steering or spreadsheets.",
    discussion: """
      prometheus: for the node exporter's textfile collector. nfd: a file for node feature discovery's features.d. \
      slurm: a node's Features. cats: JSON after draft-ietf-cats-metric-definition. csv: a figure a row, with its verdict. Figures that are not VALID are \
      never told as if they were. A file is written aside and renamed.
      """)

  @Argument(help: "prometheus, nfd, slurm, cats or csv.")
  var format: ExportFormat

  @Argument(help: "capacity.json of a run.")
  var report: String

  @Option(name: [.customShort("o"), .long], help: "The file to write. Default: stdout.")
  var output: String?

  func run() throws {
    let report = try CapacityReport(path: report)
    guard let output else { return Console.out(try format.text(report), terminator: "") }
    try format.write(report, to: output)
    Console.out("written: \(output)")
  }
}

extension ExportFormat: ExpressibleByArgument {}
