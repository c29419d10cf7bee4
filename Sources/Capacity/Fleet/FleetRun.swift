// Measures many nodes at once through a launcher: a report a node, and what became of each. A node that fails or hangs
// costs the others nothing.
import Foundation

public struct FleetRun: Sendable {
  public var launcher: FleetLauncher
  public var level = CapacityLevel.quick
  /// Of the tool on the nodes.
  public var program = "gobi"
  /// Where the launcher is; nil: on PATH under its own name.
  public var launcherPath: String?
  /// After so many seconds a node has failed.
  public var timeout: Double
  /// Launchers that run at the same time.
  public var atOnce = 64

  /// A report is not longer; a node that sends more is ended.
  private static let mostBytes = 64 << 20

  public init(launcher: FleetLauncher, timeout: Double) {
    self.launcher = launcher
    self.timeout = timeout
  }

  private struct Running {
    let place: Int
    let child: ChildProcess
    let began: Double
    var output: [UInt8] = []
    var isClosed = false
  }

  /// Writes FOLDER/NODE/capacity.json and .html for each node that answers, and FOLDER/fleet.json in the end. `ended` is
  /// called for each node as it ends; `isCancelled` is asked often, and ends those that run. Throws .option for names
  /// that are none or there twice, .report where the summary cannot be written.
  public func run(
    nodes: [String], into folder: String, ended: (FleetOutcome.Node) -> Void = { _ in },
    isCancelled: () -> Bool = { false }
  ) throws(CapacityError) -> FleetOutcome {
    try Self.check(nodes)
    var outcomes = [FleetOutcome.Node?](repeating: nil, count: nodes.count)
    var running: [Running] = []
    var next = 0
    func end(_ place: Int, _ outcome: FleetOutcome.Node) {
      outcomes[place] = outcome
      ended(outcome)
    }
    while next < nodes.count || !running.isEmpty {
      if isCancelled() { throw .cancelled }
      while next < nodes.count, running.count < max(1, atOnce) {
        do throws(ChildProcessError) {
          let began = FigureSampler.now()
          running.append(Running(place: next, child: try start(nodes[next]), began: began))
        } catch { end(next, Self.failed(nodes[next], .failed, error.description, 0)) }
        next += 1
      }
      var isIdle = true
      for i in running.indices.reversed() {
        if Self.read(&running[i]) { isIdle = false }
        if let outcome = judged(running[i], nodes[running[i].place], folder) {
          running[i].child.stop()
          end(running[i].place, outcome)
          running.remove(at: i)
        }
      }
      if isIdle { usleep(10_000) }
    }
    let outcome = FleetOutcome(level: level, launcher: launcher.rawValue, nodes: outcomes.compactMap { $0 })
    try Self.write(outcome, to: folder)
    return outcome
  }

  private static func check(_ nodes: [String]) throws(CapacityError) {
    guard !nodes.isEmpty else { throw .option(name: "nodes", what: "there are none") }
    guard Set(nodes).count == nodes.count else { throw .option(name: "nodes", what: "a node is there twice") }
    for node in nodes {
      do throws(LedgerError) { try LedgerEntry.check(node: node) } catch {
        throw .option(name: "nodes", what: error.description)
      }
    }
  }

  private func start(_ node: String) throws(ChildProcessError) -> ChildProcess {
    var command = launcher.command(
      node: node, program: program, level: level, seconds: max(1, Int(min(timeout, 1e6).rounded(.up))))
    if let launcherPath { command[0] = launcherPath }
    return try ChildProcess(command)
  }

  /// Takes what has been written. Whether there was something.
  private static func read(_ running: inout Running) -> Bool {
    guard !running.isClosed else { return false }
    guard let piece = running.child.output(within: 0) else {
      running.isClosed = true
      return true
    }
    running.output += piece
    return !piece.isEmpty
  }

  /// nil while the node still works.
  private func judged(_ running: Running, _ node: String, _ folder: String) -> FleetOutcome.Node? {
    let seconds = FigureSampler.now() - running.began
    if running.output.count > Self.mostBytes {
      return Self.failed(node, .failed, "it sent more than \(Quantity.bytes(Self.mostBytes))", seconds)
    }
    if running.isClosed, let status = running.child.statusIfEnded() {
      return received(running.output, status, node, folder, seconds)
    }
    guard seconds > timeout else { return nil }
    return Self.failed(node, .timedOut, "no report within \(Quantity.number(timeout)) s; ended", seconds)
  }

  private func received(_ output: [UInt8], _ status: Int32, _ node: String, _ folder: String, _ seconds: Double)
    -> FleetOutcome.Node
  {
    do throws(CapacityError) {
      // The tool ends with 1 where a figure failed its check: its report is one all the same.
      guard status == 0 || status == 1, !output.isEmpty else {
        // As `timeout` tells it.
        if status == 124 || status == 137 && seconds >= timeout {
          return Self.failed(node, .timedOut, "ended with status \(status) on the node", seconds)
        }
        throw .report(path: node, what: "the launcher ended with status \(status) and no report")
      }
      let report = try CapacityReport(json: Data(output), path: node)
      if let problem = ReportCheck(report).problems.first { throw .report(path: node, what: problem) }
      let path = try report.write(to: folder + "/" + node).json
      let failures = report.failures.map(\.rawValue).joined(separator: ", ")
      return FleetOutcome.Node(
        node: node, state: failures.isEmpty ? .measured : .unfit, why: failures.isEmpty ? nil : failures,
        seconds: seconds, report: path, valid: report.figures.count { $0.validity == .valid },
        figures: report.figures.count)
    } catch {
      return Self.failed(node, .failed, error.description.replacing("\(node): ", with: ""), seconds)
    }
  }

  private static func failed(_ node: String, _ state: FleetOutcome.State, _ why: String, _ seconds: Double)
    -> FleetOutcome.Node
  {
    FleetOutcome.Node(node: node, state: state, why: why, seconds: seconds)
  }

  private static func write(_ outcome: FleetOutcome, to folder: String) throws(CapacityError) {
    let path = folder + "/fleet.json"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try ReportFile.write([UInt8](try ReportJSON.data(outcome)), to: path)
    } catch { throw .report(path: path, what: "\(error)") }
  }
}
