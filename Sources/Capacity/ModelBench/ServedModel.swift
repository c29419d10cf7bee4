// What a model must do beside its own work to be measured as a server uses it: from text, to text.

/// A model under test with a tokenizer and a sampler.
public protocol ServedModel: ModelUnderTest {
  /// False for a model without a tokenizer.
  var canServeText: Bool { get }

  /// A text of at least `count` tokens, drawn from the vocabulary. Not timed.
  func text(of count: Int, seed: UInt64) throws(CapacityError) -> [UInt8]

  /// Tokenises `text`, takes its first `tokens` tokens as the first sequence, and samples a token.
  func prefill(text: [UInt8], tokens: Int) throws(CapacityError)

  /// `steps` steps of all sequences: each samples a token of its logits, makes text of it, and goes on with it.
  func decodeText(from first: [Int32], steps: Int) throws(CapacityError)
}
