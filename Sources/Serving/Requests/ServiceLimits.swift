// What one request may ask for.
import Inference

/// Bounds that the service holds requests to; the engine has its own (``EngineOptions``).
public struct ServiceLimits: Sendable, Equatable {
  /// Seconds from submission after which a request fails.
  public var seconds: Double = 600
  /// Answers to one prompt (`n`).
  public var choices = 16
  /// Prompts of one completion, texts of one embedding request, documents of one reranking.
  public var batch = 2_048
  /// Tokens of all of a request's prompts together.
  public var promptTokens = 1 << 20
  /// Messages of one conversation.
  public var messages = 4_096
  /// Tools of one request.
  public var tools = 128
  /// The greatest `priority` that a request may have, 0 to 100: above 0, clients can get ahead of each other.
  public var priority = 0
  /// Tokens that may be reported with each choice.
  public var topLogProbabilities = 20
  /// Levels of nesting in a request's JSON.
  public var nesting = 64
  /// Compiled grammars that a model keeps.
  public var keptGrammars = 8
  /// What compiling a client's grammar or schema may take: a second or so, and some 30 MB.
  public var grammar: GrammarLimits = {
    var limits = GrammarLimits()
    limits.sourceBytes = 256 << 10
    limits.nesting = 64
    limits.nodes = 100_000
    limits.states = 50_000
    limits.cells = 3_000_000
    limits.work = 20_000_000
    limits.maskBytes = 8 << 20
    return limits
  }()

  public init() {}
}
