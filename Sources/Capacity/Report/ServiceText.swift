// Services and waterfalls for a terminal.

/// A service's trials and what it is worth, in lines of 80 columns.
struct ServiceText {
  let result: ServingResult

  func lines() -> [String] {
    let objective = result.objective
    var lines = [
      "SERVICE  \(result.system)",
      "\(result.lengths); objective: TTFT \(Quantity.text(objective.timeToFirstToken, "s")), "
        + "TPOT \(Quantity.text(objective.timePerOutputToken, "s")) for "
        + "\(Quantity.number(objective.share * 100)) % of requests, shown with "
        + "\(Quantity.number(objective.confidence * 100)) %"
        + (result.mostSequences.map { "; \($0) at once" } ?? ""),
      "requests/s  requests  misses  TTFT p50       p99  TPOT p99    token/s  verdict",
    ]
    for trial in result.knee.trials.sorted(by: { $0.rate < $1.rate }) {
      let time = { (value: Double?) in value.map { Quantity.text($0, "s") } ?? "" }
      let verdict = trial.passes ? "passes" : (["fails"] + trial.reasons.map(\.rawValue)).joined(separator: " ")
      lines.append(
        TextReport.right(Quantity.number(trial.rate), 10) + TextReport.right("\(trial.requests)", 10)
          + TextReport.right("\(trial.misses)", 8) + TextReport.right(time(trial.timeToFirstToken?.p50), 10)
          + TextReport.right(time(trial.timeToFirstToken?.p99), 10)
          + TextReport.right(time(trial.timePerOutputToken?.p99), 10)
          + TextReport.right(Quantity.number(trial.outputRate), 11) + "  " + verdict)
    }
    return lines + [sentence] + reuse + [""]
  }

  /// "G 120 token/s at 3.80 requests/s; fails at 3.95: valid".
  var sentence: String {
    let above = result.knee.failed.map { "fails at \(Quantity.number($0))" } ?? "no rate failed"
    guard let goodput = result.goodput, let passed = result.knee.passed else { return "no rate passed; \(above)" }
    return
      "G \(Quantity.text(goodput)) at \(Quantity.number(passed)) requests/s; \(above): \(Quantity.verdict(goodput))"
  }

  /// What a prefix cache saved, at the largest rate that passed or else that was tried.
  private var reuse: [String] {
    guard let trial = result.best ?? result.knee.trials.max(by: { $0.rate < $1.rate }), let reuse = trial.reuse,
      reuse.promptTokens > 0
    else { return [] }
    let share = { (tokens: Int) in Quantity.text(Double(tokens) / Double(reuse.promptTokens), "1") }
    return [
      "at \(Quantity.number(trial.rate)) requests/s \(reuse.cachedTokens) of \(reuse.promptTokens) prompt tokens were "
        + "reused (\(share(reuse.cachedTokens))); by the trace an endless cache had \(share(reuse.reusableTokens))"
    ]
  }
}

/// A waterfall as a table of its steps. What each comes from is in the JSON file and on the page.
struct WaterfallText {
  let fall: Waterfall

  private static let names: [Waterfall.StepName: String] = [
    .nominal: "nominal", .chip: "chip", .memory: "memory", .library: "library", .model: "model",
    .objective: "objective", .availability: "availability",
  ]

  /// "operations of decode, batch 4", "bytes of serving, 16 at once".
  var title: String {
    let work =
      switch fall.work {
      case .prefill: "prefill of \(fall.count)"
      case .decode: "decode, batch \(fall.count)"
      case .serving: "serving, \(fall.count) at once"
      }
    return "\(fall.kind.rawValue) of \(work)" + (fall.depth > 0 ? " at depth \(fall.depth)" : "")
  }

  func lines() -> [String] {
    var lines = ["WATERFALL  \(fall.model): \(title) [\(fall.precision)]"]
    lines.append("step             rate   share  verdict")
    for step in fall.steps {
      let verdict =
        step.validity == .invalid
        ? step.reasons.map(\.rawValue).joined(separator: ", ") : step.validity.rawValue.lowercased()
      lines.append(
        TextReport.pad(Self.names[step.name] ?? "", 9) + TextReport.right(Quantity.text(step.value, fall.unit), 12)
          + TextReport.right(step.factor.map { Quantity.text($0, "1") } ?? "", 8) + "  " + verdict)
    }
    return lines + [""]
  }

  /// All of them, and once what is missing in any.
  static func lines(_ falls: [Waterfall]) -> [String] {
    let notes = falls.flatMap(\.notMeasured).unique.map { "not measured: \($0)" }
    return falls.flatMap { WaterfallText(fall: $0).lines() } + notes + (notes.isEmpty ? [] : [""])
  }
}

extension TextReport {
  /// A service by itself, as `gobi load` shows it.
  public static func lines(of result: ServingResult) -> [String] {
    ServiceText(result: result).lines().flatMap(folded).dropLast()
  }
}
