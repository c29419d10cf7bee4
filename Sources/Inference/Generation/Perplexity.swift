// Perplexity of a text under a model: how surprised it is, token by token, window by window.

/// What a model's surprise at a text comes to.
public struct Perplexity: Sendable, Equatable {
  /// Mean of -log p over the targets, in nats.
  public let meanLogLoss: Double
  /// Standard error of that mean, taking targets as independent.
  public let standardError: Double
  /// Tokens that were predicted.
  public let targets: Int

  /// e to the mean log loss.
  public var value: Double { Double.exponential(meanLogLoss) }

  /// Which tokens are predicted, and from how much before them.
  public struct Options: Sendable, Equatable {
    /// Tokens that are evaluated together, from an empty cache.
    public var window: Int
    /// From the start of one window to the next's. Targets that an earlier window has had do not count again.
    public var stride: Int
    /// The first token of a window that counts as a target: 1 at least, half a window to give each target a context.
    public var firstTarget: Int

    public init(window: Int = 512, stride: Int? = nil, firstTarget: Int = 1) {
      self.window = window
      self.stride = stride ?? window
      self.firstTarget = firstTarget
    }
  }

  /// Evaluates `tokens` in windows; a last window that is not full counts with what it has.
  ///
  /// - Parameters:
  ///   - each: is given every target's index in `tokens` and its -log p.
  ///   - progress: is told the share that is done.
  public static func evaluate(
    _ tokens: [Int32], session: Session, options: Options = Options(), cancel: CancelFlag? = nil,
    each: ((Int, Double) -> Void)? = nil, progress: ((Double) -> Void)? = nil
  ) throws(GenerationError) -> Perplexity {
    guard options.window > 1, options.window <= session.context else {
      throw .invalidOption(name: "window", reason: "\(options.window) is not in 2…\(session.context)")
    }
    guard options.stride > 0, options.stride <= options.window else {
      throw .invalidOption(name: "stride", reason: "\(options.stride) is not in 1…\(options.window)")
    }
    guard options.firstTarget > 0, options.firstTarget < options.window else {
      throw .invalidOption(name: "firstTarget", reason: "\(options.firstTarget) is not in 1..<\(options.window)")
    }
    guard tokens.count > options.firstTarget else { throw .emptyPrompt }
    var losses = Losses()
    var scored = 0  // all targets before this index are done
    var start = 0
    do throws(SessionError) {
      while start + options.firstTarget < tokens.count, scored < tokens.count {
        let end = min(start + options.window, tokens.count)
        let first = max(start + options.firstTarget, scored)
        let sequence = try session.makeSequence()
        defer { try? session.remove(sequence) }
        // The logits of token i predict token i + 1: the last token of a window predicts nothing.
        var batch = Batch()
        batch.add(sequence, tokens[start..<end - 1], output: .from(first - 1 - start))
        try session.evaluate(batch, cancel: cancel) { row, logits in
          let target = first + row
          let largest = SIMDKernels.maximum(logits).value
          let total = SIMDKernels.exponentialSum(logits, scale: 1, offset: largest)
          let loss = Double.logarithm(total) + Double(largest) - Double(logits[Int(tokens[target])])
          losses.add(loss)
          each?(target, loss)
        }
        scored = end
        start += options.stride
        progress?(Double(scored) / Double(tokens.count))
      }
    } catch { throw .session(error) }
    return losses.result
  }

  /// Sums of losses and of their squares.
  private struct Losses {
    var count = 0
    var sum = 0.0
    var squares = 0.0

    mutating func add(_ loss: Double) {
      count += 1
      sum += loss
      squares += loss * loss
    }

    var result: Perplexity {
      let mean = sum / Double(count)
      let variance = count > 1 ? max(squares - sum * mean, 0) / Double(count - 1) : 0
      return Perplexity(
        meanLogLoss: mean, standardError: (variance / Double(count)).squareRoot(), targets: count)
    }
  }
}
