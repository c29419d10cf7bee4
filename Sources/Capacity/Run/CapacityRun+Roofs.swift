// The roofs as parts of a run.

extension CapacityRun {
  func measureRoofs(_ runtime: KernelRuntime, _ node: NodeManifest, into report: inout CapacityReport)
    throws(CapacityError)
  {
    let budget = budget
    let bench = RoofBench(runtime: runtime, sampler: sampler, node: node)
    for precision in Precision.allCases {
      for threads in Set([1, runtime.threads]).sorted(by: >) {
        let seconds = threads == runtime.threads ? budget.compute : budget.computeOne
        let name = "\(precision.rawValue) multiply-adds, \(threads == 1 ? "one thread" : "\(threads) threads")"
        try part(name, seconds: seconds, &report) { report throws(CapacityError) in
          if let roof = try bench.compute(precision, threads: threads, seconds: seconds) {
            report.roofs.compute.append(roof)
          } else if threads == runtime.threads {
            report.notMeasured.append(.init(what: name, why: "\(runtime.isa) has no instruction for it"))
          }
        }
      }
    }
    for level in bench.levels() {
      let isDRAM = level.name == "DRAM"
      let passes = isDRAM ? options.level.memoryPasses : [.read, .latency]
      let seconds = isDRAM ? budget.memory : budget.cache
      try part("\(level.name) memory", seconds: seconds * Double(isDRAM ? passes.count : 1), &report) {
        report throws(CapacityError) in
        report.roofs.memory += try bench.memory(level, passes: passes, seconds: isDRAM ? seconds : seconds / 2)
      }
    }
    guard runtime.threads > 1 else { return }
    try part("DRAM memory, one thread", seconds: budget.memory, &report) { report throws(CapacityError) in
      report.roofs.memory += try bench.memory(bench.dram(threads: 1), passes: [.read], seconds: budget.memory)
    }
  }
}
