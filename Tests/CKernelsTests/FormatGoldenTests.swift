// Every format against its golden file, made by scripts/format-fixtures.py with foreign tools: decoding bit for bit,
// encoding by its error. A format without a golden file fails.
import CKernels
import Foundation
import TestSupport
import Testing

/// One row of the list and its golden file: the first half of the blocks are random bytes, the second half is
/// `formats/values.npy` as the reference quantiser encodes it.
struct GoldenFormat: CustomTestStringConvertible, Sendable {
  let format: ck_format
  let name: String
  var testDescription: String { name }

  static let all: [GoldenFormat] = (0..<CK_FORMAT_COUNT.rawValue).compactMap { raw in
    let format = ck_format(rawValue: raw)
    return ck_format_describe(format).map { GoldenFormat(format: format, name: String(cString: $0.pointee.name)) }
  }

  func blocks() throws -> [UInt8] { [UInt8](try Fixtures.data("formats/\(name.lowercased()).bin")) }
  func decoded() throws -> [Float] {
    try NPYArray(contentsOf: Fixtures.url("formats/\(name.lowercased()).npy")).values
  }

  func decode(_ blocks: [UInt8], count: Int) -> [Float] {
    var values = [Float](repeating: .nan, count: count)
    #expect(ck_decode(format, blocks, count, &values) == CK_OK)
    return values
  }
}

/// The root of the summed squared differences.
private func distance(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Double {
  zip(a, b).reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }.squareRoot()
}

@Suite struct FormatGoldenTests {
  @Test func everyRowIsTested() {
    #expect(GoldenFormat.all.count == Int(CK_FORMAT_COUNT.rawValue))
  }

  @Test(arguments: GoldenFormat.all)
  func decodesBitForBit(_ golden: GoldenFormat) throws {
    let expected = try golden.decoded()
    let values = golden.decode(try golden.blocks(), count: expected.count)
    let wrong = expected.indices.filter { expected[$0].bitPattern != values[$0].bitPattern }
    #expect(wrong.isEmpty, "\(wrong.count) of \(values.count) differ, first at \(wrong.first ?? -1)")
  }

  @Test(arguments: GoldenFormat.all)
  func losesNoMoreThanTheReference(_ golden: GoldenFormat) throws {
    let values = try NPYArray(contentsOf: Fixtures.url("formats/values.npy")).values
    let reference = try golden.decoded().suffix(values.count)
    let blocks = try golden.blocks()
    var encoded = [UInt8](repeating: 0, count: blocks.count / 2)
    #expect(ck_encode(golden.format, values, values.count, nil, &encoded) == CK_OK)
    let ours = distance(golden.decode(encoded, count: values.count), values)
    let theirs = distance(reference, values)
    #expect(ours <= theirs, "error \(ours), the reference has \(theirs)")
    // Close enough to zero error to be an encoding of these values at all, for every format of the list.
    #expect(ours < 0.5 * distance(values, values.map { _ in 0 }))
  }
}
