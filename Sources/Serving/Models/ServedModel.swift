// A model as the service has it: its name, its engine, its tokenizer and its chat template.
import Inference

/// What a model is loaded from, and what it is called.
public struct ModelSetting: Sendable, Equatable {
  /// The `model` of requests.
  public var label: String
  /// A GGUF file, or a folder with safetensors and `config.json`.
  public var path: String

  public init(label: String, path: String) {
    self.label = label
    self.path = path
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

/// A model that requests can name. Safe to use from any thread.
public final class ServedModel: Sendable {
  public let label: String
  public let model: Model
  /// Nil for an encoder.
  public let engine: Engine?
  /// Nil for a model that generates.
  let encoder: TextEncoder?
  let tokenizer: any Tokenizer
  let template: ChatTemplate?
  /// How the model writes reasoning and calls.
  let format: ChatFormat
  let grammars: GrammarStore
  /// What templates expect beside the messages.
  let variables: [String: JSONValue]

  /// Takes over a loaded model, and starts its engine.
  ///
  /// - Parameter template: nil where it has none; chats are then refused.
  public init(
    label: String, model: Model, tokenizer: any Tokenizer, template: ChatTemplate?,
    options: EngineOptions = EngineOptions(), limits: ServiceLimits = ServiceLimits()
  ) throws(EngineError) {
    self.label = label
    self.model = model
    self.tokenizer = tokenizer
    self.template = template
    format = ChatFormat(template: template?.source, tokenizer: tokenizer)
    grammars = GrammarStore(tokenizer: tokenizer, limits: limits)
    let isEncoder = model.configuration.isEncoder
    engine = isEncoder ? nil : try Engine(model: model, options: options)
    encoder = isEncoder ? try TextEncoder(model: model, options: options) : nil
    func piece(_ token: Int32?) -> JSONValue {
      .string(token.map { String(decoding: tokenizer.bytes(of: $0, renderSpecial: true), as: UTF8.self) } ?? "")
    }
    variables = ["bos_token": piece(tokenizer.bos), "eos_token": piece(tokenizer.eos)]
  }

  /// Positions that a request may have.
  var context: Int { engine?.context ?? encoder?.context ?? 0 }
  var vocabulary: Int { model.configuration.vocabulary }

  /// Tells answers of this model on this instruction set from others: the same seed gives the same answer.
  var fingerprint: String { "gobi-" + String(model.fingerprint, radix: 16) + "-" + model.runtime.isa.name }

  // MARK: Text to tokens

  func tokens(of text: String) -> [Int32] { tokenizer.encode(text, parseSpecial: true, addEOS: false) }

  // MARK: The end

  /// Takes no more requests; returns when those that are there are finished.
  func drained() async {
    engine?.drain()
    encoder?.drain()
    await engine?.ended()
    await encoder?.ended()
  }

  /// Ends what runs.
  func shutDown() {
    engine?.shutDown()
    encoder?.shutDown()
  }
}
