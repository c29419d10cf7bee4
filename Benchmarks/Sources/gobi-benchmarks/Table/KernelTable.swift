// Measures rows one after the other, each beside its roof, and prints them as they come. Row by row: only one row's memory
// is there at a time.
import Capacity
import Foundation

struct KernelTable {
  struct Options {
    /// Of a row, at most.
    var seconds: Double
    /// Of each roof.
    var roofSeconds: Double
  }

  let runtime: KernelRuntime
  let options: Options
  private let node: NodeManifest
  private let sampler: FigureSampler
  private(set) var report: TableReport
  private var bench: RoofBench { RoofBench(runtime: runtime, sampler: sampler, node: node) }
  private var lastRoof = 0.0

  /// Measures the roofs.
  init(_ runtime: KernelRuntime, _ options: Options) throws {
    self.runtime = runtime
    self.options = options
    node = NodeReader(NodeFiles()).manifest(
      build: NodeManifest.Build(
        version: "benchmarks", binaryHash: nil, isa: runtime.isa, threads: runtime.threads, blas: nil, blasCore: nil,
        blasThreads: nil))
    sampler = FigureSampler(watch: Guard(NodeFiles()), seed: 1) { () throws(CapacityError) in
      if Interrupt.isRequested { throw .cancelled }
    }
    report = TableReport(
      started: ISO8601DateFormatter().string(from: Date()), isa: runtime.isa, threads: runtime.threads, node: node,
      roofs: Roofs())
    for precision in Precision.allCases where precision != .f64 {
      Console.progress("roofs: \(precision.tag)")
      try renewComputeRoof(precision)
    }
    for level in bench.levels() {
      Console.progress("roofs: \(level.name)")
      let passes = level.name == "DRAM" ? Self.passes : [.read]
      report.roofs.memory += try bench.memory(level, passes: passes, seconds: options.roofSeconds)
    }
    lastRoof = Clock.wall()
  }

  private static let passes = [MemoryRoof.Pass.read, .copy, .triad]

  private mutating func renewComputeRoof(_ precision: Precision) throws {
    let threads = runtime.threads
    guard let roof = try bench.compute(precision, threads: threads, seconds: options.roofSeconds) else { return }
    report.roofs.compute.removeAll { $0.precision == precision }
    report.roofs.compute.append(roof)
  }

  // Virtual machines change between states of their memory within minutes: a row is measured against the roof of its
  // own time. A row above its roof may have met such a change, and is measured against a new one.
  private mutating func renewMemoryRoof(unlessNewerThan seconds: Double) throws {
    guard Clock.wall() - lastRoof > seconds else { return }
    let level = bench.dram(threads: runtime.threads)
    let roofs = try bench.memory(level, passes: Self.passes, seconds: options.roofSeconds / 2)
    report.roofs.memory.removeAll { $0.level == level.name }
    report.roofs.memory += roofs
    lastRoof = Clock.wall()
  }

  var memory: RowMemory {
    RowMemory(
      runtime, streamedBytes: min(node.streamedBytes, node.memory.availableBytes / 8),
      mostBytes: node.memory.availableBytes / 2)
  }

  /// One row, measured and checked.
  mutating func measure(_ row: Row, _ memory: RowMemory) throws -> TableRow {
    let prepared = try row.prepare(memory)
    let isRightBefore = try Self.answer(prepared)
    let timer = RowTimer(row: prepared)
    let repeats = try timer.repeats(seconds: min(0.01, options.seconds / 8))
    var figure = try sampler.figure(
      SampleKind(unit: "s", precision: prepared.work.precision.tag, protocol: "benchmark-row", isTime: true),
      rule: StoppingRule(minimumSamples: 7, seconds: options.seconds)
    ) { () throws(CapacityError) -> Sample in
      do {
        return Sample(amount: Double(repeats), seconds: try timer.sample(repeats).wall)
      } catch {
        throw .kernel(call: row.id, status: "\(error)")
      }
    }
    if try !(isRightBefore && Self.answer(prepared)) { figure.mark(.numericFail) }
    try renewRoof(of: prepared.work, taking: figure.value)
    let limit = limit(prepared.work)
    let share = limit.map { $0.seconds / figure.value }
    if let share, share > Figure.largestShare { figure.mark(.impossible) }
    let result = TableRow(id: row.id, work: prepared.work, seconds: figure, share: share, bound: limit?.name)
    report.rows.append(result)
    return result
  }

