// What the page says about waterfalls and serving loads.

extension Phrase {
  // MARK: Waterfall

  static let waterfalls = Phrase("From nominal to delivered", "从标称到交付")
  static let waterfallText = Phrase(
    "Each step is the one before it times its factor; what a step takes away is light. Where decode is bound by the memory, "
      + "the bytes beside it say more than the operations.",
    "每个环节的数值等于上一环节乘以该环节系数，浅色部分为该环节的损失。解码受访存带宽限制时，应以字节瀑布图为准，运算瀑布图中的低占比并非浪费。")

  static func waterfall(_ waterfall: Waterfall) -> Phrase {
    let kind =
      switch waterfall.kind {
      case .operations: Phrase("operations", "运算")
      case .bytes: Phrase("bytes", "字节")
      }
    return .same("\(waterfall.model): ") + task(waterfall) + Phrase(", ", "，") + kind
  }

  static func task(_ waterfall: Waterfall) -> Phrase {
    let depth = waterfall.depth
    let at = depth > 0 ? Phrase(" at depth \(depth)", "，上下文深度 \(depth)") : .same("")
    switch waterfall.work {
    case .prefill: return Phrase("prefill \(waterfall.count)", "预填充 \(waterfall.count)") + at
    case .decode: return Phrase("decode, batch \(waterfall.count)", "解码，批大小 \(waterfall.count)") + at
    case .serving:
      return Phrase("serving, \(waterfall.count) sequences at most", "在线服务，最多 \(waterfall.count) 路并发") + at
    }
  }

  static func step(_ name: Waterfall.StepName, _ kind: Waterfall.Kind) -> Phrase {
    switch name {
    case .nominal: Phrase("nominal", "标称")
    case .chip: Phrase("chip", "芯片实测")
    case .memory: Phrase("memory", "内存实测")
    case .library: Phrase("library", "算子库")
    case .model: Phrase("model", "模型")
    case .objective: Phrase("within SLO", "满足 SLO")
    case .availability: Phrase("available", "计入可用率")
    }
  }

  static let stepHead = Phrase("Step", "环节")
  static let factorHead = Phrase("Factor η", "系数 η")
  static let valueHead = Phrase("Rate", "速率")

  static func delivered(_ waterfall: Waterfall) -> Phrase? {
    guard let last = waterfall.delivered, let first = waterfall.steps.first, waterfall.steps.count > 1, first.value > 0
    else { return nil }
    let tokens = waterfall.perToken > 0 ? Quantity.text(last.value / waterfall.perToken, "token/s") : ""
    let share = Quantity.text(last.value / first.value, "1")
    let from = step(first.name, waterfall.kind)
    return Phrase(
      "Delivered: \(Quantity.text(last.value, waterfall.unit)), which is \(tokens) and \(share) of ",
      "交付：\(Quantity.text(last.value, waterfall.unit))，即 \(tokens)，为“") + from
      + Phrase(
        " (\(Quantity.text(first.value, waterfall.unit))).",
        "”（\(Quantity.text(first.value, waterfall.unit))）的 \(share)。")
  }

  // MARK: Serving

  static let serving = Phrase("Serving", "在线服务")
  static let goodput = Phrase("Goodput within the SLO", "满足 SLO 的有效吞吐量（goodput）")
  static let goodputName = Phrase("Goodput", "有效吞吐量")

  static func goodputCard(_ label: String) -> Phrase { Phrase("Goodput, \(label)", "有效吞吐量，\(label)") }

  static func goodputNote(_ result: ServingResult) -> Phrase {
    let o = result.objective
    let (first, each) = (Quantity.text(o.timeToFirstToken, "s"), Quantity.text(o.timePerOutputToken, "s"))
    return Phrase("TTFT ≤ \(first), TPOT ≤ \(each)", "首字延迟 ≤ \(first)，每 token ≤ \(each)")
  }

  static func objective(_ result: ServingResult) -> Phrase {
    let o = result.objective
    let (first, each) = (Quantity.text(o.timeToFirstToken, "s"), Quantity.text(o.timePerOutputToken, "s"))
    let (share, sure) = (Quantity.text(o.share, "1"), Quantity.text(o.confidence, "1"))
    let lengths = told(result.lengths)
    return Phrase(
      "\(result.model ?? result.system): requests of \(lengths.en), arriving as a Poisson process. The objective: a "
        + "first token within \(first) (TTFT) and \(each) a token after it (TPOT) for \(share) of requests, shown at "
        + "\(sure) confidence.",
      "\(result.model ?? result.system)：请求长度 \(lengths.zh)，按泊松过程到达。服务目标（SLO）：\(share) 的请求首字延迟（TTFT）不超过 "
        + "\(first)，且每 token 延迟（TPOT）不超过 \(each)，置信度 \(sure)。")
  }

  static func knee(_ result: ServingResult) -> Phrase {
    let knee = result.knee
    let rate = { (value: Double) in Quantity.number(value) }
    switch (knee.passed, knee.failed) {
    case (let passed?, let failed?):
      return Phrase(
        "The knee lies between \(rate(passed)) requests/s, which passed, and \(rate(failed)), which failed.",
        "拐点位于 \(rate(passed)) 请求/s（达标）与 \(rate(failed)) 请求/s（未达标）之间。")
    case (let passed?, nil):
      return Phrase(
        "No rate failed: the knee is above \(rate(passed)) requests/s.", "未出现不达标的到达率：拐点高于 \(rate(passed)) 请求/s。")
    case (nil, let failed?):
      return Phrase(
        "No rate passed: the knee is below \(rate(failed)) requests/s.", "没有达标的到达率：拐点低于 \(rate(failed)) 请求/s。")
    case (nil, nil): return Phrase("No load was tried.", "未进行负载测试。")
    }
  }

  static let rate = Phrase("Requests/s", "请求/s")
  static let sent = Phrase("Sent", "实际发出/s")
  static let requests = Phrase("Requests", "请求数")
  static let misses = Phrase("Misses", "未达标数")
  static let firstToken = Phrase("TTFT p50 / p99", "首字延迟 p50 / p99")
  static let eachToken = Phrase("TPOT p50 / p99", "每 token 延迟 p50 / p99")
  static let betweenTokens = Phrase("ITL p99", "token 间隔 p99")
  static let outputRate = Phrase("Good / all, token/s", "达标 / 全部，token/s")
  static let outcome = Phrase("Outcome", "结果")

  static func outcome(_ trial: LoadTrial) -> Phrase {
    trial.passes
      ? Phrase("passed", "达标")
      : trial.reasons.isEmpty
        ? Phrase("failed", "未达标")
        : Phrase("failed: ", "未达标：")
          + list(
            trial.reasons.map {
              Phrase($0.rawValue, name($0).zh + "（\($0.rawValue)）")
            })
  }

  static let trialsNote = Phrase(
    "One load has one rate of output: that it keeps the objective is shown by counting requests (exact binomial), and how "
      + "well the knee is known by its bracket, so there is no interval of samples.",
    "每次负载只有一个输出速率：是否满足 SLO 由请求计数（精确二项检验）判定，拐点精度由上下界给出，因此没有样本置信区间。")
}
