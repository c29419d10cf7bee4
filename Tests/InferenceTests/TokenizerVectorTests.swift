// Token ids against published vectors. What makes the tokenizers behave so is tested in the other Tokenizer tests.
import Foundation
import Inference
import TestSupport
import Testing

/// The texts and ids of one vocabulary: `.inp` and `.out` of llama.cpp's vocabulary tests.
struct TokenizerVectors {
  let cases: [(text: String, ids: [Int32])]

  init(_ name: String) throws {
    let texts = try Fixtures.text("tokenizers/\(name).inp").components(separatedBy: "\n__ggml_vocab_test__\n")
    let lines = try Fixtures.text("tokenizers/\(name).out").split(separator: "\n", omittingEmptySubsequences: false)
    // 46 texts, then in some files a last one of nothing, whose line of no ids is the end of the file.
    #expect(lines.count == 47 && (46...47).contains(texts.count))
    cases = zip(texts, lines).map { ($0, $1.split(separator: " ").compactMap { Int32($0) }) }
  }

  func check(_ tokenizer: any Tokenizer, decodes: Bool = true) {
    for (text, ids) in cases {
      #expect(
        tokenizer.encode(text, parseSpecial: false, addBOS: false, addEOS: false) == ids, "\(text.debugDescription)")
      if decodes { #expect(tokenizer.decode(ids) == text) }
    }
  }
}

@Suite struct TokenizerVectorTests {
  private func tokenizer(gguf name: String) throws -> any Tokenizer {
    try TokenizerLoader.tokenizer(of: GGUFFile(path: Fixtures.path(name)))
  }

  @Test func gpt2() throws {
    try TokenizerVectors("ggml-vocab-gpt-2.gguf").check(tokenizer(gguf: "tokenizers/ggml-vocab-gpt-2.gguf"))
  }

  @Test(arguments: ["tokenizers/ggml-vocab-llama-spm.gguf", "tiny/llama-2-tiny-random.gguf"])
  func llamaSentencePiece(file: String) throws {
    try TokenizerVectors("ggml-vocab-llama-spm.gguf").check(tokenizer(gguf: file))
  }

  @Test func bertBGE() throws {
    let tokenizer = try tokenizer(gguf: "tokenizers/ggml-vocab-bert-bge.gguf")
    try TokenizerVectors("ggml-vocab-bert-bge.gguf").check(tokenizer, decodes: false)
    #expect(tokenizer.encode("Hello world") == [101, 7592, 2088, 102])
  }

  @Test(.enabled(if: RealModels.exists(RealModels.gemma3), "\(RealModels.reason)"))
  func gemma() throws {
    let tokenizer = try TokenizerLoader.tokenizer(of: GGUFFile(path: RealModels.gemma3))
    try TokenizerVectors("ggml-vocab-gemma-4.gguf").check(tokenizer)
  }

  @Test(.enabled(if: RealModels.exists(RealModels.qwenTiktoken), "\(RealModels.reason)"))
  func qwen2() throws {
    let file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: RealModels.qwenTiktoken)))
    let special: [String: Int32] = ["<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645]
    let tokenizer = try TokenizerLoader.tiktoken(file: file, preTokenizer: "qwen2", special: special)
    try TokenizerVectors("ggml-vocab-qwen2.gguf").check(tokenizer)
  }
}
