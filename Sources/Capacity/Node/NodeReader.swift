// Fills a NodeManifest from /proc and /sys. Guesses nothing: what cannot be read stays nil. Memory and NUMA are in
// NodeReader+Memory.swift.
import Foundation

public struct NodeReader: Sendable {
  let files: NodeFiles

  public init(_ files: NodeFiles) { self.files = files }

  public func manifest(build: NodeManifest.Build) -> NodeManifest {
    let cpus = onlineProcessors()
    return NodeManifest(
      processor: processor(), topology: topology(cpus), caches: caches(cpus), clock: clock(cpus.first ?? 0),
      memory: memory(), system: system(cpus), build: build)
  }

  // MARK: Processor

  private func processor() -> NodeManifest.Processor {
    let first = cpuinfo().first ?? [:]
    let arm = first["CPU implementer"] != nil
    let identity =
      arm
      ? "implementer \(first["CPU implementer"] ?? "?") part \(first["CPU part"] ?? "?") "
        + "variant \(first["CPU variant"] ?? "?") revision \(first["CPU revision"] ?? "?")"
      : "family \(first["cpu family"] ?? "?") model \(first["model"] ?? "?") stepping \(first["stepping"] ?? "?")"
    let flags = Set((first["flags"] ?? first["Features"] ?? "").split(separator: " ").map(String.init))
    // ARM's kernel gives numbers; the firmware has the name that the processor is sold under.
    let sold = arm ? firmware?.processors.first : nil
    return NodeManifest.Processor(
      model: first["model name"] ?? sold ?? Self.armName(first), vendor: first["vendor_id"] ?? Self.armVendor(first),
      identity: identity, microcode: first["microcode"], features: Self.features.filter(flags.contains))
  }

