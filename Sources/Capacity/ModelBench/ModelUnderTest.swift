// What a model must do to be measured, and the formulas that turn its shape into operations and bytes. A session of
// the library is one kind of model under test; a null model, which does nothing, is another.

/// The figures of a model that its cost follows from.
public struct ModelFacts: Codable, Sendable, Equatable {
  public var label: String
  public var architecture: String
  public var layers: Int
  public var heads: Int
  public var headDimension: Int
  public var vocabulary: Int
  /// Weights that a token is multiplied with: the LM head is among them, the embedding look-up is not.
  public var activeParameters: Int
  /// Of these, the LM head's: a prefill that asks for the last token's logits multiplies with them once.
  public var headParameters: Int
  /// Bytes of those weights as they are read in a decode step.
  public var activeWeightBytes: Int
  /// Keys and values of one position over all layers.
  public var cacheBytesPerPosition: Int
  /// Of each layer, how many positions a query sees; 0 for all. nil: every layer sees all.
  public var windows: [Int]?
  /// Of most of the model's products: it names the roof of prefill.
  public var precision: Precision
  /// The tag of those products.
  public var precisionTag: String
  /// The format of most of its weights, as products are measured by; nil where it has none.
  public var format: String?
  public var fileBytes: Int?
  /// SHA-256 of the weights' file.
  public var hash: String?
  /// True if the weights were made, not trained.
  public var isGenerated: Bool

  public init(
    label: String, architecture: String, layers: Int, heads: Int, headDimension: Int, vocabulary: Int,
    activeParameters: Int, headParameters: Int, activeWeightBytes: Int, cacheBytesPerPosition: Int,
    windows: [Int]? = nil, precision: Precision, precisionTag: String, fileBytes: Int? = nil,
    hash: String? = nil, isGenerated: Bool = false
  ) {
    self.label = label
    self.architecture = architecture
    self.layers = layers
    self.heads = heads
    self.headDimension = headDimension
    self.vocabulary = vocabulary
    self.activeParameters = activeParameters
    self.headParameters = headParameters
    self.activeWeightBytes = activeWeightBytes
    self.cacheBytesPerPosition = cacheBytesPerPosition
    self.windows = windows
    self.precision = precision
    self.precisionTag = precisionTag
    self.fileBytes = fileBytes
    self.hash = hash
    self.isGenerated = isGenerated
  }

  /// The formula behind operationsPerToken, stored beside every figure made with it.
  public static let formula =
    "2·N_active + 4·layers·heads·head_dim·c, c at most the window; prefill: LM head once"

  /// F_tok(c): what one token costs with `context` positions before it.
  public func operationsPerToken(context: Double) -> Double {
    2 * Double(activeParameters) + 4 * Double(heads) * Double(headDimension) * positionsSeen(context)
  }

  /// What a prefill of `tokens` from `depth` costs a token: the LM head is counted once in it, for the last token, since
  /// that is all that is computed. Counting it for each would put a fast prefill above the roof.
  public func operationsPerPrefillToken(tokens: Int, depth: Int) -> Double {
    // Tokens have depth, depth + 1, … positions before them: on average depth + (n - 1) / 2.
    let whole = operationsPerToken(context: Double(depth) + (Double(tokens) - 1) / 2)
    return whole - 2 * Double(headParameters) * (1 - 1 / Double(max(tokens, 1)))
  }

  /// What a decode step of `batch` sequences reads, each with `context` positions.
  public func bytesPerStep(batch: Int, context: Double) -> Double {
    let perLayer = Double(cacheBytesPerPosition) / Double(max(layers, 1))
    return Double(activeWeightBytes) + Double(batch) * perLayer * positionsSeen(context)
  }

  /// Positions that all layers together look at, with `context` of them there.
  private func positionsSeen(_ context: Double) -> Double {
    guard let windows else { return Double(layers) * context }
    return windows.reduce(0) { $0 + ($1 > 0 ? min(Double($1), context) : context) }
  }
}

/// A model that can be timed. Used by one thread at a time. Calls throw CapacityError.model.
public protocol ModelUnderTest: AnyObject {
  var facts: ModelFacts { get }

  /// Leaves `sequences` sequences of exactly `depth` positions, of any content. Not timed.
  func prepare(sequences: Int, depth: Int) throws(CapacityError)

  /// Takes `tokens` as the next positions of the first sequence, in one chunk or several, and computes the logits of
  /// the last one.
  func prefill(_ tokens: [Int32]) throws(CapacityError)

  /// One step: token i is the next position of sequence i; computes the logits of each.
  func decode(_ tokens: [Int32]) throws(CapacityError)

  /// The logits (tokens, vocabulary) of `tokens` from an empty sequence: by the path that serves, or exact, with
  /// float32 activations and keys. Disturbs what `prepare` left.
  func logits(of tokens: [Int32], exact: Bool) throws(CapacityError) -> [Float]

  /// The same weights as a service that aims at `objective` and decodes at most so many sequences together; nil where
  /// there is none. Not to be used while the other calls are.
  func serving(mostSequences: Int, objective: ServiceObjective) throws(CapacityError) -> (any ServingSystem)?
}

extension ModelUnderTest {
  public func serving(
    mostSequences: Int, objective: ServiceObjective
  ) throws(CapacityError) -> (any ServingSystem)? { nil }
}
