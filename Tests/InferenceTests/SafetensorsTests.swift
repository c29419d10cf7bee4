// Safetensors reading: single files, folders, shards, and files from somebody who wishes us ill.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  /// A file of this header and so many bytes of data: 0, 1, 2 …
  private func bytes(_ header: String, data: Int) -> [UInt8] {
    let count = UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + Array(header.utf8)
      + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
  }

  private func parse(_ header: String, data: Int) throws -> SafetensorsFile {
    try SafetensorsFile(file: try mapped(bytes(header, data: data)))
  }

  private func write(_ contents: [UInt8], _ name: String, in folder: TemporaryFolder) throws {
    try Data(contents).write(to: folder.url.appendingPathComponent(name))
  }

  @Test func goldenFolderAndFile() throws {
    let folder = try SafetensorsFile(path: Fixtures.path("golden/qwen2"))
    #expect(folder.config?["model_type"]?.string == "qwen2")
    #expect(try folder.tokenizerJSON?["model"]?["type"]?.string == "BPE")
    #expect(try folder.tokenizerConfig == nil)
    #expect(try folder.generationConfig == nil)
    #expect(try folder.chatTemplate == nil)
    #expect(folder.metadata.map(\.key) == ["format"])
    let file = try SafetensorsFile(path: Fixtures.path("golden/qwen2/model.safetensors"))
    #expect(file.config == folder.config)
    #expect(file.tensorNames == folder.tensorNames)
    #expect(try file.tensor("model.embed_tokens.weight", shape: [384, 64]).format == .f32)
    #expect(throws: WeightError.self) { try file.companion("../llama/config.json") }
  }

  @Test func dtypes() throws {
    let file = try parse(
      """
      {"a":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},\
      "b":{"dtype":"BF16","shape":[1,2],"data_offsets":[12,16]},\
      "c":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"d":{"dtype":"F4","shape":[4],"data_offsets":[16,18]},\
      "empty":{"dtype":"F32","shape":[0,7],"data_offsets":[18,18]},\
      "new":{"dtype":"X9","shape":[1],"data_offsets":[18,21]}}
      """, data: 21)
    #expect(file.tensorNames == ["c", "a", "b", "d", "empty", "new"])
    #expect(try file.tensor("a").format == .f16)
    #expect(try Array(file.tensor("a").bytes) == [8, 9, 10, 11])
    #expect(try file.tensor("b").format == .bf16)
    #expect(try file.tensor("empty").bytes.isEmpty)
    for name in ["c", "d", "new"] {
      let error = #expect(throws: WeightError.self) { try file.tensor(name) }
      guard case .unsupported(_, let reason) = error else {
        Issue.record("\(name): \(String(describing: error))")
        continue
      }
      #expect(reason.contains("'\(name)'"))
    }
    #expect(file.tensorDescriptions.map(\.formatName) == ["I64", "F16", "BF16", "F4", "F32", "X9"])
  }

  @Test(arguments: ["folder", "index"]) func shards(openedBy way: String) throws {
    let folder = try TemporaryFolder()
    let tensor = #""dtype":"F32","shape":[1],"data_offsets":"#
    try write(bytes("{\"a\":{\(tensor)[0,4]},\"spare\":{\(tensor)[4,8]}}", data: 8), "1.safetensors", in: folder)
    try write(bytes("{\"b\":{\(tensor)[0,4]}}", data: 4), "2.safetensors", in: folder)
    let index = #"{"metadata":{"total_size":8},"weight_map":{"b":"2.safetensors","a":"1.safetensors"}}"#
    try write(Array(index.utf8), "model.safetensors.index.json", in: folder)
    try write(Array(#"{"model_type":"x"}"#.utf8), "config.json", in: folder)
    let path = way == "folder" ? folder.url.path : folder.path("model.safetensors.index.json")
    let file = try SafetensorsFile(path: path)
    #expect(file.tensorNames == ["a", "b"])
    #expect(file.files.map(\.path) == [folder.path("1.safetensors"), folder.path("2.safetensors")])
    #expect(try file.tensor("b").file.path == folder.path("2.safetensors"))
    #expect(file.config?["model_type"]?.string == "x")
    #expect(try WeightFiles.open(path: path).tensorNames == ["a", "b"])

    try write(bytes("{\"c\":{\(tensor)[0,4]}}", data: 4), "2.safetensors", in: folder)
    #expect(throws: WeightError.missingTensor(name: "b", path: folder.path("2.safetensors"))) {
      try SafetensorsFile(path: path)
    }
    try FileManager.default.removeItem(at: folder.url.appendingPathComponent("2.safetensors"))
    #expect(
      throws: WeightError.cannotOpen(path: folder.path("2.safetensors"), reason: "No such file or directory")
    ) { try SafetensorsFile(path: path) }
  }

  @Test(arguments: [
    #"{"weight_map":{"a":"../1.safetensors"}}"#, #"{"weight_map":{"a":"/etc/passwd"}}"#, #"{"weight_map":{"a":".."}}"#,
    #"{"weight_map":{"a":""}}"#, #"{"weight_map":{"a":"x\u0000"}}"#, #"{"weight_map":{"a":1}}"#, #"{"weight_map":[]}"#,
    "{}", "[]", "{",
  ]) func hostileIndex(index: String) throws {
    let folder = try TemporaryFolder()
    try write(Array(index.utf8), "model.safetensors.index.json", in: folder)
    let error = #expect(throws: WeightError.self) { try SafetensorsFile(path: folder.url.path) }
    guard case .malformed(folder.path("model.safetensors.index.json"), _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func foldersWithoutAModel() throws {
    let folder = try TemporaryFolder()
    #expect(throws: WeightError.self) { try SafetensorsFile(path: folder.url.path) }
    #expect(throws: WeightError.self) { try SafetensorsFile(path: folder.path("absent.safetensors")) }
    try write(bytes("{}", data: 0), "model.safetensors", in: folder)
    #expect(try SafetensorsFile(path: folder.url.path).tensorNames.isEmpty)
    try write(Array("{,}".utf8), "config.json", in: folder)
    let error = #expect(throws: WeightError.self) { try SafetensorsFile(path: folder.url.path) }
    guard case .malformed(folder.path("config.json"), 1, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// Headers over 16 bytes of data, each wrong in one way, with a word of what the error should say.
  @Test(arguments: [
    (#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[0,17]}}"#, "do not lie in"),
    (#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}"#, "do not lie in"),
    (#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}"#, "do not lie in"),
    (#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[0,18446744073709551615]}}"#, "do not lie in"),
    (#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[0]}}"#, "data_offsets"),
    (#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[0,1.5]}}"#, "do not lie in"),
    (#"{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}"#, "16 bytes for shape [3]"),
    (#"{"t":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}"#, "no count"),
    (#"{"t":{"dtype":"F32","shape":[4.5],"data_offsets":[0,16]}}"#, "no count"),
    (#"{"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}}"#, "overflow"),
    (#"{"t":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, "0 bytes for shape"),
    (#"{"t":{"dtype":"F4","shape":[31],"data_offsets":[0,16]}}"#, "16 bytes for shape"),
    (#"{"t":{"dtype":"F32","shape":4,"data_offsets":[0,16]}}"#, "shape"),
    (#"{"t":{"dtype":7,"shape":[4],"data_offsets":[0,16]}}"#, "dtype"),
    (#"{"t":7}"#, "dtype"),
    (#"{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#, "4 bytes that belong to no tensor"),
    (#"{"t":{"dtype":"F32","shape":[3],"data_offsets":[4,16]}}"#, "hole"),
    ("{}", "16 bytes that belong to no tensor"),
    (
      #"{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"u":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
      "overlaps"
    ),
    (
      #"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"t":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
      "hole"
    ),
    (#"{"__metadata__":7}"#, "no object"),
    (#"{"__metadata__":{"k":7}}"#, "no string"),
    ("[]", "begin with"), (" {}", "begin with"), ("{", "header:"), ("", "begin with"),
    (#"{"a":\#(String(repeating: "[", count: 5_000))"#, "header:"),
  ]) func hostileHeader(header: String, words: String) throws {
    let error = #expect(throws: WeightError.self) { try parse(header, data: 16) }
    guard case .malformed("memory", _, let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains(words), "\(reason)")
  }

  @Test(arguments: [UInt64(9), 1 << 32, 1 << 63, .max, .max - 7]) func headerLengthBeyondTheFile(length: UInt64) {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array("{}      ".utf8)
    #expect(throws: WeightError.self) { try SafetensorsFile(file: try mapped(bytes)) }
  }

  @Test func truncatedAtEveryByteOfTheHeader() throws {
    let bytes = [UInt8](try Fixtures.data("golden/llama/model.safetensors"))
    let headerEnd = 8 + Int(bytes[0]) + Int(bytes[1]) << 8
    for end in 0...headerEnd {
      #expect(throws: WeightError.self, "cut at \(end)") { try SafetensorsFile(file: try mapped(bytes[..<end])) }
    }
    #expect(throws: WeightError.self) { try SafetensorsFile(file: try mapped(bytes.dropLast())) }
  }

  @Test(arguments: 0..<4) func mutatedHeaders(seed: Int) throws {
    let original = bytes(
      """
      {"__metadata__":{"k":"\(String(repeating: "v", count: 200))"},\
      "t":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
      "u":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"v":{"dtype":"U8","shape":[0],"data_offsets":[32,32]}}
      """, data: 32)
    var generator = SeededGenerator(state: UInt64(seed))
    var (parsed, refused) = (0, 0)
    for _ in 0..<3_000 {
      var mutated = original
      generator.mutate(&mutated, within: original.count - 32)
      do {
        touchEverything(try SafetensorsFile(file: try mapped(mutated)))
        parsed += 1
      } catch is WeightError {
        refused += 1
      }
    }
    #expect(parsed > 20 && refused > 100)
  }
}
