// One flipped bit in the memory of a layer that is measured: in a packed weight, after the check was made from the file's
// blocks, or in a result, as a core that errs once leaves it.
import CKernels
import Inference

final class FlippedBits: FaultTrials {
  private let inWeights: Bool
  private let runtime: KernelRuntime
  private let sampler: FigureSampler
  private let layer: LayerShape
  private let node: NodeManifest
  private var trial = 0
  private var injected = 0
  private var seenByArithmetic = 0
  private var missed: [String: Int] = [:]

  /// All threads, the best ISA: what serves here.
  init(inWeights: Bool, _ sampler: FigureSampler) throws(CapacityError) {
    self.inWeights = inWeights
    self.sampler = sampler
    runtime = try KernelRuntime()
    guard let layer = LayerShape(model: "tiny") else { throw .option(name: "shape", what: "there is no tiny layer") }
    self.layer = layer
    let build = NodeManifest.Build(version: "", binaryHash: nil, isa: runtime.isa, threads: runtime.threads)
    node = NodeReader(NodeFiles()).manifest(build: build)
  }

  // Rows of x that take different kernels: one, a few, a full tile and more.
  private static let rows = [1, 4, 17, 64]
  // Long enough for a few samples of a tiny layer, between which the fault comes.
  private static let seconds = 0.005
  // A machine that is held up for all of that time leaves one sample: such a trial is taken again.
  private static let mostTries = 50

  func faulty(_ random: inout RandomSource) throws(CapacityError) -> Bool {
    let format = Format.all[trial % Format.all.count]
    let m = Self.rows[random.index(below: Self.rows.count)]
    trial += 1
    for _ in 0..<Self.mostTries {
      let place = random.index(below: 3)
      var source = RandomSource(seed: random.next())
      var (isInjected, isSeen, samples) = (false, false, 0)
      var faults = LayerFaults()
      if inWeights {
        faults.before = { set, sample in
          guard sample == place else { return }
          set.flipBitOfWeights(&source)
          isInjected = true
        }
      }
      faults.after = { [inWeights] set, sample, m in
        samples += 1
        if !inWeights, sample == place {
          set.flipBitOfResults(m: m, &source)
          isInjected = true
        }
        // Told beside: what the bounds of the arithmetic alone would have seen.
        if isInjected { isSeen = isSeen || !set.sampledRowsAreRight(m: m) || !set.allRowsAreRight(m: m) }
      }
      let isCaught = try measure(format, m, faults, &random)
      guard isInjected, samples > 1 else { continue }
      injected += 1
      seenByArithmetic += isSeen ? 1 : 0
      if !isCaught { missed[format.name, default: 0] += 1 }
      return isCaught
    }
    throw .kernel(call: "self-test", status: "this machine is held up for too long to take two samples")
  }

  func clean(_ random: inout RandomSource) throws(CapacityError) -> Bool? {
    try measure(
      Format.all[trial % Format.all.count], Self.rows[random.index(below: Self.rows.count)], nil, &random)
  }

  /// Whether the figure is NUMERIC_FAIL.
  private func measure(_ format: Format, _ m: Int, _ faults: LayerFaults?, _ random: inout RandomSource)
    throws(CapacityError) -> Bool
  {
    var bench = KernelBench(runtime: runtime, sampler: sampler, node: node, roofs: Roofs(), seed: random.next())
    bench.faults = faults
    let points = try bench.measure(layer, format: format, rows: [m], seconds: Self.seconds)
    return points.contains { $0.rate.reasons.contains(.numericFail) }
  }

  var notes: [String] {
    guard injected > 0 else { return [] }
    let how = inWeights ? "by the sum over the panels" : "by the comparison of a product's results with each other"
    var notes = ["\(seenByArithmetic) of \(injected) exceed the bounds of the arithmetic; the others are caught \(how)"]
    if !missed.isEmpty {
      let list = missed.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }
      notes.append("missed: " + list.joined(separator: ", "))
    }
    return notes
  }
}
