// The page's headings, table heads and paragraphs. Verdicts stand in Phrase+Verdicts, what was not measured in
// Phrase+Omissions; charts have their own beside the drawing.

extension Phrase {
  // MARK: Head

  static let title = Phrase("What this node delivers", "本节点的实测算力")

  static func lead(_ node: NodeManifest) -> Phrase {
    let t = node.topology
    let memory = Quantity.bytes(node.memory.bytes)
    return .same(node.processor.model)
      + Phrase(
        ", \(t.cores) core\(t.cores == 1 ? "" : "s"), \(memory) of memory", "，\(t.cores) 核，内存 \(memory)")
  }

  static func when(_ report: CapacityReport) -> Phrase {
    let (seconds, b) = (Quantity.number(report.seconds), report.node.build)
    return Phrase(
      "Measured \(report.started) in \(seconds) s, level ", "\(report.started) 开始实测，用时 \(seconds) 秒，级别：")
      + name(report.level) + launches(report)
      + Phrase(
        ", by Gobi \(b.version), kernels for \(b.isa), \(b.threads) thread\(b.threads == 1 ? "" : "s").",
        "；Gobi \(b.version)，\(b.isa) 内核，\(b.threads) 线程。")
  }

  private static func launches(_ report: CapacityReport) -> Phrase {
    guard let launches = report.launches, launches.count > 1 else { return .same("") }
    return Phrase(" in \(launches.count) launches", "，\(launches.count) 次启动")
  }

  // MARK: Trust

  static let trust = Phrase("Can these figures be trusted?", "这些数据可信吗？")
  static let trusted = Phrase("What can be trusted", "可信的数据")
  static let notTrusted = Phrase("What cannot, and why", "不可信的数据及原因")
  static let notMeasured = Phrase("What was not measured", "未测量的项目")
  static let partial = Phrase(
    "This report is partial: the run was cancelled.", "本报告不完整：测量被中途取消。")

  static func allValid(_ count: Int) -> Phrase {
    Phrase("Yes: all \(count) figures are valid.", "可信：全部 \(count) 项数据均有效。")
  }

  static func someValid(_ valid: Int, of all: Int) -> Phrase {
    Phrase(
      "In part: \(valid) of \(all) figures are valid. The others are printed too, marked with the reason.",
      "部分可信：\(all) 项数据中 \(valid) 项有效；其余数据照常列出，并注明原因。")
  }

  static func unfit(_ reasons: [Reason]) -> Phrase {
    Phrase("No: ", "不可信：") + list(reasons.map(explanation)) + Phrase(".", "。")
  }

  static let noFigures = Phrase("Nothing was measured.", "没有测得任何数据。")

  static func count(_ part: Phrase, _ valid: Int, of all: Int) -> Phrase {
    part + Phrase(": \(valid) of \(all) valid", "：\(all) 项中 \(valid) 项有效")
  }

  static func noneValid(_ part: Phrase, of all: Int) -> Phrase {
    part + Phrase(": none of \(all) valid", "：\(all) 项均非有效")
  }

  static func marked(_ reason: Reason, _ parts: [(part: Phrase, count: Int)]) -> Phrase {
    let count = parts.reduce(0) { $0 + $1.count }
    let list = list(parts.map { $0.part + .same(" \($0.count)") })
    return Phrase(
      "\(reason.rawValue), \(count) figure\(count == 1 ? "" : "s") (",
      "\(name(reason).zh)（\(reason.rawValue)），\(count) 项（")
      + list + Phrase("): ", "）：") + explanation(reason) + Phrase(".", "。")
  }

  static func open(_ parts: [(part: Phrase, count: Int)]) -> Phrase {
    let count = parts.reduce(0) { $0 + $1.count }
    let list = list(parts.map { $0.part + .same(" \($0.count)") })
    return Phrase("INCONCLUSIVE, \(count) figure\(count == 1 ? "" : "s") (", "未收敛（INCONCLUSIVE），\(count) 项（")
      + list + Phrase("): ", "）：") + inconclusive + Phrase(".", "。")
  }

