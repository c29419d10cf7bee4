// What holds for every tokenizer: round trips, broken UTF-8, long words, special tokens, streams, hostile files.
import Foundation
import Inference
import TestSupport
import Testing

private func load(_ name: String) -> Result<any Tokenizer, any Error> {
  Result { try TokenizerLoader.tokenizer(of: GGUFFile(path: Fixtures.path("tokenizers/ggml-vocab-\(name).gguf"))) }
}

private let gpt2 = load("gpt-2")
private let llama = load("llama-spm")
private let bert = load("bert-bge")

/// Bytes that are UTF-8 nowhere, or only in part.
private let brokenTexts: [[UInt8]] = [
  [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0xA6], [0x80, 0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80],
  [0xF4, 0x90, 0x80, 0x80], Array("a".utf8) + [0xE4, 0xBD] + Array("b\n".utf8), [0x20, 0xFE, 0x20, 0xF8, 0x88],
]

@Suite struct TokenizerBehaviourTests {
  @Test func textComesBack() throws {
    let texts = ["", " ", "  ", "\n", " Hello ", "naïve 日本語 🏳️‍🌈\r\n", "▁x", "<0x41>", "\u{0}\u{1}"]
    for text in texts {
      for tokenizer in [try gpt2.get(), try llama.get()] {
        // U+2581 means a space to SentencePiece, which cannot tell them apart.
        if text.contains("▁"), tokenizer.stripsLeadingSpace { continue }
        #expect(tokenizer.decode(tokenizer.encode(text)) == text)
      }
    }
  }

  @Test(arguments: brokenTexts)
  func brokenUTF8KeepsItsBytes(text: [UInt8]) throws {
    for tokenizer in [try gpt2.get(), try llama.get()] {
      let ids = tokenizer.encode(text, parseSpecial: true, addBOS: false, addEOS: false)
      #expect(tokenizer.decodeBytes(ids) == text)
      #expect(tokenizer.decode(ids) == String(decoding: text, as: UTF8.self))
    }
    let ids = try bert.get().encode(text, parseSpecial: true, addBOS: true, addEOS: true)
    #expect(ids.first == 101 && ids.last == 102)
  }

  @Test func aLongWordIsNoTrouble() throws {
    let word = Array(repeating: UInt8(ascii: "a"), count: 1 << 20)
    for tokenizer in [try gpt2.get(), try llama.get()] {
      let ids = tokenizer.encode(word, parseSpecial: false, addBOS: false, addEOS: false)
      #expect(ids.count < word.count / 2)
      #expect(tokenizer.decodeBytes(ids) == word)
    }
    #expect(try bert.get().encode(word, parseSpecial: false, addBOS: false, addEOS: false) == [100])
  }

  @Test func longRunsOfSpacesAndMarksAreNoTrouble() throws {
    for unit in [" ", "\n", "e\u{301}", "'", "🦙", "Aa"] {
      let text = Array(String(repeating: unit, count: 100_000).utf8)
      for tokenizer in [try gpt2.get(), try llama.get()] {
        let ids = tokenizer.encode(text, parseSpecial: true, addBOS: false, addEOS: false)
        #expect(tokenizer.decodeBytes(ids) == text)
      }
    }
  }

  @Test func manyWordsAreRememberedRightly() throws {
    // More different words than are remembered, each twice: a remembered word must give what it gave at first.
    let tokenizer = try gpt2.get()
    let words = (0..<20_000).map { " w\($0 * 7919 % 100_003)x" }
    let once = words.map { tokenizer.encode($0, addBOS: false) }.flatMap { $0 }
    #expect(tokenizer.encode(words.joined() + words.joined(), addBOS: false) == once + once)
  }

