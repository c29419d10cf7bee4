// The roofs that a test of `gobi bench` is measured against, and how near it comes.
import Capacity
import Inference

/// Peaks measured in this process, before and after each test: a shared machine can change its speed between the two, and
/// the higher one bounds the test.
final class BenchRoofs {
  /// How near a test comes to the limit that binds it.
  struct Share {
    /// `MFU`: multiply-adds against the peak of the precision; `MBU`: bytes read against the read bandwidth.
    let kind: String
    let fraction: Double
    let roof: Double
    let unit: String
  }

  private let kernels: KernelRuntime
  private let bench: RoofBench
  /// Measured last, and the time before.
  private var now = Roofs(), before = Roofs()

  init(_ runtime: Runtime) throws {
    kernels = try KernelRuntime(threads: runtime.threads, isa: runtime.isa.name)
    let node = HardwareFacts.manifest(isa: runtime.isa.name, threads: runtime.threads)
    let sampler = FigureSampler(watch: Guard(NodeFiles()), seed: 1) { () throws(CapacityError) in
      if Interrupt.isRequested { throw .cancelled }
    }
    bench = RoofBench(runtime: kernels, sampler: sampler, node: node)
    now = try measured([.s8, .bf16, .f32])
  }

  private func measured(_ precisions: [Precision]) throws -> Roofs {
    var roofs = Roofs()
    for precision in precisions {
      if let roof = try bench.compute(precision, threads: kernels.threads, seconds: 0.4) { roofs.compute.append(roof) }
    }
    roofs.memory = try bench.memory(bench.dram(threads: kernels.threads), passes: [.read], seconds: 0.6)
    return roofs
  }

  private func peak(_ precision: Precision) -> Double {
    max(now.peak(precision)?.value ?? 0, before.peak(precision)?.value ?? 0)
  }

  private var read: Double { max(now.read?.value ?? 0, before.read?.value ?? 0) }

  /// How near `test` came to its limit; measures the roofs again.
  func share(model: Model, test: BenchTest, seconds: Double) throws -> Share? {
    let facts = try SessionModel.facts(model, path: model.path, label: model.path)
    // Where the instruction set has no products of the precision, the kernels widen to float32.
    let precision = peak(facts.precision) > 0 ? facts.precision : .f32
    before = now
    let again = try measured([precision])
    now.memory = again.memory
    now.compute = before.compute.filter { $0.precision != precision } + again.compute
    let prompt = Double(test.prompt), steps = Double(test.generate), sequences = Double(test.parallel)
    // In the mean over a generation each step has half of it before it.
    let context = Double(test.depth) + prompt + max(0, steps - 1) / 2
    var operations = 0.0, bytes = 0.0
    if test.prompt > 0 {
      operations += prompt * facts.operationsPerPrefillToken(tokens: test.prompt, depth: test.depth)
      bytes += facts.bytesPerStep(batch: 1, context: Double(test.depth) + prompt / 2)
    }
    operations += steps * sequences * facts.operationsPerToken(context: context)
    bytes += steps * facts.bytesPerStep(batch: test.parallel, context: context)
    let (peak, read) = (peak(precision), read)
    guard peak > 0, read > 0, seconds > 0 else { return nil }
    let compute = operations / seconds / peak, memory = bytes / seconds / read
    return compute >= memory
      ? Share(kind: "MFU", fraction: compute, roof: peak, unit: precision.unit)
      : Share(kind: "MBU", fraction: memory, roof: read, unit: "B/s")
  }
}
