// Short forms for the objects that answers are made of.
import Inference

extension JSONValue {
  static func object(_ pairs: [(String, JSONValue)]) -> JSONValue { .object(JSONObject(pairs)) }

  /// The text, or null.
  init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }

  init(_ count: Int) { self = .int(Int64(count)) }

  /// The JSON text's bytes.
  var bytes: [UInt8] { Array(serialized().utf8) }
}