  @Test func specialTokensAreParsedOnlyWhenAskedFor() throws {
    let tokenizer = try gpt2.get()
    let text = "a<|endoftext|>b"
    #expect(tokenizer.encode(text).contains(50256))
    let plain = tokenizer.encode(text, parseSpecial: false)
    #expect(!plain.contains(50256))
    #expect(tokenizer.decode(plain) == text)
    #expect(tokenizer.isSpecial(50256) && !tokenizer.isSpecial(0) && !tokenizer.isSpecial(-1))
    #expect(tokenizer.bytes(of: 50256, renderSpecial: false).isEmpty)
    #expect(tokenizer.decode([50256], renderSpecial: true) == "<|endoftext|>")
    #expect(tokenizer.token(for: "<|endoftext|>") == 50256)
    #expect(tokenizer.token(for: " the") == 262)
    #expect(tokenizer.token(for: "no such token") == nil)
    #expect(tokenizer.endOfGeneration == [50256])
  }

  @Test func openingAndClosingTokensFollowTheModelAndTheCaller() throws {
    let tokenizer = try llama.get()
    #expect(tokenizer.addsBOS && !tokenizer.addsEOS && tokenizer.bos == 1 && tokenizer.eos == 2)
    #expect(tokenizer.encode("hi") == [1, 7251])
    #expect(tokenizer.encode("hi", addBOS: false, addEOS: true) == [7251, 2])
    #expect(tokenizer.encode("", addBOS: false).isEmpty)
    #expect(tokenizer.decode([1, 7251], renderSpecial: true) == "<s>hi")
  }

  @Test func idsOutOfRangeAreNothing() throws {
    for tokenizer in [try gpt2.get(), try llama.get(), try bert.get()] {
      for id in [-1, Int32.min, Int32.max, Int32(tokenizer.vocabularySize)] {
        #expect(tokenizer.bytes(of: id, renderSpecial: true).isEmpty)
        #expect(!tokenizer.isSpecial(id))
      }
    }
  }
}

@Suite struct StreamDecoderTests {
  private static let text = "Zoë, 日本語: 🏳️‍🌈 ½ e\u{301}\u{1F999}."

  /// Every way to cut the text in two, by a tokenizer that says every byte alone.
  @Test func neverEndsInsideACharacter() throws {
    let tokenizer = try llama.get()
    let bytes = Array(Self.text.utf8)
    let ids = bytes.map { Int32($0) + 3 }
    #expect(tokenizer.decodeBytes(ids) == bytes)
    for cut in 0...ids.count {
      var decoder = StreamDecoder(tokenizer: tokenizer)
      var shown = ""
      for id in ids[..<cut] { shown += decoder.append(id) }
      #expect(Self.text.unicodeScalars.starts(with: shown.unicodeScalars))
      let rest = bytes.count - shown.utf8.count
      #expect(cut - shown.utf8.count < 4 && rest >= 0)
      var ended = decoder
      #expect(shown + ended.finish() == String(decoding: bytes[..<cut], as: UTF8.self))
      for id in ids[cut...] { shown += decoder.append(id) }
      #expect(shown + decoder.finish() == Self.text)
    }
  }

  @Test(arguments: brokenTexts)
  func brokenBytesAreRepairedAsInOneGo(text: [UInt8]) throws {
    let ids = (text + Array("é".utf8) + text).map { Int32($0) + 3 }
    var decoder = StreamDecoder(tokenizer: try llama.get(), atTextStart: true)
    var shown = ""
    for id in ids { shown += decoder.append(id) }
    shown += decoder.finish()
    #expect(shown == (try llama.get().decode(ids)))
    #expect(decoder.finish().isEmpty)
  }

  @Test func theFirstSpaceGoesOnlyWhereATextBegins() throws {
    let ids = try llama.get().encode("hi there")
    var opening = StreamDecoder(tokenizer: try llama.get(), atTextStart: true)
    #expect(ids.map { opening.append($0) }.joined() == "hi there")
    var continuing = StreamDecoder(tokenizer: try llama.get())
    #expect(ids.map { continuing.append($0) }.joined() == " hi there")
    var named = StreamDecoder(tokenizer: try llama.get(), renderSpecial: true, atTextStart: true)
    #expect(ids.map { named.append($0) }.joined() == "<s>hi there")
  }
}

/// Files that contradict themselves.
@Suite struct HostileTokenizerTests {
  private static let tokens: [String] = ["<unk>", "a", "b", "ab", "c", "▁", "a", ""]

