// A compiled grammar over one vocabulary: what a generation is held to. Which text came so far is GrammarState's.
import Synchronization

/// Texts that may be generated. Immutable but for masks that it remembers; any thread may use it.
public final class GrammarConstraint: Sendable {
  /// How a schema's JSON is written.
  public enum Whitespace: Sendable, Equatable {
    /// None.
    case none
    /// Behind `,`, `:`, `{`, `[` and before `}` and `]`: nothing, one space, or a line break and up to 20 spaces.
    case flexible
  }

  public let vocabulary: GrammarVocabulary
  let grammar: CompiledGrammar
  private let cache: Mutex<MaskCache>

  init(_ grammar: CompiledGrammar, _ vocabulary: GrammarVocabulary) {
    self.grammar = grammar
    self.vocabulary = vocabulary
    cache = Mutex(MaskCache(grammar, vocabulary))
  }

  /// The texts of rule `root` of a grammar; see docs/GRAMMAR.md for how one is written.
  public convenience init(
    grammar text: String, vocabulary: GrammarVocabulary, limits: GrammarLimits = GrammarLimits()
  ) throws(GrammarError) {
    let (tree, root) = try GrammarParser.parse(text, limits: limits)
    self.init(try CompiledGrammar(tree, start: root), vocabulary)
  }

  /// The texts that match a regular expression as a whole.
  public convenience init(
    regex text: String, vocabulary: GrammarVocabulary, limits: GrammarLimits = GrammarLimits()
  ) throws(GrammarError) {
    var tree = GrammarTree(limits: limits)
    let body = try RegexParser.expression(of: text, whole: true, in: &tree)
    let root = try tree.addRule("root")
    tree.define(root, body)
    self.init(try CompiledGrammar(tree, start: root), vocabulary)
  }

  /// JSON texts that are valid against a schema.
  public convenience init(
    jsonSchema schema: JSONValue, vocabulary: GrammarVocabulary, whitespace: Whitespace = .flexible,
    limits: GrammarLimits = GrammarLimits()
  ) throws(GrammarError) {
    var compiler = SchemaCompiler(schema, whitespace: whitespace, limits: limits)
    let root = try compiler.compile()
    self.init(try CompiledGrammar(compiler.tree, start: root), vocabulary)
  }

  /// JSON texts that are valid against the schema in `text`.
  public convenience init(
    jsonSchema text: String, vocabulary: GrammarVocabulary, whitespace: Whitespace = .flexible,
    limits: GrammarLimits = GrammarLimits()
  ) throws(GrammarError) {
    guard text.utf8.count <= limits.sourceBytes else { throw .limit(name: "bytes", maximum: limits.sourceBytes) }
    let schema: JSONValue
    do throws(JSONError) {
      schema = try JSONValue(parsing: text, maximumDepth: limits.nesting)
    } catch {
      throw .invalidJSON(error)
    }
    try self.init(jsonSchema: schema, vocabulary: vocabulary, whitespace: whitespace, limits: limits)
  }

  /// Any JSON value.
  public static func anyJSON(
    vocabulary: GrammarVocabulary, whitespace: Whitespace = .flexible, limits: GrammarLimits = GrammarLimits()
  ) throws(GrammarError) -> GrammarConstraint {
    try GrammarConstraint(jsonSchema: .bool(true), vocabulary: vocabulary, whitespace: whitespace, limits: limits)
  }

  /// A text before its first byte.
  public func start() -> GrammarState { GrammarState(self) }

  /// States of the automata, for measurements.
  package var stateCount: Int { grammar.stateCount }

  /// Masks that were worked out, and not remembered, so far; for measurements.
  package var madeMasks: Int { cache.withLock { $0.madeCount } }

  /// Adds what one reading allows.
  func add(state: Int32, frames: some IteratorProtocol<Int32> & Sendable, to mask: inout TokenMask) {
    cache.withLock { cache in
      var frames = frames
      cache.add(state: state, frames: &frames, to: &mask)
    }
  }
}
