// What several subcommands take from a model's path: its weights and its tokenizer.
import Inference

enum ModelFiles {
  static func tokenizer(of path: String) throws -> any Tokenizer {
    try TokenizerLoader.tokenizer(of: WeightFiles.open(path: path))
  }

  /// The model's own chat template.
  static func chatTemplate(of path: String) throws -> ChatTemplate {
    let file = try WeightFiles.open(path: path)
    var source: String?
    if let gguf = file as? GGUFFile { source = try gguf.valueIfPresent("tokenizer.chat_template", \.string) }
    if let folder = file as? SafetensorsFile {
      source = try folder.chatTemplate ?? (try folder.tokenizerConfig?["chat_template"]?.string)
    }
    guard let source else { throw Failure("\(path): holds no chat template", hint: "Leave --chat out.") }
    return try ChatTemplate(source: source)
  }

  /// What templates expect beside the messages.
  static func templateVariables(_ tokenizer: any Tokenizer) -> [String: JSONValue] {
    func piece(_ token: Int32?) -> JSONValue {
      .string(token.map { String(decoding: tokenizer.bytes(of: $0, renderSpecial: true), as: UTF8.self) } ?? "")
    }
    return ["bos_token": piece(tokenizer.bos), "eos_token": piece(tokenizer.eos)]
  }
}

/// Stands in where a model has no vocabulary and ids go in and out.
struct TokenizerOfNothing: Tokenizer {
  let vocabularySize: Int
  var bos: Int32? { nil }
  var eos: Int32? { nil }
  var endOfGeneration: Set<Int32> { [] }
  var addsBOS: Bool { false }
  var addsEOS: Bool { false }
  var stripsLeadingSpace: Bool { false }
  func encode(_ text: [UInt8], parseSpecial: Bool, addBOS: Bool?, addEOS: Bool?) -> [Int32] { [] }
  func bytes(of token: Int32, renderSpecial: Bool) -> [UInt8] { [] }
  func isSpecial(_ token: Int32) -> Bool { false }
  func token(for piece: String) -> Int32? { nil }
}
