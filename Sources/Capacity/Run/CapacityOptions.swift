// What a run measures and for how long: levels, options, progress. CapacityRun carries it out.

public enum CapacityLevel: String, Codable, Sendable, CaseIterable {
  /// At most 25 seconds: a scheduler's health check.
  case quick
  /// At most 5 minutes.
  case standard

  public var secondsAllowed: Double { self == .quick ? 25 : 300 }
}

public struct CapacityOptions: Sendable {
  public var level: CapacityLevel
  /// 0: as many as the node gives.
  public var threads = 0
  public var isa: String?
  public var seed: UInt64 = 1
  /// Of the tool; stands in the report.
  public var version: String
  /// The published model whose layer the kernels are measured on.
  public var kernelShape = "llama-3.2-1b"
  /// Weight formats to measure by name; nil: all at `standard`, four at `quick`.
  public var formats: [String]?
  public var files = NodeFiles()
  public var power = PowerOptions()
  /// What measured roofs are held against.
  public var nominal: NominalFigures?
  /// What a model serves within, from `standard` on.
  public var serving = ServingOptions()
  /// Also takes the first model's curve under these caps: about 70 s, at `standard` only.
  public var flex: FlexCurve.Kind?

  public init(level: CapacityLevel, version: String) {
    self.level = level
    self.version = version
  }
}

public struct CapacityProgress: Sendable, Equatable {
  /// What is being measured, in words.
  public var phase: String
  /// Of the whole run, 0 to 1; never falls.
  public var fraction: Double
  public var secondsLeft: Double
}

/// A model to be measured: opened when its turn comes, and closed after it.
public struct MeasuredModel: Sendable {
  public var label: String
  let open: @Sendable (KernelRuntime) throws(CapacityError) -> any ModelUnderTest

  public init(label: String, open: @escaping @Sendable (KernelRuntime) throws(CapacityError) -> any ModelUnderTest) {
    self.label = label
    self.open = open
  }
}

extension CapacityLevel {
  /// Seconds for the figures of each kind.
  struct Budget {
    var compute: Double, computeOne: Double, cache: Double, memory: Double, kernel: Double, linpack: Double
    var linpackSize: Int
    var rows: [Int]
    var model: ModelBench.Plan
    var modelLoad: Double
    /// Of the node left alone, where its power can be read.
    var idle: Double
  }

  var budget: Budget {
    switch self {
    case .quick:
      Budget(
        compute: 0.4, computeOne: 0.2, cache: 0.2, memory: 0.5, kernel: 0.4, linpack: 0.4, linpackSize: 1500,
        rows: [1, 512],
        model: ModelBench.Plan(prefill: [(128, 0)], decode: [(1, 0)], secondsEach: 1, qualityTokens: 16),
        modelLoad: 1.5,
        idle: 1
      )
    case .standard:
      Budget(
        compute: 1.2, computeOne: 0.8, cache: 0.8, memory: 2.5, kernel: 0.9, linpack: 4, linpackSize: 4000,
        rows: [1, 4, 16, 64, 512],
        model: ModelBench.Plan(
          prefill: [(128, 0), (512, 0), (512, 2048)], decode: [(1, 0), (1, 2048), (4, 0), (16, 0)], secondsEach: 4,
          qualityTokens: 64), modelLoad: 5, idle: 5)
    }
  }

  /// Of DRAM, all threads.
  var memoryPasses: [MemoryRoof.Pass] {
    self == .quick ? [.read, .copy, .latency] : [.read, .write, .copy, .triad, .latency]
  }

  var formats: [String] { self == .quick ? ["Q4_0", "Q8_0", "BF16", "Q4_K"] : [] }
}
