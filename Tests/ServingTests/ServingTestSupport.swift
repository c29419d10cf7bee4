// A service over tiny random models, and short ways to ask it. No tests.
import Foundation
import Inference
import Serving
import TestSupport
import Testing

/// Tokens 0 to 255 are bytes; the last one ends an answer; the others are no text.
struct ByteTokenizer: Tokenizer {
  let vocabularySize: Int
  var bos: Int32? { nil }
  var eos: Int32? { Int32(vocabularySize - 1) }
  var endOfGeneration: Set<Int32> { [Int32(vocabularySize - 1)] }
  var addsBOS: Bool { false }
  var addsEOS: Bool { false }
  var stripsLeadingSpace: Bool { false }

  func encode(_ text: [UInt8], parseSpecial: Bool, addBOS: Bool?, addEOS: Bool?) -> [Int32] { text.map { Int32($0) } }
  func bytes(of token: Int32, renderSpecial: Bool) -> [UInt8] { (0..<256).contains(token) ? [UInt8(token)] : [] }
  func isSpecial(_ token: Int32) -> Bool { token >= 256 }
  func token(for piece: String) -> Int32? { piece.utf8.count == 1 ? piece.utf8.first.map { Int32($0) } : nil }
}

enum TinyService {
  static let template = """
    {% for m in messages %}{{ m.role[0] }}:{{ m.content }}
    {% endfor %}{% if add_generation_prompt %}a:{% endif %}
    """

  /// Models `llama` and `bert`.
  ///
  /// - Parameter context: has room for the description of a tool in bytes.
  static func make(context: Int = 2_048, limits: ServiceLimits = ServiceLimits()) throws -> InferenceService {
    var options = EngineOptions()
    options.session.context = context
    let runtime = try Runtime(threads: 1)
    let llama = try Model.open(path: Fixtures.path("golden/llama"), runtime: runtime)
    let bert = try Model.open(path: Fixtures.path("golden/bert"), runtime: runtime)
    return InferenceService(
      models: [
        try ServedModel(
          label: "llama", model: llama, tokenizer: ByteTokenizer(vocabularySize: llama.configuration.vocabulary),
          template: ChatTemplate(source: template), options: options, limits: limits),
        try ServedModel(
          label: "bert", model: bert, tokenizer: ByteTokenizer(vocabularySize: bert.configuration.vocabulary),
          options: EmbeddingOptions(), limits: limits),
      ], limits: limits)
  }
}

extension InferenceService {
  /// The document that answers `body`.
  func document(_ endpoint: Endpoint, _ body: JSONValue) async throws -> JSONValue {
    guard
      case .document(200, "application/json", let bytes) = try await answer(
        endpoint, body: Array(body.serialized().utf8))
    else { throw Unexpected() }
    return try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
  }

  /// The events of the stream that answers `body`, the last of which says that it is done.
  func events(_ endpoint: Endpoint, _ body: JSONValue) async throws -> [JSONValue] {
    guard case .events(let stream) = try await answer(endpoint, body: Array(body.serialized().utf8)) else {
      throw Unexpected()
    }
    var text = ""
    try await stream.run { text += String(decoding: $0, as: UTF8.self) }
    var parts = text.components(separatedBy: "\n\n")
    #expect(parts.removeLast() == "" && parts.removeLast() == "data: [DONE]")
    return try parts.map { part in
      #expect(part.hasPrefix("data: "))
      return try JSONValue(parsing: String(part.dropFirst(6)))
    }
  }

  /// The error that `body` is refused with.
  func refusal(_ endpoint: Endpoint, _ body: String) async -> APIError? {
    do throws(APIError) {
      _ = try await answer(endpoint, body: Array(body.utf8))
      return nil
    } catch { return error }
  }
}

struct Unexpected: Error {}
