// Carries a run out: node, roofs, models, kernels, LINPACK, in this order, within the level's time. What there is no
// time for is listed, not hidden; a cancelled run returns what it has.
import CKernels
import Foundation
import Inference

public final class CapacityRun {
  let options: CapacityOptions
  let models: [MeasuredModel]
  let began = FigureSampler.now()
  private var progress: (CapacityProgress) -> Void = { _ in }
  var isCancelled: () -> Bool = { false }
  private var planned = 0.0
  private var finished = 0.0
  private var shown = 0.0
  var power: PowerSampler?

  public init(_ options: CapacityOptions, models: [MeasuredModel]) {
    self.options = options
    self.models = models
  }

  /// Measures. `progress` is called before each figure; `isCancelled` is asked before each sample. Both on the calling
  /// thread. Throws where nothing can be measured at all; a part that fails is listed in the report.
  public func run(
    progress: @escaping (CapacityProgress) -> Void = { _ in }, isCancelled: @escaping () -> Bool = { false }
  ) throws(CapacityError) -> CapacityReport {
    self.progress = progress
    self.isCancelled = isCancelled
    let runtime = try KernelRuntime(threads: options.threads, isa: options.isa)
    let formats = try chosenFormats()
    guard let layer = LayerShape(model: options.kernelShape) else {
      throw .option(name: "shape", what: "there is no dense model named \(options.kernelShape)")
    }
    let node = NodeReader(options.files).manifest(build: build(runtime))
    let stamp = ISO8601DateFormatter().string(from: Date())
    var report = CapacityReport(started: stamp, level: options.level, seed: options.seed, node: node)
    let power = PowerDiscovery.sensors(options.files, options.power)
    report.energy.notMeasured = power.notMeasured
    report.energy.site = options.power.site
    if !power.sources.isEmpty || options.power.meterFile != nil { self.power = PowerSampler(power.sources) }
    plan(formats: formats.count)
    let watch = Guard(options.files)
    let start = watch.read()
    self.power?.start()
    do {
      try measureIdle(into: &report)
      try measureRoofs(runtime, node, into: &report)
      try measureModels(runtime, into: &report)
      try measureKernels(runtime, node, layer, formats, into: &report)
      try measureLinpack(runtime, into: &report)
      try measureServing(runtime, into: &report)
      report.isComplete = true
    } catch {
      guard error == .cancelled else {
        _ = self.power?.stop()
        throw error
      }
      report.notMeasured.append(.init(what: "the rest", why: "the run was cancelled"))
    }
    holdAgainstNominal(into: &report)
    finishPower(into: &report)
    report.waterfalls = WaterfallBuilder(report).waterfalls
    report.window = GuardWindow(from: start, to: watch.read())
    report.seconds = FigureSampler.now() - began
    progress(CapacityProgress(phase: "done", fraction: 1, secondsLeft: 0))
    return report
  }

  private func build(_ runtime: KernelRuntime) -> NodeManifest.Build {
    var blas = ck_blas_info()
    let hasBLAS = ck_blas_describe(&blas) == CK_OK
    let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var build = NodeManifest.Build(
      version: options.version, binaryHash: executable.flatMap(FileHash.ofFile), isa: runtime.isa,
      threads: runtime.threads, blas: hasBLAS ? String(cString: blas.library) : nil,
      blasCore: hasBLAS ? String(cString: blas.core) : nil, blasThreads: hasBLAS ? Int(blas.threads) : nil)
    build.libc = Self.libc
    return build
  }

  /// "glibc 2.36"; nil on a library that does not tell.
  private static var libc: String? {
    #if canImport(Glibc)
      let code = Int32(_CS_GNU_LIBC_VERSION)
      var text = [CChar](repeating: 0, count: 64)
      guard confstr(code, &text, text.count) > 0 else { return nil }
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #else
      return nil
    #endif
  }

  private func chosenFormats() throws(CapacityError) -> [Format] {
    let names = options.formats ?? options.level.formats
    if names.isEmpty { return Format.all }
    var formats: [Format] = []
    for name in names {
      guard let format = Format(name: name) else { throw .option(name: "formats", what: "there is no format \(name)") }
      formats.append(format)
    }
    return formats
  }

  var sampler: FigureSampler {
    // What follows a figure's last sample, and the report, take two seconds at most.
    FigureSampler(
      watch: Guard(options.files), seed: options.seed, deadline: began + options.level.secondsAllowed - 2
    ) { [isCancelled] () throws(CapacityError) in
      if isCancelled() { throw .cancelled }
    }
  }

  // MARK: Time

  private func plan(formats: Int) {
    let budget = options.level.budget
    let memory = Double(options.level.memoryPasses.count + 1) * budget.memory
    planned = Double(Precision.allCases.count) * (budget.compute + budget.computeOne) + 3 * budget.cache + memory
    planned += power == nil ? 0 : budget.idle
    planned += models.isEmpty ? 0 : options.level.servingSeconds ?? 0
    planned += options.flex == nil ? 0 : Self.flexSeconds
    planned += 2 * budget.linpack + Double(formats) * kernelSeconds + Double(models.count) * modelSeconds
  }

