// The report's facts about the node as short lines, for text and HTML alike.

struct NodeFacts {
  struct Row {
    var title: Phrase
    var text: Phrase
    /// In English, as the terminal has them.
    var name: String { title.en }
    var value: String { text.en }
  }

  let rows: [Row]

  init(_ node: NodeManifest) {
    rows = Self.hardware(node) + Self.memory(node) + Self.system(node)
  }

  private static let unreadable = Phrase("not readable", "无法读取")
  private static let none = Phrase("none", "无")
  private static let no = Phrase("no", "否")

  private static func row(_ title: Phrase, _ text: Phrase) -> Row { Row(title: title, text: text) }
  private static func row(_ title: Phrase, _ text: String) -> Row { Row(title: title, text: .same(text)) }

  private static func hardware(_ node: NodeManifest) -> [Row] {
    let t = node.topology
    let caches = node.caches.map { cache in
      let size = "\(cache.count) × \(Quantity.binary(cache.bytes))"
      return Phrase(
        "L\(cache.level) \(cache.kind.lowercased()) \(size)", "L\(cache.level) \(chinese(cache.kind)) \(size)")
    }
    return [
      row(Phrase("Processor", "处理器"), "\(node.processor.model) (\(node.processor.identity))"),
      row(Phrase("Microcode", "微码"), node.processor.microcode.map(Phrase.same) ?? unreadable),
      row(
        Phrase("Topology", "拓扑"),
        Phrase(
          "\(t.sockets) socket(s), \(t.cores) cores, \(t.threads) threads, \(t.numaNodes) NUMA node(s)",
          "\(t.sockets) 路，\(t.cores) 核，\(t.threads) 线程，\(t.numaNodes) 个 NUMA 节点")),
      row(Phrase("Instruction sets", "指令集"), node.processor.features.joined(separator: " ")),
      row(Phrase("Caches", "缓存"), .list(caches)),
      row(Phrase("Clock", "主频"), clock(node.clock)),
    ]
  }

  private static func chinese(_ kind: String) -> String {
    switch kind {
    case "Data": "数据"
    case "Instruction": "指令"
    case "Unified": "统一"
    default: kind
    }
  }

  private static func clock(_ clock: NodeManifest.Clock) -> Phrase {
    let parts: [Phrase?] = [
      clock.baseHertz.map { Phrase("base ", "基准 ") + .same(Quantity.text($0, "Hz")) },
      clock.maximumHertz.map { Phrase("maximum ", "最高 ") + .same(Quantity.text($0, "Hz")) },
      clock.governor.map { Phrase("governor \($0)", "调频策略 \($0)") },
      clock.driver.map { Phrase("driver \($0)", "驱动 \($0)") },
      clock.energyPreference.map { Phrase("preference \($0)", "能效偏好 \($0)") },
      clock.turbo.map { $0 ? Phrase("turbo on", "睿频开启") : Phrase("turbo off", "睿频关闭") },
    ]
    let known = parts.compactMap { $0 }
    return known.isEmpty ? Phrase("not readable here", "此环境无法读取") : .list(known)
  }

  private static func memory(_ node: NodeManifest) -> [Row] {
    let m = node.memory
    var text = Phrase.same(Quantity.bytes(m.bytes))
    text = text + Phrase(", huge pages: \(m.transparentHugePages ?? "no")", "，透明大页：\(m.transparentHugePages ?? "无")")
    if let huge = m.hugePages {
      let size = Quantity.binary(huge.bytes)
      text = text + Phrase(", \(huge.count) of \(size) set aside", "，预留 \(huge.count) 个 \(size) 大页")
    }
    var modules = m.speed.map(Phrase.same) ?? unreadable
    if let slots = m.slots {
      modules = modules + Phrase(", \(m.modules.count) of \(slots) slots", "，\(slots) 个插槽中使用 \(m.modules.count) 个")
    }
    if let channels = m.channels { modules = modules + Phrase(", \(channels) channels", "，\(channels) 通道") }
    var rows = [row(Phrase("Memory", "内存"), text), row(Phrase("Memory modules", "内存条"), modules)]
    if !node.topology.numa.isEmpty {
      let nodes = node.topology.numa.map { numa in
        let bytes = numa.bytes.map { ", " + Quantity.bytes($0) } ?? ""
        return Phrase(
          "\(numa.number): \(numa.processors.count) threads\(bytes)",
          "\(numa.number)：\(numa.processors.count) 线程\(bytes)")
      }
      rows.append(
        row(
          Phrase("NUMA", "NUMA"),
          Phrase(nodes.map(\.en).joined(separator: "; "), nodes.map(\.zh).joined(separator: "；"))))
    }
    return rows
  }

  private static func system(_ node: NodeManifest) -> [Row] {
    let (s, b) = (node.system, node.build)
    var rows = [
      row(
        Phrase("System", "操作系统"),
        [s.distribution, "Linux \(s.kernel)"].compactMap { $0 }.joined(separator: ", ")),
      row(Phrase("Virtual machine", "虚拟机"), s.hypervisor.map(Phrase.told) ?? no),
      row(Phrase("Container", "容器"), s.container.map(Phrase.told) ?? no),
      row(
        Phrase("CPU quota", "CPU 配额"),
        s.quota.map { Phrase("\(Quantity.number($0)) processors", "\(Quantity.number($0)) 个处理器") } ?? none),
      row(
        Phrase("Gobi", "Gobi"),
        Phrase("\(b.version), kernels for \(b.isa), \(b.threads) thread(s)", "\(b.version)，\(b.isa) 内核，\(b.threads) 线程")
      ),
    ]
    if let hash = b.binaryHash { rows.append(row(Phrase("Binary", "程序哈希"), "SHA-256 \(hash)")) }
    rows.append(
      row(
        Phrase("BLAS", "BLAS"),
        b.blas.map { Phrase("\($0), core \(b.blasCore ?? "unknown")", "\($0)，核心 \(b.blasCore ?? "未知")") } ?? none))
    rows.append(row(Phrase("C library", "C 运行库"), b.libc.map(Phrase.same) ?? Phrase("unknown", "未知")))
    return rows
  }
}
