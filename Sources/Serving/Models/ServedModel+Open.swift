// A served model from its file.
import Inference

extension ServedModel {
  /// Loads a model with its tokenizer and chat template, and starts its engine.
  ///
  /// - Parameters:
  ///   - template: a chat template's text in place of the model's own.
  ///   - adapters: LoRA adapters for the model: their labels and files.
  ///   - options: of the engine; one for embeddings takes its budget and its queue from there.
  /// - Throws: `ModelError`, `WeightError`, `TextError`, `AdapterError` or `EngineError`.
  public static func open(
    _ setting: ModelSetting, runtime: Runtime, template: String? = nil, adapters: [ModelSetting] = [],
    model: ModelOptions = ModelOptions(), options: EngineOptions = EngineOptions(),
    limits: ServiceLimits = ServiceLimits()
  ) throws -> ServedModel {
    let file = try WeightFiles.open(path: setting.path)
    let tokenizer = try TokenizerLoader.tokenizer(of: file)
    let source = try template ?? chatTemplate(of: file)
    let parsed = try source.map { try ChatTemplate(source: $0) }
    let loaded = try Model.open(path: setting.path, runtime: runtime, options: model)
    guard setting.embeds || loaded.configuration.isEncoder else {
      return try ServedModel(
        label: setting.label, model: loaded, tokenizer: tokenizer, template: parsed,
        adapters: adapters.map { ServedAdapter(label: $0.label, adapter: try .open(path: $0.path, model: loaded)) },
        options: options, limits: limits)
    }
    return try ServedModel(
      label: setting.label, model: loaded, tokenizer: tokenizer,
      options: embeddingOptions(file, tokenizer, options, limits), limits: limits)
  }

  private static func embeddingOptions(
    _ file: any WeightFile, _ tokenizer: any Tokenizer, _ engine: EngineOptions, _ limits: ServiceLimits
  ) throws -> EmbeddingOptions {
    var options = EmbeddingOptions(tokenizer: tokenizer)
    options.pooling = try Pooling.of(path: file.path)
    options.session.kvBudget = engine.session.kvBudget
    // A request is one text there: the longest list that a client may send must fit.
    options.maximumQueue = engine.maximumQueue + limits.batch + 1
    // What sentence-transformers says of the texts that the model was trained on.
    if let folder = file as? SafetensorsFile, let mapped = try folder.companion("sentence_bert_config.json"),
      let length = try JSONValue(parsing: mapped.bytes)["max_seq_length"]?.int, length > 2
    {
      options.maximumTokens = length
    }
    return options
  }

  private static func chatTemplate(of file: any WeightFile) throws -> String? {
    if let gguf = file as? GGUFFile { return try gguf.valueIfPresent("tokenizer.chat_template", \.string) }
    if let folder = file as? SafetensorsFile {
      return try folder.chatTemplate ?? (try folder.tokenizerConfig?["chat_template"]?.string)
    }
    return nil
  }
}
