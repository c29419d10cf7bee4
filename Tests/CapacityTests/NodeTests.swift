// The manifest and the guards on recorded trees: nothing here depends on the machine that runs the tests.
import Capacity
import Foundation
import Testing

@Suite struct ManifestTests {
  @Test func twoSocketXeon() throws {
    let tree = try RecordedTree.twoSocketXeon()
    let node = NodeReader(tree.files).manifest(build: RecordedTree.build)
    #expect(node.processor.model == "Intel(R) Xeon(R) Gold 6438Y+")
    #expect(node.processor.identity == "family 6 model 143 stepping 8")
    #expect(node.processor.microcode == "0x2b000590")
    #expect(node.processor.features.contains("amx_int8"))
    #expect(
      node.topology
        == .init(
          sockets: 2, cores: 8, threads: 16, numaNodes: 2,
          numa: [
            .init(number: 0, processors: [0, 1, 2, 3, 8, 9, 10, 11], bytes: 131_000_000 * 1024, distances: [10, 21]),
            .init(number: 1, processors: [4, 5, 6, 7, 12, 13, 14, 15], distances: [21, 10]),
          ], smt: "on",
          siblings: (0..<8).map { [$0, $0 + 8] }))
    #expect(node.caches.map(\.count) == [8, 8, 8, 2])
    #expect(node.caches[0] == .init(level: 1, kind: "Data", bytes: 48 << 10, sharedBy: 2, count: 8))
    #expect(node.lastLevelCacheBytes == 2 * 61440 << 10)
    #expect(node.streamedBytes == 32 * 61440 << 10)
    #expect(node.cacheBytes(level: 2) == 2 << 20)
    #expect(node.clock == .init(baseHertz: 2e9, maximumHertz: 3.8e9, governor: "performance", turbo: true))
    #expect(node.memory.bytes == 263_856_512 * 1024)
    #expect(node.memory.transparentHugePages == "madvise" && node.memory.hugePages == .init(bytes: 1 << 30, count: 16))
    #expect(node.memory.speed == nil && node.memory.modules.isEmpty && node.memory.slots == nil)
    #expect(node.system.distribution == "Debian GNU/Linux 12 (bookworm)")
    #expect(node.system.hypervisor == nil && node.system.container == nil && node.system.quota == nil)
    #expect(node.system.affinity == 16)
  }

  @Test func kunpeng() throws {
    let tree = try RecordedTree.kunpeng()
    let node = NodeReader(tree.files).manifest(build: RecordedTree.build)
    #expect(node.processor.model == "Kunpeng 920" && node.processor.vendor == "HiSilicon")
    #expect(node.processor.features == ["asimd", "asimdhp", "asimddp"])
    #expect(node.topology.threads == 4 && node.topology.cores == 4 && node.topology.sockets == 1)
    #expect(node.caches.isEmpty && node.lastLevelCacheBytes == 0 && node.streamedBytes == 128 << 20)
    #expect(node.clock == .init())
  }

  @Test func hygon() throws {
    let tree = try RecordedTree.hygon()
    let node = NodeReader(tree.files).manifest(build: RecordedTree.build)
    #expect(node.processor.vendor == "HygonGenuine" && node.processor.identity == "family 24 model 1 stepping 1")
    #expect(node.processor.features == ["sse4_2", "avx", "f16c", "fma", "avx2"])
    #expect(node.topology.cores == 4 && node.topology.threads == 8 && node.topology.numa.map(\.number) == [0, 1])
    #expect(node.topology.siblings == [[0, 4], [1, 5], [2, 6], [3, 7]])
    #expect(node.caches.map(\.count) == [4, 4, 2] && node.lastLevelCacheBytes == 16 << 20)
    #expect(node.clock.driver == "acpi-cpufreq" && node.clock.turbo == true && node.clock.minimumHertz == 1.2e9)
    #expect(node.clock.baseHertz == nil && node.memory.transparentHugePages == "always")
    // Three of four channels have a module.
    #expect(node.memory.channels == 3)
  }

  @Test func memoryModulesOfTheFirmware() throws {
    let tree = try RecordedTree.kunpeng()
    try tree.write("sys/firmware/dmi/tables/DMI", SMBIOSTests.table)
    let node = NodeReader(tree.files).manifest(build: RecordedTree.build)
    // The kernel's numbers say Kunpeng 920; the firmware which.
    #expect(node.processor.model == "Kunpeng 920-6426")
    #expect(node.memory.speed == "2 × 32 GiB DDR4 at 2933 MT/s, 1 × 64 GiB DDR5 at 4800 MT/s")
    #expect(node.memory.slots == 4 && node.memory.modules[0].place == "SOCKET 0 CHANNEL 0 DIMM000")
    #expect(node.memory.modules[0].ratedMegatransfers == 3200)
    let denied = NodeFiles(root: tree.files.root) { $0.hasSuffix("DMI") ? EACCES : 0 }
    #expect(NodeReader(denied).manifest(build: RecordedTree.build).memory.modules.isEmpty)
  }

  @Test func containerWithQuota() throws {
    let tree = try RecordedTree.quotaOfOneAndAHalf()
    let node = NodeReader(tree.files).manifest(build: RecordedTree.build)
    #expect(node.system.quota == 1.5)
    #expect(node.system.container == "docker")
    #expect(node.system.hypervisor == "yes, unnamed")
    #expect(node.system.affinity == 1)
    #expect(Cgroup(tree.files).throttledPeriods == 7)
  }

  @Test func quotaOfVersionTwoIsTheSmallestAbove() throws {
    let tree = try RecordedTree([
      "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "200000 100000",
      "sys/fs/cgroup/a/b/cpu.max": "max 100000",
    ])
    #expect(Cgroup(tree.files).quota == 2)
  }

  @Test func anEmptyTreeIsNoError() throws {
    let tree = try RecordedTree([:])
    let node = NodeReader(tree.files).manifest(build: RecordedTree.build)
    #expect(node.topology.threads == 1 && node.memory.bytes == 0)
  }

  @Test(arguments: [
    ("0-3,8", [0, 1, 2, 3, 8]), ("5", [5]), ("", []), ("3-1", []), ("a-b", []), ("0-99999999", []), ("1-2-3", []),
  ])
  func processorLists(_ text: String, _ list: [Int]) {
    #expect(NodeFiles.list(text) == list)
  }
}

