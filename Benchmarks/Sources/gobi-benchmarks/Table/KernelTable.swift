// Measures rows one after the other, each beside its roof, and prints them as they come. Row by row: only one row's memory
// is there at a time.
import Capacity
import Foundation

struct KernelTable {
  struct Options {
    var seconds: Double
    var threads: Int
    var isa: String?
    var roofSeconds: Double
  }

  let runtime: KernelRuntime
  let options: Options
  private let node: NodeManifest
  private let sampler: FigureSampler
  private(set) var report: TableReport

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
    let bench = RoofBench(runtime: runtime, sampler: sampler, node: node)
    for precision in Precision.allCases where precision != .f64 {
      Console.progress("roofs: \(precision.tag)")
      if let roof = try bench.compute(precision, threads: runtime.threads, seconds: options.roofSeconds) {
        report.roofs.compute.append(roof)
      }
    }
    for level in bench.levels() {
      Console.progress("roofs: \(level.name)")
      report.roofs.memory += try bench.memory(level, passes: [.read], seconds: options.roofSeconds)
    }
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

  /// The least time that the work can take on this node, and what sets it.
  private func limit(_ work: Work) -> (seconds: Double, name: String)? {
    // Where the ISA has no instruction for the precision its products run in float32.
    let precision = report.roofs.peak(work.precision) == nil ? .f32 : work.precision
    guard let peak = report.roofs.peak(precision)?.value, let level = level(work.footprint) else { return nil }
    let arithmetic = work.operations / peak
    let moving = work.bytes / level.figure.value
    return arithmetic > moving ? (arithmetic, precision.rawValue) : (moving, level.level)
  }

  // A level's roof is measured on half of its size: what does not fit twice goes to the next.
  private func level(_ footprint: Double) -> MemoryRoof? {
    report.roofs.memory.first { $0.level == "DRAM" || footprint <= Double($0.bytes) * 2 }
  }
}

/// The table as text, in 80 columns.
enum TableText {
  static let head =
    "row".padded(41) + "median".right(9) + "± %".right(6) + "rate".right(13) + "roof %".right(7) + " of"

  static func roofs(_ report: TableReport) -> [String] {
    report.roofs.compute.map { "  \($0.precision.tag.padded(20)) \(Quantity.text($0.figure.value, $0.figure.unit))" }
      + report.roofs.memory.map { "  \(($0.level + " read").padded(20)) \(Quantity.text($0.figure.value, "B/s"))" }
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
