// Holding an answer to calls of the tools that are offered, for tool_choice "required" or one that names a function.

/// Which calls an answer has to be.
public enum ChatToolChoice: Sendable, Equatable {
  /// One of the tools, whichever.
  case required
  case named(String)
}

/// How an answer is made to be a call: the prompt goes on with `prefix`, the rest is held to `constraint`, and the
/// parser is fed `prefix` first.
///
/// The prefix holds marks that are control tokens, which no grammar can demand: it is to be encoded with control tokens
/// parsed. The text that follows is valid by construction: a name that is offered, and arguments that are valid against
/// its schema, as far as docs/GRAMMAR.md enforces it.
public struct ForcedCall: Sendable {
  public let prefix: String
  public let constraint: GrammarConstraint
}

extension ChatFormat {
  /// The grammar of calls.
  ///
  /// - Parameters:
  ///   - mayRepeat: whether several calls may follow one another, where the format has a form for that which needs no
  ///     control tokens (``Calls/hermes``, ``Calls/mistral``).
  ///   - inReasoning: whether the prompt ends inside reasoning, which the prefix then ends.
  /// - Throws: ``ChatError/unknownTool(name:)``; ``ChatError/cannotForce(format:reason:)`` where the format does not
  ///   write JSON, or has a control token between name and arguments and more than one name is possible;
  ///   ``ChatError/grammar(_:)`` for a schema that can't be enforced.
  public func forcedCall(
    _ choice: ChatToolChoice, tools: [ChatTool], vocabulary: GrammarVocabulary, mayRepeat: Bool = false,
    inReasoning: Bool = false, limits: GrammarLimits = GrammarLimits()
  ) throws(ChatError) -> ForcedCall {
    var offered = tools
    if case .named(let name) = choice {
      offered = tools.filter { $0.name.isSameText(as: name) }
      guard !offered.isEmpty else { throw .unknownTool(name: name) }
    }
    guard let first = offered.first else { throw refused("no tools are offered") }
    let leave = inReasoning ? "\n\(reasoning.close ?? "")\n\n" : ""
    var shape = CallShape(before: "", after: "")
    var isSingle = false
    switch calls {
    case .hermes:
      shape.after = "\n</tool_call>"
      if mayRepeat { shape.between = "\n<tool_call>\n" }
      shape.prefix = "<tool_call>\n"
    case .llama3:
      shape.argumentsName = "parameters"
    case .mistral:
      shape.prefix = "[TOOL_CALLS]"
      (shape.before, shape.after) = ("[", "]")
      if mayRepeat { shape.inner = ", " }
    case .phi4:
      shape.prefix = "<|tool_call|>"
      (shape.before, shape.after) = ("[", "]")
      if mayRepeat { shape.inner = ", " }
    case .deepSeek3:
      shape.prefix = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>"
      shape.isNameFirst = true
      shape.after = "\n```"
    case .deepSeek31:
      shape.prefix = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>\(first.name)<｜tool▁sep｜>"
      isSingle = true
    case .harmony:
      shape.prefix =
        "<|channel|>commentary to=functions.\(first.name) <|constrain|>json<|message|>"
      isSingle = true
    case .none: throw refused("the model has no form for calls")
    case .qwen3Coder, .glm: throw refused("its arguments are not JSON")
    }
    if isSingle {
      guard offered.count == 1 else {
        throw refused("a control token stands between name and arguments; name the function")
      }
      shape.isArgumentsOnly = true
    }
    do throws(GrammarError) {
      let constraint = try GrammarConstraint(calls: offered, shape, vocabulary: vocabulary, limits: limits)
      return ForcedCall(prefix: leave + shape.prefix, constraint: constraint)
    } catch { throw .grammar(error) }
  }

  private func refused(_ reason: String) -> ChatError { .cannotForce(format: calls.rawValue, reason: reason) }
}

