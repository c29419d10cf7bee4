// What an architecture must offer, and the list of those that there are. Each has a file of its own.

/// A model's layers, built from a weight file. Immutable once its weights are packed.
package protocol Architecture: Sendable {
  /// The name in reports, and what GGUF files say in `general.architecture`.
  static var name: String { get }
  /// What `config.json` says in `model_type`.
  static var modelTypes: [String] { get }
  /// Reads and checks the numbers.
  static func configuration(_ reader: ConfigurationReader) throws(ModelError) -> ModelConfiguration
  /// Finds and checks the tensors, and sets their places aside.
  init(_ configuration: ModelConfiguration, _ weights: WeightLoader) throws(ModelError)
  /// The residual stream after the last layer: of a decoder the rows that were asked for, (askedCount, width), of an
  /// encoder all of them.
  func hidden(_ pass: Pass) throws(KernelError) -> TensorView
  /// What the output layer reads: rows (m, width) after the final norm, if the model has one. In place.
  func normalise(_ x: TensorView, _ pass: Pass) throws(KernelError)
  /// The logits (m, vocabulary) of rows (m, width) that ``normalise(_:_:)`` has been through.
  func logits(of x: TensorView, into logits: TensorView, _ pass: Pass) throws(KernelError)
  /// A model's own summary of a sequence, from the hidden state (1, width) of its first token; nil if it has none.
  func pool(_ first: TensorView, _ pass: Pass) throws(KernelError) -> TensorView?
  /// Scores that ``classify(_:_:)`` gives; 0 for a model without a classification head.
  var labels: Int { get }
  /// The classification head's scores (1, labels) of a model's own summary (1, width); nil if it has no head.
  func classify(_ pooled: TensorView, _ pass: Pass) throws(KernelError) -> TensorView?
}

extension Architecture {
  package func pool(_ first: TensorView, _ pass: Pass) throws(KernelError) -> TensorView? { nil }
  package var labels: Int { 0 }
  package func classify(_ pooled: TensorView, _ pass: Pass) throws(KernelError) -> TensorView? { nil }
}

/// The architectures that the library runs. One line each.
package enum Architectures {
  package static let all: [any Architecture.Type] = [
    Llama.self,
    Qwen2.self,
    Qwen3.self,
    Qwen3MoE.self,
    Gemma3.self,
    Phi3.self,
    Bert.self,
  ]

  package static var names: [String] { all.map { $0.name } }

  /// The architecture that a file names, or nil.
  package static func named(by reader: ConfigurationReader) -> (any Architecture.Type)? {
    all.first {
      reader.isGGUF ? $0.name == reader.architecture : $0.modelTypes.contains(reader.architecture)
    }
  }
}

/// An architecture that is a decoder and nothing more.
package protocol DecoderArchitecture: Architecture {
  associatedtype Block: DecoderBlock
  var decoder: Decoder<Block> { get }
}

extension DecoderArchitecture {
  package func hidden(_ pass: Pass) throws(KernelError) -> TensorView { try decoder.hidden(pass) }

  package func normalise(_ x: TensorView, _ pass: Pass) throws(KernelError) {
    try decoder.norm(x, into: x, pass)
  }

  package func logits(of x: TensorView, into logits: TensorView, _ pass: Pass) throws(KernelError) {
    try decoder.logits(of: x, into: logits, pass)
  }
}