  static func window(_ window: GuardWindow) -> Phrase {
    let (steal, foreign) = (Quantity.text(window.stealShare, "1"), Quantity.text(window.foreignShare, "1"))
    return Phrase(
      "Over the whole run other work took \(foreign) of the processors' time, the hypervisor \(steal).",
      "整个测量期间，其他任务占用处理器时间的 \(foreign)，虚拟化层占用（steal）\(steal)。")
  }

  // MARK: Parts of a report

  static let roofs = Phrase("Roofs", "算力与带宽上限")
  static let shares = Phrase("Shares of nominal figures", "标称达成率")
  static let linpack = Phrase("LINPACK", "LINPACK")
  static let kernels = Phrase("Kernels", "矩阵乘内核")
  static let models = Phrase("Models", "模型")
  static let energy = Phrase("Energy", "能耗")
  static let flex = Phrase("Under caps", "限功率/限频/部分负载")

  // MARK: Heads of tables

  static let median = Phrase("Median", "中位数")
  static let interval = Phrase("95 % interval", "95% 置信区间")
  static let samples = Phrase("n", "样本数 n")
  static let precision = Phrase("Precision", "精度标签")
  static let ofRoof = Phrase("Of its roof", "占上限比例")
  static let verdictHead = Phrase("Verdict", "判定")
  static let roof = Phrase("Roof", "上限")
  static let workingSet = Phrase("Array", "数组大小")
  static let threads = Phrase("Threads", "线程数")
  static let numa = Phrase(
    "Between NUMA nodes: one node's processors with one node's memory", "NUMA 节点之间：一个节点的处理器访问一个节点的内存")
  static let processorsOf = Phrase("Processors of", "处理器节点")
  static let memoryOf = Phrase("Memory of", "内存节点")
  static let ofNominal = Phrase("Of nominal", "占标称比例")
  static let nominal = Phrase("Nominal", "标称项")
  static let stated = Phrase("Stated", "标称值")
  static let source = Phrase("Source", "来源")
  static let reached = Phrase("Reached by the roof", "上限实测达成率")
  static let memory = Phrase("Memory", "内存带宽")
  static let kind = Phrase("Kind", "类型")
  static let order = Phrase("Order", "矩阵阶数")
  static let residual = Phrase("Residual (≤ 16)", "残差（≤ 16）")
  static let layerHead = Phrase("Layer of", "所属模型")
  static let format = Phrase("Format", "权重格式")
  static let boundBy = Phrase("Bound by", "瓶颈")
  static let work = Phrase("Work", "任务")
  static let depth = Phrase("Depth", "上下文深度")
  static let energyClass = Phrase("Class", "类别")
  static let power = Phrase("Power", "功率")
  static let withPUE = Phrase("With PUE", "计入 PUE")
  static let carbon = Phrase("gCO2e/Mtoken", "gCO2e/百万 token")
  static let cap = Phrase("Cap", "限值")
  static let stepP99 = Phrase("Step p99", "单步 p99")
  static let settling = Phrase("t90", "t90 稳定时间")
  static let idle = Phrase("idle", "空载")
  static let missing = Phrase("not measured", "未测量")
  static let notStated = Phrase("not stated", "未申报")

  static func multiplyAdd(_ precision: Precision) -> Phrase {
    Phrase("\(Quantity.precision(precision)) multiply-add", "\(Quantity.precision(precision)) 乘加")
  }

  static func linpack(_ kind: LinpackResult.Kind) -> Phrase {
    switch kind {
    case .f64: .same("FP64")
    case .mixed: Phrase("FP32 factors, refined to FP64", "FP32 分解，迭代求精至 FP64")
    }
  }

  // MARK: Cards

  static func roofCard(_ precision: Precision) -> Phrase {
    Phrase("\(Quantity.precision(precision)) roof", "\(Quantity.precision(precision)) 算力上限")
  }

