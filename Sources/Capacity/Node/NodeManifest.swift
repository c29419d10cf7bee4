// What a report says about the machine it was made on. NodeReader fills it; nil is "could not be read".

public struct NodeManifest: Codable, Sendable, Equatable {
  public struct Processor: Codable, Sendable, Equatable {
    public var model: String
    public var vendor: String
    /// Family, model and stepping as the kernel prints them; implementer and part on ARM.
    public var identity: String
    public var microcode: String?
    /// Of the flags, those that kernels care about, in the kernel's own words.
    public var features: [String]
  }

  public struct Topology: Codable, Sendable, Equatable {
    public var sockets: Int
    public var cores: Int
    public var threads: Int
    public var numaNodes: Int
    /// "on", "off", "notsupported"…
    public var smt: String?
    /// Which logical processors share a core, when more than one does.
    public var siblings: [[Int]]
  }

  public struct Cache: Codable, Sendable, Equatable {
    public var level: Int
    public var kind: String
    public var bytes: Int
    /// How many logical processors share one.
    public var sharedBy: Int
    public var count: Int
  }

  public struct Clock: Codable, Sendable, Equatable {
    public var baseHertz: Double?
    public var maximumHertz: Double?
    public var governor: String?
    public var turbo: Bool?
  }

  public struct Memory: Codable, Sendable, Equatable {
    public var bytes: Int
    public var availableBytes: Int
    public var swapBytes: Int
    public var transparentHugePages: String?
    /// Of each DIMM, where the firmware's table is readable.
    public var speed: String?
  }

  public struct System: Codable, Sendable, Equatable {
    public var kernel: String
    public var distribution: String?
    public var architecture: String
    public var hypervisor: String?
    public var container: String?
    /// The cgroup's quota in processors; nil where there is none.
    public var quota: Double?
    /// Processors this process may run on.
    public var affinity: Int
  }

  public struct Build: Codable, Sendable, Equatable {
    public var version: String
    /// SHA-256 of the executable.
    public var binaryHash: String?
    public var isa: String
    public var threads: Int
    public var blas: String?
    public var blasCore: String?
    public var blasThreads: Int?
  }

  public var processor: Processor
  public var topology: Topology
  public var caches: [Cache]
  public var clock: Clock
  public var memory: Memory
  public var system: System
  public var build: Build

  /// All of the last level together, as one thread of each core sees it: what arrays must exceed four times.
  public var lastLevelCacheBytes: Int {
    guard let level = caches.filter({ $0.kind != "Instruction" }).map(\.level).max() else { return 0 }
    return caches.filter { $0.level == level && $0.kind != "Instruction" }.map { $0.bytes * $0.count }.reduce(0, +)
  }

  /// The bytes of the data cache at `level` of one core.
  public func cacheBytes(level: Int) -> Int? {
    caches.first { $0.level == level && $0.kind != "Instruction" }?.bytes
  }
}
