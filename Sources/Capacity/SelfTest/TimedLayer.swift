// A small layer's products on one thread, as work whose time is known: what slow-downs and stalls are planted in.
import CKernels
import Foundation
import Inference

final class TimedLayer {
  private let set: LayerSet
  private let work: LayerSet.Work
  private let runtime: KernelRuntime
  /// Operations of a pass.
  let operations: Double
  private var count = 0

  init(seed: UInt64) throws(CapacityError) {
    runtime = try KernelRuntime(threads: 1)
    guard let layer = LayerShape(model: "tiny"), let format = Format(name: "Q4_0") else {
      throw .option(name: "shape", what: "there is no tiny layer")
    }
    set = try LayerSet(
      runtime, layer, format: ck_format(rawValue: UInt32(format.rawValue)), m: 1, copies: 2, seed: seed
    ) { () throws(CapacityError) in }
    work = try set.prepared(m: 1)
    operations = layer.matrices.reduce(0) { $0 + $1.operationsPerRow } * 2
  }

  func run(passes: Int) throws(CapacityError) {
    for _ in 0..<passes {
      try set.run(work, startingAt: count)
      count += 1
    }
  }

  /// How many passes take about `seconds`, a multiple of `step`.
  func passes(in seconds: Double, step: Int) throws(CapacityError) -> Int {
    try run(passes: step)
    var best = Double.infinity
    for _ in 0..<5 {
      let start = Self.processorSeconds()
      try run(passes: step)
      best = min(best, Self.processorSeconds() - start)
    }
    return max(1, Int((seconds / max(best, 1e-7)).rounded())) * step
  }

  /// Of the calling thread: stops while others run, as bench-gate's clock does.
  static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
