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
          sockets: 2, cores: 8, threads: 16, numaNodes: 2, smt: "on",
          siblings: (0..<8).map { [$0, $0 + 8] }))
    #expect(node.caches.map(\.count) == [8, 8, 8, 2])
    #expect(node.caches[0] == .init(level: 1, kind: "Data", bytes: 48 << 10, sharedBy: 2, count: 8))
    #expect(node.lastLevelCacheBytes == 2 * 61440 << 10)
    #expect(node.streamedBytes == 32 * 61440 << 10)
    #expect(node.cacheBytes(level: 2) == 2 << 20)
    #expect(node.clock == .init(baseHertz: 2e9, maximumHertz: 3.8e9, governor: "performance", turbo: true))
    #expect(node.memory.bytes == 263_856_512 * 1024)
    #expect(node.memory.transparentHugePages == "madvise")
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
