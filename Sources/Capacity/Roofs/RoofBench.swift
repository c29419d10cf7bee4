// Measures the roofs through the table that serves: sizes, threads, passes. The loops are in CKernels.
import CKernels

public struct RoofBench {
  let runtime: KernelRuntime
  let sampler: FigureSampler
  let node: NodeManifest

  public init(runtime: KernelRuntime, sampler: FigureSampler, node: NodeManifest) {
    self.runtime = runtime
    self.sampler = sampler
    self.node = node
  }

  // A sample of this length hides the fork-join (1 µs) and survives a timer tick; thirty of them fit in half a second.
  private static let sampleSeconds = 0.015

  /// nil where the ISA has no instruction for `precision`.
  public func compute(_ precision: Precision, threads: Int, seconds: Double) throws(CapacityError) -> ComputeRoof? {
    let kind = Self.code(precision)
    let count = UInt32(clamping: threads)
    var blocks: UInt64 = 8
    var result = ck_roof_result()
    let status = ck_roof_compute(runtime.handle, kind, count, blocks, &result)
    if status == CK_UNSUPPORTED { return nil }
    try check(status, "ck_roof_compute")
    blocks = Self.scaled(blocks, by: Self.sampleSeconds / max(result.seconds, 1e-6))
    let figure = try sampler.figure(
      SampleKind(unit: precision.unit, precision: precision.tag, protocol: "roof-compute"),
      rule: StoppingRule(seconds: seconds)
    ) { () throws(CapacityError) -> Sample in
      try check(ck_roof_compute(runtime.handle, kind, count, blocks, &result), "ck_roof_compute")
      return Sample(amount: Double(result.operations), seconds: result.seconds, isRight: result.wrong == 0)
    }
    return ComputeRoof(precision: precision, threads: Int(result.threads), figure: figure)
  }

  private static func code(_ precision: Precision) -> ck_precision {
    switch precision {
    case .f64: CK_PRECISION_F64
    case .f32: CK_PRECISION_F32
    case .bf16: CK_PRECISION_BF16
    case .s8: CK_PRECISION_S8
    }
  }

  private static func scaled(_ count: UInt64, by factor: Double) -> UInt64 {
    UInt64(min(max(Double(count) * factor, 1), 1e9))
  }

  /// One level of the memory: which arrays, for how many threads.
  public struct Level: Sendable, Equatable {
    public var name: String
    public var bytes: Int
    public var threads: Int
  }

  /// L1 and L2 at half of their size a core, L3 at half of what there is, DRAM at many times the last level, all
  /// bounded by a quarter of the free memory an array.
  public func levels() -> [Level] {
    let all = runtime.threads
    var levels: [Level] = []
    if let l1 = node.cacheBytes(level: 1) { levels.append(Level(name: "L1", bytes: l1 / 2 * all, threads: all)) }
    if let l2 = node.cacheBytes(level: 2) { levels.append(Level(name: "L2", bytes: l2 / 2 * all, threads: all)) }
    if node.caches.contains(where: { $0.level == 3 }) {
      levels.append(Level(name: "L3", bytes: node.lastLevelCacheBytes / 2, threads: all))
    }
    levels.append(dram(threads: all))
    return levels
  }

  /// What is to be streamed, at most a quarter of the free memory.
  public func dram(threads: Int) -> Level {
    let wanted = node.streamedBytes
    let bound = node.memory.availableBytes > 0 ? max(node.memory.availableBytes / 4, 16 << 20) : wanted
    return Level(name: "DRAM", bytes: min(wanted, bound), threads: threads)
  }

  /// `passes` in this order, on the same arrays.
  public func memory(_ level: Level, passes: [MemoryRoof.Pass], hugePages: Bool = true, seconds: Double)
    throws(CapacityError) -> [MemoryRoof]
  {
    var created: OpaquePointer?
    let stream = max(2 * node.lastLevelCacheBytes, 64 << 20)
    try check(
      ck_roof_arrays_create(
        runtime.handle, UInt32(clamping: level.threads), level.bytes, stream, hugePages, &created),
      "ck_roof_arrays_create")
    guard let arrays = created else { throw .kernel(call: "ck_roof_arrays_create", status: "no arrays") }
    defer { ck_roof_arrays_destroy(arrays) }
    var roofs: [MemoryRoof] = []
    for pass in passes {
      var load: Figure?
      let figure: Figure
      switch pass {
      case .latency: figure = try latency(arrays, seconds)
      case .loadedLatency:
        // Nobody is there to load the memory.
        if level.threads < 2 { continue }
        (figure, load) = try loadedLatency(arrays, seconds)
      default: figure = try bandwidth(arrays, Self.code(pass), isCached: level.name != "DRAM", seconds)
      }
      roofs.append(
        MemoryRoof(
          level: level.name, pass: pass, threads: pass == .latency ? 1 : level.threads, bytes: level.bytes,
          hugePages: hugePages, figure: figure, load: load))
    }
    return roofs
  }

