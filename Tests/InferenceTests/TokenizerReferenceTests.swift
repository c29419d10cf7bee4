// Token ids against reference implementations: published models, and small tokenizers of every kind.
import Foundation
import Inference
import TestSupport
import Testing

private func json(_ path: String) throws -> JSONValue {
  let file = try MappedFile(path: path)
  return try withExtendedLifetime(file) { try JSONValue(parsing: file.bytes) }
}

private func bytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

extension JSONValue {
  fileprivate var ids: [Int32] { (array ?? []).compactMap { $0.int.map { Int32($0) } } }
}

/// Published models whose vocabulary is no fixture.
@Suite struct RealTokenizerTests {
  private func check(
    _ name: String, _ tokenizer: any Tokenizer, addsSpecial: Bool = false, decodes: Bool = true
  ) throws {
    let file = try json(Fixtures.path("tokenizers/real-models.json"))
    let texts = try #require(file["texts"]?.array)
    let expected = try #require(file[name]?.array)
    #expect(texts.count == expected.count && texts.count > 200)
    for (text, ids) in zip(texts, expected) {
      let text = try #require(text.string)
      let found = tokenizer.encode(text, parseSpecial: false, addBOS: addsSpecial, addEOS: addsSpecial)
      #expect(found == ids.ids, "\(text.debugDescription)")
      if decodes { #expect(tokenizer.decode(found) == text) }
    }
  }

  @Test(.enabled(if: RealModels.exists(RealModels.llama3Tokenizer), "\(RealModels.reason)"))
  func llama3() throws {
    let tokenizer = try TokenizerLoader.tiktoken(
      file: bytes(RealModels.llama3Tokenizer), preTokenizer: "llama-bpe",
      special: ["<|begin_of_text|>": 128000, "<|end_of_text|>": 128001, "<|eot_id|>": 128009],
      bos: "<|begin_of_text|>", eos: "<|end_of_text|>")
    try check("llama3", tokenizer)
    #expect(tokenizer.vocabularySize == 128010)
    #expect(tokenizer.endOfGeneration == [128001, 128009])
    #expect(tokenizer.encode("hi<|eot_id|>") == [128000, 6151, 128009])
    #expect(tokenizer.decode([128000, 6151, 128009], renderSpecial: true) == "<|begin_of_text|>hi<|eot_id|>")
  }

  @Test(.enabled(if: RealModels.exists(RealModels.tekken), "\(RealModels.reason)"))
  func tekken() throws {
    let tokenizer = try TokenizerLoader.tekken(json(RealModels.tekken))
    try check("tekken", tokenizer)
    #expect(tokenizer.vocabularySize == 131072)
    #expect(tokenizer.token(for: "[INST]") == 3)
    #expect(tokenizer.encode("[INST]", addEOS: true) == [1, 3, 2])
  }

  @Test(.enabled(if: RealModels.exists(RealModels.smolLM2), "\(RealModels.reason)"))
  func smolLM2() throws {
    let tokenizer = try TokenizerLoader.tokenizer(of: GGUFFile(path: RealModels.smolLM2))
    try check("smollm2", tokenizer)
    #expect(tokenizer.addsBOS == false && tokenizer.addsEOS == false)
    #expect(tokenizer.bos == 1 && tokenizer.eos == 2)
    #expect(tokenizer.endOfGeneration == [0, 2])
    #expect(tokenizer.encode("<|im_start|>user\n<|im_end|>").count == 4)
  }

  @Test(.enabled(if: RealModels.exists(RealModels.miniLM + "/tokenizer.json"), "\(RealModels.reason)"))
  func miniLM() throws {
    let tokenizer = try TokenizerLoader.tokenizer(
      tokenizerJSON: json(RealModels.miniLM + "/tokenizer.json"),
      config: json(RealModels.miniLM + "/tokenizer_config.json"))
    try check("minilm", tokenizer, addsSpecial: true, decodes: false)
    let beside = try TokenizerLoader.tokenizer(of: WeightFiles.open(path: RealModels.miniLM))
    #expect(beside.encode("Hello") == tokenizer.encode("Hello"))
    #expect(tokenizer.bos == 101 && tokenizer.eos == 102 && tokenizer.addsBOS && tokenizer.addsEOS)
    #expect(tokenizer.decode(tokenizer.encode("Hello, world! Unbelievable.")) == "hello, world! unbelievable.")
  }

  @Test(.enabled(if: RealModels.exists(RealModels.gemma3), "\(RealModels.reason)"))
  func gemma3() throws {
    let tokenizer = try TokenizerLoader.tokenizer(of: GGUFFile(path: RealModels.gemma3))
    #expect(tokenizer.vocabularySize == 262144 && tokenizer.addsBOS && tokenizer.bos == 2)
    #expect(tokenizer.endOfGeneration == [1, 106])
    // No space before the text, and spaces side by side are tokens of their own.
    #expect(tokenizer.encode("Hello  world").first == 2)
    #expect(tokenizer.decode(tokenizer.encode(" Hello  world\n\n")) == " Hello  world\n\n")
  }
}

/// Small tokenizers of every kind that tokenizer.json and SentencePiece know.
@Suite struct SmallTokenizerTests {
  @Test(arguments: [
    "byte-level-llama3", "byte-level-prefix", "characters-byte-fallback", "unigram-metaspace", "unigram-words",
    "word-piece", "word-piece-whitespace",
  ])
  func tokenizerJSON(name: String) throws {
    let file = try json(Fixtures.path("tokenizers/small/\(name).json"))
    let tokenizer = try TokenizerLoader.tokenizer(tokenizerJSON: #require(file["tokenizer"]))
    let cases = try #require(file["cases"]?.array)
    let decoded = try #require(file["decoded"]?.array)
    #expect(cases.count == 40 && decoded.count == 40)
    for (item, back) in zip(cases, decoded) {
      let text = try #require(item["text"]?.string)
      let ids = try #require(item["ids"]).ids
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
      let plain = tokenizer.encode(text, addBOS: false, addEOS: false)
      #expect(tokenizer.decode(plain) == back.string, "\(text.debugDescription)")
    }
  }

  private func sentencePiece(_ name: String, _ more: [String: MetadataValue]) throws -> (any Tokenizer, JSONValue) {
    let file = try json(Fixtures.path("tokenizers/small/\(name).json"))
    let pieces = try #require(file["pieces"]?.array)
    var metadata = more
    metadata["tokenizer.ggml.tokens"] = .array(MetadataArray(pieces.compactMap { $0[0]?.string }))
    metadata["tokenizer.ggml.scores"] = .array(MetadataArray(pieces.compactMap { $0[1]?.double.map { Float($0) } }))
    metadata["tokenizer.ggml.token_type"] = .array(MetadataArray(pieces.compactMap { $0[2]?.int.map { Int32($0) } }))
    metadata["tokenizer.ggml.unknown_token_id"] = .uint32(UInt32(try #require(file["unknown"]?.int)))
    let map = [UInt8](try #require(Data(base64Encoded: file["charsmap"]?.string ?? "")))
    if !map.isEmpty { metadata["tokenizer.ggml.precompiled_charsmap"] = .array(MetadataArray(map)) }
    let all = metadata
    return (try TokenizerLoader.tokenizer { all[$0] }, file)
  }

  private func check(_ tokenizer: any Tokenizer, _ file: JSONValue) throws {
    let cases = try #require(file["cases"]?.array)
    #expect(cases.count >= 19)
    for item in cases {
      let text = try #require(item["text"]?.string)
      let ids = try #require(item["ids"]).ids
      let found = tokenizer.encode(text, parseSpecial: false, addBOS: false, addEOS: false)
      #expect(found == ids, "\(text.debugDescription)")
    }
  }

  @Test func sentencePieceUnigram() throws {
    let (tokenizer, file) = try sentencePiece(
      "sentencepiece-unigram",
      [
        "tokenizer.ggml.model": .string("t5"), "tokenizer.ggml.remove_extra_whitespaces": .bool(true),
        "tokenizer.ggml.add_space_prefix": .bool(true), "tokenizer.ggml.eos_token_id": .uint32(1),
      ])
    try check(tokenizer, file)
    #expect(tokenizer.encode("the").last == 1)
  }

  @Test func sentencePieceBPE() throws {
    let (tokenizer, file) = try sentencePiece(
      "sentencepiece-bpe",
      [
        "tokenizer.ggml.model": .string("llama"), "tokenizer.ggml.bos_token_id": .uint32(1),
        "tokenizer.ggml.eos_token_id": .uint32(2),
      ])
    try check(tokenizer, file)
  }

  @Test func llama2cVocabulary() throws {
    let tokenizer = try TokenizerLoader.llama2c(bytes(Fixtures.path("stories260k/tok512.bin")))
    let expected = try json(Fixtures.path("stories260k/expected_ids.json"))
    let ids = try #require(expected["greedy_ids"]).ids
    let text = try Fixtures.text("stories260k/expected_greedy_200.txt")
    #expect(tokenizer.vocabularySize == 512)
    #expect(ids.count >= 200)
    #expect(tokenizer.decode(ids).trimmingCharacters(in: .newlines) == text.trimmingCharacters(in: .newlines))
    #expect(tokenizer.encode("Once upon a time").first == 1)
    #expect(tokenizer.decode(tokenizer.encode("Zoë saw 🦙.")) == "Zoë saw 🦙.")
  }
}
