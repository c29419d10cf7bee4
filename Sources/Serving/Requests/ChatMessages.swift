// The messages of a chat request, checked and brought into the form that chat templates expect.
import Inference

/// A conversation for a chat template: each message an object with `role`, `content` and what else its role has.
enum ChatMessages {
  static func read(_ fields: Fields, limits: ServiceLimits) throws(APIError) -> [JSONValue] {
    let list = try fields.required("messages", fields.list("messages", most: limits.messages))
    guard !list.isEmpty else { throw fields.wrong("messages", "expected one message at least") }
    var result: [JSONValue] = []
    for message in list { result.append(try read(message)) }
    return result
  }

  private static let roles = ["system", "developer", "user", "assistant", "tool"]

  private static func read(_ message: Fields) throws(APIError) -> JSONValue {
    let role = try message.required("role", message.string("role", oneOf: roles))
    var result = JSONObject()
    // What newer clients call a developer is a system message to every template.
    result["role"] = .string(role == "developer" ? "system" : role)
    let calls = role == "assistant" ? try toolCalls(message) : nil
    let text = try content(message)
    if text == nil, calls == nil, role != "assistant" {
      throw APIError(
        400, "\(message.name("content")) is missing", param: message.name("content"), code: "missing_field")
    }
    result["content"] = .string(text ?? "")
    if let name = try message.string("name", most: 256) { result["name"] = .string(name) }
    if let calls { result["tool_calls"] = .array(calls) }
    if role == "assistant", let reasoning = try message.string("reasoning_content") {
      result["reasoning_content"] = .string(reasoning)
    }
    if role == "tool" {
      let id = try message.required("tool_call_id", message.string("tool_call_id", most: 256))
      result["tool_call_id"] = .string(id)
    }
    return .object(result)
  }

  /// The text of a message: a string, or parts of type `text`, one after another.
  private static func content(_ message: Fields) throws(APIError) -> String? {
    guard let value = message["content"] else { return nil }
    if let text = value.string { return text }
    guard let parts = try? message.list("content") else {
      throw message.wrong("content", "expected a string or a list of parts")
    }
    var text = ""
    for part in parts {
      let type = try part.required("type", part.string("type"))
      switch type {
      case "text": text += try part.required("text", part.string("text"))
      case "refusal": text += try part.required("refusal", part.string("refusal"))
      default: throw .unsupported(part.name("type"), "'\(type.prefix(40))' parts are not read here; only 'text' is")
      }
    }
    return text
  }

  /// An assistant's earlier calls. Arguments that are a JSON object become one, as templates expect.
  private static func toolCalls(_ message: Fields) throws(APIError) -> [JSONValue]? {
    guard let calls = try message.list("tool_calls", most: 128), !calls.isEmpty else { return nil }
    var result: [JSONValue] = []
    for call in calls {
      _ = try call.string("type", oneOf: ["function"])
      let function = try call.required("function", call.fields("function"))
      let name = try function.required("name", function.string("name", most: 256))
      let text = try function.required("arguments", function.string("arguments"))
      var arguments = JSONValue.string(text)
      if let parsed = try? JSONValue(parsing: text, maximumDepth: 64), parsed.object != nil { arguments = parsed }
      var pairs: [(String, JSONValue)] = [
        ("type", "function"), ("function", .object([("name", .string(name)), ("arguments", arguments)])),
      ]
      if let id = try call.string("id", most: 256) { pairs.append(("id", .string(id))) }
      result.append(.object(pairs))
    }
    return result
  }
}
