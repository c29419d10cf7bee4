// GGUF files from somebody who wishes us ill: each ends in a typed error, never in a crash or a large allocation.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct GGUFHostileTests {
  /// Expects a `malformed` error whose reason contains `words`.
  private func expectMalformed(
    _ build: GGUFBytes, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: WeightError.self, sourceLocation: sourceLocation) { try build.parse() }
    guard case .malformed(let path, let offset, let reason) = error else {
      Issue.record("\(String(describing: error))", sourceLocation: sourceLocation)
      return
    }
    #expect(path == "memory" && offset >= 0 && offset <= build.bytes.count, sourceLocation: sourceLocation)
    #expect(reason.contains(words), "\(reason)", sourceLocation: sourceLocation)
  }

  @Test func otherFiles() throws {
    #expect(throws: WeightError.self) { try gguf([]) }
    #expect(throws: WeightError.self) { try gguf(Array("GGU".utf8)) }
    #expect(throws: WeightError.self) { try gguf(Array("GGML and more that is no GGUF".utf8)) }
    for version in [UInt32(0), 1, 4, 3 << 24, .max] {
      let error = #expect(throws: WeightError.self) {
        try GGUFBytes(version: version, tensors: 0, keys: 0).parse()
      }
      guard case .unsupported = error else {
        Issue.record("version \(version): \(String(describing: error))")
        continue
      }
    }
    #expect(throws: WeightError.self) { try GGUFFile(path: Fixtures.path("golden")) }
    #expect(throws: WeightError.self) { try GGUFFile(path: Fixtures.path("golden/absent.gguf")) }
    #expect(throws: WeightError.self) { try GGUFFile(path: "a\0b") }
  }

  @Test(arguments: [UInt64(1) << 32, 1 << 62, 1 << 63, .max]) func countsBeyondTheFile(count: UInt64) {
    expectMalformed(GGUFBytes(tensors: count, keys: 0), "tensor count")
    expectMalformed(GGUFBytes(tensors: 0, keys: count), "key count")
    for type in [UInt32(0), 8, 9, 12] {
      var array = GGUFBytes(tensors: 0, keys: 1)
      array.key("a", type: 9); array.add(type); array.add(count); array.bytes += Array(repeating: 0, count: 64)
      expectMalformed(array, "key 'a': the element count")
    }
    var string = GGUFBytes(tensors: 0, keys: 1)
    string.key("s", type: 8); string.add(count); string.bytes += Array(repeating: 65, count: 64)
    expectMalformed(string, "key 's': the string length")
    var key = GGUFBytes(tensors: 0, keys: 1)
    key.add(count); key.bytes += Array(repeating: 65, count: 64)
    expectMalformed(key, "the key is")
    var inner = GGUFBytes(tensors: 0, keys: 1)
    inner.key("a", type: 9); inner.add(UInt32(8)); inner.add(UInt64(2)); inner.add("x"); inner.add(count)
    expectMalformed(inner, "key 'a': the string length")
  }

  @Test func types() {
    var value = GGUFBytes(tensors: 0, keys: 1)
    value.key("k", type: 13); value.add(UInt64(0))
    expectMalformed(value, "key 'k': the value type is 13")
    var element = GGUFBytes(tensors: 0, keys: 1)
    element.key("k", type: 9); element.add(UInt32(99)); element.add(UInt64(0))
    expectMalformed(element, "element type is 99")
    var truth = GGUFBytes(tensors: 0, keys: 1)
    truth.key("k", type: 7); truth.add(UInt8(2))
    expectMalformed(truth, "truth value is 2")
    var truths = GGUFBytes(tensors: 0, keys: 1)
    truths.key("k", type: 9); truths.add(UInt32(7)); truths.add(UInt64(3)); truths.bytes += [0, 1, 255]
    expectMalformed(truths, "truth value is 255")
  }

  @Test func nesting() throws {
    func nested(_ depth: Int) -> GGUFBytes {
      var build = GGUFBytes(tensors: 0, keys: 1)
      build.key("k", type: 9)
      for _ in 1..<depth { build.add(UInt32(9)); build.add(UInt64(1)) }
      build.add(UInt32(0)); build.add(UInt64(0))
      return build
    }
    #expect(try nested(4).parse()["k"]?.array?.arrays?.count == 1)
    expectMalformed(nested(5), "nested deeper")
    expectMalformed(nested(100_000), "nested deeper")
  }

  @Test func names() {
    var twice = GGUFBytes(tensors: 0, keys: 2)
    twice.key("k", 1); twice.key("k", 2)
    expectMalformed(twice, "key 'k': the key is there twice")
    var empty = GGUFBytes(tensors: 0, keys: 1)
    empty.key("", 1)
    expectMalformed(empty, "the key has 0 bytes")
    var long = GGUFBytes(tensors: 0, keys: 1)
    long.key(String(repeating: "k", count: 65_536), 1)
    expectMalformed(long, "the key has 65536 bytes")
    var invalid = GGUFBytes(tensors: 0, keys: 1)
    invalid.add(UInt64(2)); invalid.bytes += [0xFF, 0xFE]; invalid.add(UInt32(4)); invalid.add(UInt32(0))
    expectMalformed(invalid, "not UTF-8")
    var tensors = GGUFBytes(tensors: 2, keys: 0)
    tensors.tensor("t", [8]); tensors.tensor("t", [8], offset: 32); tensors.data(64)
    expectMalformed(tensors, "a second tensor is called 't'")
  }

  @Test func alignments() {
    for alignment in [UInt32(0), 1, 4, 12, .max] {
      var build = GGUFBytes(tensors: 1, keys: 1)
      build.key("general.alignment", alignment)
      build.tensor("t", [8]); build.data(32)
      let error = #expect(throws: WeightError.self) { try build.parse() }
      guard case .wrongType("general.alignment", _, let found, _) = error else {
        Issue.record("\(alignment): \(String(describing: error))")
        continue
      }
      #expect(found.contains("uint32"))
    }
    var huge = GGUFBytes(tensors: 1, keys: 1)
    huge.key("general.alignment", UInt32.max - 7)
    huge.tensor("t", [8]); huge.data(32)
    expectMalformed(huge, "tensor 't' needs 32 bytes")
    var wrongType = GGUFBytes(tensors: 0, keys: 1)
    wrongType.key("general.alignment", type: 8); wrongType.add("32")
    #expect(throws: WeightError.self) { try wrongType.parse() }
  }

  @Test func dimensions() {
    func tensor(_ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) -> GGUFBytes {
      var build = GGUFBytes(tensors: 1, keys: 0)
      build.tensor("t", dimensions, type: type, offset: offset); build.data(32)
      return build
    }
    expectMalformed(tensor([1, 1, 1, 1, 8]), "5 dimensions")
    expectMalformed(tensor([0]), "dimension of 0")
    expectMalformed(tensor([8, 0]), "dimension of 0")
    expectMalformed(tensor([1 << 63]), "dimension of")
    expectMalformed(tensor([.max]), "dimension of")
    expectMalformed(tensor([1 << 32, 1 << 32]), "overflow")
    expectMalformed(tensor([3_037_000_500, 3_037_000_500]), "overflow")
    expectMalformed(tensor([1 << 62]), "whole blocks")  // the count fits in 63 bits, its bytes do not
    expectMalformed(tensor([1 << 40]), "needs 4398046511104 bytes")
    expectMalformed(tensor([9]), "needs 36 bytes")
    expectMalformed(tensor([8], type: 8), "whole blocks of Q8_0")
    expectMalformed(tensor([8], offset: 32), "needs 32 bytes")
    expectMalformed(tensor([8], offset: 8), "not a multiple of the alignment")
    expectMalformed(tensor([8], offset: 1 << 63), "bytes into the data")
    expectMalformed(tensor([8], offset: .max - 31), "bytes into the data")
    expectMalformed(tensor([8], type: 4_000, offset: 64), "needs 0 bytes from")
  }

  @Test func overlaps() {
    var build = GGUFBytes(tensors: 2, keys: 0)
    build.tensor("a", [16]); build.tensor("b", [8], offset: 32); build.data(96)
    expectMalformed(build, "'a' and 'b' overlap")
    var same = GGUFBytes(tensors: 2, keys: 0)
    same.tensor("a", [8], type: 4_000); same.tensor("b", [8], type: 4_000); same.data(96)
    expectMalformed(same, "overlap")
  }

  /// Every proper prefix of a file whose last byte belongs to a tensor is an error.
  @Test func truncatedAtEveryByteOfTheHeader() throws {
    let bytes = [UInt8](try Fixtures.data("golden/llama/model.f32.gguf"))
    let headerEnd = try #require(gguf(bytes).tensorDescriptions.map(\.fileOffset).min())
    for end in 0...headerEnd {
      #expect(throws: WeightError.self, "cut at \(end)") { try gguf(bytes[..<end]) }
    }
  }

  /// The vocabulary's megabyte is cut at every 4,999th byte, what surrounds it at each: a cut costs a parse.
  @Test func truncatedForeignFile() throws {
    let bytes = [UInt8](try Fixtures.data("tiny/llama-2-tiny-random.gguf"))
    let headerEnd = try #require(gguf(bytes).tensorDescriptions.map(\.fileOffset).min())
    let ends =
      Array(0..<1_000) + Array(stride(from: 1_000, to: headerEnd - 800, by: 4_999))
      + Array((headerEnd - 800)...headerEnd)
    for end in ends {
      #expect(throws: WeightError.self, "cut at \(end)") { try gguf(bytes[..<end]) }
    }
  }

  /// Mutated headers parse or throw; what parses is safe to read to the last byte.
  @Test(arguments: 0..<4) func mutatedHeaders(seed: Int) throws {
    let bytes = [UInt8](try Fixtures.data("golden/llama/model.f32.gguf"))
    let header = try #require(gguf(bytes).tensorDescriptions.map(\.fileOffset).min())
    var generator = SeededGenerator(state: UInt64(seed))
    // Most rounds change a small file, in which nearly every byte counts; some the real one.
    var small = GGUFBytes(tensors: 3, keys: 3)
    small.key("general.alignment", 32)
    small.key("a", type: 9); small.add(UInt32(8)); small.add(UInt64(2)); small.add("xy"); small.add("")
    small.key("n", type: 9); small.add(UInt32(9)); small.add(UInt64(1))
    small.add(UInt32(10)); small.add(UInt64(1)); small.add(UInt64(7))
    small.tensor("t", [8]); small.tensor("u", [4, 2], type: 1, offset: 32)
    small.tensor("v", [32, 2], type: 8, offset: 64); small.data(132)
    var (parsed, refused) = (0, 0)
    for round in 0..<5_000 {
      var mutated = round % 50 == 0 ? bytes : small.bytes
      generator.mutate(&mutated, within: round % 50 == 0 ? header : small.bytes.count - 132)
      do {
        touchEverything(try gguf(mutated))
        parsed += 1
      } catch is WeightError {
        refused += 1
      }
    }
    // Both must happen, or the mutation is too wild or too tame to test anything.
    #expect(parsed > 100 && refused > 100)
  }
}
