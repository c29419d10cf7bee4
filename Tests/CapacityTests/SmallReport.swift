// Sound reports with a few figures, made fast: for comparisons, ledgers and exports.
import Capacity
import Foundation
import TestSupport

struct SmallReport {
  var started = "2026-01-02T03:04:05Z"
  /// Rates of the roofs, the products and the model, as multiples of what is usual.
  var roof = 1.0
  var product = 1.0
  var tokens = 1.0
  var version = "1.2.3"
  var kernel = "6.1.0-18-amd64"
  var seed: UInt64 = 1
  /// Relative spread of samples.
  var spread = 0.002
  var precisionTag = "w4×s8:s32→f32:32"
  var invalid: Reason?
  var statesNominal = true
  /// Whether figures have the guards' counts, of windows in which nothing went on.
  var isWatched = false

  private static let node = Result {
    NodeReader(try RecordedTree.twoSocketXeon().files).manifest(build: RecordedTree.build)
  }

  func report() throws -> CapacityReport {
    var node = try Self.node.get()
    node.build.version = version
    node.system.kernel = kernel
    var report = CapacityReport(started: started, level: .quick, seed: seed, node: node)
    var random = RandomSource(seed: seed)
    let reading = isWatched ? Guard(try RecordedTree.twoSocketXeon().files).read() : nil
    let quiet = reading.map { GuardCounts(from: $0, to: $0) }
    func figure(_ value: Double, _ unit: String, _ tag: String?, _ name: String, marked: Reason? = nil) -> Figure {
      let samples = (0..<12).map { _ in value * (1 + spread * Double(random.signedUnit())) }
      return Figure(
        samples: samples, unit: unit, precision: tag, protocol: name, reasons: marked.map { [$0] } ?? [], seed: seed,
        windows: quiet.map { [$0] })
    }
    report.roofs.compute = [
      ComputeRoof(
        precision: .s8, threads: 2, figure: figure(9e11 * roof, "OP/s", Precision.s8.tag, "roof-compute"))
    ]
    report.roofs.memory = [
      MemoryRoof(
        level: "DRAM", pass: .read, threads: 2, bytes: 1 << 27, hugePages: true,
        figure: figure(5e10 * roof, "B/s", nil, "roof-memory")),
      MemoryRoof(
        level: "DRAM", pass: .latency, threads: 1, bytes: 1 << 27, hugePages: true,
        figure: figure(1e-7, "s", nil, "roof-latency")),
    ]
    var point = KernelPoint(
      model: "llama-3.2-1b", format: "Q4_0", m: 512, kernel: "ck_matmul_q4_0",
      rate: figure(7e11 * roof * product, "OP/s", precisionTag, "gemm-layer", marked: invalid), intensity: 800,
      boundBy: "compute", check: "rows 0 and 3 against double")
    point.share = report.roofs.limit(.s8, intensity: 800).map {
      point.rate.share(of: $0.value, measuredAs: $0, protocol: "gemm-share")
    }
    report.kernels = [point]
    let facts = ModelFacts(
      label: "m", architecture: "llama", layers: 16, heads: 32, headDimension: 64, vocabulary: 128_256,
      activeParameters: 1_235_814_400, headParameters: 262_668_288, activeWeightBytes: 700_000_000,
      cacheBytesPerPosition: 32_768, precision: .s8, precisionTag: precisionTag, fileBytes: 766_000_000, hash: nil,
      isGenerated: true)
    report.models = [
      ModelResult(
        facts: facts, formula: ModelFacts.formula,
        quality: QualityCheck(exact: [1, 2, 3, 1], served: [1.001, 2, 3, 1.01], vocabulary: 2),
        figures: [
          ModelFigure(
            work: .prefill, count: 512, depth: 0,
            rate: figure(250 * roof * product * tokens, "token/s", precisionTag, "prefill"), facts: facts,
            roofs: report.roofs)
        ], notMeasured: [])
    ]
    if statesNominal {
      report.nominal = NominalShare.of(
        NominalFigures(peaks: [.init(precision: .s8, value: 1.2e12, source: "a data sheet")]), report.roofs)
    }
    report.isComplete = true
    report.seconds = 12
    return report
  }

  /// Writes the report and gives its path.
  func write(to path: String) throws -> String {
    try report().json().write(to: URL(fileURLWithPath: path))
    return path
  }
}
