// What a run says in English about what it could not measure, in the page's languages: a list of templates. What none of
// them fits is a message of the system's or a file's own words, and stands as it is.

extension Phrase {
  /// `{}` stands for anything, as little of it as fits, and is itself looked up; `{+}` for as much as fits: names of
  /// models have commas. Where two fit, the first counts.
  private static let templates: [(english: String, chinese: String)] = [
    ("{+}, in {} of {} launches", "{}（{} 次启动，共 {} 次）"),
    ("{} multiply-adds, one thread", "{} 乘加，单线程"),
    ("{} multiply-adds, {} threads", "{} 乘加，{} 线程"),
    ("{} multiply-adds", "{} 乘加"),
    ("DRAM memory, one thread", "DRAM 内存，单线程"),
    ("DRAM memory, small pages", "DRAM 内存（小页）"),
    ("DRAM memory", "DRAM 内存"),
    ("memory between NUMA nodes", "NUMA 节点之间的内存"),
    ("L1 memory", "L1 缓存"),
    ("L2 memory", "L2 缓存"),
    ("L3 memory", "L3 缓存"),
    ("LINPACK {}", "LINPACK {}"),
    ("goodput of {}", "{} 的有效吞吐量"),
    ("prompts of {}, outputs of {} tokens", "输入 {}、输出 {} token"),
    ("nominal peak", "标称算力"),
    ("nominal bandwidth", "标称内存带宽"),
    ("the family of {} is not among the known ones", "{} 不在已知处理器系列之列"),
    ("under a hypervisor neither cores nor clocks are the machine's own", "虚拟化环境下核数与主频并非整机实际值"),
    ("the kernel does not tell the largest clock that its cores may run at", "内核未提供处理器核的最高主频"),
    ("channels and transfers a second of the memory are not readable", "无法读取内存通道数与传输速率"),
    (
      "{} channels × 8 B × {} MT/s, as the memory controllers and the firmware tell them",
      "{} 通道 × 8 B × {} MT/s，取自内存控制器与固件"
    ),
    (
      "{}: {} socket(s) × {} cores × {} {}/cycle ({}) × {}, the largest clock that the kernel tells; base clock {}",
      "{}：{} 路 × {} 核 × 每周期 {} {}（{}）× {}（内核给出的最高主频）；基准主频 {}"
    ),
    ("not readable", "无法读取"),
    ("model {}: it has no session that serves", "模型 {}：没有可服务的会话"),
    (
      "model {}: a sequence alone takes {} a token, and the objective is {}", "模型 {}：单序列每 token 需 {}，而目标为 {}"
    ),
    (
      "model {}: a prompt of {} tokens alone takes {}, and the objective is {}",
      "模型 {}：仅 {} token 的提示词就需 {}，而目标为 {}"
    ),
    ("end to end: the model has no tokenizer", "端到端：该模型没有分词器"),
    ("this build has no such shape or type", "此版本没有该模型结构或权重格式"),
    ("a run of {} s has no time for it: at least {} s", "{} 秒的运行时间不足：至少需 {} 秒"),
    ("it takes {} of memory, and {} are free", "需要内存 {}，可用 {}"),
    ("its file takes {} of disk, and {} are free", "文件需要磁盘 {}，可用 {}"),
    ("launch {}: {}", "第 {} 次启动：{}"),
    ("launch {}, in part", "第 {} 次启动（部分）"),
    ("R_pk: {} multiply-adds, all threads", "R_pk：{} 乘加，全部线程"),
    ("B_pk: DRAM read, all threads, around this row", "B_pk：DRAM 读，全部线程，于本行前后测得"),
    ("B_pk: DRAM read, all threads", "B_pk：DRAM 读，全部线程"),
    ("D_gemm: products of a {} layer, {}, m = {}", "D_gemm：{} 单层矩阵乘，{}，m = {}"),
    ("S·F_tok: prefill of {} of {+}, {} operations a token", "S·F_tok：预填充 {}，{}，每 token {} 次运算"),
    ("S·F_tok: {} of {+}, {} operations a token", "S·F_tok：{}，{}，每 token {} 次运算"),
    ("G·F_tok: {}, TTFT {}, TPOT {}", "G·F_tok：{}，首字延迟 ≤ {}，每 token 延迟 ≤ {}"),
    ("MBU: {} of {+}, {} a token", "MBU：{}，{}，每 token {}"),
    ("R_nom: {}", "R_nom：{}"),
    ("B_nom: {}", "B_nom：{}"),
    ("prefill of {} tokens at depth {}", "预填充 {} token，上下文深度 {}"),
    ("prefill of {} tokens", "预填充 {} token"),
    ("decode, batch {} at depth {}", "解码，批大小 {}，上下文深度 {}"),
    ("decode, batch {}", "解码，批大小 {}"),
    (
      "η_slo: a service's goodput counts output tokens; see its own waterfall", "η_slo：服务的有效吞吐量只计输出 token，见其自身的瀑布图"
    ),
    ("η_slo: no goodput was measured beside this row", "η_slo：未测量与此项对应的有效吞吐量"),
    (
      "η_chip: {} is not known, see --nominal; the waterfall starts at what the chip does",
      "η_chip：{} 未知（见 --nominal），瀑布图从芯片实测值开始"
    ),
    ("A: one report tells no availability; gobi ledger show does", "A：单份报告无法给出可用率，见 gobi ledger show"),
    ("rate under caps", "受限工况下的速率"),
    ("power of the idle node", "空载功率"),
    ("the rest", "其余项目"),
    ("the run was cancelled", "测量被取消"),
    ("the {} level's time was over", "{} 级别的时间已用完"),
    ("{} has no instruction for it", "{} 没有相应指令"),
    ("this build has no BLAS", "此版本未包含 BLAS"),
    ("it needs a model", "需要指定模型"),
    ("the quick level has no time for it", "快速级别没有时间测量"),
    ("prefill of {} at depth {}: {}", "预填充 {}，上下文深度 {}：{}"),
    ("decode of {} at depth {}: {}", "解码，批大小 {}，上下文深度 {}：{}"),
    ("filling it would take {} s", "填充上下文需 {} 秒"),
    ("{} is not there, or does not answer", "{} 不存在或无响应"),
    ("there is no {}", "不存在 {}"),
    ("such folder", "该目录"),
    ("yes, unnamed", "是（未标识）"),
    ("no sensor of {} gives power or energy", "{} 中没有功率或电能传感器"),
    ("power by the management controller (IPMI)", "管理控制器（IPMI）功率"),
    ("power by the meter's file", "功率计文件"),
    ("power by the meter", "功率计"),
    ("power of accelerators (NVML)", "加速卡功率（NVML）"),
    ("power of {} (RAPL)", "{} 功率（RAPL）"),
    ("power by {}", "{} 功率"),
    ("no sensor was looked for", "未查找传感器"),
    ("its counter does not move", "计数器不变化"),
    ("it always reads 0 W", "读数恒为 0 W"),
    ("it gave no reading", "没有读数"),
    ("{} measures the same: listed, not added", "{} 测量同一对象：仅列出，不计入"),
    ("this benchmark does not use it: listed, not added", "本测试未使用：仅列出，不计入"),
    ("it holds the packages: listed apart, not added", "已包含各处理器封装：单独列出，不计入"),
    ("it is inside its package: listed, not added", "已包含在处理器封装内：仅列出，不计入"),
    ("what it covers is not known: listed, not added", "覆盖范围未知：仅列出，不计入"),
    ("{} tokens at depth {}", "{} token，上下文深度 {}"),
    ("{} tokens", "{} token"),
    ("{} layer, {}", "{} 单层，{}"),
    ("{}: load", "{}：加载"),
  ]

