// What `gobi inspect` knows of a file: figures checked against sums made here by hand.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct FileInspectionTests {
  @Test func goldenGGUF() throws {
    let path = Fixtures.path("golden/llama/model.f32.gguf")
    let inspection = try FileInspection(path: path)
    #expect(inspection.kind == "GGUF" && inspection.version == 3 && inspection.alignment == 32)
    #expect(inspection.bitsPerWeight == 32)
    #expect(inspection.parameterCount * 4 == inspection.tensorBytes)
    #expect(inspection.formats.map(\.name) == ["F32"])
    #expect(inspection.files.map(\.byteCount) == [try Fixtures.data("golden/llama/model.f32.gguf").count])
    let twin = try FileInspection(path: Fixtures.path("golden/llama"))
    #expect(twin.kind == "safetensors" && twin.version == nil)
    #expect(twin.parameterCount == inspection.parameterCount)
    let json = inspection.json
    #expect(json["parameters"]?.int == inspection.parameterCount)
    #expect(json["tensors"]?.array?.count == 30)
    #expect(json["metadata"]?[0]?["value"]?.string == "llama")
    #expect(try JSONValue(parsing: json.serialized(pretty: true)) == json)
  }

  @Test func arraysAreSummarised() throws {
    let inspection = try FileInspection(path: Fixtures.path("tiny/llama-2-tiny-random.gguf"))
    let tokens = try #require(inspection.metadata.first { $0.key == "tokenizer.ggml.tokens" })
    #expect(tokens.type == "array of string" && tokens.count == 32_000)
    #expect(tokens.value.array?.count == FileInspection.shownElements)
    #expect(tokens.value[0]?.string == "<unk>")
    #expect(inspection.json.serialized().utf8.count < 20_000)
    // In its own precision: as a double the value is 9.999999747378752e-06.
    let epsilon = try #require(inspection.metadata.first { $0.key == "llama.attention.layer_norm_rms_epsilon" })
    #expect(epsilon.value.double == 1e-5)
  }

  @Test func mixedAndUnknownFormats() throws {
    var build = GGUFBytes(tensors: 4, keys: 4)
    build.key("nan", type: 6); build.add(Float.nan.bitPattern)
    build.key("large", type: 10); build.add(UInt64.max)
    build.key("nested", type: 9); build.add(UInt32(9)); build.add(UInt64(1)); build.add(UInt32(0)); build.add(UInt64(0))
    build.key("truth", type: 7); build.add(UInt8(1))
    build.tensor("a", [32, 2], type: 8)  // 68 bytes of Q8_0
    build.tensor("b", [8], offset: 96)
    build.tensor("c", [1 << 62], type: 4_000, offset: 128)
    build.tensor("d", [1 << 62, 1], type: 4_000, offset: 160)
    build.data(192)
    let inspection = FileInspection(try build.parse())
    #expect(inspection.formats.map(\.name) == ["Q8_0", "F32", "GGUF type 4000"])
    #expect(inspection.formats.map(\.bitsPerWeight) == [8.5, 32, nil])
    #expect(inspection.formats.map(\.isSupported) == [true, true, false])
    #expect(inspection.parameterCount == .max)
    #expect(inspection.tensorBytes == 100)
    #expect(inspection.bitsPerWeight == nil)
    let values: [JSONValue] = ["nan", "18446744073709551615", [["type": "array of uint8", "count": 0]], true]
    #expect(inspection.metadata.map(\.value) == values)
    #expect(try JSONValue(parsing: inspection.json.serialized()) == inspection.json)
  }
}
