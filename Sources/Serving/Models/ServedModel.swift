// A model as the service has it: its name, its engine, its tokenizer and its chat template.
import Inference

/// What a model is loaded from, and what it is called.
public struct ModelSetting: Sendable, Equatable {
  /// The `model` of requests.
  public var label: String
  /// A GGUF file, or a folder with safetensors and `config.json`.
  public var path: String
  /// Whether it makes embeddings, whatever it could do besides; an encoder always does.
  public var embeds = false

  public init(label: String, path: String, embeds: Bool = false) {
    self.label = label
    self.path = path
    self.embeds = embeds
  }

  /// Reads `LABEL=PATH`, or `PATH` alone: the label is then the last part of the path without `.gguf`.
  public init?(argument: String) {
    if let equals = argument.firstIndex(of: "="), !argument[..<equals].contains("/") {
      label = String(argument[..<equals])
      path = String(argument[argument.index(after: equals)...])
    } else {
      path = argument
      label = argument.split(separator: "/").last.map(String.init) ?? argument
      if label.hasSuffix(".gguf") { label.removeLast(5) }
    }
    guard !label.isEmpty, !path.isEmpty else { return nil }
  }
}

/// An adapter that requests can name in the place of its model.
public struct ServedAdapter: Sendable {
  public var label: String
  public var adapter: Adapter

  public init(label: String, adapter: Adapter) {
    self.label = label
    self.adapter = adapter
  }
}

/// A model that requests can name. Safe to use from any thread.
public final class ServedModel: Sendable {
  public let label: String
  public let model: Model
  /// Nil for a model that makes embeddings.
  public let engine: Engine?
  /// Nil for a model that generates.
  public let embeddings: EmbeddingEngine?
  /// What a model that generates may be combined with; each is named like a model of its own.
  public let adapters: [ServedAdapter]
  let tokenizer: any Tokenizer
  let template: ChatTemplate?
  /// How the model writes reasoning and calls.
  let format: ChatFormat
  let grammars: GrammarStore
  /// What templates expect beside the messages.
  let variables: [String: JSONValue]

  /// Takes over a loaded model that generates, and starts its engine.
  ///
  /// - Parameters:
  ///   - template: nil where it has none; chats are then refused.
  ///   - adapters: opened for `model`.
  public convenience init(
    label: String, model: Model, tokenizer: any Tokenizer, template: ChatTemplate?,
    adapters: [ServedAdapter] = [], options: EngineOptions = EngineOptions(), limits: ServiceLimits = ServiceLimits()
  ) throws(EngineError) {
    try self.init(
      label, model, tokenizer, template, limits, engine: Engine(model: model, options: options), embeddings: nil,
      adapters: adapters)
  }

  /// Takes over a loaded model that makes embeddings, and starts its engine.
  public convenience init(
    label: String, model: Model, tokenizer: any Tokenizer, options: EmbeddingOptions,
    limits: ServiceLimits = ServiceLimits()
  ) throws(EngineError) {
    try self.init(
      label, model, tokenizer, nil, limits, engine: nil, embeddings: EmbeddingEngine(model: model, options: options))
  }

  private init(
    _ label: String, _ model: Model, _ tokenizer: any Tokenizer, _ template: ChatTemplate?, _ limits: ServiceLimits,
    engine: Engine?, embeddings: EmbeddingEngine?, adapters: [ServedAdapter] = []
  ) {
    self.label = label
    self.model = model
    self.tokenizer = tokenizer
    self.template = template
    format = ChatFormat(template: template?.source, tokenizer: tokenizer)
    grammars = GrammarStore(tokenizer: tokenizer, limits: limits)
    self.engine = engine
    self.embeddings = embeddings
    self.adapters = adapters
    func piece(_ token: Int32?) -> JSONValue {
      .string(token.map { String(decoding: tokenizer.bytes(of: $0, renderSpecial: true), as: UTF8.self) } ?? "")
    }
    variables = ["bos_token": piece(tokenizer.bos), "eos_token": piece(tokenizer.eos)]
  }

  /// Positions that a request may have.
  var context: Int { engine?.context ?? embeddings?.limit ?? 0 }
  var vocabulary: Int { model.configuration.vocabulary }

  /// Tells answers of this model, with its adapter, on this instruction set from others: the same seed gives the same
  /// answer.
  func fingerprint(_ adapter: Adapter?) -> String {
    let parts = [model.fingerprint, adapter?.fingerprint].compactMap { $0.map { String($0, radix: 16) } }
    return "gobi-\(parts.joined(separator: "-"))-\(model.runtime.isa.name)"
  }

  // MARK: Text to tokens

  func tokens(of text: String) -> [Int32] { tokenizer.encode(text, parseSpecial: true, addEOS: false) }

  // MARK: The end

  /// Takes no more requests; returns when those that are there are finished.
  func drained() async {
    engine?.drain()
    embeddings?.drain()
    await engine?.ended()
    await embeddings?.ended()
  }

  /// Ends what runs.
  func shutDown() {
    engine?.shutDown()
    embeddings?.shutDown()
  }
}
