// The options that every command with a loaded model shares: threads, instruction set, exactness.
import ArgumentParser
import Foundation
import Inference

struct RuntimeOptions: ParsableArguments {
  @Option(
    name: [.customShort("t"), .long], help: "Threads. Default: the least of affinity, container quota and cores.")
  var threads: Int?

  @Option(help: "Use the kernels of this instruction set (see gobi cpu). Default: GOBI_ISA, else the best one.")
  var isa: String?

  func validate() throws {
    if let threads, !(1...1_024).contains(threads) { throw ValidationError("--threads: expected 1 to 1024") }
  }

  func runtime() throws -> Runtime {
    var chosen: ISA?
    if let isa {
      guard let named = ISA(name: isa) else {
        throw Failure("--isa: no instruction set is called '\(isa)'", hint: Self.hint)
      }
      chosen = named
    }
    do {
      return try Runtime(threads: threads, isa: chosen)
    } catch {
      let name = isa ?? ProcessInfo.processInfo.environment["GOBI_ISA"]
      guard let name else { throw error }
      throw Failure("the kernels of '\(name)' cannot run here", hint: Self.hint, status: .cannotHere)
    }
  }

  private static var hint: String { "Here run: \(ISA.available.map(\.name).joined(separator: ", "))." }
}

struct ModelArguments: ParsableArguments {
  @Option(name: [.customShort("m"), .long], help: "A GGUF file, or a folder with safetensors and config.json.")
  var model: String

  @Flag(name: .customLong("f32"), help: "Leave activations in float32: slower, closest to what the weights say.")
  var exact = false

  @OptionGroup var cache: PanelCacheOption

  @OptionGroup var runtime: RuntimeOptions

  /// Loads the model, with a progress bar where stderr is a terminal. Ctrl-C stops it.
  func load() throws -> Model {
    let bar = ProgressBar("loading")
    defer { bar.finish() }
    let options = ModelOptions(
      exactActivations: exact, progress: { bar.update($0) }, cancel: Interrupt.flag, panelCache: cache.folder)
    let loaded = try Model.open(path: model, runtime: runtime.runtime(), options: options)
    cache.report(loaded)
    return loaded
  }
}

/// Where packed weights are kept from one run to the next.
struct PanelCacheOption: ParsableArguments {
  @Option(
    name: .customLong("panel-cache"),
    help: "Keep the packed weights in this folder, and read them there the next time: a file of the model's size.")
  var folder: String?

  /// Tells what went wrong with the cache; the model is loaded all the same.
  func report(_ model: Model) {
    if let note = model.panelCache.note { Console.error("panel cache: \(note)") }
  }
}

/// Formats of a session's keys and values, as the options name them.
enum KVOption: String, ExpressibleByArgument, CaseIterable {
  case f32, f16, bf16, q8
  var format: KVFormat {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .q8: .q8
    }
  }
}

/// Percentages and rates in fixed notation.
func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
