// Verdicts, reasons and kinds of figures, as the page says them.

extension Phrase {
  static func verdict(_ figure: Figure) -> Phrase { verdict(figure.validity, figure.reasons) }

  static func verdict(_ validity: Validity, _ reasons: [Reason]) -> Phrase {
    switch validity {
    case .valid: Phrase("valid", "有效")
    case .inconclusive: Phrase("inconclusive", "未收敛")
    case .invalid:
      Phrase("invalid: ", "无效：")
        + list(reasons.map { Phrase($0.rawValue, name($0).zh + "（\($0.rawValue)）") })
    }
  }

  /// A reason in a few words.
  static func name(_ reason: Reason) -> Phrase {
    switch reason {
    case .numericFail: Phrase("wrong result", "结果错误")
    case .qualityFloor: Phrase("model quality", "模型精度不达标")
    case .tooShort: Phrase("too short", "计时过短")
    case .notSteady: Phrase("not steady", "未进入稳态")
    case .throttled: Phrase("throttled", "受到限流或降频")
    case .frequencyDrift: Phrase("clock drift", "主频漂移")
    case .contended: Phrase("contended", "资源被争用")
    case .numaRemote: Phrase("remote memory", "跨 NUMA 访存")
    case .swapped: Phrase("swapped", "发生换页")
    case .clockSync: Phrase("clocks disagree", "时钟不同步")
    case .powerGap: Phrase("power gap", "功率数据缺失")
    case .stimulus: Phrase("wrong load", "负载偏离设定")
    case .oversaturated: Phrase("oversaturated", "过饱和")
    case .outputLength: Phrase("output length", "输出长度偏差")
    case .cacheSuspect: Phrase("cache suspected", "疑似命中缓存")
    case .environmentChanged: Phrase("settings changed", "环境发生变化")
    case .seedReused: Phrase("seed reused", "随机种子重复")
    case .impossible: Phrase("above the roof", "超出理论上限")
    }
  }

  /// A reason in one sentence, for people who do not know the list.
  static func explanation(_ reason: Reason) -> Phrase {
    let zh =
      switch reason {
      case .numericFail: "计算结果与参考值之差超出误差界"
      case .qualityFloor: "模型输出与精确计算相差过大"
      case .tooShort: "单次计时过短，时钟分辨率不足"
      case .notSteady: "测量期间速度仍在变化"
      case .throttled: "测量期间处理器降频，或容器配额被限流"
      case .frequencyDrift: "测量期间处理器主频变化超过 2%"
      case .contended: "测量期间有其他任务占用这些处理器：本机为共享环境"
      case .numaRemote: "访问了其他 NUMA 节点的内存"
      case .swapped: "测量期间发生内存换页"
      case .clockSync: "时钟不一致：系统自身的两个时钟，或功率计的时钟与系统时钟"
      case .powerGap: "功率读数中断超过 3 秒，或与电能计数器相差超过 5%"
      case .stimulus: "实际到达的负载与设定不符"
      case .oversaturated: "请求队列持续增长：负载已越过拐点"
      case .outputLength: "输出长度偏差超过 10%"
      case .cacheSuspect: "重复的提示词明显更快：疑似命中缓存"
      case .environmentChanged: "测量期间系统设置被改动"
      case .seedReused: "同一组测试输入被重复使用"
      case .impossible: "快于理论上限：两者必有一个有误"
      }
    return Phrase(reason.explanation, zh)
  }

  static let inconclusive = Phrase(
    Quantity.inconclusiveExplanation, "在给定时间内，95% 置信区间仍宽于中位数的 ±2%")

  static func explanation(_ energyClass: EnergyClass) -> Phrase {
    let zh =
      switch energyClass {
      case .a: "外接功率分析仪在市电侧实测"
      case .b: "配电单元（PDU）、管理控制器（BMC）或电源模块实测"
      case .c: "部件内部计数器：为整机能耗的下限"
      case .d: "非实测：由运营方申报的功率推算"
      }
    return Phrase(energyClass.explanation, zh)
  }

  static func work(_ figure: ModelFigure) -> Phrase {
    let work =
      figure.work == .prefill
      ? Phrase("prefill \(figure.count)", "预填充 \(figure.count)")
      : Phrase("decode, batch \(figure.count)", "解码，批大小 \(figure.count)")
    return figure.isEndToEnd ? work + Phrase(", end to end", "，端到端") : work
  }

  /// Narrow enough for the names of bars.
  static func shortWork(_ figure: ModelFigure) -> Phrase {
    let depth = (figure.depth > 0 ? " @\(figure.depth)" : "") + (figure.isEndToEnd ? " e2e" : "")
    return figure.work == .prefill
      ? Phrase("prefill \(figure.count)\(depth)", "预填充 \(figure.count)\(depth)")
      : Phrase("decode ×\(figure.count)\(depth)", "解码 ×\(figure.count)\(depth)")
  }

  static func pass(_ pass: MemoryRoof.Pass) -> Phrase {
    switch pass {
    case .read: Phrase("read", "读")
    case .write: Phrase("write", "写")
    case .copy: Phrase("copy", "复制")
    case .triad: Phrase("triad", "三元组（triad）")
    case .latency: Phrase("latency", "延迟")
    case .loadedLatency: Phrase("latency under load", "负载下延迟")
    }
  }

  /// "DRAM read, small pages".
  static func roof(_ roof: MemoryRoof) -> Phrase {
    .same("\(roof.level) ") + pass(roof.pass) + (roof.hugePages ? .same("") : Phrase(", small pages", "（小页）"))
  }

  /// What the others read while one thread's latency was measured.
  static func load(_ roof: MemoryRoof) -> Phrase {
    .same("\(roof.level) ") + Phrase("read meanwhile by the others", "其余线程同时读取")
  }

  static func bound(by name: String?) -> Phrase {
    switch name {
    case "compute": Phrase("compute", "算力")
    case "memory": Phrase("memory", "访存带宽")
    default: Phrase("not known", "未知")
    }
  }

  static func title(_ kind: FlexCurve.Kind) -> Phrase {
    switch kind {
    case .power: Phrase("power limit of each package", "各处理器封装功率上限")
    case .frequency: Phrase("clock limit", "主频上限")
    case .load: Phrase("share of the full load", "负载比例")
    }
  }

  static func name(_ level: CapacityLevel) -> Phrase {
    let zh =
      switch level {
      case .quick: "快速"
      case .standard: "标准"
      case .full: "完整"
      }
    return Phrase(level.rawValue, "\(zh)（\(level.rawValue)）")
  }
}

extension ModelFigure {
  /// With tokenising before and sampling after.
  var isEndToEnd: Bool { scope != nil }
}
