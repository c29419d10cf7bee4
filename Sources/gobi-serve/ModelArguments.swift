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

  @Option(
    name: .customLong("lora"),
    help: ArgumentHelp(
      """
      A LoRA adapter, GGUF or PEFT, that requests name like a model of its own: LABEL=FILE, or LABEL@MODEL=FILE where \
      several models are served. May be given several times.
      """, valueName: "label=file"))
  var adapter: [String] = []

  @Option(
    help: """
      With --speculate: a small model with the same vocabulary that guesses where the text itself has nothing; \
      LABEL=PATH for one model. May be given several times.
      """)
  var draftModel: [String] = []

  @Flag(name: .customLong("f32"), help: "Leave activations in float32: slower, closest to what the weights say.")
  var exact = false

  @Option(help: "Keep the packed weights in this folder, and read them there the next time.")
  var panelCache: String?

  func validate() throws {
    if model.isEmpty, embeddingModel.isEmpty { throw ValidationError("--model: name one model at least") }
    let settings = try settings()
    let labels = settings.map(\.label) + (try adapters(settings)).map(\.setting.label)
    for (index, label) in labels.enumerated() where labels[..<index].contains(label) {
      throw ValidationError("--model: two models or adapters are called '\(label)'; name them with LABEL=PATH")
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

  /// The adapters, each with the label of its model.
  private func adapters(_ settings: [ModelSetting]) throws -> [(setting: ModelSetting, model: String)] {
    try adapter.map { argument in
      guard let equals = argument.firstIndex(of: "="), var setting = ModelSetting(argument: argument),
        equals != argument.startIndex
      else { throw ValidationError("--lora '\(argument)': expected LABEL=FILE or LABEL@MODEL=FILE") }
      if let at = setting.label.lastIndex(of: "@") {
        let model = String(setting.label[setting.label.index(after: at)...])
        guard settings.contains(where: { $0.label == model && !$0.embeds }) else {
          throw ValidationError("--lora '\(argument)': no --model is called '\(model)'")
        }
        setting.label = String(setting.label[..<at])
        return (setting, model)
      }
      let generating = settings.filter { !$0.embeds }
      guard generating.count == 1 else {
        throw ValidationError("--lora '\(argument)': several models are served; write LABEL@MODEL=FILE")
      }
      return (setting, generating[0].label)
    }
  }

  func load(_ engines: EngineArguments, _ limits: ServiceLimits, _ logger: Logger) throws -> [ServedModel] {
    let settings = try settings()
    let adapters = try adapters(settings)
    let runtime = try engines.runtime()
    let modelOptions = ModelOptions(exactActivations: exact, panelCache: panelCache)
    guard draftModel.isEmpty || engines.speculate > 0 else { throw WrongInput("--draft-model: needs --speculate") }
    // Once, before anything is loaded: the budget is a share of what is free at the start.
    let shared = try engines.options(models: settings.count)
    var drafts: [String: Model] = [:]
    return try settings.map { setting in
      logger.info("loading \(setting.path)")
      var options = shared
      if !setting.embeds, let path = Self.choice(of: draftModel, for: setting.label) {
        let draft = try drafts[path] ?? Model.open(path: path, runtime: runtime, options: modelOptions)
        drafts[path] = draft
        options.speculation?.draftModel = draft
        // What guesses take is bounded as what is asked for is.
        options.speculation?.draftKVBudget = options.session.kvBudget
      }
      let model = try ServedModel.open(
        setting, runtime: runtime,
        template: Self.choice(of: chatTemplate, for: setting.label).map {
          try TextFile.read($0, option: "--chat-template")
        },
        adapters: adapters.filter { $0.model == setting.label }.map(\.setting), model: modelOptions, options: options,
        limits: limits)
      if let note = model.model.panelCache.note { logger.warning("panel cache: \(note)") }
      return model
    }
  }

  /// Of `FILE` and `LABEL=FILE` arguments the file for a label: its own, else the first without a label.
  private static func choice(of arguments: [String], for label: String) -> String? {
    var found: String?
    for argument in arguments {
      if let equals = argument.firstIndex(of: "="), !argument[..<equals].contains("/") {
        if argument[..<equals] == label { return String(argument[argument.index(after: equals)...]) }
      } else {
        found = found ?? argument
      }
    }
    return found
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