  private static func code(_ pass: MemoryRoof.Pass) -> ck_memory_pass {
    switch pass {
    case .write: CK_MEMORY_WRITE
    case .copy: CK_MEMORY_COPY
    case .triad: CK_MEMORY_TRIAD
    case .read, .latency, .loadedLatency: CK_MEMORY_READ
    }
  }

  func bandwidth(
    _ arrays: OpaquePointer, _ pass: ck_memory_pass, isCached: Bool = false, _ seconds: Double,
    reasons: Set<Reason> = []
  ) throws(CapacityError) -> Figure {
    var result = ck_roof_result()
    var passes: UInt64 = 1
    // Calibrate on two calls: the first one also touches the pages and fills the cache.
    for _ in 0..<2 {
      try check(ck_roof_memory(runtime.handle, arrays, pass, passes, &result), "ck_roof_memory")
      if isCached { passes = Self.scaled(passes, by: Self.sampleSeconds / max(result.seconds, 1e-6)) }
    }
    return try sampler.figure(
      SampleKind(unit: "B/s", protocol: "roof-memory"), rule: StoppingRule(seconds: seconds), reasons: reasons
    ) { () throws(CapacityError) -> Sample in
      try check(ck_roof_memory(runtime.handle, arrays, pass, passes, &result), "ck_roof_memory")
      return Sample(amount: Double(result.bytes), seconds: result.seconds, isRight: result.wrong == 0)
    }
  }

  func latency(_ arrays: OpaquePointer, _ seconds: Double, reasons: Set<Reason> = []) throws(CapacityError) -> Figure {
    var result = ck_roof_result()
    let first: UInt64 = 1 << 14
    try check(ck_roof_latency(runtime.handle, arrays, first, &result), "ck_roof_latency")
    let loads = Self.scaled(first, by: Self.sampleSeconds / max(result.seconds, 1e-6))
    return try sampler.figure(
      SampleKind(unit: "s", protocol: "roof-latency", isTime: true), rule: StoppingRule(seconds: seconds),
      reasons: reasons
    ) { () throws(CapacityError) -> Sample in
      try check(ck_roof_latency(runtime.handle, arrays, loads, &result), "ck_roof_latency")
      return Sample(amount: Double(result.operations), seconds: result.seconds, isRight: result.wrong == 0)
    }
  }

  /// The latency, and what the others read in the same samples.
  private func loadedLatency(_ arrays: OpaquePointer, _ seconds: Double) throws(CapacityError) -> (Figure, Figure) {
    var result = ck_roof_result()
    let first: UInt64 = 1 << 14
    try check(ck_roof_loaded_latency(runtime.handle, arrays, first, &result), "ck_roof_loaded_latency")
    // Longer than others: at either end the readers are not yet, or still, at work.
    let loads = Self.scaled(first, by: 4 * Self.sampleSeconds / max(result.seconds, 1e-6))
    var read: [Double] = []
    let latency = try sampler.figure(
      SampleKind(unit: "s", protocol: "roof-loaded-latency", isTime: true), rule: StoppingRule(seconds: seconds)
    ) { () throws(CapacityError) -> Sample in
      try check(ck_roof_loaded_latency(runtime.handle, arrays, loads, &result), "ck_roof_loaded_latency")
      read.append(Double(result.bytes) / max(result.seconds, 1e-12))
      return Sample(amount: Double(result.operations), seconds: result.seconds, isRight: result.wrong == 0)
    }
    let load = Figure(
      samples: read, unit: "B/s", protocol: "roof-load",
      rule: StoppingRule(minimumSamples: latency.minimumSamples, seconds: 0, halfWidth: latency.halfWidth),
      reasons: Set(latency.reasons).subtracting(GuardWindow.findings.union([.notSteady])), seed: sampler.seed,
      windows: latency.windows)
    return (latency, load)
  }
}
