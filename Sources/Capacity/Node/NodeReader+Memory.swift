// The node's memory for the manifest: sizes, huge pages, modules and channels, NUMA nodes.
import Foundation

extension NodeReader {
  /// Bytes that programs can have without swapping; 0 where the system does not tell.
  public var availableMemory: Int { memory().availableBytes }

  func memory() -> NodeManifest.Memory {
    let info = files.pairs("proc/meminfo")
    let bytes = { (key: String) in
      (info[key]?.split(separator: " ").first).flatMap { Int($0) }.map { $0 * 1024 } ?? 0
    }
    let pages = files.text("sys/kernel/mm/transparent_hugepage/enabled")
    let count = info["HugePages_Total"].flatMap { Int($0) } ?? 0
    var memory = NodeManifest.Memory(
      bytes: bytes("MemTotal"), availableBytes: bytes("MemAvailable"), swapBytes: bytes("SwapTotal"),
      transparentHugePages: pages.flatMap(Self.chosen), speed: nil)
    memory.hugePages = count > 0 ? NodeManifest.HugePages(bytes: bytes("Hugepagesize"), count: count) : nil
    let table = firmware
    memory.modules = table?.modules ?? []
    memory.slots = table.flatMap { $0.slots > 0 ? $0.slots : nil }
    memory.channels = channels()
    memory.speed = Self.summary(memory.modules)
    return memory
  }

  /// nil where the table cannot be read: it takes root's rights.
  var firmware: SMBIOS? { (try? files.bytes("sys/firmware/dmi/tables/DMI")).map(SMBIOS.init) }

  /// The word in brackets of "always [madvise] never".
  private static func chosen(_ text: String) -> String? {
    guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]"), open < close else { return nil }
    return String(text[text.index(after: open)..<close])
  }

  /// Populated channels by the memory controllers' driver (EDAC); nil where there is none.
  private func channels() -> Int? {
    let folder = "sys/devices/system/edac/mc"
    var seen: Set<String> = []
    for controller in files.names(in: folder) where controller.hasPrefix("mc") {
      for module in files.names(in: "\(folder)/\(controller)")
      where module.hasPrefix("dimm") || module.hasPrefix("rank") {
        let path = "\(folder)/\(controller)/\(module)"
        guard files.int("\(path)/size") ?? 0 > 0, let place = files.text("\(path)/dimm_location") else { continue }
        // "channel 0 slot 1", with "memcontroller 1" or "csrow 0" before it on some.
        let words = place.split(separator: " ").map(String.init)
        let part = { (name: String) -> String in
          words.firstIndex(of: name).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil } ?? ""
        }
        seen.insert("\(controller) \(part("memcontroller")) \(part("channel"))")
      }
    }
    return seen.isEmpty ? nil : seen.count
  }

  /// "16 × 32 GiB DDR5 at 4800 MT/s", one part for each kind there is.
  private static func summary(_ modules: [NodeManifest.MemoryModule]) -> String? {
    var counts: [(text: String, count: Int)] = []
    for module in modules {
      let rate = (module.megatransfers ?? module.ratedMegatransfers).map { " at \($0) MT/s" } ?? ""
      let size = module.bytes >= 1 << 30 ? "\(module.bytes >> 30) GiB" : "\(module.bytes >> 20) MiB"
      let text = "\(size) \(module.kind ?? "memory")\(rate)"
      if let i = counts.firstIndex(where: { $0.text == text }) {
        counts[i].count += 1
      } else {
        counts.append((text, 1))
      }
    }
    return counts.isEmpty ? nil : counts.map { "\($0.count) × \($0.text)" }.joined(separator: ", ")
  }

  // MARK: NUMA

  func numa() -> [NodeManifest.NUMANode] {
    let folder = "sys/devices/system/node"
    return files.names(in: folder).compactMap { name in
      guard name.hasPrefix("node"), let number = Int(name.dropFirst(4)) else { return nil }
      let path = "\(folder)/\(name)"
      // "Node 0 MemTotal:       131743924 kB"
      let total = files.lines("\(path)/meminfo").first { $0.contains("MemTotal:") }
      let kibibytes = total?.split(separator: " ").compactMap { Int($0) }.last
      return NodeManifest.NUMANode(
        number: number, processors: NodeFiles.list(files.text("\(path)/cpulist") ?? ""),
        bytes: kibibytes.map { $0 * 1024 },
        distances: (files.text("\(path)/distance") ?? "").split(separator: " ").compactMap { Int($0) })
    }
  }
}
