// What a capacity run's service is asked for: the objective, and how long requests are. What is not stated is chosen by
// the node's own rates.

public struct ServingOptions: Sendable, Equatable {
  /// Seconds to the first token, and a token after that.
  public var timeToFirstToken = 2.0
  public var timePerOutputToken = 0.1
  /// Tokens of a request; nil: chosen.
  public var promptTokens: Int?
  public var outputTokens: Int?
  /// Sequences that are decoded together at most; nil: chosen.
  public var mostSequences: Int?

  public init() {}

  public var objective: ServiceObjective {
    ServiceObjective(timeToFirstToken: timeToFirstToken, timePerOutputToken: timePerOutputToken)
  }

  /// Throws for what no service is asked for.
  public func check() throws(CapacityError) {
    for (name, value) in [("slo-ttft", timeToFirstToken), ("slo-tpot", timePerOutputToken)]
    where !(value > 0 && value.isFinite) {
      throw .option(name: name, what: "expected a number above 0")
    }
    for (name, value, most) in [
      ("slo-prompt", promptTokens, TrialSamples.mostTokens), ("slo-output", outputTokens, TrialSamples.mostTokens),
      ("slo-batch", mostSequences, 1024),
    ] {
      if let value, !(1...most).contains(value) { throw .option(name: name, what: "expected 1 to \(most)") }
    }
  }

  /// As many as products are measured with: decode of 16 fills a small node, a large one takes 64.
  func sequences(threads: Int) -> Int { mostSequences ?? (threads < 32 ? 16 : 64) }
}

/// A service's load, chosen so that its knee can be found in the time there is.
package struct ServingChoice: Equatable {
  package var prompt: Int
  package var output: Int
  /// In words, for the report.
  package var name: String
  /// Requests a second that the node could bear if nothing were lost; nil where its rates are not known.
  package var bearable: Double?

  /// Prompt and output, longest first.
  static let ladder = [(512, 128), (256, 64), (128, 32), (64, 16), (32, 8), (16, 4)]
  /// A search has about four loads that are run to their end; the others fail early.
  static let wholeLoads = 4.0

  /// The longest of the ladder whose knee can be found in `seconds`, by the rates of prefill and of decode; the shortest
  /// where none can, or where these are not known. What is asked for is taken.
  package init(_ options: ServingOptions, prefill: Double?, decode: Double?, seconds: Double, warmUp: Int = 20) {
    let requests = Double(warmUp + options.objective.requestsNeeded(misses: 0))
    let bearable = { (prompt: Int, output: Int) -> Double? in
      guard let prefill, let decode, prefill > 0, decode > 0 else { return nil }
      return 1 / (Double(prompt) / prefill + Double(output) / decode)
    }
    let fitting = Self.ladder.first { prompt, output in
      bearable(prompt, output).map { Self.wholeLoads * requests / $0 <= seconds } ?? false
    }
    let (chosenPrompt, chosenOutput) = fitting ?? Self.ladder[Self.ladder.count - 1]
    prompt = options.promptTokens ?? chosenPrompt
    output = options.outputTokens ?? chosenOutput
    self.bearable = bearable(prompt, output)
    name = "prompts of \(prompt), outputs of \(output) tokens"
  }
}
