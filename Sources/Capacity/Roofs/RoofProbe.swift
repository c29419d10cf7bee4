// Reads DRAM for a moment, again and again within a run, on arrays that stay: what is measured between two moments is
// held against them.
import CKernels

public final class RoofProbe {
  private let runtime: KernelRuntime
  private let sampler: FigureSampler
  private let arrays: OpaquePointer
  private let seconds: Double
  private var last: (time: Double, moment: Moment)?

  struct Moment {
    var rates: [Double]
    var reasons: [Reason]
  }

  /// What came between is not long ago: the moment after one figure is the moment before the next.
  private static let freshness = 0.5

  /// Takes the arrays' memory at once: at most an eighth of what is free, each.
  public init(runtime: KernelRuntime, sampler: FigureSampler, node: NodeManifest, seconds: Double = 0.3)
    throws(CapacityError)
  {
    self.runtime = runtime
    self.sampler = sampler
    self.seconds = seconds
    let free = node.memory.availableBytes
    let bytes = free > 0 ? min(node.streamedBytes, max(free / 8, 16 << 20)) : node.streamedBytes
    var created: OpaquePointer?
    try check(
      ck_roof_arrays_create(
        runtime.handle, UInt32(clamping: runtime.threads), bytes, max(2 * node.lastLevelCacheBytes, 64 << 20), true,
        &created), "ck_roof_arrays_create")
    guard let created else { throw .kernel(call: "ck_roof_arrays_create", status: "no arrays") }
    arrays = created
    // The first pass touches the pages.
    var result = ck_roof_result()
    try check(ck_roof_memory(runtime.handle, arrays, CK_MEMORY_READ, 1, &result), "ck_roof_memory")
  }

  deinit { ck_roof_arrays_destroy(arrays) }

  /// Measures what `body` measures, between two moments of reading.
  func around<R>(_ body: () throws(CapacityError) -> R) throws(CapacityError) -> (R, NearbyRoof) {
    let before = try recent()
    let result = try body()
    let after = try moment()
    last = (FigureSampler.now(), after)
    return (
      result,
      NearbyRoof(
        before: [before.rates], after: [after.rates], reasons: Set(before.reasons + after.reasons).sorted())
    )
  }

  private func recent() throws(CapacityError) -> Moment {
    if let last, FigureSampler.now() - last.time < Self.freshness { return last.moment }
    return try moment()
  }

  private func moment() throws(CapacityError) -> Moment {
    var rates: [Double] = []
    var wrong = false
    let start = sampler.watch.read()
    let end = FigureSampler.now() + seconds
    // Three at least, or a median means nothing.
    while rates.count < 3 || (FigureSampler.now() < end && rates.count < 60) {
      try sampler.checkpoint()
      var result = ck_roof_result()
      try check(ck_roof_memory(runtime.handle, arrays, CK_MEMORY_READ, 1, &result), "ck_roof_memory")
      wrong = wrong || result.wrong != 0
      rates.append(Double(result.bytes) / max(result.seconds, 1e-12))
    }
    let window = GuardWindow(from: start, to: sampler.watch.read())
    return Moment(rates: rates, reasons: window.reasons + (wrong ? [.numericFail] : []))
  }
}
