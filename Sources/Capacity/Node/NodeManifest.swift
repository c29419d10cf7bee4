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

    package init(
      model: String, vendor: String, identity: String, microcode: String? = nil, features: [String]
    ) {
      self.model = model
      self.vendor = vendor
      self.identity = identity
      self.microcode = microcode
      self.features = features
    }
  }

  public struct Topology: Codable, Sendable, Equatable {
    public var sockets: Int
    public var cores: Int
    public var threads: Int
    public var numaNodes: Int
    /// As the kernel tells them; empty where it does not.
    public var numa: [NUMANode]
    /// "on", "off", "notsupported"…
    public var smt: String?
    /// Which logical processors share a core, when more than one does.
    public var siblings: [[Int]]

    package init(
      sockets: Int, cores: Int, threads: Int, numaNodes: Int, numa: [NUMANode] = [], smt: String? = nil,
      siblings: [[Int]]
    ) {
      self.sockets = sockets
      self.cores = cores
      self.threads = threads
      self.numaNodes = numaNodes
      self.numa = numa
      self.smt = smt
      self.siblings = siblings
    }
  }

  public struct Cache: Codable, Sendable, Equatable {
    public var level: Int
    public var kind: String
    public var bytes: Int
    /// How many logical processors share one.
    public var sharedBy: Int
    public var count: Int

    package init(
      level: Int, kind: String, bytes: Int, sharedBy: Int, count: Int
    ) {
      self.level = level
      self.kind = kind
      self.bytes = bytes
      self.sharedBy = sharedBy
      self.count = count
    }
  }

  public struct Clock: Codable, Sendable, Equatable {
    public var baseHertz: Double?
    public var maximumHertz: Double?
    public var governor: String?
    public var turbo: Bool?
    public var minimumHertz: Double?
    /// Who sets the clock: "intel_pstate", "amd-pstate-epp", "acpi-cpufreq", "cppc_cpufreq".
    public var driver: String?
    public var energyPreference: String?

    package init(
      baseHertz: Double? = nil, maximumHertz: Double? = nil, governor: String? = nil, turbo: Bool? = nil
    ) {
      self.baseHertz = baseHertz
      self.maximumHertz = maximumHertz
      self.governor = governor
      self.turbo = turbo
    }
  }

  public struct Memory: Codable, Sendable, Equatable {
    public var bytes: Int
    public var availableBytes: Int
    public var swapBytes: Int
    public var transparentHugePages: String?
    /// Set aside at boot; nil for none.
    public var hugePages: HugePages?
    /// "16 × 32 GiB DDR5 at 4800 MT/s", where the firmware's table is readable.
    public var speed: String?
    public var modules: [MemoryModule] = []
    /// Places for modules, empty ones too.
    public var slots: Int?
    /// Populated ones, where the memory controllers' driver is loaded.
    public var channels: Int?

    package init(
      bytes: Int, availableBytes: Int, swapBytes: Int, transparentHugePages: String? = nil, speed: String? = nil
    ) {
      self.bytes = bytes
      self.availableBytes = availableBytes
      self.swapBytes = swapBytes
      self.transparentHugePages = transparentHugePages
      self.speed = speed
    }
  }

  public struct HugePages: Codable, Sendable, Equatable {
    /// Of one page.
    public var bytes: Int
    public var count: Int

    package init(bytes: Int, count: Int) {
      self.bytes = bytes
      self.count = count
    }
  }

  /// A memory module, as the firmware describes it. Serial numbers are left out.
  public struct MemoryModule: Codable, Sendable, Equatable {
    /// Bank and slot, in the vendor's words.
    public var place: String
    public var bytes: Int
    /// "DDR5".
    public var kind: String?
    public var part: String?
    /// What it can do, and what it is set to: 1e6 transfers a second.
    public var ratedMegatransfers: Int?
    public var megatransfers: Int?

    package init(
      place: String, bytes: Int, kind: String? = nil, part: String? = nil, ratedMegatransfers: Int? = nil,
      megatransfers: Int? = nil
    ) {
      self.place = place
      self.bytes = bytes
      self.kind = kind
      self.part = part
      self.ratedMegatransfers = ratedMegatransfers
      self.megatransfers = megatransfers
    }
  }

  public struct NUMANode: Codable, Sendable, Equatable {
    public var number: Int
    /// Logical ones.
    public var processors: [Int]
    public var bytes: Int?
    /// To each node in order, 10 to itself (ACPI's SLIT).
    public var distances: [Int]

    package init(number: Int, processors: [Int], bytes: Int? = nil, distances: [Int] = []) {
      self.number = number
      self.processors = processors
      self.bytes = bytes
      self.distances = distances
    }
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

    package init(
      kernel: String, distribution: String? = nil, architecture: String, hypervisor: String? = nil,
      container: String? = nil, quota: Double? = nil, affinity: Int
    ) {
      self.kernel = kernel
      self.distribution = distribution
      self.architecture = architecture
      self.hypervisor = hypervisor
      self.container = container
      self.quota = quota
      self.affinity = affinity
    }
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
    /// Of the C library that runs: "glibc 2.36".
    public var libc: String?

    public init(
      version: String, binaryHash: String? = nil, isa: String, threads: Int, blas: String? = nil,
      blasCore: String? = nil,
      blasThreads: Int? = nil
    ) {
      self.version = version
      self.binaryHash = binaryHash
      self.isa = isa
      self.threads = threads
      self.blas = blas
      self.blasCore = blasCore
      self.blasThreads = blasThreads
    }
  }

  public var processor: Processor
  public var topology: Topology
  public var caches: [Cache]
  public var clock: Clock
  public var memory: Memory
  public var system: System
  public var build: Build

  package init(
    processor: Processor, topology: Topology, caches: [Cache], clock: Clock, memory: Memory, system: System,
    build: Build
  ) {
    self.processor = processor
    self.topology = topology
    self.caches = caches
    self.clock = clock
    self.memory = memory
    self.system = system
    self.build = build
  }

  /// All of the last level together, as one thread of each core sees it.
  public var lastLevelCacheBytes: Int {
    guard let level = caches.filter({ $0.kind != "Instruction" }).map(\.level).max() else { return 0 }
    return caches.filter { $0.level == level && $0.kind != "Instruction" }.map { $0.bytes * $0.count }.reduce(0, +)
  }

  /// The bytes of the data cache at `level` of one core.
  public func cacheBytes(level: Int) -> Int? {
    caches.first { $0.level == level && $0.kind != "Instruction" }?.bytes
  }

  /// Bytes to go through where memory is meant and not a cache: 16 times the last level, but not over 2 GiB where that
  /// is 4 times. Caches do not forget the oldest line first: by its speed, a Zen 4 kept a
  /// seventh of arrays of 4 times its last level (128 MiB).
  public var streamedBytes: Int {
    let cache = max(lastLevelCacheBytes, 8 << 20)
    return max(min(16 * cache, 2 << 30), 4 * cache)
  }
}