  static let readCard = Phrase("Memory read", "内存读带宽")
  static let readNote = Phrase("all threads, DRAM", "全部线程，DRAM")

  static func workCard(_ figure: ModelFigure, _ label: String) -> Phrase {
    (figure.work == .prefill ? Phrase("Prefill, ", "预填充吞吐量，") : Phrase("Decode, ", "解码吞吐量，")) + .same(label)
  }

  static func workNote(_ figure: ModelFigure) -> Phrase {
    let share = (figure.work == .decode ? figure.mbu : nil) ?? figure.mfu
    let name = figure.work == .decode && figure.mbu != nil ? "MBU" : "MFU"
    let count =
      figure.work == .prefill
      ? Phrase("\(figure.count) tokens", "\(figure.count) token")
      : Phrase("batch \(figure.count)", "批大小 \(figure.count)")
    return count
      + (share.map { Phrase(", \(name) \(Quantity.text($0))", "，\(name) \(Quantity.text($0))") } ?? .same(""))
  }

  static func energyCard(_ label: String) -> Phrase { Phrase("Energy a token, \(label)", "每 token 能耗，\(label)") }

  static func energyNote(_ figure: ModelFigure, _ energyClass: EnergyClass) -> Phrase {
    work(figure) + Phrase(", class \(energyClass.rawValue)", "，\(energyClass.rawValue) 类")
  }

  // MARK: Roofs

  static let roofline = Phrase("Roofline", "屋顶线图（Roofline）")

  static func rooflineText(_ model: String) -> Phrase {
    Phrase(
      "Each point is a kernel: a weight format at a number of rows m, on the matrix products of one layer of \(model). The "
        + "lines are what the node can do at most, as measured.",
      "每个点是一个内核：某种权重格式在行数 m 下，对 \(model) 一层的全部矩阵乘。线为实测得到的节点上限。")
  }

  static let kernelShares = Phrase("Each kernel's share of its roof", "各内核达到上限的比例")
  static let kernelSharesText = Phrase(
    "The roof is the lower of the arithmetic units' and the memory's, by the bytes that the product must move.",
    "上限取算力上限与访存上限中较低者；访存量按矩阵乘必须搬运的字节数计算。")

  static func layer(_ model: String) -> Phrase { Phrase("A layer of \(model)", "\(model) 单层") }

  static func rows(_ m: Int) -> Phrase {
    m == 1
      ? Phrase("m = 1: one sequence decodes", "m = 1：单序列解码")
      : Phrase("m = \(m): \(m) tokens or sequences at once", "m = \(m)：同时处理 \(m) 个 token 或序列")
  }

  static let ladder = Phrase("The memory's levels", "存储层次")

  // MARK: Models

  static func facts(_ facts: ModelFacts) -> Phrase {
    let count = Quantity.text(Double(facts.activeParameters), "")
    return Phrase(
      "\(facts.architecture), \(facts.layers) layers, \(count) active parameters, \(facts.precisionTag)"
        + (facts.isGenerated ? ", generated weights." : "."),
      "\(facts.architecture)，\(facts.layers) 层，激活参数 \(count)，\(facts.precisionTag)"
        + (facts.isGenerated ? "，随机生成权重。" : "。"))
  }

  static func numerics(_ quality: QualityCheck?) -> Phrase {
    guard let quality else { return Phrase("Its numerics were not checked.", "未做数值校验。") }
    let (divergence, agreement) = (TextReport.small(quality.meanDivergence), Quantity.number(quality.agreement * 100))
    return Phrase(
      "Against exact arithmetic over \(quality.tokens) tokens: KL divergence \(divergence) nat, the best token agrees in "
        + "\(agreement) %. ",
      "与精确计算对比 \(quality.tokens) 个 token：KL 散度 \(divergence) nat，首选 token 一致率 \(agreement)%。")
      + (quality.passes
        ? Phrase("The check passes.", "数值校验通过。")
        : Phrase("The check FAILS: the figures below do not count.", "数值校验未通过：以下数据无效。"))
  }

