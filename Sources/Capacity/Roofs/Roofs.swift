// The node's roofs: what its multiply-add units and its memory can do at most. RoofBench measures them.

public enum Precision: String, Codable, Sendable, CaseIterable {
  case f64, f32, bf16, s8

  /// in×in:acc→out.
  public var tag: String {
    switch self {
    case .f64: "f64×f64:f64→f64"
    case .f32: "f32×f32:f32→f32"
    case .bf16: "bf16×bf16:f32→f32"
    case .s8: "s8×s8:s32→s32"
    }
  }

  /// Integer and floating operations are different units, never added.
  public var unit: String { self == .s8 ? "OP/s" : "FLOP/s" }
}

public struct ComputeRoof: Codable, Sendable, Equatable {
  public var precision: Precision
  public var threads: Int
  public var figure: Figure

  package init(
    precision: Precision, threads: Int, figure: Figure
  ) {
    self.precision = precision
    self.threads = threads
    self.figure = figure
  }
}

public struct MemoryRoof: Codable, Sendable, Equatable {
  public enum Pass: String, Codable, Sendable, CaseIterable {
    case read, write, copy, triad, latency
    /// Latency while all other threads read.
    case loadedLatency = "loaded latency"

    public var isLatency: Bool { self == .latency || self == .loadedLatency }
  }
  /// "L1", "L2", "L3" or "DRAM".
  public var level: String
  public var pass: Pass
  public var threads: Int
  /// Of one array, over all threads.
  public var bytes: Int
  public var hugePages: Bool
  public var figure: Figure
  /// Of a loaded latency: what the other threads read meanwhile.
  public var load: Figure?

  package init(
    level: String, pass: Pass, threads: Int, bytes: Int, hugePages: Bool, figure: Figure, load: Figure? = nil
  ) {
    self.level = level
    self.pass = pass
    self.threads = threads
    self.bytes = bytes
    self.hugePages = hugePages
    self.figure = figure
    self.load = load
  }
}

/// What the processors of one NUMA node get from the memory of another, or of their own.
public struct NUMARoof: Codable, Sendable, Equatable {
  /// The nodes' numbers.
  public var processors: Int
  public var memory: Int
  public var threads: Int
  /// Of the array.
  public var bytes: Int
  /// Share of the array's pages that lay on the memory's node: below `leastPlaced` the figures are NUMA_REMOTE.
  public var placed: Double
  public var read: Figure
  public var latency: Figure

  static let leastPlaced = 0.99

  package init(
    processors: Int, memory: Int, threads: Int, bytes: Int, placed: Double, read: Figure, latency: Figure
  ) {
    self.processors = processors
    self.memory = memory
    self.threads = threads
    self.bytes = bytes
    self.placed = placed
    self.read = read
    self.latency = latency
  }
}

public struct Roofs: Codable, Sendable, Equatable {
  public var compute: [ComputeRoof] = []
  public var memory: [MemoryRoof] = []
  /// Every node's processors with every node's memory; nil where there is one node, or no time.
  public var numa: [NUMARoof]?

  public init() {}

  public var figures: [Figure] {
    compute.map(\.figure) + memory.map(\.figure) + memory.compactMap(\.load)
      + (numa ?? []).flatMap { [$0.read, $0.latency] }
  }

  /// R_pk of all threads in `precision`.
  public func peak(_ precision: Precision) -> Figure? {
    compute.filter { $0.precision == precision }.max { $0.threads < $1.threads }?.figure
  }

  /// B_pk: DRAM read of all threads.
  public var read: Figure? {
    memory.filter { $0.level == "DRAM" && $0.pass == .read && $0.hugePages }.max { $0.threads < $1.threads }?.figure
  }

  /// The highest rate at `intensity` operations a byte: min(R_pk, intensity × B_pk).
  public func limit(_ precision: Precision, intensity: Double) -> Figure? {
    guard let peak = peak(precision) else { return nil }
    guard let read, intensity * read.value < peak.value else { return peak }
    var slope = read
    slope.value *= intensity
    slope.ci95 = read.ci95.map { $0 * intensity }
    slope.minimum *= intensity
    slope.maximum *= intensity
    slope.samples = read.samples.map { $0 * intensity }
    slope.unit = precision.unit
    slope.precision = precision.tag
    return slope
  }
}
