// What an answer is held to: `response_format`, and the grammar and regular expression that other servers take too.
import Inference

/// The texts that may be generated, as a request describes them.
enum OutputFormat: Equatable, Sendable {
  case text
  /// JSON valid against this schema, in its JSON text.
  case schema(String)
  case grammar(String)
  case regex(String)

  init(_ fields: Fields) throws(APIError) {
    self = try Self.responseFormat(fields) ?? .text
    let others: [(String, (String) -> OutputFormat)] = [("grammar", Self.grammar), ("regex", Self.regex)]
    for (name, make) in others {
      guard let text = try fields.string(name) else { continue }
      guard self == .text else { throw fields.wrong(name, "one of response_format, grammar and regex is enough") }
      self = make(text)
    }
  }

  /// The field that it came from, for errors.
  var param: String {
    switch self {
    case .text, .schema: "response_format"
    case .grammar: "grammar"
    case .regex: "regex"
    }
  }

  /// Tells it from others; nil for free text.
  var key: String? {
    switch self {
    case .text: nil
    case .schema(let text): "schema\n" + text
    case .grammar(let text): "grammar\n" + text
    case .regex(let text): "regex\n" + text
    }
  }

  private static func responseFormat(_ fields: Fields) throws(APIError) -> OutputFormat? {
    guard let format = try fields.fields("response_format") else { return nil }
    let type = try format.required(
      "type", format.string("type", oneOf: ["text", "json_object", "json_schema"]))
    switch type {
    case "json_object": return .schema(#"{"type":"object"}"#)
    case "json_schema":
      let outer = try format.required("json_schema", format.fields("json_schema"))
      let name = try outer.required("name", outer.string("name"))
      guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(\.isNameByte) else {
        throw outer.wrong("name", "expected 1 to 64 letters, digits, '_' and '-'")
      }
      _ = try outer.bool("strict")
      _ = try outer.string("description")
      guard let schema = outer["schema"] else { return .schema(#"{"type":"object"}"#) }
      guard schema.object != nil || schema.bool != nil else { throw outer.wrong("schema", "expected an object") }
      return .schema(schema.serialized())
    default: return nil
    }
  }
}

extension UInt8 {
  /// Whether the byte may stand in the name of a function or a schema.
  var isNameByte: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