@Suite struct SMBIOSTests {
  private static func structure(_ type: UInt8, _ length: Int, _ words: [Int: Int], _ strings: [String]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: length)
    (bytes[0], bytes[1]) = (type, UInt8(length))
    for (offset, value) in words {
      bytes[offset] = UInt8(value & 0xff)
      if value > 0xff { bytes[offset + 1] = UInt8(value >> 8 & 0xff) }
      if value > 0xffff { bytes[offset + 2] = UInt8(value >> 16) }
    }
    return bytes + strings.flatMap { Array($0.utf8) + [0] } + (strings.isEmpty ? [0, 0] : [0])
  }

  /// One processor, two modules of 32 GiB, one of 64 GiB with an extended size, and an empty slot.
  static let table: [UInt8] = {
    let names = ["DIMM000", "SOCKET 0  CHANNEL 0", "M393A4K40DB3"]
    let module = [0x0c: 0x7fff, 0x1c: 32 << 10, 0x10: 1, 0x11: 2, 0x12: 0x1a, 0x15: 3200, 0x1a: 3, 0x20: 2933]
    var large = module
    (large[0x12], large[0x1c], large[0x15], large[0x20]) = (0x22, 64 << 10, 5600, 4800)
    return structure(0, 0x18, [:], ["A firmware"]) + structure(4, 0x30, [0x10: 1, 0x18: 0x41], ["Kunpeng 920-6426"])
      + structure(17, 0x5c, module, names) + structure(17, 0x5c, module, names) + structure(17, 0x5c, large, names)
      + structure(17, 0x5c, [0x10: 1], ["DIMM001"]) + structure(127, 4, [:], [])
  }()

  @Test func aTableCutOrChangedAnywhereIsNoTrap() throws {
    let tree = try RecordedTree.kunpeng()
    var random = RandomSource(seed: 2)
    for length in stride(from: 0, to: Self.table.count, by: 7) {
      try tree.write("sys/firmware/dmi/tables/DMI", Array(Self.table.prefix(length)))
      #expect(NodeReader(tree.files).manifest(build: RecordedTree.build).memory.modules.count <= 3)
    }
    for _ in 0..<200 {
      var bytes = Self.table
      for _ in 0..<4 { bytes[random.index(below: bytes.count)] = UInt8(random.index(below: 256)) }
      try tree.write("sys/firmware/dmi/tables/DMI", bytes)
      _ = NodeReader(tree.files).manifest(build: RecordedTree.build)
    }
  }
}

@Suite struct NominalTests {
  private func read(_ text: String) throws -> NominalFigures {
    let tree = try RecordedTree(["n.json": text])
    return try NominalFigures(path: tree.files.root + "/n.json")
  }

  @Test func figuresHaveSourcesAndShares() throws {
    let figures = try read(
      """
      {"peaks": [{"precision": "bf16", "value": 1e12, "source": "data sheet"},
                 {"precision": "s8", "value": 1e11, "source": "contract"}],
       "memory": {"value": 1.08e11, "source": "8 channels"}}
      """)
    let roofs = try sampleReport().roofs
    let shares = NominalShare.of(figures, roofs)
    #expect(shares.map(\.unit) == ["FLOP/s", "OP/s", "B/s"] && shares.map(\.source)[2] == "8 channels")
    #expect(abs(try #require(shares[0].share).value - 0.48) < 1e-9 && shares[0].share?.validity == .valid)
    // More than is stated: one of the two is wrong.
    #expect(shares[1].share?.reasons == [.impossible])
    #expect(abs(try #require(shares[2].share).value - 0.5) < 1e-9)
    #expect(NominalShare.of(figures, Roofs()).allSatisfy { $0.share == nil })
  }

