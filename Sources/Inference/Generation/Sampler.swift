// Chooses the next token from logits: penalties, bias, a mask, temperature, truncation, a draw. What the mask allows
// and stop rules are elsewhere.

/// How the next token is chosen. The defaults are greedy.
///
/// Steps, in this order: logit bias; repetition, presence and frequency penalty over the last ``penaltyWindow`` tokens;
/// the mask of a grammar, if there is one; temperature; top-k; top-p; min-p; a draw from what is left, renormalised.
public struct SamplingOptions: Sendable, Equatable {
  /// 0 takes the most likely token, the lowest id among equals.
  public var temperature: Float = 0
  /// Keeps the k most likely; 0 keeps all.
  public var topK: Int = 0
  /// Keeps the fewest most likely tokens whose probabilities reach this sum; 1 keeps all.
  public var topP: Float = 1
  /// Keeps tokens at least this fraction as likely as the most likely one; 0 keeps all.
  public var minP: Float = 0
  /// Divides positive and multiplies negative logits of seen tokens (Keskar et al. 2019, "CTRL"); 1 does nothing.
  public var repetitionPenalty: Float = 1
  /// Subtracted from the logit once for each time a token was seen.
  public var frequencyPenalty: Float = 0
  /// Subtracted from the logit of a token that was seen at all.
  public var presencePenalty: Float = 0
  /// How many of the last tokens count as seen; 0 for none, -1 for all.
  public var penaltyWindow: Int = 64
  /// Added to logits, by token id. -infinity bans a token.
  public var logitBias: [Int32: Float] = [:]
  public var seed: UInt64 = 0
  /// How many of the most likely tokens are reported with each choice.
  public var topLogProbabilities: Int = 0

  public init() {}

  /// Throws an error that names the first option out of range.
  public func validate() throws(SamplerError) {
    func require(_ holds: Bool, _ option: String, _ range: String) throws(SamplerError) {
      guard holds else { throw .invalidOption(name: option, expected: range) }
    }
    try require(temperature >= 0 && temperature.isFinite, "temperature", "a finite number of at least 0")
    try require(topK >= 0, "top-k", "at least 0")
    try require(topP > 0 && topP <= 1, "top-p", "more than 0, at most 1")
    try require(minP >= 0 && minP <= 1, "min-p", "0 to 1")
    try require(repetitionPenalty > 0 && repetitionPenalty.isFinite, "repetition penalty", "a finite number above 0")
    try require(frequencyPenalty.isFinite, "frequency penalty", "a finite number")
    try require(presencePenalty.isFinite, "presence penalty", "a finite number")
    try require(penaltyWindow >= -1, "penalty window", "at least -1")
    try require(topLogProbabilities >= 0, "top log-probabilities", "at least 0")
    for (token, bias) in logitBias {
      try require(token >= 0 && !bias.isNaN && bias < .infinity, "logit bias", "a token id and a number below infinity")
    }
  }
}

/// What a sampler can refuse.
public enum SamplerError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalidOption(name: String, expected: String)
  /// No token is left: every logit is NaN or -infinity.
  case noCandidate
  /// A biased token id is beyond the vocabulary.
  case tokenOutOfRange(Int32, vocabulary: Int)

  public var description: String {
    switch self {
    case .invalidOption(let name, let expected): "\(name): expected \(expected)"
    case .noCandidate: "no token can be sampled: every logit is NaN or minus infinity"
    case .tokenOutOfRange(let token, let vocabulary):
      "logit bias: token \(token) is beyond the vocabulary of \(vocabulary)"
    }
  }
}

/// A chosen token. Log-probabilities are natural and those of the model's own distribution, before any option.
public struct SampledToken: Sendable, Equatable {
  public let token: Int32
  public let logProbability: Float
  /// The most likely tokens, most likely first; as many as the options ask for.
  public let top: [TokenProbability]
}

public struct TokenProbability: Sendable, Equatable {
  public let token: Int32
  public let logProbability: Float
}

