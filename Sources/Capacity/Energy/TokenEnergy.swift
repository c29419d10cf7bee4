// Joules a token of one kind of work, by readings of one class; what the site makes of them; and a request's sum.

public struct TokenEnergy: Codable, Sendable, Equatable {
  public var use: PowerUse
  /// J/token. Each sample is one span of work, or as many as the sensors can tell apart.
  public var perToken: Figure
  /// With the site's losses and carbon; nil where the operator stated none.
  public var site: SiteEnergy?
}

/// A request of `promptTokens` and `outputTokens`, put together from a prefill's and a decode's joules.
public struct RequestEnergy: Codable, Sendable, Equatable {
  public var energyClass: EnergyClass
  public var promptTokens: Int
  public var outputTokens: Int
  /// J/token: all joules by output tokens, and by all tokens.
  public var perOutputToken: Double
  public var perTotalToken: Double
  public var validity: Validity
  public var reasons: [Reason]

  /// Output tokens of the request.
  public static let standardOutput = 128

  /// nil without a prefill from depth 0 and a decode of one sequence from depth 0, of one class.
  init?(_ figures: [ModelFigure], _ energyClass: EnergyClass) {
    let of = { (work: ModelFigure.Work, figure: ModelFigure) -> TokenEnergy? in
      guard figure.work == work, figure.scope == nil, figure.depth == 0, work == .prefill || figure.count == 1 else {
        return nil
      }
      return figure.energy.first { $0.use.energyClass == energyClass }
    }
    guard let prompt = figures.filter({ of(.prefill, $0) != nil }).max(by: { $0.count < $1.count }),
      let prefill = of(.prefill, prompt)?.perToken, let decode = figures.compactMap({ of(.decode, $0) }).first?.perToken
    else { return nil }
    self.energyClass = energyClass
    promptTokens = prompt.count
    outputTokens = Self.standardOutput
    let joules = Double(promptTokens) * prefill.value + Double(outputTokens) * decode.value
    perOutputToken = joules / Double(outputTokens)
    perTotalToken = joules / (Double(promptTokens) + Double(outputTokens))
    reasons = Set(prefill.reasons + decode.reasons).sorted()
    let worst = [prefill.validity, decode.validity]
    validity = worst.contains(.invalid) ? .invalid : worst.contains(.inconclusive) ? .inconclusive : .valid
  }
}
