// Another process that really keeps a processor busy while all threads multiply: the guard reads this machine's counters.
import CKernels
import Foundation

final class ForeignProcess: FaultTrials {
  private let layer: LayerSet
  private let work: LayerSet.Work
  private let runtime: KernelRuntime
  private let watch = Guard(NodeFiles())
  /// Processors that a process can be kept to here; empty where taskset is missing: it is as busy where it likes to be.
  private let allowed: [Int]
  /// How many processors are kept busy: one in five of all that the counters are of, at least one.
  private let wanted: Int
  let obstacle: String?
  private var windows = 0
  private var contendedByOthers = 0
  private var count = 0

  private static let seconds = 0.25

  init() throws(CapacityError) {
    runtime = try KernelRuntime()
    guard let shape = LayerShape(model: "tiny") else { throw .option(name: "shape", what: "there is no tiny layer") }
    layer = try LayerSet(
      runtime, shape, format: CK_FORMAT_Q4_0, m: 16, copies: 2, seed: 1
    ) { () throws(CapacityError) in }
    work = try layer.prepared(m: 16)
    let list = NodeFiles().pairs("proc/self/status")["Cpus_allowed_list"] ?? ""
    let processors = NodeFiles.list(list)
    let canKeep = processors.first.map { Self.runs(Self.keeping(to: $0) + ["true"]) } ?? false
    allowed = canKeep ? processors : []
    let reading = watch.read()
    wanted = min(max(processors.count, 1), (reading.processors + 4) / 5)
    // Some sandboxes show a /proc/stat that stands still.
    usleep(100_000)
    let later = watch.read()
    obstacle =
      later.ticks.total <= reading.ticks.total
      ? "this system's /proc/stat does not count: the guard cannot see other work here"
      : Self.runs(["sh", "-c", "exit 0"]) ? nil : "no other process can be started here"
  }

  private static func keeping(to processor: Int) -> [String] { ["taskset", "-c", String(processor)] }

  private static func runs(_ arguments: [String]) -> Bool { (try? ChildProcess.run(arguments, seconds: 5)) != nil }

  func faulty(_ random: inout RandomSource) throws(CapacityError) -> Bool {
    var others: [ChildProcess] = []
    defer { for other in others { other.stop() } }
    let first = random.index(below: max(allowed.count, 1))
    do {
      for i in 0..<wanted {
        let place = allowed.isEmpty ? [] : Self.keeping(to: allowed[(first + i) % allowed.count])
        others.append(try ChildProcess(place + ["sh", "-c", "while :; do :; done"]))
      }
    } catch {
      throw .kernel(call: "self-test", status: error.description)
    }
    usleep(10_000)  // they are up
    return try window().contains(.contended)
  }

  /// Nobody knows that nothing else runs on this machine. What the guard sees of an untouched window is told beside;
  /// false alarms are counted on the recorded counters.
  func clean(_ random: inout RandomSource) throws(CapacityError) -> Bool? {
    windows += 1
    if try window().contains(.contended) { contendedByOthers += 1 }
    return nil
  }

  private func window() throws(CapacityError) -> [Reason] {
    let start = watch.read()
    let began = FigureSampler.now()
    while FigureSampler.now() - began < Self.seconds {
      try layer.run(work, startingAt: count)
      count += 1
    }
    return GuardWindow(from: start, to: watch.read()).reasons
  }

  var notes: [String] {
    windows == 0
      ? []
      : ["\(contendedByOthers) of \(windows) untouched windows were CONTENDED too: by what else runs on this machine"]
  }
}
