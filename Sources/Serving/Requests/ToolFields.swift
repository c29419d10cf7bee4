// The functions that a chat's model may call, and whether it has to.
import Inference

struct ToolFields: Sendable {
  enum Choice: Sendable, Equatable {
    case none, auto
    case forced(ChatToolChoice)
  }

  /// As the client wrote them, which is what templates expect.
  var tools: [JSONValue] = []
  /// What a parser and a grammar know of them, in the same order.
  var functions: [ChatTool] = []
  var choice = Choice.none
  /// Whether an answer may hold several calls.
  var isParallel = true

  init(_ fields: Fields, limits: ServiceLimits) throws(APIError) {
    for old in ["functions", "function_call"] {
      try fields.refuse(old, unless: [[], "none"], "deprecated by the API: use tools and tool_choice")
    }
    for tool in try fields.list("tools", most: limits.tools) ?? [] { try add(tool) }
    isParallel = try fields.bool("parallel_tool_calls") ?? true
    choice = try readChoice(fields)
  }

  /// Whether the model may call anything.
  var isUsed: Bool { !tools.isEmpty && choice != .none }

  private mutating func add(_ tool: Fields) throws(APIError) {
    _ = try tool.required("type", tool.string("type", oneOf: ["function"]))
    let function = try tool.required("function", tool.fields("function"))
    let name = try function.required("name", function.string("name"))
    guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(\.isNameByte) else {
      throw function.wrong("name", "expected 1 to 64 letters, digits, '_' and '-'")
    }
    guard !functions.contains(where: { $0.name == name }) else {
      throw function.wrong("name", "two functions are called '\(name)'")
    }
    _ = try function.string("description")
    _ = try function.bool("strict")
    functions.append(ChatTool(name: name, parameters: try function.fields("parameters").map { .object($0.object) }))
    tools.append(.object(tool.object))
  }

  private func readChoice(_ fields: Fields) throws(APIError) -> Choice {
    guard let value = fields["tool_choice"] else { return tools.isEmpty ? .none : .auto }
    if value.string != nil {
      switch try fields.string("tool_choice", oneOf: ["none", "auto", "required"]) {
      case "none": return .none
      case "required":
        guard !tools.isEmpty else { throw fields.wrong("tool_choice", "'required', but there are no tools") }
        return .forced(.required)
      default: return .auto
      }
    }
    let object = try fields.required("tool_choice", fields.fields("tool_choice"))
    _ = try object.required("type", object.string("type", oneOf: ["function"]))
    let function = try object.required("function", object.fields("function"))
    let name = try function.required("name", function.string("name"))
    guard functions.contains(where: { $0.name == name }) else {
      throw function.wrong("name", "no tool is called '\(name.prefix(64))'")
    }
    return .forced(.named(name))
  }
}