/// Draws tokens by ``SamplingOptions``, remembering what it drew. One for each sequence; not for two threads at once.
public struct Sampler: Sendable {
  public let options: SamplingOptions
  private var random: SeededRandom
  private var seen = TokenWindow()
  private var scratch: [Int32] = []
  private var adjusted: [Float] = []

  /// - Throws: ``SamplerError/invalidOption(name:expected:)``.
  public init(_ options: SamplingOptions = SamplingOptions()) throws(SamplerError) {
    try options.validate()
    self.options = options
    random = SeededRandom(seed: options.seed)
  }

  /// Counts a token as seen, for the penalties: those of the prompt, and each one that was chosen.
  public mutating func accept(_ token: Int32) {
    if options.penaltyWindow != 0 { seen.append(token, limit: options.penaltyWindow) }
  }

  /// Chooses a token; the caller says with ``accept(_:)`` that it was taken.
  ///
  /// - Parameters:
  ///   - logits: (vocabulary), left as they are.
  ///   - mask: the tokens to choose from, where not all are allowed.
  public mutating func sample(
    _ logits: UnsafeBufferPointer<Float>, mask: TokenMask? = nil
  ) throws(SamplerError) -> SampledToken {
    for token in options.logitBias.keys where Int(token) >= logits.count {
      throw .tokenOutOfRange(token, vocabulary: logits.count)
    }
    guard needsAdjusting || mask != nil else { return try choose(from: logits, model: logits) }
    if adjusted.count != logits.count { adjusted = [Float](repeating: 0, count: logits.count) }
    var own = [Float]()
    swap(&own, &adjusted)  // so that the buffer can be passed on while self is mutated
    defer { swap(&own, &adjusted) }
    let result: Result<SampledToken, SamplerError> = own.withUnsafeMutableBufferPointer { buffer in
      _ = buffer.update(from: logits)
      adjust(buffer)
      mask?.apply(to: buffer)
      do throws(SamplerError) {
        return .success(try choose(from: UnsafeBufferPointer(buffer), model: logits))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private var needsAdjusting: Bool {
    let penalised =
      options.repetitionPenalty != 1 || options.frequencyPenalty != 0 || options.presencePenalty != 0
    return !options.logitBias.isEmpty || (penalised && !seen.isEmpty)
  }

  private func adjust(_ logits: UnsafeMutableBufferPointer<Float>) {
    for (token, bias) in options.logitBias { logits[Int(token)] += bias }
    for (token, count) in seen.counts where Int(token) < logits.count && token >= 0 {
      var value = logits[Int(token)]
      value = value > 0 ? value / options.repetitionPenalty : value * options.repetitionPenalty
      value -= options.presencePenalty + Float(count) * options.frequencyPenalty
      logits[Int(token)] = value
    }
  }

  private mutating func choose(
    from logits: UnsafeBufferPointer<Float>, model: UnsafeBufferPointer<Float>
  ) throws(SamplerError) -> SampledToken {
    let (peak, peakIndex) = SIMDKernels.maximum(logits)
    guard peak > -.infinity, peak < .infinity, let peakIndex else { throw .noCandidate }
    let index = options.temperature == 0 || options.topK == 1 ? peakIndex : draw(logits, peak: peak)
    return report(index, model: model)
  }

  /// Draws from the distribution at the temperature, truncated.
  private mutating func draw(_ logits: UnsafeBufferPointer<Float>, peak: Float) -> Int {
    let scale = 1 / options.temperature
    let total = SIMDKernels.exponentialSum(logits, scale: scale, offset: peak)
    let floor = thresholdBeforeSorting(peak: peak, total: total, vocabulary: logits.count)
    if scratch.count < logits.count { scratch = [Int32](repeating: 0, count: logits.count) }
    let count = scratch.withUnsafeMutableBufferPointer {
      SIMDKernels.compress(logits, threshold: floor, into: $0)
    }
    var candidates = scratch[0..<count].map { index in
      (index: index, weight: Double.exponential(Double(scale) * Double(logits[Int(index)] - peak)))
    }
    if options.topK > 0 || options.topP < 1 {
      candidates.sort { $0.weight > $1.weight || ($0.weight == $1.weight && $0.index < $1.index) }
      candidates.removeLast(candidates.count - keptCount(candidates.map(\.weight), total: total))
    }
    let kept = candidates.reduce(0) { $0 + $1.weight }
    var left = random.unit() * kept
    for candidate in candidates {
      left -= candidate.weight
      if left < 0 { return Int(candidate.index) }
    }
    // Rounding can leave a crumb: the last candidate with any weight takes it.
    return Int(candidates.last { $0.weight > 0 }?.index ?? candidates[0].index)
  }

  /// A logit below which no token can survive, so that only the others need sorting.
  ///
  /// Top-p: all tokens of probability under (1 - p) / vocabulary have less than 1 - p together, so the most likely ones
  /// reach p without them. Min-p says it outright.
  private func thresholdBeforeSorting(peak: Float, total: Double, vocabulary: Int) -> Float {
    var weight = 0.0  // relative to the most likely token's
    if options.topP < 1 { weight = (1 - Double(options.topP)) / Double(vocabulary) * total }
    if options.minP > 0 { weight = max(weight, Double(options.minP)) }
    guard weight > 0 else { return -.greatestFiniteMagnitude }
    // A hair lower, so that rounding never drops what belongs in.
    return peak + options.temperature * Float(Double.logarithm(min(1, weight)) - 1e-5)
  }

  /// How many of the sorted candidates top-k and top-p keep, at least 1. Top-p counts the mass that top-k left.
  private func keptCount(_ weights: [Double], total: Double) -> Int {
    let limit = options.topK > 0 ? min(options.topK, weights.count) : weights.count
    guard options.topP < 1 else { return max(1, limit) }
    let mass = options.topK > 0 ? weights[0..<limit].reduce(0, +) : total
    var sum = 0.0
    for i in 0..<limit {
      sum += weights[i]
      if sum >= Double(options.topP) * mass { return i + 1 }
    }
    return max(1, limit)
  }

  private mutating func report(_ index: Int, model: UnsafeBufferPointer<Float>) -> SampledToken {
    let (peak, _) = SIMDKernels.maximum(model)
    let logSum = Float(Double.logarithm(SIMDKernels.exponentialSum(model, scale: 1, offset: peak))) + peak
    let top = mostLikely(options.topLogProbabilities, of: model).map {
      TokenProbability(token: $0, logProbability: model[Int($0)] - logSum)
    }
    return SampledToken(token: Int32(index), logProbability: model[index] - logSum, top: top)
  }

  /// The `count` largest, largest first, the lower id among equals. A small sorted list: count is a handful.
  private func mostLikely(_ count: Int, of x: UnsafeBufferPointer<Float>) -> [Int32] {
    guard count > 0 else { return [] }
    var best: [Int32] = []
    for i in x.indices where !x[i].isNaN {
      if best.count == count, let last = best.last, x[i] <= x[Int(last)] { continue }
      let place = best.firstIndex { x[Int($0)] < x[i] } ?? best.count
      best.insert(Int32(i), at: place)
      if best.count > count { best.removeLast() }
    }
    return best
  }
}

/// The last tokens and how often each is among them.
private struct TokenWindow: Sendable {
  private(set) var counts: [Int32: Int] = [:]
  private var tokens: [Int32] = []
  private var start = 0

  var isEmpty: Bool { counts.isEmpty }

  /// Adds a token and forgets the oldest beyond `limit`; a negative limit keeps all.
  mutating func append(_ token: Int32, limit: Int) {
    counts[token, default: 0] += 1
    guard limit >= 0 else { return }
    tokens.append(token)
    guard tokens.count - start > limit else { return }
    let oldest = tokens[start]
    start += 1
    if let count = counts[oldest] { counts[oldest] = count > 1 ? count - 1 : nil }
    if start > 1_024 && start * 2 > tokens.count {
      tokens.removeFirst(start)
      start = 0
    }
  }
}