  private func load(_ changes: [String: MetadataValue?], model: String = "llama") throws -> any Tokenizer {
    var metadata: [String: MetadataValue] = [
      "tokenizer.ggml.model": .string(model), "tokenizer.ggml.tokens": .array(MetadataArray(Self.tokens)),
      "tokenizer.ggml.scores": .array(MetadataArray([0, 0, 0, -1, .nan, .infinity, -.infinity, 0] as [Float])),
      "tokenizer.ggml.merges": .array(MetadataArray(["a b", "ab c", "x y", "a", "", " ", "a b", "  "])),
      "tokenizer.ggml.unknown_token_id": .uint32(0),
    ]
    for (key, value) in changes { metadata["tokenizer.ggml." + key] = value }
    let all = metadata
    return try TokenizerLoader.tokenizer { all[$0] }
  }

  @Test(arguments: ["llama", "gpt2", "t5", "bert"])
  func oddVocabulariesStillTokenize(model: String) throws {
    let tokenizer = try load([:], model: model)
    for text in ["abc", "abab", "zz", "", "a b", "日本"] {
      let ids = tokenizer.encode(text)
      #expect(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize })
      _ = tokenizer.decode(ids)
    }
    // Of equal pieces the first is the one.
    #expect(model == "bert" || tokenizer.token(for: "a") == 1)
  }

  @Test func mergesOfUnknownPiecesDoNotApply() throws {
    let tokenizer = try load(["pre": .string("gpt-2")], model: "gpt2")
    #expect(tokenizer.encode("abc") == [3, 4])
    // Bytes that the vocabulary cannot say are left out.
    #expect(tokenizer.encode("azb") == [1, 2])
  }

