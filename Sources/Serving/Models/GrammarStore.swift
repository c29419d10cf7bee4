// The compiled grammars of one model. Clients ask for the same schema again and again: it is compiled once.
import Inference
import Synchronization

/// Keeps the grammars that were used last. Safe to use from any thread; compiling blocks the one that calls.
final class GrammarStore: Sendable {
  private enum Entry: Sendable {
    case constraint(GrammarConstraint)
    case call(ForcedCall)
  }

  private struct Kept: Sendable {
    /// The last ones that were used are at the end.
    var entries: [(key: String, entry: Entry)] = []
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
    guard let key = format.key else { return nil }
    if case .constraint(let found)? = recent(key) { return found }
    do throws(GrammarError) {
      guard let constraint = try compile(format) else { return nil }
      keep(.constraint(constraint), for: key)
      return constraint
    } catch {
      throw .invalid(format.param, error.description, code: "invalid_grammar")
    }
  }

  private func compile(_ format: OutputFormat) throws(GrammarError) -> GrammarConstraint? {
    switch format {
    case .text: nil
    case .grammar(let text): try GrammarConstraint(grammar: text, vocabulary: vocabulary, limits: limits.grammar)
    case .regex(let text): try GrammarConstraint(regex: text, vocabulary: vocabulary, limits: limits.grammar)
    case .schema(let text): try GrammarConstraint(jsonSchema: text, vocabulary: vocabulary, limits: limits.grammar)
    }
  }

  /// What makes an answer a call of one of the tools.
  func call(
    _ choice: ChatToolChoice, of tools: ToolFields, format: ChatFormat, inReasoning: Bool
  ) throws(APIError) -> ForcedCall {
    // JSON text has no line breaks, so no two requests have the same key.
    let key = "call\n\(choice)\n\(tools.isParallel)\n\(inReasoning)\n" + JSONValue.array(tools.tools).serialized()
    if case .call(let found)? = recent(key) { return found }
    do throws(ChatError) {
      let call = try format.forcedCall(
        choice, tools: tools.functions, vocabulary: vocabulary, mayRepeat: tools.isParallel, inReasoning: inReasoning,
        limits: limits.grammar)
      keep(.call(call), for: key)
      return call
    } catch {
      if case .grammar = error { throw .invalid("tools", error.description, code: "invalid_grammar") }
      throw .unsupported("tool_choice", error.description)
    }
  }

  private func recent(_ key: String) -> Entry? {
    kept.withLock { kept in
      guard let index = kept.entries.firstIndex(where: { $0.key == key }) else { return nil }
      let found = kept.entries.remove(at: index)
      kept.entries.append(found)
      return found.entry
    }
  }

  private func keep(_ entry: Entry, for key: String) {
    kept.withLock { kept in
      if kept.entries.count >= limits.keptGrammars { kept.entries.removeFirst() }
      kept.entries.append((key, entry))
    }
  }
}