  // Encoding and checking a layer in one format takes about as long as two of its figures.
  private var kernelSeconds: Double { options.level.budget.kernel * Double(options.level.budget.rows.count + 2) }
  private var modelSeconds: Double {
    let budget = options.level.budget
    return budget.modelLoad + max(budget.model.secondsEach, secondsForPower) * Double(budget.model.steps)
  }
  /// The quick level has no time for sensors that need it: their figures are inconclusive there.
  private var secondsForPower: Double {
    guard options.level != .quick else { return 0 }
    return options.power.meterFile != nil ? PowerSampler.secondsOfSensors : power?.secondsWanted ?? 0
  }

  /// Runs a part that should take `seconds`, if they are left; else lists it. Failures of a part are listed too.
  func part(
    _ phase: String, seconds: Double, _ report: inout CapacityReport,
    _ body: (inout CapacityReport) throws(CapacityError) -> Void
  ) throws(CapacityError) {
    if isCancelled() { throw .cancelled }
    let spent = FigureSampler.now() - began
    let left = options.level.secondsAllowed - spent
    show(phase)
    defer { finished += seconds }
    // Half of the part's time is enough for a figure, if a wider one.
    guard left >= seconds / 2 else {
      report.notMeasured.append(.init(what: phase, why: "the \(options.level.rawValue) level's time was over"))
      return
    }
    do {
      try body(&report)
    } catch {
      if error == .cancelled { throw error }
      report.notMeasured.append(.init(what: phase, why: error.description))
    }
  }

  func show(_ phase: String, doneOfPart: Double = 0) {
    let spent = FigureSampler.now() - began
    let done = min((finished + doneOfPart) / max(planned, 1e-9), 1)
    shown = max(shown, done)
    // At the pace so far, once there is one; the plan's pace before.
    let pace = finished > 1 ? spent / (finished + doneOfPart) : 1
    let left = min(max(planned - finished - doneOfPart, 0) * pace, max(options.level.secondsAllowed - spent, 0))
    progress(CapacityProgress(phase: phase, fraction: shown, secondsLeft: left))
  }

  // MARK: Power

  /// Leaves the node alone for a moment: what it takes then is told beside, and never subtracted.
  private func measureIdle(into report: inout CapacityReport) throws(CapacityError) {
    guard let power else { return }
    let seconds = options.level.budget.idle
    try part("power of the idle node", seconds: seconds, &report) { report throws(CapacityError) in
      power.poll()
      let begin = FigureSampler.now()
      while FigureSampler.now() - begin < seconds {
        if isCancelled() { throw .cancelled }
        usleep(50_000)
      }
      report.energy.idleSpan = WorkSpan(begin: begin, end: FigureSampler.now(), tokens: 0)
      power.poll()
    }
  }

  /// Ends the sampler, reads a meter's file, and works out every figure of energy.
  private func finishPower(into report: inout CapacityReport) {
    var series = power?.stop() ?? []
    power = nil
    if let path = options.power.meterFile {
      let now = PowerClock.live.wall()
      do throws(CapacityError) {
        let read = try MeterFile.series(
          path: path, options: options.power.meter, window: (now - (FigureSampler.now() - began))...now)
        let ahead = now - PowerClock.live.monotonic()
        let offset = options.power.meter.offset.map { ClockOffset(kind: .given, seconds: $0, uncertainty: 0) }
        let end = FigureSampler.now()
        let busy = min(report.energy.idleSpan?.end ?? began, end)...end
        series.append(
          read.aligned(
            offset ?? EnergyAccount.offset(of: read, from: series, busy: busy, ahead: ahead), wallAhead: ahead))
      } catch {
        report.energy.notMeasured.append(.init(what: "power by the meter's file", why: error.description))
      }
    }
    report.energy.series = series
    report.energy = report.energy.withoutDoubles
    let account = EnergyAccount(report.energy.series, site: report.energy.site, seed: report.seed)
    report.models = report.models.map(account.filled)
    report.flex = report.flex.map(account.filled)
    report.energy.idle = account.idle(report.energy.idleSpan)
  }

  // MARK: Parts

  private func measureRoofs(_ runtime: KernelRuntime, _ node: NodeManifest, into report: inout CapacityReport)
    throws(CapacityError)
  {
    let budget = options.level.budget
    let bench = RoofBench(runtime: runtime, sampler: sampler, node: node)
    for precision in Precision.allCases {
      for threads in Set([1, runtime.threads]).sorted(by: >) {
        let seconds = threads == runtime.threads ? budget.compute : budget.computeOne
        let name = "\(precision.rawValue) multiply-adds, \(threads == 1 ? "one thread" : "\(threads) threads")"
        try part(name, seconds: seconds, &report) { report throws(CapacityError) in
          if let roof = try bench.compute(precision, threads: threads, seconds: seconds) {
            report.roofs.compute.append(roof)
          } else if threads == runtime.threads {
            report.notMeasured.append(.init(what: name, why: "\(runtime.isa) has no instruction for it"))
          }
        }
      }
    }
    for level in bench.levels() {
      let isDRAM = level.name == "DRAM"
      let passes = isDRAM ? options.level.memoryPasses : [.read, .latency]
      let seconds = isDRAM ? budget.memory : budget.cache
      try part("\(level.name) memory", seconds: seconds * Double(isDRAM ? passes.count : 1), &report) {
        report throws(CapacityError) in
        report.roofs.memory += try bench.memory(level, passes: passes, seconds: isDRAM ? seconds : seconds / 2)
      }
    }
    guard runtime.threads > 1 else { return }
    try part("DRAM memory, one thread", seconds: budget.memory, &report) { report throws(CapacityError) in
      report.roofs.memory += try bench.memory(bench.dram(threads: 1), passes: [.read], seconds: budget.memory)
    }
  }

