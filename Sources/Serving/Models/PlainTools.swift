// Tools for models whose template knows nothing of them: they are described in the system message, in the form that
// Hermes models were trained on, and calls and results are written as text.
import Inference

enum PlainTools {
  /// The conversation with everything about tools as text.
  static func messages(_ messages: [JSONValue], tools: [JSONValue]) -> [JSONValue] {
    var result = messages.map(plain)
    guard !tools.isEmpty else { return result }
    let description = description(of: tools)
    if let first = result.first?.object, first["role"] == "system" {
      let text = (first["content"]?.string ?? "") + "\n\n" + description
      result[0] = .object([("role", "system"), ("content", .string(text))])
    } else {
      result.insert(.object([("role", "system"), ("content", .string(description))]), at: 0)
    }
    return result
  }

  private static func description(of tools: [JSONValue]) -> String {
    let list = tools.map { ($0["function"] ?? $0).serialized() }.joined(separator: "\n")
    return """
      You may call functions. These are there, as JSON:
      <tools>
      \(list)
      </tools>
      To call one, answer with its name and arguments as JSON between these marks:
      <tool_call>
      {"name": "the function's name", "arguments": {"an argument": "its value"}}
      </tool_call>
      """
  }

  private static func plain(_ message: JSONValue) -> JSONValue {
    guard var object = message.object else { return message }
    if object["role"] == "tool" {
      let text = "<tool_response>\n\(object["content"]?.string ?? "")\n</tool_response>"
      return .object([("role", "user"), ("content", .string(text))])
    }
    guard let calls = object["tool_calls"]?.array else { return message }
    var text = object["content"]?.string ?? ""
    for call in calls {
      let function = JSONValue.object([
        ("name", call["function"]?["name"] ?? ""), ("arguments", call["function"]?["arguments"] ?? [:]),
      ])
      if !text.isEmpty { text += "\n" }
      text += "<tool_call>\n\(function.serialized())\n</tool_call>"
    }
    object["content"] = .string(text)
    object["tool_calls"] = nil
    return .object(object)
  }
}
