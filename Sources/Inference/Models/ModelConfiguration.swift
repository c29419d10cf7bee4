// What a model is made of, in numbers: read once from the file, checked, and then only read. No weights.

/// How positions turn queries and keys.
public struct RopeConfiguration: Sendable, Equatable {
  /// How positions beyond the trained length are brought back into it.
  public enum Scaling: Sendable, Equatable {
    case none
    /// Positions divided by `factor`.
    case linear(factor: Double)
    /// Llama 3.1: low frequencies divided by `factor`, a smooth step between.
    case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, originalContext: Int)
    /// Peng et al., "YaRN: Efficient Context Window Extension of Large Language Models".
    case yarn(factor: Double, originalContext: Int, fastBeta: Double, slowBeta: Double, attention: Double?)
    /// Ding et al., "LongRoPE": a divisor a pair, one list below and one beyond the original context.
    case longRope(short: [Float], long: [Float], originalContext: Int, attention: Double)
    /// A divisor a pair, as a GGUF file's `rope_freqs` tensor brings it.
    case divisors([Float])
  }

  public var base: Double
  /// Values of a head that turn: the first ones.
  public var dimensions: Int
  /// Whether (2i, 2i+1) turn together, or (i, i + half).
  public var isInterleaved: Bool
  public var scaling: Scaling

  public init(base: Double, dimensions: Int, isInterleaved: Bool, scaling: Scaling) {
    self.base = base
    self.dimensions = dimensions
    self.isInterleaved = isInterleaved
    self.scaling = scaling
  }
}

/// The routing of a mixture of experts.
public struct ExpertConfiguration: Sendable, Equatable {
  public var count: Int
  /// Experts that each token goes to.
  public var used: Int
  /// Width of one expert's feed-forward layer.
  public var width: Int
  /// Whether the chosen experts' weights are scaled to sum to 1.
  public var renormalises: Bool
  /// Whether each layer is a mixture; the others are dense.
  public var sparseLayers: [Bool]
}

/// A model's shape.
public struct ModelConfiguration: Sendable, Equatable {
  /// The registry's name of the architecture, such as `llama`.
  public var architecture: String
  /// What the file calls the model, if anything.
  public var name: String?
  public var layers: Int
  /// Width of the residual stream.
  public var width: Int
  public var heads: Int
  public var keyValueHeads: Int
  public var headDim: Int
  /// Width of the (dense) feed-forward layer.
  public var feedForward: Int
  public var vocabulary: Int
  /// Positions that the model was trained for.
  public var context: Int
  public var normEpsilon: Float
  /// Nil where positions are learnt.
  public var rope: RopeConfiguration?
  /// RoPE of the layers with a window, where it differs.
  public var windowRope: RopeConfiguration?
  /// For each layer how many positions a query sees, itself included; 0 for all.
  public var windows: [Int]
  public var attentionScale: Float
  /// 0 for none.
  public var attentionSoftcap: Float = 0
  /// 0 for none.
  public var logitSoftcap: Float = 0
  public var embeddingScale: Float = 1
  /// Added to the norms' weights: 1 for Gemma's safetensors.
  public var normOffset: Float = 0
  package var activation: Gate
  /// Nil where every layer is dense.
  public var experts: ExpertConfiguration?
  /// Token types with embeddings of their own; 0 for none.
  public var tokenTypes: Int = 0
  /// Whether the model gives hidden states and no logits, and sees tokens in both directions.
  public var isEncoder = false
  /// Whether the output shares the embedding's weights; nil if only the tensors tell.
  public var tiesEmbedding: Bool?

  /// Width of all query heads together.
  var queryWidth: Int { heads * headDim }
  /// Width of all key heads together.
  var keyWidth: Int { keyValueHeads * headDim }
}
