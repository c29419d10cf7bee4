// GGUF writing: what is written reads back, and nothing is left behind when writing fails.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct GGUFWriterTests {
  private func write(_ values: [UInt8], to name: String, _ writer: inout GGUFWriter) throws {
    try values.withUnsafeBytes { try writer.write($0, to: name) }
  }

  private func names(in folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
  }

  private let everyType: [(key: String, value: MetadataValue)] = [
    ("general.architecture", .string("llama")), ("u8", .uint8(.max)), ("i8", .int8(.min)), ("u16", .uint16(.max)),
    ("i16", .int16(.min)), ("u32", .uint32(.max)), ("i32", .int32(.min)), ("u64", .uint64(.max)), ("i64", .int64(.min)),
    ("f32", .float32(-0.1)), ("f64", .float64(.pi)), ("true", .bool(true)), ("false", .bool(false)),
    ("text", .string("né\u{0}\u{1F600}")), ("strings", .array(MetadataArray(["a", "", "né"]))),
    ("bytes", .array(MetadataArray(byteStrings: [[0xFF], []]))), ("none", .array(MetadataArray([Float]()))),
    ("u8s", .array(MetadataArray([UInt8(1), 255]))), ("i8s", .array(MetadataArray([Int8(-1), 127]))),
    ("u16s", .array(MetadataArray([UInt16(1), .max]))), ("i16s", .array(MetadataArray([Int16(-1), .max]))),
    ("u32s", .array(MetadataArray([UInt32(1), .max]))), ("i32s", .array(MetadataArray([Int32(-1), .max]))),
    ("u64s", .array(MetadataArray([UInt64(1), .max]))), ("i64s", .array(MetadataArray([Int64(-1), .max]))),
    ("f32s", .array(MetadataArray([Float(0.1), -.infinity]))), ("f64s", .array(MetadataArray([Double.pi]))),
    ("bools", .array(MetadataArray([true, false, true]))),
    ("nested", .array(MetadataArray([MetadataArray([Int32(1), 2]), MetadataArray(["x"])]))),
  ]

  @Test(arguments: [UInt32(8), 32, 64, 4_096]) func everythingReadsBack(alignment: UInt32) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("out.gguf")
    let metadata = everyType + [("general.alignment", .uint32(alignment))]
    let q8 = try #require(Format(name: "q8_0"))
    var writer = try GGUFWriter(
      path: path, metadata: metadata,
      tensors: [
        .init(name: "a", shape: [3], format: .f32), .init(name: "b", shape: [2, 64], format: q8),
        .init(name: "c", shape: [1, 2, 3, 5], format: .f16),
      ])
    let b = (0..<136).map { UInt8($0) }
    try write(Array(1...12), to: "a", &writer)
    for part in [b[..<1], b[1..<100], b[100..<100], b[100...]] { try write(Array(part), to: "b", &writer) }
    try write([UInt8](repeating: 9, count: 60), to: "c", &writer)
    try writer.finish()
    #expect(try names(in: folder) == ["out.gguf"])

    let file = try GGUFFile(path: path)
    #expect(file.version == 3)
    #expect(file.alignment == Int(alignment))
    #expect(file.metadata.map(\.key) == metadata.map(\.key))
    for (key, value) in metadata { #expect(file[key] == value, "\(key)") }
    #expect(file["strings"]?.strings == ["a", "", "né"])
    #expect(file["bytes"]?.byteStrings == [[0xFF], []])
    #expect(file["f32s"]?.floats == [0.1, -.infinity])
    #expect(file["u64s"]?.ints == nil)
    #expect(file["i16s"]?.ints == [-1, 32_767])
    #expect(file["nested"]?.array?.arrays?.first?.ints == [1, 2])
    #expect(file.tensorNames == ["a", "b", "c"])
    #expect(try Array(file.tensor("a").bytes) == Array(1...12))
    #expect(try Array(file.tensor("b").bytes) == b)
    #expect(try file.tensor("b").format == q8)
    #expect(try file.tensor("c").shape == [1, 2, 3, 5])
    #expect(file.tensorDescriptions.allSatisfy { $0.fileOffset % Int(alignment) == 0 })
    #expect(file.totalBytes % Int(alignment) == 0)
  }

  /// A copy of a file by another writer has the same header and the same data.
  @Test func copyOfAGoldenFile() throws {
    let folder = try TemporaryFolder()
    let source = try GGUFFile(path: Fixtures.path("golden/gemma3_text/model.f32.gguf"))
    var writer = try GGUFWriter(
      path: folder.path("copy.gguf"), metadata: source.metadata,
      tensors: source.tensorNames.map {
        let tensor = try source.tensor($0)
        return .init(name: $0, shape: tensor.shape, format: tensor.format)
      })
    for name in source.tensorNames { try writer.write(source.tensor(name).bytes, to: name) }
    try writer.finish()
    #expect(
      try Data(contentsOf: folder.url.appendingPathComponent("copy.gguf"))
        == Fixtures.data("golden/gemma3_text/model.f32.gguf"))
  }

  @Test func splitKeysAreLeftOut() throws {
    let folder = try TemporaryFolder()
    let writer = try GGUFWriter(
      path: folder.path("one.gguf"),
      metadata: [("split.count", .uint16(3)), ("k", .bool(true)), ("split.no", .uint16(1))], tensors: [])
    try writer.finish()
    #expect(try GGUFFile(path: folder.path("one.gguf")).metadata.map(\.key) == ["k"])
  }

  @Test func abandonedAndUnfinishedWritersLeaveNothing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("out.gguf")
    try Data("before".utf8).write(to: URL(fileURLWithPath: path))
    let tensors = [GGUFWriter.Tensor(name: "t", shape: [4], format: .f32)]
    do {
      var writer = try GGUFWriter(path: path, metadata: [], tensors: tensors)
      try write([1, 2, 3], to: "t", &writer)
      #expect(try names(in: folder).count == 2)
    }
    #expect(try names(in: folder) == ["out.gguf"])
    var writer = try GGUFWriter(path: path, metadata: [], tensors: tensors)
    try write([1, 2, 3], to: "t", &writer)
    do {
      try writer.finish()
      Issue.record("an incomplete tensor was accepted")
    } catch {
      #expect(error.description == "tensor 't': only 3 of 16 bytes are written")
    }
    #expect(try names(in: folder) == ["out.gguf"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("before".utf8))
  }

  @Test func wrongTurnsAndTooManyBytes() throws {
    let folder = try TemporaryFolder()
    var writer = try GGUFWriter(
      path: folder.path("out.gguf"), metadata: [],
      tensors: [.init(name: "a", shape: [1], format: .f32), .init(name: "b", shape: [1], format: .f32)])
    for (bytes, name) in [([UInt8](1...4), "b"), ([1], "absent"), ([1, 2, 3, 4, 5], "a")] {
      do {
        try write(bytes, to: name, &writer)
        Issue.record("\(bytes.count) bytes for '\(name)' were accepted")
      } catch let error as WeightError {
        guard case .invalidArgument = error else {
          Issue.record("\(error)")
          continue
        }
      }
    }
    try write([1, 2, 3, 4], to: "a", &writer)
    try write([5, 6, 7, 8], to: "b", &writer)
    try writer.finish()
    let file = try GGUFFile(path: folder.path("out.gguf"))
    #expect(try Array(file.tensor("a").bytes) == [1, 2, 3, 4])
    #expect(try Array(file.tensor("b").bytes) == [5, 6, 7, 8])
  }

  @Test func whatTheFormatCannotHold() throws {
    let folder = try TemporaryFolder()
    func expectInvalid(
      _ metadata: [(key: String, value: MetadataValue)], _ tensors: [GGUFWriter.Tensor],
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      do {
        let writer = try GGUFWriter(path: folder.path("out.gguf"), metadata: metadata, tensors: tensors)
        try writer.finish()
        Issue.record("accepted", sourceLocation: sourceLocation)
      } catch {
        guard case .invalidArgument = error else {
          Issue.record("\(error)", sourceLocation: sourceLocation)
          return
        }
      }
    }
    let q4 = try #require(Format(name: "Q4_K"))
    expectInvalid([("", .bool(true))], [])
    expectInvalid([("k", .bool(true)), ("k", .bool(true))], [])
    expectInvalid([(String(repeating: "k", count: 65_536), .bool(true))], [])
    expectInvalid([("general.alignment", .uint32(0))], [])
    expectInvalid([("general.alignment", .uint32(24))], [])
    expectInvalid([("general.alignment", .int32(32))], [])
    var deep = MetadataArray([UInt8(1)])
    for _ in 0..<4 { deep = MetadataArray([deep]) }
    expectInvalid([("deep", .array(deep))], [])
    expectInvalid([], [.init(name: "", shape: [1], format: .f32)])
    expectInvalid([], [.init(name: String(repeating: "t", count: 64), shape: [1], format: .f32)])
    expectInvalid([], [.init(name: "t", shape: [1], format: .f32), .init(name: "t", shape: [1], format: .f32)])
    expectInvalid([], [.init(name: "t", shape: [], format: .f32)])
    expectInvalid([], [.init(name: "t", shape: [1, 1, 1, 1, 1], format: .f32)])
    expectInvalid([], [.init(name: "t", shape: [0], format: .f32)])
    expectInvalid([], [.init(name: "t", shape: [-1], format: .f32)])
    expectInvalid([], [.init(name: "t", shape: [256, 32], format: q4)])
    expectInvalid([], [.init(name: "t", shape: [.max, 2], format: .f32)])
    expectInvalid([], [.init(name: "t", shape: [.max / 4], format: .f32), .init(name: "u", shape: [8], format: .f32)])
    #expect(try names(in: folder).isEmpty)
  }

  @Test func unwritablePaths() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path("taken"), withIntermediateDirectories: false)
    for path in [folder.path("absent/out.gguf"), folder.path("taken"), "/proc/self/out.gguf", "", "a\0b"] {
      do {
        let writer = try GGUFWriter(path: path, metadata: [], tensors: [])
        try writer.finish()
        Issue.record("\(path) was accepted")
      } catch {
        guard case .cannotWrite(path, _) = error else {
          Issue.record("\(error)")
          continue
        }
      }
    }
    #expect(try names(in: folder) == ["taken"])
  }

  /// Bytes that end in a page nobody may read make the system refuse the write half-way, as a full disk does.
  @Test func aFailingWriteLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let source = try mapped([UInt8](repeating: 7, count: 100))
    let output = try OutputFile(path: folder.path("out"))
    try output.write(source.bytes)
    #expect(try names(in: folder).count == 1)
    let start = try #require(source.bytes.baseAddress)
    #expect(throws: WeightError.cannotWrite(path: folder.path("out"), reason: "Bad address")) {
      try output.write(UnsafeRawBufferPointer(start: start, count: 200))
    }
    #expect(try names(in: folder).isEmpty)
    #expect(throws: WeightError.self) { try output.write(source.bytes) }
    #expect(throws: WeightError.self) { try output.finish() }
    #expect(try names(in: folder).isEmpty)
  }
}
