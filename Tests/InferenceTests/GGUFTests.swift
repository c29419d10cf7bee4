// GGUF reading: good files, their values, split sets. Hostile files are in GGUFHostileTests.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct GGUFTests {
  @Test func goldenMetadata() throws {
    let file = try GGUFFile(path: Fixtures.path("golden/llama/model.f32.gguf"))
    #expect(file.version == 3)
    #expect(file.alignment == 32)
    #expect(try file.value("general.architecture", \.string) == "llama")
    #expect(try file.value("llama.block_count", \.int) == 3)
    #expect(try file.value("llama.embedding_length", \.int) == 64)
    #expect(file.metadata.first?.key == "general.architecture")
    #expect(file.metadata.count == 26)
    #expect(file.tensorNames.count == 30)
    #expect(file.totalBytes == (try Fixtures.data("golden/llama/model.f32.gguf")).count)
  }

  @Test func missingAndWrongKeysAreNamed() throws {
    let path = Fixtures.path("golden/llama/model.f32.gguf")
    let file = try GGUFFile(path: path)
    #expect(throws: WeightError.missingKey(key: "llama.absent", path: path)) {
      try file.value("llama.absent", \.int)
    }
    #expect(try file.valueIfPresent("llama.absent", \.int) == nil)
    let wrong = WeightError.wrongType(
      key: "general.architecture", expected: "Int", found: "the string 'llama'", path: path)
    #expect(throws: wrong) { try file.valueIfPresent("general.architecture", \.int) }
    #expect(throws: WeightError.missingTensor(name: "absent", path: path)) { try file.tensor("absent") }
    #expect(file.tensorIfPresent("absent") == nil)
    let shape = WeightError.wrongShape(tensor: "token_embd.weight", expected: [1, 2], found: [512, 64], path: path)
    #expect(throws: shape) { try file.tensor("token_embd.weight", shape: [1, 2]) }
  }

  /// The same weights in both containers. Query and key rows of Llama are permuted in GGUF and norms of Gemma are
  /// shifted by one, so that these are left to the models' tests.
  @Test(arguments: ["llama", "qwen2", "gemma3_text"]) func valuesEqualTheSafetensorsTwin(name: String) throws {
    let gguf = try GGUFFile(path: Fixtures.path("golden/\(name)/model.f32.gguf"))
    let twin = try SafetensorsFile(path: Fixtures.path("golden/\(name)"))
    var pairs = [("token_embd.weight", "model.embed_tokens.weight")]
    for block in 0..<(try gguf.value("\(try gguf.value("general.architecture", \.string)).block_count", \.int)) {
      let (a, b) = ("blk.\(block).", "model.layers.\(block).")
      pairs.append((a + "attn_v.weight", b + "self_attn.v_proj.weight"))
      pairs.append((a + "attn_output.weight", b + "self_attn.o_proj.weight"))
      pairs.append((a + "ffn_gate.weight", b + "mlp.gate_proj.weight"))
      pairs.append((a + "ffn_down.weight", b + "mlp.down_proj.weight"))
    }
    for (ours, theirs) in pairs {
      let (left, right) = (try gguf.tensor(ours), try twin.tensor(theirs))
      #expect(left.shape == right.shape, "\(ours)")
      #expect(floats(left) == floats(right), "\(ours)")
    }
  }

  @Test func foreignFileWithAVocabulary() throws {
    let file = try GGUFFile(path: Fixtures.path("tiny/llama-2-tiny-random.gguf"))
    let tokens = try file.value("tokenizer.ggml.tokens", \.strings)
    #expect(tokens.count == 32_000)
    #expect(tokens[0] == "<unk>")
    #expect(tokens[29_871] == "\u{2581}")
    #expect(try file.value("tokenizer.ggml.scores", \.floats).count == 32_000)
    #expect(try file.value("tokenizer.ggml.token_type", \.ints).prefix(4) == [2, 3, 3, 6])
    #expect(try file.tensor("token_embd.weight").format == .f16)
    #expect(try file.value("tokenizer.ggml.tokens", \.byteStrings)[29_871] == [0xE2, 0x96, 0x81])
    let spm = try GGUFFile(path: Fixtures.path("tokenizers/ggml-vocab-llama-spm.gguf"))
    #expect(try spm.value("tokenizer.ggml.tokens", \.strings) == tokens)
    #expect(spm.tensorNames.isEmpty)
  }

  @Test func everyMetadataType() throws {
    var build = GGUFBytes(version: 2, tensors: 0, keys: 14)
    build.key("u8", type: 0); build.add(UInt8.max)
    build.key("i8", type: 1); build.add(Int8.min)
    build.key("u16", type: 2); build.add(UInt16.max)
    build.key("i16", type: 3); build.add(Int16.min)
    build.key("u32", type: 4); build.add(UInt32.max)
    build.key("i32", type: 5); build.add(Int32.min)
    build.key("f32", type: 6); build.add(Float(1.5).bitPattern)
    build.key("bool", type: 7); build.add(UInt8(1))
    build.key("string", type: 8); build.add("né")
    build.key("u64", type: 10); build.add(UInt64.max)
    build.key("i64", type: 11); build.add(Int64.min)
    build.key("f64", type: 12); build.add(Double.pi.bitPattern)
    build.key("bools", type: 9); build.add(UInt32(7)); build.add(UInt64(2)); build.bytes += [1, 0]
    build.key("nested", type: 9); build.add(UInt32(9)); build.add(UInt64(2))
    build.add(UInt32(5)); build.add(UInt64(2)); build.add(Int32(-3)); build.add(Int32(4))
    build.add(UInt32(8)); build.add(UInt64(1)); build.add("x")
    let file = try build.parse()
    #expect(file.version == 2)
    #expect(file["u8"] == .uint8(.max))
    #expect(file["i8"] == .int8(.min))
    #expect(file["u16"] == .uint16(.max))
    #expect(file["i16"] == .int16(.min))
    #expect(file["u32"]?.int == Int(UInt32.max))
    #expect(file["i32"]?.int == Int(Int32.min))
    #expect(file["f32"]?.double == 1.5)
    #expect(file["bool"]?.bool == true)
    #expect(file["string"]?.string == "né")
    #expect(file["u64"] == .uint64(.max))
    #expect(file["u64"]?.int == nil)
    #expect(file["i64"]?.int == .min)
    #expect(file["f64"]?.double == .pi)
    #expect(file["bools"]?.bools == [true, false])
    let inner = try #require(file["nested"]?.array?.arrays)
    #expect(inner.map(\.elementType) == [.int32, .string])
    #expect(inner[0].ints == [-3, 4])
    #expect(inner[1].strings == ["x"])
    #expect(file.metadata.map(\.key).prefix(3) == ["u8", "i8", "u16"])
  }

  @Test func unknownTensorTypeIsListedAndRefused() throws {
    var build = GGUFBytes(tensors: 2, keys: 0)
    build.tensor("known", [8])
    build.tensor("foreign", [8], type: 4_000, offset: 32)
    build.data(40)
    let file = try build.parse()
    #expect(file.tensorNames == ["known", "foreign"])
    #expect(file.tensorDescriptions[1].formatName == "GGUF type 4000")
    #expect(file.tensorDescriptions[1].byteCount == nil)
    #expect(try file.tensor("known").count == 8)
    let error = #expect(throws: WeightError.self) { try file.tensor("foreign") }
    guard case .unsupported(_, let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains("foreign") && reason.contains("4000"))
  }

  @Test func alignmentIsTheFilesOwn() throws {
    var build = GGUFBytes(tensors: 1, keys: 1)
    build.key("general.alignment", 64)
    build.tensor("t", [4])
    build.data(16, alignment: 64)
    let file = try build.parse()
    #expect(file.alignment == 64)
    #expect(try file.tensor("t").fileOffset % 64 == 0)
    #expect(try Array(file.tensor("t").bytes) == Array(0..<16))
  }

  @Test func discardedPagesComeBack() throws {
    let file = try GGUFFile(path: Fixtures.path("golden/llama/model.f32.gguf"))
    let tensor = try file.tensor("token_embd.weight")
    let before = floats(tensor)
    tensor.discard()
    file.files[0].discard(0..<Int.max)
    #expect(floats(tensor) == before)
  }
}

