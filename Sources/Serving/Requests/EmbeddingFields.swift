// `POST /v1/embeddings` and `POST /v1/rerank`: texts in, vectors or an order out.
import Inference

/// What an embedding request asks for.
struct EmbeddingFields: Sendable {
  typealias Input = CompletionRequest.Prompt

  var inputs: [Input]
  /// Vectors as base64 of little-endian float32, in place of lists of numbers.
  var isBase64: Bool
  /// Leading components that are kept, scaled to length 1 again; nil for all.
  var dimensions: Int?

  init(_ fields: Fields, limits: ServiceLimits, vocabulary: Int, width: Int) throws(APIError) {
    inputs = try Self.inputs(fields, limits, vocabulary)
    isBase64 = try fields.string("encoding_format", oneOf: ["float", "base64"]) == "base64"
    dimensions = try fields.int("dimensions", 1...width)
  }

  private static func inputs(_ fields: Fields, _ limits: ServiceLimits, _ vocabulary: Int) throws(APIError) -> [Input] {
    let value: JSONValue = try fields.required("input", fields["input"])
    if let text = value.string { return [try nonempty(text, name: "input")] }
    guard let entries = value.array, !entries.isEmpty else {
      throw fields.wrong("input", "expected a string, a list of strings, a list of token ids, or a list of such lists")
    }
    if let first = entries.first, Fields.int(first) != nil {
      return [.tokens(try TokenList.read(entries, name: "input", vocabulary: vocabulary))]
    }
    guard entries.count <= limits.batch else {
      throw fields.wrong("input", "\(entries.count) texts, expected at most \(limits.batch)")
    }
    var result: [Input] = []
    for (index, entry) in entries.enumerated() {
      let name = "input[\(index)]"
      if let text = entry.string {
        result.append(try nonempty(text, name: name))
      } else if let list = entry.array {
        guard !list.isEmpty else { throw .invalid(name, "no tokens") }
        result.append(.tokens(try TokenList.read(list, name: name, vocabulary: vocabulary)))
      } else {
        throw .invalid(name, "expected a string or a list of token ids")
      }
    }
    return result
  }

  private static func nonempty(_ text: String, name: String) throws(APIError) -> Input {
    guard !text.isEmpty else { throw .invalid(name, "an empty text has no embedding") }
    return .text(text)
  }
}

/// What a reranking request asks for.
struct RerankFields: Sendable {
  var query: String
  var documents: [String]
  /// How many are answered with, the best ones.
  var top: Int
  var returnsDocuments: Bool

  init(_ fields: Fields, limits: ServiceLimits) throws(APIError) {
    query = try fields.required("query", fields.string("query"))
    guard !query.isEmpty else { throw fields.wrong("query", "an empty text cannot be compared") }
    let list = try fields.required("documents", fields.array("documents", most: limits.batch))
    guard !list.isEmpty else { throw fields.wrong("documents", "expected one document at least") }
    documents = []
    for (index, entry) in list.enumerated() {
      // A document is a text, or an object with one.
      guard let text = entry.string ?? entry["text"]?.string, !text.isEmpty else {
        throw .invalid("documents[\(index)]", "expected a text that is not empty, or an object with one as 'text'")
      }
      documents.append(text)
    }
    top = min(try fields.int("top_n", 1...Int(Int32.max)) ?? documents.count, documents.count)
    returnsDocuments = try fields.bool("return_documents") ?? false
  }
}
