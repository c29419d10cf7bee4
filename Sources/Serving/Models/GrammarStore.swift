// The compiled grammars of one model. Clients ask for the same schema again and again: it is compiled once.
import Inference
import Synchronization

/// Keeps the grammars that were used last. Safe to use from any thread; compiling blocks the one that calls.
final class GrammarStore: Sendable {
  private struct Kept: Sendable {
    var entries: [(format: OutputFormat, constraint: GrammarConstraint)] = []
    var vocabulary: GrammarVocabulary?
  }

  private let tokenizer: any Tokenizer
  private let limits: ServiceLimits
  private let kept = Mutex(Kept())

  init(tokenizer: any Tokenizer, limits: ServiceLimits) {
    self.tokenizer = tokenizer
    self.limits = limits
  }

  /// The model's vocabulary, made ready for masks when it is first needed.
  var vocabulary: GrammarVocabulary {
    kept.withLock { kept in
      if let vocabulary = kept.vocabulary { return vocabulary }
      let vocabulary = GrammarVocabulary(tokenizer)
      kept.vocabulary = vocabulary
      return vocabulary
    }
  }

  /// The constraint for a format; nil for free text.
  func constraint(for format: OutputFormat) throws(APIError) -> GrammarConstraint? {
    if format == .text { return nil }
    if let found = recent(format) { return found }
    let constraint: GrammarConstraint
    do throws(GrammarError) {
      constraint = try compile(format)
    } catch {
      throw .invalid(format.param, error.description, code: "invalid_grammar")
    }
    keep(constraint, for: format)
    return constraint
  }

  private func compile(_ format: OutputFormat) throws(GrammarError) -> GrammarConstraint {
    switch format {
    case .grammar(let text): try GrammarConstraint(grammar: text, vocabulary: vocabulary, limits: limits.grammar)
    case .regex(let text): try GrammarConstraint(regex: text, vocabulary: vocabulary, limits: limits.grammar)
    case .schema(let text): try GrammarConstraint(jsonSchema: text, vocabulary: vocabulary, limits: limits.grammar)
    case .text: throw .matchesNothing
    }
  }

  private func recent(_ format: OutputFormat) -> GrammarConstraint? {
    kept.withLock { kept in
      guard let index = kept.entries.firstIndex(where: { $0.format == format }) else { return nil }
      let entry = kept.entries.remove(at: index)
      kept.entries.append(entry)
      return entry.constraint
    }
  }

  private func keep(_ constraint: GrammarConstraint, for format: OutputFormat) {
    kept.withLock { kept in
      if kept.entries.count >= limits.keptGrammars { kept.entries.removeFirst() }
      kept.entries.append((format, constraint))
    }
  }
}
