// A run in several launches of a process: what differs from one to the next (where memory lies, what the machine does
// at the time) is in the figures then. This file has both sides: the one that starts them, and the one that is started.

/// One launch of a run, for the reader of its report.
public struct LaunchRecord: Codable, Sendable, Equatable {
  public var number: Int
  public var seed: UInt64
  public var seconds: Double
  /// nil if it came to its end.
  public var failure: String?
}

extension CapacityRun {
  // MARK: Starting

  /// As many launches as the level has, and more while figures are inconclusive and there is time. Of a launch that
  /// dies or hangs there is what it told until then.
  func measureLaunches(_ launcher: any Launcher, _ runtime: KernelRuntime, into report: inout CapacityReport)
    throws(CapacityError)
  {
    var results: [LaunchResult] = []
    var longest = 0.0
    report.launches = []
    let others = report.notMeasured
    while let seconds = secondsOfNext(results, longest, report) {
      results.append(LaunchResult())
      let number = results.count
      let plan = LaunchPlan(
        number: number, options: options, runtime: (runtime.threads, runtime.isa), models: models, seconds: seconds,
        scale: scale, power: (power != nil, secondsForPower),
        looksAtNumerics: !results.contains { !$0.models.isEmpty && $0.models.allSatisfy { $0.quality != nil } })
      var record = LaunchRecord(number: number, seed: plan.seed, seconds: 0)
      let start = FigureSampler.now()
      var wasCancelled = false
      do {
        try launcher.launch(plan, isCancelled: isCancelled) { message in
          receive(message, number, &results[number - 1])
        }
      } catch {
        wasCancelled = error == .cancelled
        record.failure = wasCancelled ? "the run was cancelled" : error.description
      }
      finished += launchSeconds
      record.seconds = FigureSampler.now() - start
      longest = max(longest, record.seconds)
      report.launches?.append(record)
      // Merging takes seconds: only when somebody looks at the result.
      if wasCancelled || number >= launchCount || record.failure != nil {
        merge(results, others, into: &report)
      }
      if wasCancelled { throw .cancelled }
    }
    merge(results, others, into: &report)
  }

  /// For the next launch; nil if there is to be none.
  private func secondsOfNext(_ results: [LaunchResult], _ longest: Double, _ report: CapacityReport) -> Double? {
    let left = secondsLeft - tail - secondsOfService - (options.flex == nil ? 0 : Self.flexSeconds)
    let open = launchCount - results.count
    // Two that failed in a row: a third one would.
    let failures = report.launches?.suffix(2).count { $0.failure != nil } ?? 0
    if failures == 2 { return nil }
    if results.isEmpty { return left / Double(open) }
    if open > 0 {
      // A launch that has less than a third of its time would leave most of it out.
      let seconds = left / Double(open)
      return seconds * 3 >= min(launchSeconds, longest) ? seconds : nil
    }
    let isOpen = report.figures.contains { $0.validity == .inconclusive }
    return isOpen && results.count < 2 * launchCount && left > longest * 1.05 ? left : nil
  }

  private func receive(_ message: LaunchMessage, _ number: Int, _ result: inout LaunchResult) {
    if message.poll == true { poll?() }
    if let new = message.result { result.add(new) }
    if let phase = message.phase {
      let count = max(launchCount, number)
      show(
        "launch \(number) of \(count): \(phase)",
        doneOfPart: min(max(message.fraction ?? 0, 0), 1) * launchSeconds)
    }
  }

  private func merge(
    _ results: [LaunchResult], _ others: [CapacityReport.Omission], into report: inout CapacityReport
  ) {
    let merged = LaunchResult.merged(results.filter { !$0.isEmpty }, seed: options.seed)
    report.roofs = merged.roofs
    report.linpack = merged.linpack
    report.kernels = merged.kernels
    report.models = merged.models
    report.notMeasured = others + merged.notMeasured
    for record in report.launches ?? [] {
      guard let failure = record.failure else { continue }
      report.notMeasured.append(.init(what: "launch \(record.number), in part", why: failure))
    }
  }

  // MARK: Being started

  /// Carries `plan` out in this process and sends what it measures, part by part.
  public static func carryOut(
    _ plan: LaunchPlan, isCancelled: @escaping () -> Bool, send: @escaping (LaunchMessage) -> Void
  ) throws(CapacityError) {
    var options = CapacityOptions(level: plan.level, version: plan.version)
    options.threads = plan.threads
    options.isa = plan.isa
    options.seed = plan.seed
    options.kernelShapes = plan.kernelShapes
    options.formats = plan.formats
    options.linpackSize = plan.linpackSize
    options.seconds = plan.seconds
    let models = plan.models.map { model in
      var measured = MeasuredModel(
        path: model.file.path, label: model.label,
        options: .init(
          isGenerated: model.file.isGenerated, hashesFile: model.file.hashesFile && plan.number == 1,
          panelCache: plan.panelCache))
      measured.isLarge = model.isLarge
      return measured
    }
    let run = CapacityRun(options, models: models)
    run.launch = plan
    try run.carryOut(isCancelled, send)
  }

  private func carryOut(_ isCancelled: @escaping () -> Bool, _ send: @escaping (LaunchMessage) -> Void)
    throws(CapacityError)
  {
    self.isCancelled = isCancelled
    progress = { send(LaunchMessage(phase: $0.phase, fraction: $0.fraction)) }
    if launch?.asksForPower == true { poll = { send(LaunchMessage(poll: true)) } }
    let runtime = try KernelRuntime(threads: options.threads, isa: options.isa)
    let formats = try chosenFormats()
    let layers = try chosenLayers()
    let node = NodeReader(options.files).manifest(build: build(runtime))
    var report = CapacityReport(started: "", level: options.level, seed: options.seed, node: node)
    plan(products: formats.count * layers.count, launches: 1)
    scale = launch?.scale ?? scale
    var sent = LaunchResult()
    partEnded = { report in
      let now = LaunchResult(report)
      let new = now.since(sent)
      sent = now
      if !new.isEmpty { send(LaunchMessage(result: new)) }
    }
    try measureHere(runtime, node, layers, formats, into: &report)
    send(LaunchMessage(isDone: true))
  }
}
