// Which models are served, and how they are loaded.
import ArgumentParser
import Foundation
import Inference
import Logging
import Serving

struct ModelArguments: ParsableArguments {
  @Option(
    name: [.customShort("m"), .long],
    help: """
      A GGUF file, or a folder with safetensors and config.json; LABEL=PATH names it for requests. May be given several \
      times.
      """)
  var model: [String] = []

  @Option(help: "A model that makes embeddings, as --model is given. Encoders do so in any case.")
  var embeddingModel: [String] = []

  @Option(
    help: "A chat template's file in place of the models' own; LABEL=FILE for one model. May be given several times.")
  var chatTemplate: [String] = []

  @Flag(name: .customLong("f32"), help: "Leave activations in float32: slower, closest to what the weights say.")
  var exact = false

  @Option(help: "Keep the packed weights in this folder, and read them there the next time.")
  var panelCache: String?

  func validate() throws {
    if model.isEmpty, embeddingModel.isEmpty { throw ValidationError("--model: name one model at least") }
    let settings = try settings()
    for (index, setting) in settings.enumerated()
    where settings[..<index].contains(where: { $0.label == setting.label }) {
      throw ValidationError("--model: two models are called '\(setting.label)'; name them with LABEL=PATH")
    }
  }

  private func settings() throws -> [ModelSetting] {
    try (model.map { ($0, false) } + embeddingModel.map { ($0, true) }).map { argument, embeds in
      guard var setting = ModelSetting(argument: argument) else {
        throw ValidationError("--model '\(argument)': expected PATH or LABEL=PATH")
      }
      setting.embeds = embeds
      return setting
    }
  }

  func load(_ engines: EngineArguments, _ limits: ServiceLimits, _ logger: Logger) throws -> [ServedModel] {
    let settings = try settings()
    let runtime = try engines.runtime()
    let options = try engines.options(models: settings.count)
    return try settings.map { setting in
      logger.info("loading \(setting.path)")
      let model = try ServedModel.open(
        setting, runtime: runtime, template: template(for: setting.label),
        model: ModelOptions(exactActivations: exact, panelCache: panelCache), options: options, limits: limits)
      if let note = model.model.panelCache.note { logger.warning("panel cache: \(note)") }
      return model
    }
  }

  private func template(for label: String) throws -> String? {
    var found: String?
    for argument in chatTemplate {
      if let equals = argument.firstIndex(of: "="), !argument[..<equals].contains("/") {
        if argument[..<equals] == label { found = String(argument[argument.index(after: equals)...]) }
      } else {
        found = found ?? argument
      }
    }
    return try found.map { try TextFile.read($0, option: "--chat-template") }
  }
}

/// Files that options name.
enum TextFile {
  static func read(_ path: String, option: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw WrongInput("\(option) \(path): cannot be read")
    }
    guard let text = String(validating: data, as: UTF8.self) else { throw WrongInput("\(option) \(path): no UTF-8") }
    return text
  }
}