  private static func answer(_ row: any PreparedRow) throws -> Bool {
    try row.run()
    return try row.isRight()
  }

  private mutating func renewRoof(of work: Work, taking seconds: Double) throws {
    guard let first = limit(work) else { return }
    let isAbove = first.seconds / seconds > Figure.largestShare
    if first.name == "DRAM" {
      try renewMemoryRoof(unlessNewerThan: isAbove ? 0 : Self.roofAge)
    } else if isAbove, let precision = Precision(rawValue: first.name) {
      try renewComputeRoof(precision)
    }
  }

  /// Seconds after which the roof of memory is measured again.
  private static let roofAge = 15.0

  /// The least time that the work can take on this node, and what sets it.
  private func limit(_ work: Work) -> (seconds: Double, name: String)? {
    // Where the ISA has no instruction for the precision its products run in float32.
    let precision = report.roofs.peak(work.precision) == nil ? .f32 : work.precision
    guard let peak = report.roofs.peak(precision)?.value, let level = level(work) else { return nil }
    let integerPeak = report.roofs.peak(.s8)?.value ?? peak
    let arithmetic =
      (work.operations - work.integerOperations - work.wordOperations) / peak
      + (work.integerOperations + 2 * work.wordOperations) / integerPeak
    let moving = level.bytes(of: work) / level.rate
    return arithmetic > moving ? (arithmetic, precision.rawValue) : (moving, level.name)
  }

  // A level's roof is measured on half of its size. Four times its size still leave a part in it, so that the roof of
  // what lies below would be too low.
  private func level(_ work: Work) -> Level? {
    guard
      let name = report.roofs.memory.first(where: { $0.level == "DRAM" || work.footprint <= 8 * Double($0.bytes) })?
        .level
    else { return nil }
    let isMemory = name == "DRAM"
    let roofs = report.roofs.memory.filter {
      $0.level == name && ($0.pass == .read || (isMemory && work.written > 0))
    }
    return roofs.map(\.figure.value).max().map { Level(name: name, rate: $0, isMemory: isMemory) }
  }

  /// What bounds the moving of a row's bytes.
  private struct Level {
    var name: String
    var rate: Double
    var isMemory: Bool

    /// Memory moves reads and writes over one path. A cache takes both at once: copies and triads are slower there than
    /// some rows, which overlap better, so what is held to the read roof is the larger of the two.
    func bytes(of work: Work) -> Double {
      isMemory ? work.bytes : max(work.bytes - work.written, work.written)
    }
  }
}

/// The table as text, in 80 columns.
enum TableText {
  static let head =
    "row".padded(41) + "median".right(9) + "± %".right(6) + "rate".right(13) + "roof %".right(7) + " of"

  static func roofs(_ report: TableReport) -> [String] {
    report.roofs.compute.map { "  " + $0.precision.tag.padded(20) + Quantity.text($0.figure.value, $0.figure.unit) }
      + report.roofs.memory.map {
        "  " + "\($0.level) \($0.pass.rawValue)".padded(20) + Quantity.text($0.figure.value, "B/s")
      }
  }

  static func line(_ row: TableRow) -> [String] {
    let figure = row.seconds
    let half = (figure.ci95[1] - figure.ci95[0]) / 2 / figure.value * 100
    let rate =
      row.work.operations > 0
      ? Quantity.text(row.work.operations / figure.value, row.work.precision.unit)
      : Quantity.text(row.work.bytes / figure.value, "B/s")
    let share = row.share.map { Quantity.number($0 * 100) } ?? ""
    let numbers =
      Quantity.text(figure.value, "s").right(9) + Quantity.number(half).right(6) + rate.right(13) + share.right(7) + " "
      + (row.bound ?? "")
    // A long id has a line of its own, so that columns stay where they are.
    let lines = row.id.count <= 40 ? [row.id.padded(41) + numbers] : [row.id, "".padded(41) + numbers]
    guard figure.validity == .invalid else { return lines }
    return lines + ["  " + Quantity.verdict(figure)]
  }
}
