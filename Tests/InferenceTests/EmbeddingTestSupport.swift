// What the tests of the embedding engine share: options, and an encoder with a classification head. No tests.
import Foundation
import Inference
import TestSupport
import Testing

enum EmbeddingSupport {
  /// Special tokens as an encoder's tokenizer would put them.
  static let options: EmbeddingOptions = {
    var options = EmbeddingOptions()
    (options.opening, options.separator, options.closing) = ([1], [2], [2])
    return options
  }()

  static func ranges(count: Int, length: Int, overlap: Int) -> [Range<Int>] {
    TextChunk.ranges(count: count, length: length, overlap: overlap)
  }

  /// A copy of a golden model with a head of `labels` scores: `classifier.weight` and `classifier.bias`.
  static func addHead(
    to name: String, labels: Int, in folder: TemporaryFolder
  ) throws -> (weights: [Float], bias: Float) {
    let source = try Fixtures.data("golden/\(name)/model.safetensors")
    let length = source.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    let text = String(decoding: source[8..<8 + length], as: UTF8.self)
    var header = try #require(try JSONValue(parsing: text).object)
    var data = source[(8 + length)...]
    let config = try JSONValue(parsing: try Fixtures.text("golden/\(name)/config.json"))
    let width = try #require(config["hidden_size"]?.int)
    var random = SeededRandom(seed: 5)
    let weights = (0..<labels * width).map { _ in Float.random(in: -0.5...0.5, using: &random) }
    let biases = (0..<labels).map { _ in Float.random(in: -0.5...0.5, using: &random) }
    for (tensor, values, shape) in [
      ("classifier.weight", weights, [labels, width]), ("classifier.bias", biases, [labels]),
    ] {
      let start = data.count
      for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
      header[tensor] = [
        "dtype": "F32", "shape": .array(shape.map { .int(Int64($0)) }),
        "data_offsets": [.int(Int64(start)), .int(Int64(data.count))],
      ]
    }
    var json = Array(JSONValue.object(header).serialized().utf8)
    while json.count % 8 != 0 { json.append(0x20) }
    var file = Data((0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) })
    file.append(contentsOf: json)
    file.append(data)
    try file.write(to: folder.url.appendingPathComponent("model.safetensors"))
    try Fixtures.data("golden/\(name)/config.json").write(to: folder.url.appendingPathComponent("config.json"))
    return (weights, biases[0])
  }
}
