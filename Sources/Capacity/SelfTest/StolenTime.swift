// Processor time that others took, as the kernel's counters show it: recorded files that the guard reads as it reads a
// live machine's. What they show is known, which it never is on a machine that is shared.
import Foundation

final class StolenTime: FaultTrials {
  private let folder: String
  private let watch: Guard

  init() throws(CapacityError) {
    folder = NSTemporaryDirectory() + "/gobi-selftest-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    do {
      try FileManager.default.createDirectory(atPath: folder + "/proc/self", withIntermediateDirectories: true)
    } catch {
      throw .report(path: folder, what: "cannot make the folder: \(error.localizedDescription)")
    }
    watch = Guard(NodeFiles(root: folder))
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// 3 to 50 % of all time, stolen by the hypervisor or taken by other processes.
  func faulty(_ random: inout RandomSource) throws(CapacityError) -> Bool {
    let share = 0.03 + 0.47 * random.unit()
    let isSteal = random.next() & 1 == 0
    return try isContended(stolen: isSteal ? share : 0, foreign: isSteal ? 0 : share, &random)
  }

  /// At most 0.4 % stolen, at most 0.8 % of others, and rounding by a tick a processor either way.
  func clean(_ random: inout RandomSource) throws(CapacityError) -> Bool? {
    try isContended(stolen: 0.004 * random.unit(), foreign: 0.008 * random.unit(), isRounded: true, &random)
  }

  private struct Counters {
    var busy: Int
    var idle: Int
    var stolen: Int
    var own: Int
  }

  /// A window of 1 to 60 s of a machine with 1 to 128 processors.
  private func isContended(
    stolen: Double, foreign: Double, isRounded: Bool = false, _ random: inout RandomSource
  ) throws(CapacityError) -> Bool {
    let processors = 1 << random.index(below: 8)
    let seconds = pow(60, random.unit())
    let total = Int(seconds * 100) * processors
    let stolenTicks = Int(Double(total) * stolen)
    let foreignTicks = Int(Double(total) * foreign)
    // Of what is left, this process works 10 to 100 %; its own counter may be behind by a tick a processor.
    let own = Int(Double(total - stolenTicks - foreignTicks) * (0.1 + 0.9 * random.unit()))
    let rounding = isRounded ? random.index(below: processors + 1) : 0
    let before = Counters(
      busy: random.index(below: 1 << 30), idle: random.index(below: 1 << 30), stolen: random.index(below: 1 << 20),
      own: random.index(below: 1 << 20))
    var after = before
    after.busy += own + foreignTicks
    after.stolen += stolenTicks
    after.idle += total - own - foreignTicks - stolenTicks
    after.own += max(own - rounding, 0)
    try write(before, processors)
    let start = watch.read()
    try write(after, processors)
    return GuardWindow(from: start, to: watch.read()).reasons.contains(.contended)
  }

  private func write(_ counters: Counters, _ processors: Int) throws(CapacityError) {
    let lines = (0..<processors).map { "cpu\($0) 1 0 0 1 0 0 0 0 0 0\n" }.joined()
    let all = "cpu  \(counters.busy) 0 0 \(counters.idle) 0 0 0 \(counters.stolen) 0 0\n\(lines)intr 5\n"
    let own = "42 (gobi) S 1 42 42 0 -1 4194560 1 0 0 0 \(counters.own) 0 0 0 20 0 1 0 100 1 1\n"
    for (name, text) in [("proc/stat", all), ("proc/self/stat", own)] {
      do {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
      } catch {
        throw .report(path: folder + "/" + name, what: "cannot write: \(error.localizedDescription)")
      }
    }
  }

  var notes: [String] { [] }
}
