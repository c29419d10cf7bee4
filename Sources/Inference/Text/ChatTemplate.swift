// A model's chat template, parsed once and rendered for conversations. Jinja itself is in the Jinja*.swift files.
import Glibc

/// A chat template in the part of Jinja that models' templates use, with the environment that they expect: blocks
/// trim the newline behind and the blanks before them, `raise_exception`, `strftime_now`, `tojson` without HTML
/// escapes, `break` and `continue`, and `generation` blocks.
///
/// Templates come with model files and are not trusted: whatever one does, rendering ends within its ``Limits``.
public struct ChatTemplate: Sendable {
  /// What one rendering may take.
  public struct Limits: Sendable, Equatable {
    /// Expressions, statements and loop turns, and a share for every 64 bytes worked on.
    public var steps = 5_000_000
    /// Length of the rendered text.
    public var outputBytes = 32 << 20
    /// All strings, lists and dicts made on the way, counted when made and never given back.
    public var allocatedBytes = 128 << 20
    /// Expressions within expressions, blocks and macro calls. A level takes up to 3 KB of stack; the deepest of some
    /// ninety models' templates need fewer than 60.
    public var depth = 200
    /// Length of the template itself.
    public var sourceBytes = 1 << 20

    public init() {}
  }

  /// The template's text as it was given.
  public let source: String
  public let limits: Limits
  private let body: [JinjaStatement]

  /// Parses `source`.
  /// - Throws: ``TextError/templateSyntax(line:reason:)`` and ``TextError/templateLimit(name:maximum:line:)``.
  public init(source: String, limits: Limits = .init()) throws(TextError) {
    guard source.utf8.count <= limits.sourceBytes else {
      throw .templateLimit(name: "bytes of its text", maximum: limits.sourceBytes, line: 1)
    }
    self.source = source
    self.limits = limits
    body = try JinjaParser.parse(source)
  }

  /// Renders a conversation.
  ///
  /// - Parameters:
  ///   - messages: each an object with `role`, `content` and what else the template looks at, in order.
  ///   - tools: an array of tool descriptions; nil is `none` in the template.
  ///   - addGenerationPrompt: whether to end with what makes the model answer.
  ///   - variables: more names: `bos_token`, `eos_token`, `date_string`, `documents`, `enable_thinking` and so on.
  ///     They may replace the names above.
  ///   - now: seconds since 1970, which `strftime_now` shows in UTC; nil is the system's local time.
  /// - Throws: ``TextError/templateRefused(message:)`` where the template calls `raise_exception`,
  ///   ``TextError/templateFailed(line:reason:)`` and ``TextError/templateLimit(name:maximum:line:)``.
  public func render(
    messages: [JSONValue], tools: JSONValue? = nil, addGenerationPrompt: Bool,
    variables: [String: JSONValue] = [:], now: Int? = nil
  ) throws(TextError) -> String {
    var context = variables
    let names: [(String, JSONValue)] = [
      ("messages", .array(messages)), ("tools", tools ?? .null), ("documents", .null),
      ("add_generation_prompt", .bool(addGenerationPrompt)),
    ]
    for (name, value) in names where context[name] == nil { context[name] = value }
    return try render(context: context, now: now)
  }

  /// Renders with no names but those of `context` and the built-in functions.
  package func render(context: [String: JSONValue], now: Int? = nil) throws(TextError) -> String {
    let machine = JinjaMachine(limits: limits, clock: JinjaClock(now: now))
    defer { machine.close() }
    let scope = JinjaScope(parent: nil)
    for name in JinjaMachine.globals { scope.values[ExactText(name)] = .function(JinjaFunction(.global(name))) }
    for (name, value) in context {
      guard let value = JinjaValue(value, maximumDepth: JinjaMachine.valueDepthLimit - 2) else {
        throw .templateLimit(name: "nesting of values", maximum: JinjaMachine.valueDepthLimit, line: 1)
      }
      scope.values[ExactText(name)] = value
    }
    _ = try machine.execute(body, in: JinjaScope(parent: scope))
    return machine.output
  }
}
