// What comes out of a model's answer: text, reasoning and tool calls, as a parser reads them. No parsing here.

/// A part of an answer, in the order in which the model wrote it. Texts are pieces to be put together.
///
/// A call is told of when all of it was read and found valid: `toolCallBegan`, its arguments, `toolCallEnded`, with no
/// other event between.
public enum ChatEvent: Sendable, Equatable {
  case content(String)
  case reasoning(String)
  /// The call number `index` of this answer, from 0.
  case toolCallBegan(index: Int, id: String, name: String)
  /// A piece of the arguments: all pieces together are a JSON object, as the model wrote it where it writes JSON.
  case toolCallArguments(index: Int, String)
  case toolCallEnded(index: Int)
  /// What began as a call is none. Its text, marks included, follows as content.
  case malformedCall(MalformedCall)
}

/// Why something that began as a tool call is not one.
public enum MalformedCall: Error, Sendable, Equatable, CustomStringConvertible {
  /// `offset` counts bytes from where the JSON begins.
  case invalidJSON(JSONError)
  /// The call does not say which function.
  case noName
  case argumentsAreNoObject
  /// Something else stands where the call should go on or end.
  case unexpectedText
  /// The answer ended inside the call.
  case unfinished

  public var description: String {
    switch self {
    case .invalidJSON(let error): "tool call: \(error)"
    case .noName: "tool call: no function's name"
    case .argumentsAreNoObject: "tool call: the arguments are no JSON object"
    case .unexpectedText: "tool call: not written as the model's format has it"
    case .unfinished: "tool call: the answer ends inside it"
    }
  }
}

/// What is wrong with a request's tools, or with forcing a call of one.
public enum ChatError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalidTool(index: Int, reason: String)
  case unknownTool(name: String)
  /// The format can't be held to a call.
  case cannotForce(format: String, reason: String)
  case grammar(GrammarError)

  public var description: String {
    switch self {
    case .invalidTool(let index, let reason): "tools[\(index)]: \(reason)"
    case .unknownTool(let name): "no tool is called '\(name)'"
    case .cannotForce(let format, let reason): "a call can't be forced in the format '\(format)': \(reason)"
    case .grammar(let error): error.description
    }
  }
}