  // MARK: Energy

  static func whyNoEnergy(_ why: Phrase) -> Phrase { Phrase("Not measured: ", "未测量：") + why + Phrase(".", "。") }

  static func coverage(_ energyClass: EnergyClass, _ names: String, _ idle: PowerUse?) -> Phrase {
    let watts = idle.map { use in
      let value = Quantity.text(use.averageWatts, "W")
      return Phrase("; idle \(value)", "；空载 \(value)") + marks(use.reasons)
        + Phrase(", not subtracted", "，未扣除")
    }
    return Phrase("Readings of class \(energyClass.rawValue): ", "\(energyClass.rawValue) 类读数：")
      + explanation(energyClass) + Phrase(". Covers \(names)", "。覆盖：\(names)") + (watts ?? .same(""))
      + Phrase(".", "。")
  }

  static func marks(_ reasons: [Reason]) -> Phrase {
    guard !reasons.isEmpty else { return .same("") }
    return Phrase(" (", "（") + verdict(.invalid, reasons) + Phrase(")", "）")
  }

  static func request(_ request: RequestEnergy) -> Phrase {
    let (output, total) = (Quantity.text(request.perOutputToken, "J"), Quantity.text(request.perTotalToken, "J"))
    let name = request.energyClass.rawValue
    return Phrase(
      "A request of \(request.promptTokens) + \(request.outputTokens) tokens: \(output) an output token, \(total) a "
        + "token in all, class \(name), ",
      "一次请求（输入 \(request.promptTokens) + 输出 \(request.outputTokens) token）：每输出 token \(output)，按全部 token 计 "
        + "\(total)，\(name) 类，")
      + verdict(request.validity, request.reasons) + Phrase(".", "。")
  }

  static func siteFactor(_ name: Phrase, _ stated: SiteFactors.Stated) -> Phrase {
    name
      + Phrase(
        " \(Quantity.number(stated.value)), stated: \(stated.source), \(stated.time)",
        " \(Quantity.number(stated.value))，申报来源：\(stated.source)，\(stated.time)")
  }

  static func flexHeading(_ curve: FlexCurve) -> Phrase {
    Phrase("Decode by ", "不同工况下的解码：") + title(curve.kind)
  }

  static func flexText(_ curve: FlexCurve) -> Phrase {
    Phrase("\(curve.model), in random order.", "\(curve.model)，按随机顺序测量。")
  }

  // MARK: Foot

  static let node = Phrase("The node", "节点信息")
  static let reading = Phrase("How to read this", "阅读说明")
  static let readingText = Phrase(
    "A multiply counts 1 and an add counts 1. Figures are medians with the 95 % bootstrap interval over n samples. A "
      + "precision tag names what is multiplied, what it is summed in and what comes out: figures of different tags are "
      + "never added or converted. The roof of a kernel or a model is what the node's own measured units and memory allow; "
      + "of a measured roof it is what is stated of the node, where something is. MFU is the share of the arithmetic roof "
      + "that tokens use, MBU the share of the memory's. A dash means that there is no such thing: a latency has no roof. "
      + "An invalid figure is still printed, with its reasons. 1 GB is 1,000,000,000 bytes.",
    "一次乘法计 1 次运算，一次加法计 1 次运算。数据为 n 个样本的中位数，附 95% 自助法（bootstrap）置信区间。精度标签依次为：相乘的数据类型、"
      + "累加类型、输出类型；不同精度标签的数据不相加、不换算。内核与模型的上限由本节点实测的算力与内存带宽决定；实测上限本身则与标称值（如有申报）"
      + "对照。MFU 为 token 计算占算力上限的比例，MBU 为访存占内存带宽上限的比例。“—”表示不适用，例如延迟没有上限。无效数据照常列出并注明原因。"
      + "1 GB 为 1,000,000,000 字节。")
}
