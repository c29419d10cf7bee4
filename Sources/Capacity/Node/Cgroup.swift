// The control group of this process: its CPU quota and how often it was throttled. Versions 1 and 2.

public struct Cgroup: Sendable {
  let files: NodeFiles

  public init(_ files: NodeFiles) { self.files = files }

  /// The folders that may hold the CPU controller's files: the process's own group first, then those above it.
  private var folders: [String] {
    var folders: [String] = []
    for line in files.lines("proc/self/cgroup") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let controllers = parts[1].split(separator: ",")
      guard parts[1].isEmpty || controllers.contains("cpu") else { continue }
      // Version 2 has no controllers in the line. A hybrid system mounts it aside.
      let mounts =
        parts[1].isEmpty
        ? ["sys/fs/cgroup", "sys/fs/cgroup/unified"] : ["sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpu"]
      for mount in mounts {
        var path = parts[2].split(separator: "/").filter { $0 != ".." }
        folders.append(([mount] + path.map(String.init)).joined(separator: "/"))
        while !path.isEmpty {
          path.removeLast()
          folders.append(([mount] + path.map(String.init)).joined(separator: "/"))
        }
      }
    }
    return folders
  }

  /// The smallest quota of the group and those above it, in processors. nil: none.
  public var quota: Double? {
    var smallest: Double?
    for folder in folders {
      let parts = (files.text("\(folder)/cpu.max") ?? "").split(separator: " ")
      var quota: Double?
      if parts.count == 2, let used = Double(parts[0]), let period = Double(parts[1]), period > 0 {
        quota = used / period
      } else if let used = files.int("\(folder)/cpu.cfs_quota_us"),
        let period = files.int("\(folder)/cpu.cfs_period_us"),
        used > 0, period > 0
      {
        quota = Double(used) / Double(period)
      }
      if let quota { smallest = min(smallest ?? quota, quota) }
    }
    return smallest
  }

  /// How many scheduler periods ended with the group throttled, over the group and those above it.
  public var throttledPeriods: Int {
    folders.compactMap { files.pairs("\($0)/cpu.stat")["nr_throttled"].flatMap { Int($0) } }.max() ?? 0
  }
}