  @Test func everyContradictionIsNamed() {
    let cases: [(String, MetadataValue?, String)] = [
      ("model", nil, "tokenizer.ggml.model"), ("model", .string("none"), "none"),
      ("model", .uint32(1), "tokenizer.ggml.model"), ("tokens", nil, "tokenizer.ggml.tokens"),
      ("tokens", .array(MetadataArray([String]())), "tokenizer.ggml.tokens"),
      ("tokens", .array(MetadataArray([1, 2] as [Int32])), "tokenizer.ggml.tokens"),
      ("scores", nil, "tokenizer.ggml.scores"),
      ("scores", .array(MetadataArray([0] as [Float])), "tokenizer.ggml.scores"),
      ("scores", .array(MetadataArray(["x"])), "tokenizer.ggml.scores"),
      ("token_type", .array(MetadataArray([1] as [Int32])), "tokenizer.ggml.token_type"),
      ("unknown_token_id", .uint32(8), "tokenizer.ggml.unknown_token_id"),
      ("bos_token_id", .int32(-1), "tokenizer.ggml.bos_token_id"),
      ("eos_token_id", .uint32(.max), "tokenizer.ggml.eos_token_id"),
      ("eot_token_id", .string("x"), "tokenizer.ggml.eot_token_id"),
    ]
    for (key, value, named) in cases {
      #expect { try load([key: value]) } throws: { "\($0)".contains(named) && $0 is TextError }
    }
    #expect { try load(["merges": nil], model: "gpt2") } throws: { "\($0)".contains("merges") }
    #expect { try load(["pre": .string("odd")], model: "gpt2") } throws: { "\($0)".contains("odd") }
    #expect {
      try load(["precompiled_charsmap": .array(MetadataArray([9, 0, 0, 0, 1] as [UInt8]))], model: "t5")
    } throws: { "\($0)".contains("precompiled_charsmap") }
  }

  @Test func aTrieThatPointsAnywhereEnds() throws {
    // 64 units of random bits: offsets go out of range or in circles.
    var state: UInt32 = 1
    var map: [UInt8] = [0, 1, 0, 0]
    for _ in 0..<256 {
      state = state &* 1_664_525 &+ 1_013_904_223
      map.append(UInt8(state >> 24))
    }
    let tokenizer = try load(["precompiled_charsmap": .array(MetadataArray(map))], model: "t5")
    for byte in UInt8.min...UInt8.max {
      _ = tokenizer.encode(Array(repeating: byte, count: 9), parseSpecial: false, addBOS: nil, addEOS: nil)
    }
  }

  @Test(arguments: [
    ("{}", "model"), (#"{"model": {"type": "Odd"}}"#, "Odd"), (#"{"model": {"type": "BPE"}}"#, "model.vocab"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0}}}"#, "model.merges"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [1]}}"#, "model.merges[0]"),
    (#"{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}"#, "-1"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 2000000000}, "merges": []}}"#, "2000000000"),
    (#"{"model": {"type": "BPE", "vocab": {"a": "x"}, "merges": []}}"#, "model.vocab"),
    (#"{"model": {"type": "BPE", "vocab": {}, "merges": []}}"#, "empty"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "end_of_word_suffix": "</w>"}}"#, "</w>"),
    (#"{"model": {"type": "Unigram", "vocab": [["a"]]}}"#, "model.vocab[0]"),
    (#"{"added_tokens": [{"id": 1}], "model": {"type": "BPE"}}"#, "added_tokens[0]"),
    (#"{"normalizer": {"type": "NFKC"}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#, "NFKC"),
    (
      #"{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(odd)"}}, "model": {"type": "BPE"}}"#, "(odd)"
    ),
    (
      #"{"post_processor": {"type": "BertProcessing", "cls": ["c", 7], "sep": ["s", 0]}, "#
        + #""model": {"type": "WordPiece", "vocab": {"a": 0}}}"#, "post_processor"
    ),
  ])
  func everyOddTokenizerJSONIsNamed(text: String, named: String) throws {
    let json = try JSONValue(parsing: text)
    #expect { try TokenizerLoader.tokenizer(tokenizerJSON: json) } throws: {
      "\($0)".contains(named) && $0 is TextError
    }
  }

  @Test func aMissingTokenizerIsNamed() throws {
    let file = try WeightFiles.open(path: Fixtures.path("golden/llama"))
    #expect { try TokenizerLoader.tokenizer(of: file) } throws: { "\($0)".contains("is missing beside") }
  }

  @Test func deepSequencesAreRefused() throws {
    for (key, list) in [("normalizer", "normalizers"), ("pre_tokenizer", "pretokenizers")] {
      var step = #"{"type": "Lowercase"}"#
      for _ in 0..<50 { step = #"{"type": "Sequence", "\#(list)": [\#(step)]}"# }
      let json = try JSONValue(
        parsing: #"{"\#(key)": \#(step), "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#)
      #expect(throws: TextError.self) { try TokenizerLoader.tokenizer(tokenizerJSON: json) }
    }
  }

  @Test func brokenListsAreNamed() {
    for (text, named) in [
      ("YQ==", "line 1"), ("YQ== 0\n*** 1", "line 2"), ("YQ== -1", "line 1"), ("YQ== 0\nYg== 0", "twice"),
      ("YQ== 99999999999", "99999999999"), ("", "empty"),
    ] {
      #expect {
        try TokenizerLoader.tiktoken(file: Array(text.utf8), preTokenizer: "gpt-2", special: [:])
      } throws: { "\($0)".contains(named) }
    }
    #expect(throws: TextError.self) {
      try TokenizerLoader.tiktoken(file: Array("YQ== 0".utf8), preTokenizer: "odd", special: [:])
    }
    #expect(throws: TextError.self) {
      try TokenizerLoader.tiktoken(file: Array("YQ== 0".utf8), preTokenizer: "gpt-2", special: ["<s>": -5])
    }
    for file: [UInt8] in [[], [1, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255], [1, 0, 0, 0, 0, 0]] {
      #expect(throws: TextError.self) { try TokenizerLoader.llama2c(file) }
    }
    for text in [
      "{}", #"{"config": {"pattern": "(odd)"}}"#,
      #"{"config": {"pattern": "\\p{N}", "default_vocab_size": 9, "default_num_special_tokens": 3}, "vocab": []}"#,
      #"{"config": {"pattern": "\\p{N}", "default_vocab_size": 1, "default_num_special_tokens": 0}, "vocab": [{}]}"#,
    ] {
      #expect(throws: TextError.self) { try TokenizerLoader.tekken(JSONValue(parsing: text)) }
    }
  }
}
