// Products and LINPACK as parts of a run.
import Inference

extension CapacityRun {
  func measureKernels(
    _ runtime: KernelRuntime, _ node: NodeManifest, _ layer: LayerShape, _ formats: [Format],
    into report: inout CapacityReport
  ) throws(CapacityError) {
    let budget = budget
    let probe = try probe(runtime, node)
    let bench = KernelBench(
      runtime: runtime, sampler: sampler, node: node, roofs: report.roofs, seed: options.seed, probe: probe)
    for format in formats {
      try part("\(layer.model) layer, \(format.name)", seconds: kernelSeconds, &report) {
        report throws(CapacityError) in
        report.kernels += try bench.measure(layer, format: format, rows: budget.rows, seconds: budget.kernel)
      }
    }
  }

  func measureLinpack(_ runtime: KernelRuntime, _ node: NodeManifest, into report: inout CapacityReport)
    throws(CapacityError)
  {
    let budget = budget
    // The matrix and its factors, in double.
    let room = Double(max(node.memory.availableBytes / 4, 64 << 20))
    let size = options.linpackSize ?? min(budget.linpackSize, Int((room / 16).squareRoot()) / 100 * 100)
    let bench = Linpack(sampler: sampler, threads: runtime.threads, seed: options.seed)
    for kind in [LinpackResult.Kind.f64, .mixed] {
      try part("LINPACK \(kind.rawValue)", seconds: budget.linpack, &report) { report throws(CapacityError) in
        let peak = report.roofs.peak(.f64)
        if let result = try bench.measure(kind, n: size, peak: peak, seconds: budget.linpack) {
          report.linpack.append(result)
        } else {
          report.notMeasured.append(.init(what: "LINPACK", why: "this build has no BLAS"))
        }
      }
    }
  }
}
