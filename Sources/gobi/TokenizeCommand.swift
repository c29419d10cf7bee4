// `gobi tokenize` and `gobi detokenize`: text to token ids and back, for people who check parity.
import ArgumentParser
import Foundation
import Inference

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Read text from stdin and print its token ids.",
    usage: "gobi tokenize --model <model> <options>")

  @Option(name: [.customShort("m"), .long], help: "A GGUF file, or a folder with tokenizer.json.")
  var model: String

  @Flag(inversion: .prefixedNo, help: "Recognise special tokens in the text.")
  var special = true

  @Flag(inversion: .prefixedNo, help: "Put the beginning-of-sequence token first. Default: as the model says.")
  var bos: Bool?

  @Flag(help: "Print one JSON object with ids and pieces.")
  var json = false

  func run() throws {
    let tokenizer = try ModelFiles.tokenizer(of: model)
    let text = [UInt8](FileHandle.standardInput.readDataToEndOfFile())
    let ids = tokenizer.encode(text, parseSpecial: special, addBOS: bos, addEOS: nil)
    if json {
      let pieces = ids.map {
        JSONValue.string(String(decoding: tokenizer.bytes(of: $0, renderSpecial: true), as: UTF8.self))
      }
      let object = JSONObject([
        ("count", .int(Int64(ids.count))),
        ("ids", .array(ids.map { .int(Int64($0)) })),
        ("pieces", .array(pieces)),
      ])
      Console.out(JSONValue.object(object).serialized())
    } else {
      Console.out(ids.map(String.init).joined(separator: " "))
    }
  }
}

struct DetokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detokenize",
    abstract: "Read token ids from stdin, separated by blanks or as a JSON array, and print their text.")

  @Option(name: [.customShort("m"), .long], help: "A GGUF file, or a folder with tokenizer.json.")
  var model: String

  @Flag(inversion: .prefixedNo, help: "Print special tokens too.")
  var special = true

  func run() throws {
    let tokenizer = try ModelFiles.tokenizer(of: model)
    let text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
    let ids = try TokenIDs.parse(text, vocabularySize: tokenizer.vocabularySize, source: "stdin")
    Console.out(tokenizer.decode(ids, renderSpecial: special), terminator: "")
  }
}

/// Token ids as people write them: a JSON array, a JSON object with `ids`, or numbers between blanks.
enum TokenIDs {
  static func parse(_ text: String, vocabularySize: Int, source: String) throws -> [Int32] {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    let numbers: [Int?]
    if trimmed.hasPrefix("[") || trimmed.hasPrefix("{") {
      let value: JSONValue
      do { value = try JSONValue(parsing: trimmed) } catch {
        throw Failure("\(source): \(error)", hint: "Expected a JSON array of token ids, as [1, 2, 3].")
      }
      guard let array = value.array ?? value["ids"]?.array ?? value["tokens"]?.array else {
        throw Failure("\(source): no array of token ids", hint: "Expected [1, 2, 3] or {\"ids\": [1, 2, 3]}.")
      }
      numbers = array.map { element in element.int }
    } else {
      numbers = trimmed.split(whereSeparator: { $0.isWhitespace || $0 == "," }).map { Int($0) }
    }
    return try numbers.enumerated().map { index, number in
      guard let number, number >= 0, number < vocabularySize else {
        throw Failure("\(source): element \(index) is not a token id of this model (0 to \(vocabularySize - 1))")
      }
      return Int32(number)
    }
  }

  static func read(path: String, vocabularySize: Int) throws -> [Int32] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure("\(path): cannot be read", hint: "Expected a file with a JSON array of token ids.")
    }
    return try parse(String(decoding: data, as: UTF8.self), vocabularySize: vocabularySize, source: path)
  }
}
