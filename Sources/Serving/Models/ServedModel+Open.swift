// A served model from its file.
import Inference

extension ServedModel {
  /// Loads a model with its tokenizer and chat template, and starts its engine.
  ///
  /// - Parameters:
  ///   - template: a chat template's text in place of the model's own.
  ///   - options: of the engine; an encoder takes its context and its queue from there.
  /// - Throws: `ModelError`, `WeightError`, `TextError` or `EngineError`.
  public static func open(
    _ setting: ModelSetting, runtime: Runtime, template: String? = nil, model: ModelOptions = ModelOptions(),
    options: EngineOptions = EngineOptions(), limits: ServiceLimits = ServiceLimits()
  ) throws -> ServedModel {
    let file = try WeightFiles.open(path: setting.path)
    let tokenizer = try TokenizerLoader.tokenizer(of: file)
    let source = try template ?? chatTemplate(of: file)
    let parsed = try source.map { try ChatTemplate(source: $0) }
    let loaded = try Model.open(path: setting.path, runtime: runtime, options: model)
    var options = options
    // Learnt positions end where the table ends, and nothing is gained beyond what the model was trained for.
    if loaded.configuration.isEncoder { options.session.context = nil }
    return try ServedModel(
      label: setting.label, model: loaded, tokenizer: tokenizer, template: parsed, options: options, limits: limits)
  }

  private static func chatTemplate(of file: any WeightFile) throws -> String? {
    if let gguf = file as? GGUFFile { return try gguf.valueIfPresent("tokenizer.chat_template", \.string) }
    if let folder = file as? SafetensorsFile {
      return try folder.chatTemplate ?? (try folder.tokenizerConfig?["chat_template"]?.string)
    }
    return nil
  }
}
