// The functions that a request offers to the model.

/// A function that a model may call.
public struct ChatTool: Sendable, Equatable {
  public var name: String
  /// A JSON Schema of the arguments, or nil if any object will do.
  public var parameters: JSONValue?

  public init(name: String, parameters: JSONValue? = nil) {
    self.name = name
    self.parameters = parameters
  }

  /// The most tools of one request.
  public static let maximumCount = 256

  /// Reads a list as OpenAI's interface has it: `{"type": "function", "function": {"name", "parameters"}}`, or the
  /// function alone. Nil and null are no tools.
  ///
  /// - Throws: ``ChatError/invalidTool(index:reason:)`` for anything else, a name twice, or too many.
  public static func list(_ json: JSONValue?) throws(ChatError) -> [ChatTool] {
    guard let json, !json.isNull else { return [] }
    guard let list = json.array else { throw .invalidTool(index: 0, reason: "the tools are no list") }
    guard list.count <= maximumCount else {
      throw .invalidTool(index: maximumCount, reason: "more than \(maximumCount) tools")
    }
    var tools: [ChatTool] = []
    var names: Set<ExactText> = []
    for (index, value) in list.enumerated() {
      if let type = value["type"], type.string != "function", value["function"] != nil || value["name"] == nil {
        throw .invalidTool(index: index, reason: "its type is not 'function'")
      }
      let function = value["function"] ?? value
      guard let name = function["name"]?.string, !name.isEmpty, name.utf8.count <= 256 else {
        throw .invalidTool(index: index, reason: "needs a name of 1 to 256 bytes")
      }
      guard names.insert(ExactText(name)).inserted else {
        throw .invalidTool(index: index, reason: "'\(name)' is there twice")
      }
      var parameters = function["parameters"]
      if parameters?.isNull == true { parameters = nil }
      guard parameters == nil || parameters?.object != nil else {
        throw .invalidTool(index: index, reason: "its parameters are no JSON Schema object")
      }
      tools.append(ChatTool(name: name, parameters: parameters))
    }
    return tools
  }

  /// The schema of one argument, if the tool lists it.
  func schema(of argument: String) -> JSONValue? { parameters?["properties"]?[argument] }
}