/// How forced calls are written.
struct CallShape {
  /// What the prompt goes on with.
  var prefix = ""
  /// What stands around the text of one call, or of a list.
  var before: String
  var after: String
  /// Between two that have `after` each; nil for one only.
  var between: String?
  /// Between two within `before` and `after`; nil for one only.
  var inner: String?
  var argumentsName = "arguments"
  /// Whether a call is a name, a line end and a fenced object.
  var isNameFirst = false
  /// Whether a call is its arguments.
  var isArgumentsOnly = false
}

extension GrammarConstraint {
  /// Calls of `tools` in the form of `shape`.
  convenience init(
    calls tools: [ChatTool], _ shape: CallShape, vocabulary: GrammarVocabulary, limits: GrammarLimits
  ) throws(GrammarError) {
    var size = 0
    var schemas: [JSONValue] = []
    for (index, tool) in tools.enumerated() {
      let schema = Self.argumentSchema(tool, pointer: "#/prefixItems/\(index)")
      size += schema.serialized().utf8.count
      schemas.append(schema)
    }
    guard size <= limits.sourceBytes else { throw .limit(name: "bytes", maximum: limits.sourceBytes) }
    // One document for all schemas, so that each has a place in it; the list itself is never asked for.
    var compiler = SchemaCompiler(
      .object(JSONObject([("prefixItems", .array(schemas))])), whitespace: .flexible, limits: limits)
    var calls: [Expression] = []
    for (index, tool) in tools.enumerated() {
      guard let place = compiler.reader.document.place(["prefixItems", String(index)], in: 0) else { continue }
      let arguments = try compiler.value(of: [place])
      let name = JSONValue.string(tool.name).serialized()
      let (head, tail) =
        if shape.isArgumentsOnly {
          ("", "")
        } else if shape.isNameFirst {
          (tool.name + "\n```json\n", "")
        } else {
          ("{\"name\": \(name), \"\(shape.argumentsName)\": ", "}")
        }
      calls.append(
        try compiler.tree.sequence([compiler.tree.literal(head), arguments, compiler.tree.literal(tail)]))
    }
    var body = try compiler.tree.choice(calls)
    func repeated(_ separator: String?) throws(GrammarError) {
      guard let separator else { return }
      let next = try compiler.tree.sequence([compiler.tree.literal(separator), body])
      body = try compiler.tree.sequence([body, compiler.tree.repeated(next, 0, nil)])
    }
    try repeated(shape.inner)
    body = try compiler.tree.sequence([
      compiler.tree.literal(shape.before), body, compiler.tree.literal(shape.after),
    ])
    try repeated(shape.between)
    try compiler.compilePending()
    let root = try compiler.tree.addRule("calls")
    compiler.tree.define(root, body)
    self.init(try CompiledGrammar(compiler.tree, start: root), vocabulary)
  }

  /// The schema of a tool's arguments, an object in any case, with its references leading to where it stands now.
  private static func argumentSchema(_ tool: ChatTool, pointer: String) -> JSONValue {
    guard let parameters = tool.parameters?.object else { return ["type": "object"] }
    var schema = JSONObject(parameters.map { ($0.key, moved($0.value, pointer)) })
    if schema["$ref"] == nil, schema["type"] == nil { schema["type"] = "object" }
    return .object(schema)
  }

  /// `value` with references into its own document put behind `pointer`. Values that are no schemas stay.
  private static func moved(_ value: JSONValue, _ pointer: String) -> JSONValue {
    switch value {
    case .array(let list): return .array(list.map { moved($0, pointer) })
    case .object(let object):
      return .object(
        JSONObject(
          object.map { key, value in
            switch (key, value) {
            case ("$ref", .string(let reference)) where reference == "#" || reference.hasPrefix("#/"):
              (key, .string(pointer + reference.dropFirst()))
            case ("const", _), ("enum", _), ("default", _), ("examples", _): (key, value)
            default: (key, moved(value, pointer))
            }
          }))
    default: return value
    }
  }
}