  @Test(arguments: [
    "", "{}", #"{"peaks": [{"precision": "bf16", "value": 1e12, "source": ""}]}"#,
    #"{"peaks": [{"precision": "fp4", "value": 1e12, "source": "x"}]}"#,
    #"{"peaks": [{"precision": "bf16", "value": -1, "source": "x"}]}"#,
    #"{"peaks": [{"precision": "s8", "value": 1e12, "source": "x"}, {"precision": "s8", "value": 2e12, "source": "x"}]}"#,
    #"{"peaks": [], "memory": {"value": 5, "source": "x"}}"#,
  ])
  func whatIsNoFigureIsRefused(_ text: String) { #expect(throws: CapacityError.self) { _ = try read(text) } }
}

@Suite struct GuardTests {
  // 2 processors; ticks of user, system, idle and steal; own ticks of the process.
  private func reading(
    user: Int, idle: Int, steal: Int = 0, own: Int, throttled: Int = 0, swapped: Int = 0, thermal: Int = 0,
    governor: String = "performance"
  ) throws -> GuardReading {
    let tree = try RecordedTree([
      "proc/stat":
        "cpu  \(user) 0 0 \(idle) 0 0 0 \(steal) 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0\ncpu1 1 0 0 1 0 0 0 0 0 0\nintr 5\n",
      "proc/self/stat": "42 (a (strange) name) S 1 42 42 0 -1 4194560 1 0 0 0 \(own) 0 0 0 20 0 1 0 100 1 1",
      "proc/vmstat": "pgpgin 5\npswpin 0\npswpout \(swapped)\n",
      "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.stat": "usage_usec 5\nnr_throttled \(throttled)\n",
      "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "\(thermal)",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": governor,
    ])
    return Guard(tree.files).read()
  }

  @Test func aQuietWindowIsClean() throws {
    let window = try GuardWindow(
      from: reading(user: 100, idle: 1000, own: 50), to: reading(user: 500, idle: 1600, own: 448))
    #expect(window.reasons == [])
    #expect(abs(window.foreignShare - 0.002) < 1e-12 && window.stealShare == 0)
  }

  @Test func foreignWorkIsContention() throws {
    let window = try GuardWindow(
      from: reading(user: 100, idle: 1000, own: 50), to: reading(user: 700, idle: 1400, own: 450))
    #expect(window.reasons == [.contended])
    #expect(abs(window.foreignShare - 0.2) < 1e-12)
  }

  @Test func stealIsContention() throws {
    let window = try GuardWindow(
      from: reading(user: 0, idle: 0, own: 0), to: reading(user: 990, idle: 0, steal: 10, own: 990))
    #expect(window.reasons == [.contended])
  }

  @Test func roundingOfTicksIsNot() throws {
    // A tenth of a second on two processors: 20 ticks, of which one a processor may be anybody's.
    let window = try GuardWindow(from: reading(user: 0, idle: 0, own: 0), to: reading(user: 20, idle: 0, own: 18))
    #expect(window.reasons == [])
  }

  @Test func eachGuardHasItsReason() throws {
    let start = try reading(user: 0, idle: 0, own: 0)
    #expect(try GuardWindow(from: start, to: reading(user: 9, idle: 1, own: 9, throttled: 1)).reasons == [.throttled])
    #expect(try GuardWindow(from: start, to: reading(user: 9, idle: 1, own: 9, thermal: 1)).reasons == [.throttled])
    #expect(try GuardWindow(from: start, to: reading(user: 9, idle: 1, own: 9, swapped: 3)).reasons == [.swapped])
    #expect(
      try GuardWindow(from: start, to: reading(user: 9, idle: 1, own: 9, governor: "powersave")).reasons
        == [.environmentChanged])
  }

  @Test func clocksThatDisagree() throws {
    var start = try reading(user: 0, idle: 0, own: 0)
    var end = try reading(user: 9, idle: 1, own: 9)
    (start.monotonicSeconds, end.monotonicSeconds) = (10, 20)
    (start.wallSeconds, end.wallSeconds) = (1000, 1010.0001)
    #expect(GuardWindow(from: start, to: end).reasons == [])
    end.wallSeconds = 1011
    #expect(GuardWindow(from: start, to: end).reasons == [.clockSync])
    end.wallSeconds = 1010
    (start.hertz, end.hertz) = (3.5e9, 3.4e9)
    #expect(GuardWindow(from: start, to: end).reasons == [.frequencyDrift])
    end.hertz = 3.46e9
    #expect(GuardWindow(from: start, to: end).reasons == [])
  }
}
