// Runs two builds in turn, millisecond by millisecond, and launch by launch. Draws no conclusions.
//
// What the design answers:
//  - This kind of machine drifts (turbo, steal, two paths to memory that it changes between for minutes). Slices of a few
//    milliseconds go A B B A or B A A B, and only ratios inside such a quad are used: a drift that is linear within one
//    cancels.
//  - A process keeps its luck for life: which physical pages its buffers got, where its stack and libraries lie. Slices
//    of one launch repeat that luck, however many there are. So both builds are launched again and again, and a launch,
//    not a slice, is a sample.
//  - One thread's slices are timed by its processor clock, which stops while others run.
import Capacity
import Foundation

/// One row in one pair of launches.
struct LaunchPair: Codable, Sendable {
  /// Median seconds of a run.
  var base: Double
  var test: Double
  /// Median over quads of log(test / base).
  var difference: Double
}

struct RowPairs: Codable, Sendable {
  var id: String
  var launches: [LaunchPair] = []
}

struct PairedRun {
  /// A slow-down of the tested side in one row, to try the gate.
  struct Plant {
    var row: String
    var share: Double
  }

  var base: WorkerProgram
  var test: WorkerProgram
  /// Quads of slices for a row in each launch.
  var quads = 6
  /// Of a slice.
  var seconds = 0.005
  var plant: Plant?
  var random = RandomSource(seed: UInt64(Date().timeIntervalSince1970 * 1e6))

  /// `rows` in `launches` launches of both programs, in another order each time.
  mutating func measure(_ rows: [String], launches: Int, progress: (String) -> Void) throws -> [RowPairs] {
    var results = Dictionary(uniqueKeysWithValues: rows.map { ($0, RowPairs(id: $0)) })
    let isPinned = test.threads == 1
    let firstProcessor = random.index(below: 1 << 16)
    for launch in 0..<launches {
      let isTestFirst = random.next() & 1 == 0
      // Both sides of a launch get the same padding: between launches the stack moves, within one it does not differ.
      let padding = random.index(below: 4096)
      let one = try WorkerProcess(isTestFirst ? test : base, padding: padding)
      defer { one.stop() }
      let other = try WorkerProcess(isTestFirst ? base : test, padding: padding)
      defer { other.stop() }
      let (baseSide, testSide) = isTestFirst ? (other, one) : (one, other)
      for (place, row) in rows.shuffled(using: &random).enumerated() {
        try Interrupt.throwIfRequested()
        progress("launch \(launch + 1) of \(launches), row \(place + 1) of \(rows.count)")
        let pair = try measure(
          row, baseSide, testSide, processor: isPinned ? firstProcessor + launch : nil)
        results[row]?.launches.append(pair)
      }
    }
    return rows.compactMap { results[$0] }
  }

  private mutating func measure(_ row: String, _ base: WorkerProcess, _ test: WorkerProcess, processor: Int?) throws
    -> LaunchPair
  {
    let open = WorkerRequest(action: .open, row: row)
    // Both prepare at once, and who asks first for memory gets the better pages: with the base always first, a build
    // was 5 % slower than itself (p = 0.002) in a row that streams.
    for side in random.next() & 1 == 0 ? [base, test] : [test, base] { try side.send(open) }
    let replies = [try base.receive(), try test.receive()]
    for (reply, side) in zip(replies, ["base", "tested"]) where reply.isRight != true {
      throw BenchmarkError("\(row): the \(side) build's answer is wrong")
    }
    let longest = replies.compactMap(\.seconds).max() ?? seconds
    let repeats = max(1, Int((seconds / longest).rounded()))
    var slice = WorkerRequest(action: .run, repeats: repeats, warm: longest > seconds ? 0 : max(1, repeats / 8))
    slice.processor = processor
    let isOneThread = self.test.threads == 1
    let planted = plant?.row == row ? plant?.share : nil
    let time = { (side: WorkerProcess) throws -> Double in
      slice.plant = side === test ? planted : nil
      let reply = try side.ask(slice)
      guard let seconds = isOneThread ? reply.thread : reply.wall, seconds > 0 else {
        throw BenchmarkError("\(row): a slice took no time")
      }
      return seconds / Double(repeats)
    }
    // The first slice of each still pays for what preparing left behind.
    for side in [base, test] { _ = try time(side) }
    var (bases, tests, differences): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<quads {
      let isBaseOutside = random.next() & 1 == 0
      let order = isBaseOutside ? [base, test, test, base] : [test, base, base, test]
      let times = try order.map(time)
      let (outside, inside) = (times[0] * times[3], times[1] * times[2])
      differences.append((isBaseOutside ? log(inside / outside) : log(outside / inside)) / 2)
      bases += isBaseOutside ? [times[0], times[3]] : [times[1], times[2]]
      tests += isBaseOutside ? [times[1], times[2]] : [times[0], times[3]]
    }
    return LaunchPair(
      base: Statistics.median(bases), test: Statistics.median(tests), difference: Statistics.median(differences))
  }
}
