// What a run says in English about what it could not measure, in the page's languages: a list of templates. What none of
// them fits is a message of the system's or a file's own words, and stands as it is.

extension Phrase {
  /// `{}` stands for anything, and is itself looked up: "Q4_0", "the quick level".
  private static let templates: [(english: String, chinese: String)] = [
    ("{} multiply-adds, one thread", "{} 乘加，单线程"),
    ("{} multiply-adds, {} threads", "{} 乘加，{} 线程"),
    ("{} multiply-adds", "{} 乘加"),
    ("DRAM memory, one thread", "DRAM 内存，单线程"),
    ("DRAM memory", "DRAM 内存"),
    ("L1 memory", "L1 缓存"),
    ("L2 memory", "L2 缓存"),
    ("L3 memory", "L3 缓存"),
    ("LINPACK {}", "LINPACK {}"),
    ("{} layer, {}", "{} 单层，{}"),
    ("{}: load", "{}：加载"),
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

  /// What stands in the places of `{}`, each as short as can be but for the last; nil where `text` does not fit.
  private static func match(_ text: String, _ pattern: String) -> [String]? {
    let pieces = pattern.split(separator: "{}", omittingEmptySubsequences: false).map(String.init)
    guard text.hasPrefix(pieces[0]) else { return nil }
    var rest = text.dropFirst(pieces[0].count)
    var parts: [String] = []
    for (i, piece) in pieces.enumerated().dropFirst() {
      if i == pieces.count - 1 {
        guard rest.hasSuffix(piece), rest.count > piece.count else { return nil }
        parts.append(String(rest.dropLast(piece.count)))
        return parts
      }
      guard let found = rest.dropFirst().firstRange(of: piece) else { return nil }
      parts.append(String(rest[..<found.lowerBound]))
      rest = rest[found.upperBound...]
    }
    return rest.isEmpty ? parts : nil
  }
}
