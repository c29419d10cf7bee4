// What a grammar, a pattern or a schema can be refused for, and how much work and memory compiling one may take.

/// Why a grammar, a regular expression or a JSON Schema was refused.
public enum GrammarError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text of a grammar or a pattern is malformed; `offset` counts bytes.
  case syntax(offset: Int, reason: String)
  /// A construct that no automaton of this library enforces, such as a look-around; `offset` counts bytes.
  case unsupported(offset: Int, construct: String)
  case unknownRule(String)
  /// A rule can begin with itself, at no cost of text.
  case leftRecursion(rule: String)
  /// No text at all is allowed.
  case matchesNothing
  /// One of ``GrammarLimits`` is passed.
  case limit(name: String, maximum: Int)
  case invalidJSON(JSONError)
  /// A keyword of a schema has a value that it cannot have.
  case malformedSchema(pointer: String, keyword: String, reason: String)
  /// A keyword of a schema that cannot be enforced.
  case unsupportedKeyword(pointer: String, keyword: String, reason: String)
  case unresolvedReference(pointer: String, reference: String)
  /// No token of the vocabulary continues the text, though the text is not complete.
  case noToken

  public var description: String {
    switch self {
    case .syntax(let offset, let reason): "grammar, byte \(offset): \(reason)"
    case .unsupported(let offset, let construct): "grammar, byte \(offset): \(construct) is not supported"
    case .unknownRule(let name): "grammar: no rule is called '\(name)'"
    case .leftRecursion(let rule): "grammar: rule '\(rule)' can begin with itself"
    case .matchesNothing: "grammar: no text is allowed by it"
    case .limit(let name, let maximum): "grammar: goes beyond the limit of \(maximum) for \(name)"
    case .invalidJSON(let error): "schema: \(error)"
    case .malformedSchema(let pointer, let keyword, let reason): "schema, #\(pointer), '\(keyword)': \(reason)"
    case .unsupportedKeyword(let pointer, let keyword, let reason):
      "schema, #\(pointer): '\(keyword)' cannot be enforced: \(reason)"
    case .unresolvedReference(let pointer, let reference):
      "schema, #\(pointer): the reference '\(reference)' leads nowhere in this document"
    case .noToken: "grammar: no token of the vocabulary continues the text"
    }
  }
}

/// Bounds on compiling a grammar and on running it. Beyond one of them compiling ends in ``GrammarError/limit``.
public struct GrammarLimits: Sendable, Equatable {
  /// Bytes of a grammar, a pattern or a schema.
  public var sourceBytes = 1 << 20
  /// Levels of nesting in a source.
  public var nesting = 128
  /// Rules, and nodes of expressions over all of them.
  public var rules = 20_000
  public var nodes = 400_000
  /// The largest bound of a repetition that is written as `{m,n}`, and of lengths in a schema.
  public var repetition = 20_000
  /// States of all automata together, and cells of their tables (states times classes of bytes, 4 bytes each).
  public var states = 200_000
  public var cells = 12_000_000
  /// Edges visited while automata are made; bounds the time.
  public var work = 60_000_000
  /// Alternatives of a schema after `allOf` and `anyOf` are multiplied out, for one place in the document.
  public var alternatives = 256
  /// Rules that are open at once in a text; deeper ones are not allowed by the mask.
  public var depth = 512
  /// Readings of one text that are followed at once; of an ambiguous grammar further ones are dropped. What remains
  /// is still a reading, so that the text stays valid.
  public var readings = 256
  /// Memory for masks that are kept, in bytes.
  public var maskBytes = 64 << 20

  public init() {}
}
