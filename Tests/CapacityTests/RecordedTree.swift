// A folder that stands for / with the files of /proc and /sys that a test needs, as those machines print them.
import Capacity
import Foundation
import TestSupport

struct RecordedTree {
  let folder: TemporaryFolder
  var files: NodeFiles { NodeFiles(root: folder.url.path) }

  init(_ contents: [String: String]) throws {
    folder = try TemporaryFolder()
    for (path, text) in contents { try write(path, text) }
  }

  func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

  func write(_ path: String, _ bytes: [UInt8]) throws {
    let url = folder.url.appendingPathComponent(path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  static let build = NodeManifest.Build(version: "1.2.3", binaryHash: nil, isa: "avx2", threads: 2)

  /// Two sockets of four cores with two threads each, two NUMA nodes, no virtual machine.
  static func twoSocketXeon() throws -> RecordedTree {
    var tree: [String: String] = [
      "sys/devices/system/cpu/online": "0-15",
      "sys/devices/system/cpu/smt/control": "on",
      "sys/devices/system/cpu/intel_pstate/no_turbo": "0",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
      "sys/devices/system/cpu/cpu0/cpufreq/base_frequency": "2000000",
      "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "3800000",
      "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
      "sys/devices/system/node/node0/cpulist": "0-3,8-11", "sys/devices/system/node/node1/cpulist": "4-7,12-15",
      "sys/devices/system/node/node0/meminfo": "Node 0 MemTotal:       131000000 kB\nNode 0 MemFree: 5 kB\n",
      "sys/devices/system/node/node0/distance": "10 21", "sys/devices/system/node/node1/distance": "21 10",
      "proc/meminfo":
        "MemTotal:       263856512 kB\nMemAvailable:   250000000 kB\nSwapTotal:             0 kB\n"
        + "HugePages_Total:      16\nHugepagesize:    1048576 kB\n",
      "proc/sys/kernel/osrelease": "6.1.0-18-amd64",
      "etc/os-release": "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
      "proc/self/status": "Name:\tgobi\nCpus_allowed_list:\t0-15\n",
      "proc/self/cgroup": "0::/user.slice\n", "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
      "proc/1/cgroup": "0::/init.scope\n",
    ]
    let info = """
      vendor_id\t: GenuineIntel
      cpu family\t: 6
      model\t\t: 143
      model name\t: Intel(R) Xeon(R) Gold 6438Y+
      stepping\t: 8
      microcode\t: 0x2b000590
      flags\t\t: fpu sse4_2 avx f16c fma avx2 avx512f avx512bw avx512dq avx512vl avx512_vnni avx512_bf16 amx_int8
      """
    tree["proc/cpuinfo"] = (0..<16).map { "processor\t: \($0)\n\(info)" }.joined(separator: "\n\n") + "\n"
    for cpu in 0..<16 {
      let core = cpu % 8
      let socket = core / 4
      let base = "sys/devices/system/cpu/cpu\(cpu)"
      tree["\(base)/topology/physical_package_id"] = "\(socket)"
      tree["\(base)/topology/core_id"] = "\(core % 4)"
      for (index, level, kind, size, shared) in [
        (0, 1, "Data", "48K", "\(core),\(core + 8)"), (1, 1, "Instruction", "32K", "\(core),\(core + 8)"),
        (2, 2, "Unified", "2048K", "\(core),\(core + 8)"),
        (3, 3, "Unified", "61440K", "\(socket * 4)-\(socket * 4 + 3),\(socket * 4 + 8)-\(socket * 4 + 11)"),
      ] {
        tree["\(base)/cache/index\(index)/level"] = "\(level)"
        tree["\(base)/cache/index\(index)/type"] = kind
        tree["\(base)/cache/index\(index)/size"] = size
        tree["\(base)/cache/index\(index)/shared_cpu_list"] = shared
      }
    }
    return try RecordedTree(tree)
  }

  /// One socket of a Hygon C86: AMD's first Zen under another vendor's name, two NUMA nodes a socket, acpi-cpufreq.
  static func hygon() throws -> RecordedTree {
    let info = """
      vendor_id\t: HygonGenuine
      cpu family\t: 24
      model\t\t: 1
      model name\t: Hygon C86 7285 32-core Processor
      stepping\t: 1
      microcode\t: 0x80901047
      flags\t\t: fpu sse4_2 avx f16c fma avx2 sha_ni
      """
    var tree = [
      "proc/cpuinfo": (0..<8).map { "processor\t: \($0)\n\(info)" }.joined(separator: "\n\n"),
      "sys/devices/system/cpu/online": "0-7", "sys/devices/system/cpu/smt/control": "on",
      "sys/devices/system/cpu/cpufreq/boost": "1",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "acpi-cpufreq",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "schedutil",
      "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2000000",
      "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_min_freq": "1200000",
      "sys/devices/system/node/node0/cpulist": "0-1,4-5", "sys/devices/system/node/node1/cpulist": "2-3,6-7",
      "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never",
      "proc/meminfo": "MemTotal: 131072000 kB\nMemAvailable: 120000000 kB\n",
    ]
    for cpu in 0..<8 {
      let base = "sys/devices/system/cpu/cpu\(cpu)"
      tree["\(base)/topology/physical_package_id"] = "0"
      tree["\(base)/topology/core_id"] = "\(cpu % 4)"
      for (index, level, size, shared) in [
        (0, 1, "32K", "\(cpu % 4),\(cpu % 4 + 4)"), (2, 2, "512K", "\(cpu % 4),\(cpu % 4 + 4)"),
        (3, 3, "8192K", cpu % 4 < 2 ? "0-1,4-5" : "2-3,6-7"),
      ] {
        tree["\(base)/cache/index\(index)/level"] = "\(level)"
        tree["\(base)/cache/index\(index)/type"] = level == 1 ? "Data" : "Unified"
        tree["\(base)/cache/index\(index)/size"] = size
        tree["\(base)/cache/index\(index)/shared_cpu_list"] = shared
      }
    }
    for (controller, channel) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
      let path = "sys/devices/system/edac/mc/mc\(controller)/rank\(channel)"
      tree["\(path)/size"] = channel == 1 && controller == 1 ? "0" : "32768"
      tree["\(path)/dimm_location"] = "csrow 0 channel \(channel)"
    }
    return try RecordedTree(tree)
  }

  /// Four cores of a Kunpeng 920: no model name, no cpufreq.
  static func kunpeng() throws -> RecordedTree {
    let info = """
      BogoMIPS\t: 200.00
      Features\t: fp asimd evtstrm aes asimdhp asimdrdm jscvt fcma dcpop asimddp asimdfhm
      CPU implementer\t: 0x48
      CPU architecture: 8
      CPU variant\t: 0x1
      CPU part\t: 0xd01
      CPU revision\t: 0
      """
    return try RecordedTree([
      "proc/cpuinfo": (0..<4).map { "processor\t: \($0)\n\(info)" }.joined(separator: "\n\n"),
      "proc/meminfo": "MemTotal: 16000000 kB\nMemAvailable: 15000000 kB\n",
    ])
  }

  /// A container on version 1 control groups with a quota of 1.5 processors, inside a virtual machine.
  static func quotaOfOneAndAHalf() throws -> RecordedTree {
    try RecordedTree([
      "proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t: avx2 fma hypervisor\n\nprocessor\t: 1\n",
      "proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n",
      "proc/1/cgroup": "2:cpu,cpuacct:/docker/abc\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
      "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "150000",
      "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000",
      "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.stat": "nr_periods 100\nnr_throttled 7\nthrottled_time 123\n",
      "proc/self/status": "Cpus_allowed_list:\t1\n",
    ])
  }
}