  /// The page's words for `english`.
  package static func told(_ english: String) -> Phrase {
    Phrase(english, chinese(english, depth: 0) ?? english)
  }

  static func told(_ omission: CapacityReport.Omission) -> Phrase {
    told(omission.what) + Phrase(": ", "：") + told(omission.why)
  }

  private static func chinese(_ english: String, depth: Int) -> String? {
    guard depth < 3 else { return nil }
    for (pattern, translation) in templates {
      guard let parts = match(english, pattern) else { continue }
      var out = ""
      var rest = parts[...]
      for (i, piece) in translation.split(separator: "{}", omittingEmptySubsequences: false).enumerated() {
        if i > 0, let part = rest.popFirst() { out += chinese(part, depth: depth + 1) ?? part }
        out += piece
      }
      return out
    }
    return nil
  }

  /// What stands in the places of the holes; nil where `text` does not fit.
  private static func match(_ text: String, _ pattern: String) -> [String]? {
    let greedy = pattern.split(separator: "{").dropFirst().map { $0.hasPrefix("+") }
    let pieces = pattern.replacing("{+}", with: "{}").split(separator: "{}", omittingEmptySubsequences: false)
      .map(String.init)
    guard text.hasPrefix(pieces[0]) else { return nil }
    var rest = text.dropFirst(pieces[0].count)
    var parts: [String] = []
    for (i, piece) in pieces.enumerated().dropFirst() {
      if i == pieces.count - 1 {
        guard rest.hasSuffix(piece), rest.count > piece.count else { return nil }
        parts.append(String(rest.dropLast(piece.count)))
        return parts
      }
      let places = rest.dropFirst().ranges(of: piece)
      guard let found = greedy[i - 1] ? places.last : places.first else { return nil }
      parts.append(String(rest[..<found.lowerBound]))
      rest = rest[found.upperBound...]
    }
    return rest.isEmpty ? parts : nil
  }
}