  private func measureLinpack(_ runtime: KernelRuntime, into report: inout CapacityReport) throws(CapacityError) {
    let budget = options.level.budget
    let bench = Linpack(sampler: sampler, threads: runtime.threads, seed: options.seed)
    for kind in [LinpackResult.Kind.f64, .mixed] {
      try part("LINPACK \(kind.rawValue)", seconds: budget.linpack, &report) { report throws(CapacityError) in
        let peak = report.roofs.peak(.f64)
        if let result = try bench.measure(kind, n: budget.linpackSize, peak: peak, seconds: budget.linpack) {
          report.linpack.append(result)
        } else {
          report.notMeasured.append(.init(what: "LINPACK", why: "this build has no BLAS"))
        }
      }
    }
  }

  private func measureKernels(
    _ runtime: KernelRuntime, _ node: NodeManifest, _ layer: LayerShape, _ formats: [Format],
    into report: inout CapacityReport
  ) throws(CapacityError) {
    let budget = options.level.budget
    let bench = KernelBench(
      runtime: runtime, sampler: sampler, node: node, roofs: report.roofs, seed: options.seed)
    for format in formats {
      try part("\(layer.model) layer, \(format.name)", seconds: kernelSeconds, &report) {
        report throws(CapacityError) in
        report.kernels += try bench.measure(layer, format: format, rows: budget.rows, seconds: budget.kernel)
      }
    }
  }

  private func measureModels(_ runtime: KernelRuntime, into report: inout CapacityReport) throws(CapacityError) {
    let budget = options.level.budget
    let bench = ModelBench(
      sampler: sampler, roofs: report.roofs, seed: options.seed, power: power, secondsAtLeast: secondsForPower)
    for source in models {
      try part("\(source.label): load", seconds: modelSeconds, &report) { report throws(CapacityError) in
        let model = try source.open(runtime)
        let place = report.models.count
        // Each step's result is put into the report at once: a cancelled run keeps it.
        let result = try bench.measure(model, plan: budget.model) { step, soFar in
          self.show(
            "\(source.label): \(Self.words(step, budget.model))", doneOfPart: Double(step) * budget.model.secondsEach)
          if place == report.models.count { report.models.append(soFar) } else { report.models[place] = soFar }
        }
        report.models[place] = result
        if place == 0, let kind = options.flex { try measureFlex(kind, model, into: &report) }
      }
    }
    if options.flex != nil, report.flex.isEmpty, !report.notMeasured.contains(where: { $0.what == Self.flexName }) {
      report.notMeasured.append(.init(what: Self.flexName, why: "it needs a model"))
    }
  }

  private static let flexName = "rate under caps"
  private static let flexPlan = FlexBench.Plan(settings: 6, secondsEach: 8, settle: 2)
  private static var flexSeconds: Double {
    Double(flexPlan.settings + 1) * (flexPlan.secondsEach + flexPlan.settle)
  }

  /// A cap that cannot be set is listed, as a part that fails is.
  private func measureFlex(_ kind: FlexCurve.Kind, _ model: any ModelUnderTest, into report: inout CapacityReport)
    throws(CapacityError)
  {
    guard options.level != .quick else {
      report.notMeasured.append(.init(what: Self.flexName, why: "the quick level has no time for it"))
      return
    }
    let bench = FlexBench(sampler: sampler, power: power, seed: options.seed)
    try part(Self.flexName, seconds: Self.flexSeconds, &report) { report throws(CapacityError) in
      let work = FlexBench.Work(decoding: model, seed: options.seed)
      switch kind {
      case .load: report.flex.append(try bench.load(work, plan: Self.flexPlan))
      case .power, .frequency:
        let cap = try PowerCap(kind == .power ? .power : .frequency, options.files)
        report.flex.append(try bench.curve(cap, work, plan: Self.flexPlan))
      }
    }
  }

  private static func words(_ step: Int, _ plan: ModelBench.Plan) -> String {
    if step == 0 { return "numerics" }
    if step <= plan.prefill.count {
      let (tokens, depth) = plan.prefill[step - 1]
      return "prefill \(tokens)" + (depth > 0 ? " at depth \(depth)" : "")
    }
    let (batch, depth) = plan.decode[min(step - 1 - plan.prefill.count, plan.decode.count - 1)]
    return "decode, batch \(batch)" + (depth > 0 ? " at depth \(depth)" : "")
  }
}
