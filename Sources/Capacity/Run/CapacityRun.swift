// Carries a run out: the idle node, then roofs, models, kernels and LINPACK (in this process, or in launches of their
// own), then what stands on them, within the level's time. What there is no time for is listed, not hidden; a cancelled
// run returns what it has.
import Foundation
import Inference

public final class CapacityRun {
  let options: CapacityOptions
  let models: [MeasuredModel]
  let began = FigureSampler.now()
  var progress: (CapacityProgress) -> Void = { _ in }
  var isCancelled: () -> Bool = { false }
  var planned = 0.0
  /// Launches that the time is enough for: the level's, or fewer.
  var launchCount = 1
  var finished = 0.0
  /// Of one launch, as planned.
  var launchSeconds = 0.0
  var shown = 0.0
  var power: PowerSampler?
  /// Of each figure's time at this level, so that all fits into the time there is.
  var scale = 1.0
  /// What a launch is told by whoever started it; nil: this process is not one of several.
  var launch: LaunchPlan?
  /// Tells power's reader, wherever it is, that timed work begins or ends.
  var poll: (() -> Void)?
  var sharedProbe: RoofProbe?
  /// Called after each part with what there is.
  var partEnded: (CapacityReport) -> Void = { _ in }

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
    let layers = try chosenLayers()
    let node = NodeReader(options.files).manifest(build: build(runtime))
    let stamp = ISO8601DateFormatter().string(from: Date())
    var report = CapacityReport(started: stamp, level: options.level, seed: options.seed, node: node)
    let power = PowerDiscovery.sensors(options.files, options.power)
    report.notMeasured = options.omitted
    report.energy.notMeasured = power.notMeasured
    report.energy.site = options.power.site
    if !power.sources.isEmpty || options.power.meterFile != nil { self.power = PowerSampler(power.sources) }
    poll = self.power.map { sampler in { sampler.poll() } }
    let launcher = options.level.launches > 1 ? options.launcher : nil
    plan(products: formats.count * layers.count, launches: launcher == nil ? 1 : options.level.launches)
    let watch = Guard(options.files)
    let start = watch.read()
    self.power?.start()
    do {
      try measureIdle(into: &report)
      if let launcher {
        try measureLaunches(launcher, runtime, into: &report)
        try measureModels(models.filter { $0.file == nil }, runtime, node, into: &report)
      } else {
        try measureHere(runtime, node, layers, formats, into: &report)
      }
      try measureServing(runtime, node, into: &report)
      try measureFlex(runtime, into: &report)
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

  /// All that one launch measures.
  func measureHere(
    _ runtime: KernelRuntime, _ node: NodeManifest, _ layers: [LayerShape], _ formats: [Format],
    into report: inout CapacityReport
  ) throws(CapacityError) {
    try measureRoofs(runtime, node, into: &report)
    try measureLinpack(runtime, node, into: &report)
    for layer in layers { try measureKernels(runtime, node, layer, formats, into: &report) }
    try measureModels(models, runtime, node, into: &report)
  }

  func chosenLayers() throws(CapacityError) -> [LayerShape] {
    var layers: [LayerShape] = []
    for name in options.kernelShapes ?? options.level.kernelShapes {
      guard let layer = LayerShape(model: name) else {
        throw .option(name: "shape", what: "there is no dense model named \(name)")
      }
      layers.append(layer)
    }
    return layers
  }

  func chosenFormats() throws(CapacityError) -> [Format] {
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
      watch: Guard(options.files), seed: options.seed,
      deadline: began + options.secondsAllowed - tail
    ) { [isCancelled] () throws(CapacityError) in
      if isCancelled() { throw .cancelled }
    }
  }
}