  /// One dictionary a processor of /proc/cpuinfo.
  private func cpuinfo() -> [[String: String]] {
    (files.text("proc/cpuinfo") ?? "").components(separatedBy: "\n\n").map { block in
      var pairs: [String: String] = [:]
      for line in block.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard let key = parts.first?.trimmingCharacters(in: .whitespaces), !key.isEmpty else { continue }
        pairs[key] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
      }
      return pairs
    }
  }

  private static let features = [
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimdhp", "asimddp", "i8mm", "bf16",
    "sve", "sve2", "svei8mm", "svebf16",
  ]

  // Implementer codes of the ARM architecture's MIDR register.
  private static let armVendors = [
    "0x41": "ARM", "0x42": "Broadcom", "0x46": "Fujitsu", "0x48": "HiSilicon", "0x51": "Qualcomm", "0x61": "Apple",
    "0x70": "Phytium", "0xc0": "Ampere",
  ]
  // Part numbers of processors that run in servers.
  private static let armParts = [
    "0x41/0xd0c": "Neoverse N1", "0x41/0xd40": "Neoverse V1", "0x41/0xd49": "Neoverse N2", "0x41/0xd4f": "Neoverse V2",
    "0x48/0xd01": "Kunpeng 920", "0x48/0xd02": "Kunpeng 920B", "0x46/0x001": "A64FX", "0xc0/0xac3": "Ampere 1",
  ]

  private static func armVendor(_ info: [String: String]) -> String {
    armVendors[info["CPU implementer"] ?? ""] ?? "unknown"
  }

  private static func armName(_ info: [String: String]) -> String {
    let key = "\(info["CPU implementer"] ?? "")/\(info["CPU part"] ?? "")"
    return armParts[key] ?? "unknown (\(key))"
  }

  // MARK: Topology and caches

  private func onlineProcessors() -> [Int] {
    let online = NodeFiles.list(files.text("sys/devices/system/cpu/online") ?? "")
    if !online.isEmpty { return online }
    return Array(0..<max(1, cpuinfo().filter { $0["processor"] != nil }.count))
  }

  private func topology(_ cpus: [Int]) -> NodeManifest.Topology {
    var sockets: Set<Int> = []
    var cores: [String: [Int]] = [:]
    for cpu in cpus {
      let folder = "sys/devices/system/cpu/cpu\(cpu)/topology"
      let socket = files.int("\(folder)/physical_package_id") ?? 0
      sockets.insert(socket)
      cores["\(socket)/\(files.int("\(folder)/core_id") ?? cpu)", default: []].append(cpu)
    }
    let nodes = numa()
    return NodeManifest.Topology(
      sockets: max(sockets.count, 1), cores: max(cores.count, 1), threads: cpus.count, numaNodes: max(nodes.count, 1),
      numa: nodes,
      smt: files.text("sys/devices/system/cpu/smt/control"),
      siblings: cores.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] })
  }

  private func caches(_ cpus: [Int]) -> [NodeManifest.Cache] {
    var found: [String: NodeManifest.Cache] = [:]
    var seen: Set<String> = []
    for cpu in cpus {
      let folder = "sys/devices/system/cpu/cpu\(cpu)/cache"
      for index in files.names(in: folder) where index.hasPrefix("index") {
        guard let level = files.int("\(folder)/\(index)/level"), let kind = files.text("\(folder)/\(index)/type"),
          let bytes = Self.size(files.text("\(folder)/\(index)/size") ?? "")
        else { continue }
        let shared = files.text("\(folder)/\(index)/shared_cpu_list") ?? "\(cpu)"
        guard seen.insert("\(level) \(kind) \(shared)").inserted else { continue }
        let key = "\(level) \(kind)"
        let width = max(NodeFiles.list(shared).filter(cpus.contains).count, 1)
        found[key, default: .init(level: level, kind: kind, bytes: bytes, sharedBy: width, count: 0)].count += 1
      }
    }
    return found.values.sorted { ($0.level, $0.kind) < ($1.level, $1.kind) }
  }

  /// "32K", "1024K", "36M" in bytes.
  private static func size(_ text: String) -> Int? {
    let digits = text.prefix { $0.isNumber }
    guard let number = Int(digits), number > 0, number < 1 << 40 else { return nil }
    switch text.dropFirst(digits.count) {
    case "K": return number << 10
    case "M": return number << 20
    case "": return number
    default: return nil
    }
  }

  // MARK: Clock

  private func clock(_ cpu: Int) -> NodeManifest.Clock {
    let folder = "sys/devices/system/cpu/cpu\(cpu)/cpufreq"
    let kilohertz = { (name: String) in files.int("\(folder)/\(name)").map { Double($0) * 1000 } }
    let boost = files.int("sys/devices/system/cpu/cpufreq/boost").map { $0 != 0 }
    let noTurbo = files.int("sys/devices/system/cpu/intel_pstate/no_turbo").map { $0 == 0 }
    let minimum = kilohertz("cpuinfo_min_freq")
    var clock = NodeManifest.Clock(
      baseHertz: kilohertz("base_frequency"), maximumHertz: kilohertz("cpuinfo_max_freq"),
      governor: files.text("\(folder)/scaling_governor"), turbo: boost ?? noTurbo)
    clock.minimumHertz = minimum
    clock.driver = files.text("\(folder)/scaling_driver")
    clock.energyPreference = files.text("\(folder)/energy_performance_preference")
    return clock
  }

  // MARK: System

  private func system(_ cpus: [Int]) -> NodeManifest.System {
    let release = files.text("proc/sys/kernel/osrelease") ?? "unknown"
    let distribution = files.lines("etc/os-release").first { $0.hasPrefix("PRETTY_NAME=") }
    return NodeManifest.System(
      kernel: release,
      distribution: distribution.map {
        $0.dropFirst("PRETTY_NAME=".count).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
      },
      architecture: Self.architecture, hypervisor: hypervisor(), container: container(),
      quota: Cgroup(files).quota, affinity: affinity(cpus))
  }

  private static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "aarch64"
    #else
      "other"
    #endif
  }

  private func hypervisor() -> String? {
    if let type = files.text("sys/hypervisor/type") { return type }
    if let product = files.text("sys/class/dmi/id/sys_vendor"), Self.virtualVendors.contains(where: product.contains) {
      return product
    }
    let flags = cpuinfo().first?["flags"]?.split(separator: " ") ?? []
    return flags.contains("hypervisor") ? "yes, unnamed" : nil
  }

  private static let virtualVendors = ["QEMU", "VMware", "Xen", "Amazon EC2", "Google", "Microsoft", "Alibaba", "KVM"]

  private func container() -> String? {
    if files.exists(".dockerenv") { return "docker" }
    if files.exists("run/.containerenv") { return "podman" }
    let groups = files.text("proc/1/cgroup") ?? ""
    for name in ["kubepods", "docker", "containerd", "lxc", "garden"] where groups.contains(name) { return name }
    return nil
  }

  private func affinity(_ cpus: [Int]) -> Int {
    let allowed = files.pairs("proc/self/status")["Cpus_allowed_list"].map(NodeFiles.list) ?? []
    return allowed.isEmpty ? cpus.count : allowed.filter(cpus.contains).count
  }
}
