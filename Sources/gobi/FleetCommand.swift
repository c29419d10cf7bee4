// `gobi fleet`: many nodes at once.
import ArgumentParser
import Capacity
import Foundation

struct FleetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fleet",
    abstract: "Measure many nodes at once through mpirun, srun or ssh: a report a node, and one summary.",
    usage: "gobi fleet --launcher <launcher> --nodes <nodes> <options>",
    discussion: """
      gobi must be on the nodes. A node that fails or hangs is named and ended after the timeout; the rest go on. Exit \
      code 1 if any node has no sound report. gobi ledger add takes the reports.
      """)

  @Option(help: "mpirun, srun or ssh.")
  var launcher: FleetLauncher

  @Option(help: "Nodes' names with commas between, or a file with one a line.")
  var nodes: String

  @Option(help: "quick or standard.")
  var level = CapacityLevel.quick

  @Option(help: "Seconds after which a node has failed. Default: the level's time and 30.")
  var timeout: Double?

  @Option(help: "The tool's path on the nodes.")
  var program = "gobi"

  @Option(help: "The launcher's own path. Default: it is on PATH.")
  var launcherPath: String?

  @Option(help: "How many nodes are measured at the same time.")
  var atOnce = 64

  @Option(name: [.customShort("o"), .long], help: "The folder for the reports and fleet.json.")
  var output = "fleet-report"

  func validate() throws {
    if let timeout, !(1...86_400).contains(timeout) { throw ValidationError("--timeout: expected 1 to 86400") }
    guard (1...1024).contains(atOnce) else { throw ValidationError("--at-once: expected 1 to 1024") }
  }

  func run() throws {
    Interrupt.watch()
    var run = FleetRun(launcher: launcher, timeout: timeout ?? level.secondsAllowed + 30)
    run.level = level
    run.program = program
    run.launcherPath = launcherPath
    run.atOnce = atOnce
    let outcome = try run.run(
      nodes: try names(), into: output,
      ended: { node in
        let seconds = Quantity.text(node.seconds, "s")
        let valid = node.valid.map { "\($0) of \(node.figures ?? 0) figures valid" }
        Console.out(
          "\(node.node): \(node.state.rawValue) after \(seconds): "
            + [valid, node.why].compactMap { $0 }.joined(separator: ", "))
      }, isCancelled: { Interrupt.isRequested })
    let good = outcome.nodes.count { $0.state == .measured }
    Console.out("\(good) of \(outcome.nodes.count) nodes measured; written: \(output)/fleet.json")
    if !outcome.isWhole { throw ExitCode(ExitStatus.checkFailed.rawValue) }
  }

  private func names() throws -> [String] {
    guard FileManager.default.fileExists(atPath: nodes) else {
      return nodes.split(separator: ",").map(String.init)
    }
    let text = try String(contentsOfFile: nodes, encoding: .utf8)
    return text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
  }
}

extension FleetLauncher: ExpressibleByArgument {}
