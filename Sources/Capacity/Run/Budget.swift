// What each level measures, and for how long in one launch.

extension CapacityLevel {
  /// Seconds for the figures of each kind, in one launch.
  struct Budget {
    var compute: Double, computeOne: Double, cache: Double, memory: Double, kernel: Double, linpack: Double
    /// Of reading DRAM before and after what it bounds.
    var probe: Double
    var linpackSize: Int
    var rows: [Int]
    var model: ModelBench.Plan
    /// Of models whose prefill takes seconds.
    var largeModel: ModelBench.Plan
    var modelLoad: Double
    /// Of one node's processors with one node's memory.
    var numaPair = 0.5
    /// Of the node left alone, where its power can be read.
    var idle: Double

    /// With `factor` times the time for each figure; what a figure needs at least is left to it.
    func scaled(by factor: Double) -> Budget {
      var budget = self
      for time in [\Budget.compute, \.computeOne, \.cache, \.memory, \.kernel] {
        budget[keyPath: time] *= factor
      }
      budget.model.secondsEach *= factor
      budget.largeModel.secondsEach *= factor
      return budget
    }
  }

  var budget: Budget {
    switch self {
    case .quick:
      let model = ModelBench.Plan(prefill: [(128, 0)], decode: [(1, 0)], secondsEach: 1, qualityTokens: 16)
      return Budget(
        compute: 0.5, computeOne: 0.3, cache: 0.5, memory: 0.9, kernel: 0.5, linpack: 1, probe: 0.1,
        linpackSize: 1500, rows: [1, 512], model: model, largeModel: model, modelLoad: 1.5, idle: 1)
    case .standard:
      return Budget(
        compute: 0.5, computeOne: 0.3, cache: 0.4, memory: 1, kernel: 0.4, linpack: 4, probe: 0.15,
        linpackSize: 8000, rows: [1, 4, 16, 64, 512],
        model: ModelBench.Plan(
          prefill: [(128, 0), (512, 0), (512, 2048)], decode: [(1, 0), (1, 2048), (4, 0), (16, 0)], secondsEach: 1.5,
          qualityTokens: 64, endToEnd: true),
        largeModel: ModelBench.Plan(
          prefill: [(128, 0)], decode: [(1, 0), (4, 0)], secondsEach: 4, qualityTokens: 16), modelLoad: 4, idle: 5)
    case .full:
      return Budget(
        compute: 2, computeOne: 1, cache: 1, memory: 3, kernel: 0.6, linpack: 90, probe: 0.3, linpackSize: 16_000,
        rows: [1, 4, 16, 64, 512],
        model: ModelBench.Plan(
          prefill: [(128, 0), (512, 0), (2048, 0), (512, 2048), (512, 8192)],
          decode: [(1, 0), (1, 2048), (1, 8192), (4, 0), (4, 2048), (16, 0), (64, 0)], secondsEach: 4,
          qualityTokens: 64, endToEnd: true),
        largeModel: ModelBench.Plan(
          prefill: [(128, 0), (512, 0)], decode: [(1, 0), (1, 512), (4, 0), (16, 0)], secondsEach: 8,
          qualityTokens: 32, endToEnd: true), modelLoad: 10, idle: 10)
    }
  }

  /// Of DRAM, all threads.
  var memoryPasses: [MemoryRoof.Pass] {
    self == .quick ? [.read, .copy, .latency] : [.read, .write, .copy, .triad, .latency, .loadedLatency]
  }

  /// Those that models are mostly kept in; all of them at `full`.
  var formats: [String] {
    switch self {
    case .quick: ["Q4_0", "Q8_0", "BF16", "Q4_K"]
    case .standard: ["Q4_0", "Q4_1", "Q8_0", "BF16", "Q4_K", "Q5_K", "Q6_K"]
    case .full: []
    }
  }

  /// Published models whose layers' products are measured.
  var kernelShapes: [String] {
    self == .full ? ["llama-3.2-1b", "smollm2-135m", "llama-3.1-8b", "qwen2.5-7b"] : ["llama-3.2-1b"]
  }
}
