// `gobi capacity`: what this machine delivers, as a table, a JSON file and an HTML page.
import ArgumentParser
import Capacity
import Foundation
import Inference

struct CapacityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capacity",
    abstract: "Measure this machine: roofs, kernels, real models, each beside its roof and checked.",
    discussion: """
      The table goes to stdout; capacity.json, capacity.csv and capacity.html go to the output folder. Exit code 1 if \
      a figure failed its check. Ctrl-C leaves a report with what was measured until then.

      standard and full measure each figure in several processes, and the standard set of models: generated weights of \
      published shapes, as far as time, memory and disk allow. Their files are made in the models' folder and removed \
      after the run, unless they were there before.
      """)

  @Option(
    help: """
      quick (at most 25 s, a scheduler's health check), standard (at most 10 minutes) or full (an hour or more, at most two).
      """)
  var level = CapacityLevel.standard

  @Option(
    help: "Order of LINPACK's system: 1500 at quick, 8000 at standard, 16000 at full, less where memory is short.")
  var linpack: Int?

  @Option(help: "End within so many seconds: figures get less time each. At least 60.")
  var seconds: Double?

  @Option(
    name: [.customShort("m"), .long], parsing: .singleValue,
    help: "A model to measure, as LABEL=PATH or PATH; may be repeated.")
  var model: [String] = []

  @Option(parsing: .singleValue, help: "A generated model, as SHAPE:TYPE; may be repeated. See gobi generate --list.")
  var synthetic: [String] = []

  @Flag(inversion: .prefixedNo, help: "Measure the standard set of models. Default: at standard and full.")
  var set: Bool?

  @Option(help: "Where generated models are made; those of --synthetic are kept there.")
  var models = "models"

  @OptionGroup var cache: PanelCacheOption

  @Option(
    name: [.customShort("o"), .long], help: "The folder for the report's files; '-' with --json: none.")
  var output = "capacity-report"

  @Option(help: "The language the page opens in, en or zh; it has both. Default: the reader's own.")
  var lang: ReportLanguage?

  @Option(help: "A JSON file of nominal figures, each with its source (docs/METRICS.md).")
  var nominal: String?

  @Option(
    help: """
      Also take the first model's curve under caps: power (limit of each package) or frequency, which need the right to \
      set them and are put back, or load. 2 minutes more.
      """)
  var flex: FlexCurve.Kind?

  @OptionGroup var objective: ObjectiveArguments

  @OptionGroup var runtime: RuntimeOptions

  @OptionGroup var power: PowerArguments

  @OptionGroup var signing: SigningArguments

  @Option(help: "Seeds what is drawn at random.")
  var seed: UInt64 = 1

  @Flag(help: "Print the JSON report to stdout in place of the table.")
  var json = false

  @Option(help: .hidden)
  var launch: String?

  func validate() throws {
    if let linpack, !(100...100_000).contains(linpack) { throw ValidationError("--linpack: expected 100 to 100000") }
    if let seconds, !(60...86_400).contains(seconds) { throw ValidationError("--seconds: expected 60 to 86400") }
    guard output != "-" || (json && signing.sign == nil) else {
      throw ValidationError("-o -: needs --json, and no --sign: a certificate is written beside a report")
    }
  }

  func run() throws {
    if let launch { return try CapacityLaunch.run(launch) }
    let start = ContinuousClock.now
    Interrupt.watch()
    _ = try runtime.runtime()  // wrong options are told before anything is measured
    let signer = try signing.prepared()
    var measured = try model.map { try named($0) }
    measured += try synthetic.map { try generated($0) }
    var options = CapacityOptions(level: level, version: gobiVersion)
    let standard = StandardSet(
      folder: models, seconds: allowed, memory: NodeReader(NodeFiles()).availableMemory)
    defer { standard.removeMade() }
    if set ?? (level != .quick) { measured += try standard.prepared(&options.omitted) }
    options.panelCache = cache.folder
    options.linpackSize = linpack
    options.launcher = CapacityLaunch.launcher
    // Making models is a part of the run's time.
    options.seconds = allowed - (ContinuousClock.now - start).seconds
    options.threads = runtime.threads ?? 0
    options.isa = runtime.isa
    options.seed = seed
    options.power = try power.options()
    options.flex = flex
    options.serving = try objective.options()
    options.nominal = try nominal.map { try NominalFigures(path: $0) }
    let bar = ProgressBar("measuring")
    let report = try CapacityRun(options, models: measured).run(
      progress: { bar.update($0.fraction, detail: $0.phase) }, isCancelled: { Interrupt.isRequested })
    bar.finish()
    if json, output == "-" {
      Console.write([UInt8](try report.json()))
      if Interrupt.isRequested { throw ExitCode(ExitStatus.interrupted.rawValue) }
      if !report.failures.isEmpty { throw ExitCode(ExitStatus.checkFailed.rawValue) }
      return
    }
    if let kept = try SigningArguments.keepEarlier(besideReportIn: output) {
      Console.note("the earlier certificate is now \(kept)")
    }
    let files = try report.write(to: output, language: lang)
    let certificate = try signer?.sign(report, at: files.json)
    if json {
      Console.write([UInt8](try report.json()))
      Console.out("")
    } else {
      Console.out(TextReport(report).text())
      Console.out(
        "written: " + [files.json, files.html, files.csv, certificate].compactMap { $0 }.joined(separator: ", "))
    }
    if Interrupt.isRequested { throw ExitCode(ExitStatus.interrupted.rawValue) }
    if !report.failures.isEmpty { throw ExitCode(ExitStatus.checkFailed.rawValue) }
    if report.figures.isEmpty { throw Failure("nothing was measured", hint: "The report says why.") }
  }

  /// The level's time, or less.
  private var allowed: Double { min(seconds ?? .infinity, level.secondsAllowed) }

  private func named(_ text: String) throws -> MeasuredModel {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    let path = parts.last ?? ""
    guard FileManager.default.fileExists(atPath: path) else {
      throw Failure("--model: there is no file '\(path)'", hint: "Expected LABEL=PATH or PATH.")
    }
    let label = parts.count == 2 ? parts[0] : (path as NSString).lastPathComponent
    var measured = MeasuredModel(path: path, label: label, options: .init(hashesFile: true))
    let bytes = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    measured.isLarge = bytes ?? 0 > 4_000_000_000
    return measured
  }

  /// Makes the model if it is not there from an earlier run.
  private func generated(_ text: String) throws -> MeasuredModel {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, let shape = SyntheticShape(name: parts[0]) else {
      throw Failure("--synthetic: '\(text)' is not SHAPE:TYPE", hint: "gobi generate --list shows the shapes.")
    }
    let type = try FileType(argument: parts[1])
    let path = "\(models)/\(shape.name).\(parts[1]).gguf"
    if !FileManager.default.fileExists(atPath: path) {
      try FileManager.default.createDirectory(atPath: models, withIntermediateDirectories: true)
      let bar = ProgressBar("generating")
      try SyntheticModel(shape: shape, type: type, seed: 0).write(to: path) { fraction in
        bar.update(fraction)
        return !Interrupt.isRequested
      }
      bar.finish()
    }
    return MeasuredModel(
      path: path, label: "\(shape.name) \(parts[1]), generated", options: .init(isGenerated: true))
  }
}

extension CapacityLevel: ExpressibleByArgument {}
extension ReportLanguage: ExpressibleByArgument {}
extension FlexCurve.Kind: ExpressibleByArgument {}
