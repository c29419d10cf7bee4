// An answer as a whole, and messages in the form that templates want.

/// A call as a message has it.
public struct ChatToolCall: Sendable, Equatable {
  public var id: String
  public var name: String
  /// A JSON object, as text.
  public var arguments: String

  public init(id: String, name: String, arguments: String) {
    self.id = id
    self.name = name
    self.arguments = arguments
  }
}

/// What an answer's events add up to.
public struct ChatMessage: Sendable, Equatable {
  public var content = ""
  public var reasoning = ""
  public var calls: [ChatToolCall] = []
  /// Why what began as calls is in the content.
  public var malformed: [MalformedCall] = []

  public init() {}

  public init(_ events: some Sequence<ChatEvent>) {
    for event in events { add(event) }
  }

  /// Adds one event.
  public mutating func add(_ event: ChatEvent) {
    switch event {
    case .content(let text): content += text
    case .reasoning(let text): reasoning += text
    case .toolCallBegan(_, let id, let name): calls.append(ChatToolCall(id: id, name: name, arguments: ""))
    case .toolCallArguments(let index, let text) where calls.indices.contains(index): calls[index].arguments += text
    case .toolCallArguments, .toolCallEnded: break
    case .malformedCall(let reason): malformed.append(reason)
    }
  }

  /// The message for a template: `role`, `content`, and where there are any `reasoning_content` and `tool_calls`, whose
  /// arguments are objects.
  public var templateValue: JSONValue {
    var object = JSONObject([("role", "assistant"), ("content", .string(content))])
    if !reasoning.isEmpty { object["reasoning_content"] = .string(reasoning) }
    if !calls.isEmpty {
      object["tool_calls"] = .array(
        calls.map { call in
          [
            "id": .string(call.id), "type": "function",
            "function": [
              "name": .string(call.name),
              "arguments": (try? JSONValue(parsing: call.arguments)) ?? .string(call.arguments),
            ],
          ]
        })
    }
    return .object(object)
  }
}

extension ChatFormat {
  /// Reads a whole answer.
  public func message(of text: String, options: ChatParserOptions = ChatParserOptions()) -> ChatMessage {
    var parser = ChatParser(self, options: options)
    var message = ChatMessage(parser.append(text))
    for event in parser.finish() { message.add(event) }
    return message
  }

  /// A message of OpenAI's interface in the form that templates read: arguments of calls as objects rather than texts,
  /// content of text parts as one text, no content as an empty one. Anything else stays as it is.
  public static func templateMessage(_ message: JSONValue) -> JSONValue {
    guard var object = message.object else { return message }
    if let parts = object["content"]?.array {
      let texts = parts.map { $0["type"]?.string == "text" ? $0["text"]?.string : nil }
      if !texts.contains(nil) { object["content"] = .string(texts.compactMap(\.self).joined(separator: "\n")) }
    } else if object["content"]?.isNull ?? true, object["role"]?.string == "assistant" {
      object["content"] = ""
    }
    if let calls = object["tool_calls"]?.array {
      object["tool_calls"] = .array(calls.map(templateCall))
    } else if object["tool_calls"] != nil {
      // Some templates only ask whether the name is there.
      object["tool_calls"] = nil
    }
    return .object(object)
  }

  private static func templateCall(_ call: JSONValue) -> JSONValue {
    guard var object = call.object, var function = object["function"]?.object,
      let text = function["arguments"]?.string, let arguments = try? JSONValue(parsing: text), arguments.object != nil
    else { return call }
    function["arguments"] = arguments
    object["function"] = .object(function)
    return .object(object)
  }
}
