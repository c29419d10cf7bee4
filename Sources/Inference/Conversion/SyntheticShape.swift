// The shapes of published models, as their configuration files state them, and a few that are small enough for tests.

/// The dimensions of a model, without its weights.
public struct SyntheticShape: Sendable, Equatable {
  /// How GGUF files name the architecture.
  public enum Architecture: String, Sendable { case llama, qwen2, qwen3moe, gemma3 }

  /// The name to ask for it by, such as `llama-3.2-1b`.
  public let name: String
  public let architecture: Architecture
  public let vocabulary: Int
  /// Width of the residual stream.
  public let width: Int
  public var layers: Int
  public let heads: Int
  public let keyValueHeads: Int
  public let headDimension: Int
  /// Width of the feed-forward part; of one expert where there are experts.
  public let feedForward: Int
  public var experts = 0
  public var expertsUsed = 0
  /// The token embedding is the output matrix too.
  public let tiedOutput: Bool
  public let context: Int
  public let ropeBase: Float
  /// Factor of the frequency scaling of Llama 3.1 and 3.2 (low 1, high 4, from 8,192 positions), or nil.
  public var llama3Factor: Float?
  /// Positions that a sliding layer sees, or nil; every sixth layer of Gemma 3 sees all.
  public var slidingWindow: Int?
  public var epsilon: Float = 1e-5

  /// Every shape that can be generated.
  public static let all: [SyntheticShape] = [
    .init(
      name: "tiny", architecture: .llama, vocabulary: 512, width: 256, layers: 2, heads: 4, keyValueHeads: 2,
      headDimension: 64, feedForward: 512, tiedOutput: true, context: 2_048, ropeBase: 10_000),
    .init(
      name: "tiny-moe", architecture: .qwen3moe, vocabulary: 512, width: 256, layers: 2, heads: 4, keyValueHeads: 2,
      headDimension: 64, feedForward: 256, experts: 8, expertsUsed: 2, tiedOutput: false, context: 2_048,
      ropeBase: 1_000_000, epsilon: 1e-6),
    .init(
      name: "tiny-gemma", architecture: .gemma3, vocabulary: 512, width: 256, layers: 6, heads: 4, keyValueHeads: 1,
      headDimension: 64, feedForward: 512, tiedOutput: true, context: 2_048, ropeBase: 1_000_000, slidingWindow: 64,
      epsilon: 1e-6),
    .init(
      name: "smollm2-135m", architecture: .llama, vocabulary: 49_152, width: 576, layers: 30, heads: 9,
      keyValueHeads: 3, headDimension: 64, feedForward: 1_536, tiedOutput: true, context: 8_192, ropeBase: 100_000),
    .init(
      name: "llama-3.2-1b", architecture: .llama, vocabulary: 128_256, width: 2_048, layers: 16, heads: 32,
      keyValueHeads: 8, headDimension: 64, feedForward: 8_192, tiedOutput: true, context: 131_072, ropeBase: 500_000,
      llama3Factor: 32),
    .init(
      name: "llama-3.2-3b", architecture: .llama, vocabulary: 128_256, width: 3_072, layers: 28, heads: 24,
      keyValueHeads: 8, headDimension: 128, feedForward: 8_192, tiedOutput: true, context: 131_072, ropeBase: 500_000,
      llama3Factor: 32),
    .init(
      name: "llama-3.1-8b", architecture: .llama, vocabulary: 128_256, width: 4_096, layers: 32, heads: 32,
      keyValueHeads: 8, headDimension: 128, feedForward: 14_336, tiedOutput: false, context: 131_072,
      ropeBase: 500_000, llama3Factor: 8),
    .init(
      name: "qwen2.5-0.5b", architecture: .qwen2, vocabulary: 151_936, width: 896, layers: 24, heads: 14,
      keyValueHeads: 2, headDimension: 64, feedForward: 4_864, tiedOutput: true, context: 32_768,
      ropeBase: 1_000_000, epsilon: 1e-6),
    .init(
      name: "qwen2.5-7b", architecture: .qwen2, vocabulary: 152_064, width: 3_584, layers: 28, heads: 28,
      keyValueHeads: 4, headDimension: 128, feedForward: 18_944, tiedOutput: false, context: 32_768,
      ropeBase: 1_000_000, epsilon: 1e-6),
    .init(
      name: "qwen3-30b-a3b", architecture: .qwen3moe, vocabulary: 151_936, width: 2_048, layers: 48, heads: 32,
      keyValueHeads: 4, headDimension: 128, feedForward: 768, experts: 128, expertsUsed: 8, tiedOutput: false,
      context: 40_960, ropeBase: 1_000_000, epsilon: 1e-6),
    .init(
      name: "gemma-3-270m", architecture: .gemma3, vocabulary: 262_144, width: 640, layers: 18, heads: 4,
      keyValueHeads: 1, headDimension: 256, feedForward: 2_048, tiedOutput: true, context: 32_768,
      ropeBase: 1_000_000, slidingWindow: 512, epsilon: 1e-6),
    .init(
      name: "gemma-3-1b", architecture: .gemma3, vocabulary: 262_144, width: 1_152, layers: 26, heads: 4,
      keyValueHeads: 1, headDimension: 256, feedForward: 6_912, tiedOutput: true, context: 32_768,
      ropeBase: 1_000_000, slidingWindow: 512, epsilon: 1e-6),
  ]

  /// The shape of this name, or nil if there is none.
  public init?(name: String) {
    guard let found = Self.all.first(where: { $0.name == name.lowercased() }) else { return nil }
    self = found
  }

  init(
    name: String, architecture: Architecture, vocabulary: Int, width: Int, layers: Int, heads: Int,
    keyValueHeads: Int, headDimension: Int, feedForward: Int, experts: Int = 0, expertsUsed: Int = 0,
    tiedOutput: Bool, context: Int, ropeBase: Float, llama3Factor: Float? = nil, slidingWindow: Int? = nil,
    epsilon: Float = 1e-5
  ) {
    self.name = name
    self.architecture = architecture
    self.vocabulary = vocabulary
    self.width = width
    self.layers = layers
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.feedForward = feedForward
    self.experts = experts
    self.expertsUsed = expertsUsed
    self.tiedOutput = tiedOutput
    self.context = context
    self.ropeBase = ropeBase
    self.llama3Factor = llama3Factor
    self.slidingWindow = slidingWindow
    self.epsilon = epsilon
  }
}