@Suite struct GGUFSplitTests {
  /// A part with one tensor of eight floats.
  private func part(_ number: Int, of count: Int, tensor: String, total: Int = 3) -> [UInt8] {
    var build = GGUFBytes(tensors: 1, keys: number == 0 ? 4 : 3)
    if number == 0 { build.key("answer", 42) }
    build.key("split.no", type: 2); build.add(UInt16(number))
    build.key("split.count", type: 2); build.add(UInt16(count))
    build.key("split.tensors.count", type: 5); build.add(Int32(total))
    build.tensor(tensor, [8])
    build.data(32)
    return build.bytes
  }

  private func folder(_ parts: [(String, [UInt8])]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, bytes) in parts { try Data(bytes).write(to: folder.url.appendingPathComponent(name)) }
    return folder
  }

  @Test(arguments: 1...3) func openedThroughAnyPart(number: Int) throws {
    let folder = try folder(
      (0..<3).map { ("m-0000\($0 + 1)-of-00003.gguf", part($0, of: 3, tensor: "t\($0)")) })
    let file = try GGUFFile(path: folder.path("m-0000\(number)-of-00003.gguf"))
    #expect(file.tensorNames == ["t0", "t1", "t2"])
    #expect(file["answer"]?.int == 42)
    #expect(file.files.count == 3)
    #expect(try file.tensor("t2").file.path == folder.path("m-00003-of-00003.gguf"))
  }

  @Test func aMissingPartIsNamed() throws {
    let folder = try folder([("m-00001-of-00003.gguf", part(0, of: 3, tensor: "a"))])
    #expect(
      throws: WeightError.cannotOpen(
        path: folder.path("m-00002-of-00003.gguf"), reason: "No such file or directory")
    ) { try GGUFFile(path: folder.path("m-00001-of-00003.gguf")) }
  }

  @Test(arguments: ["m.gguf", "m-00002-of-00002.gguf", "m-00001-of-00009.gguf", "m-1-of-00002.gguf", "-of-00002.gguf"])
  func aWrongNameIsRefused(name: String) throws {
    let folder = try folder([(name, part(0, of: 2, tensor: "a"))])
    #expect(throws: WeightError.self) { try GGUFFile(path: folder.path(name)) }
  }

  @Test func partsMustAgree() throws {
    let names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]
    let first = part(0, of: 2, tensor: "a", total: 2)
    let wrongSeconds = [
      part(0, of: 2, tensor: "b", total: 2), part(1, of: 3, tensor: "b", total: 2),
      part(1, of: 2, tensor: "a", total: 2),
    ]
    for second in wrongSeconds {
      let folder = try folder([(names[0], first), (names[1], second)])
      #expect(throws: WeightError.self) { try GGUFFile(path: folder.path(names[0])) }
    }
    let short = try folder([
      (names[0], part(0, of: 2, tensor: "a", total: 3)), (names[1], part(1, of: 2, tensor: "b", total: 3)),
    ])
    #expect(throws: WeightError.self) { try GGUFFile(path: short.path(names[0])) }
  }
}
