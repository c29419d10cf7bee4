// How an engine guesses tokens ahead, so that one step gives several. What it costs and brings is in DraftRecord.

/// Drafts: tokens that are guessed, evaluated together with the token before them, and kept as far as they are what
/// would have been chosen anyway. No token changes, at any temperature: the sampler draws from the same logits with the
/// same random numbers, and a draft only decides whether the logits behind it are there already.
///
/// A request's drafts are as long as they are expected to pay, by the acceptance measured and the time that steps take;
/// where they lose, they stop, and are tried again now and then.
public struct SpeculationOptions: Sendable {
  /// Whether drafts are looked up in the request's own tokens: what followed the last ones when they came before.
  public var looksUp: Bool
  /// Drafts where nothing is found: a smaller model with the same vocabulary, or nil.
  public var draftModel: Model?
  /// The most bytes of keys and values that the draft model's sequences take, beyond the session's budget; nil for no
  /// bound.
  public var draftKVBudget: Int?
  /// Tokens of a draft at most, 1 to 32.
  public var maximumDraft: Int

  public init(
    looksUp: Bool = true, draftModel: Model? = nil, draftKVBudget: Int? = nil, maximumDraft: Int = 8
  ) {
    self.looksUp = looksUp
    self.draftModel = draftModel
    self.draftKVBudget = draftKVBudget
    self.maximumDraft = maximumDraft
  }

  /// Throws an error that names the first option which `model` can't go with.
  func validate(for model: Model) throws(EngineError) {
    guard (1...32).contains(maximumDraft) else {
      throw .invalidOption(name: "speculation.maximumDraft", expected: "1 to 32")
    }
    if let draftKVBudget, draftKVBudget < 0 {
      throw .invalidOption(name: "speculation.draftKVBudget", expected: "0 at least")
    }
    guard let draftModel else { return }
    let vocabulary = model.configuration.vocabulary
    guard !draftModel.configuration.isEncoder, draftModel.configuration.vocabulary == vocabulary else {
      throw .invalidOption(
        name: "speculation.draftModel", expected: "one that gives logits of the same \(vocabulary) tokens")
    }
  }
}
