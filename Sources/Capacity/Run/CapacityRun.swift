// Carries a run out: node, roofs, models, kernels, LINPACK, in this order, within the level's time. What there is no
// time for is listed, not hidden; a cancelled run returns what it has.
import Foundation
import Inference

public final class CapacityRun {
  let options: CapacityOptions
  let models: [MeasuredModel]
  let began = FigureSampler.now()
  var progress: (CapacityProgress) -> Void = { _ in }
  var isCancelled: () -> Bool = { false }
  var planned = 0.0
  var finished = 0.0
  var shown = 0.0
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
      report.isComplete = true
    } catch {
      guard error == .cancelled else {
        _ = self.power?.stop()
        throw error
      }
      report.notMeasured.append(.init(what: "the rest", why: "the run was cancelled"))
    }
    if let nominal = options.nominal { report.nominal = NominalShare.of(nominal, report.roofs) }
    finishPower(into: &report)
    report.window = GuardWindow(from: start, to: watch.read())
    report.seconds = FigureSampler.now() - began
    progress(CapacityProgress(phase: "done", fraction: 1, secondsLeft: 0))
    return report
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
      watch: Guard(options.files), seed: options.seed, deadline: began + options.level.secondsAllowed - 2
    ) { [isCancelled] () throws(CapacityError) in
      if isCancelled() { throw .cancelled }
    }
  }
}
