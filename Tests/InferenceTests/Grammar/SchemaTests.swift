// JSON Schema: a public suite's schemas and everyday ones. What is refused says why; what compiles admits nothing that
// the suite calls invalid. scripts/check-schemas.sh has a public validator look at what is generated here.
import Foundation
import Inference
import TestSupport
import Testing

/// A schema, and data that the suite judges.
struct SchemaCase: Sendable {
  let source: String
  let description: String
  let schema: JSONValue
  let tests: [(data: JSONValue, isValid: Bool)]

  static func read(_ name: String) throws -> [SchemaCase] {
    let file = try JSONValue(parsing: Fixtures.text("json-schemas/\(name).json"))
    return try #require(file.array).map { group in
      SchemaCase(
        source: group["source"]?.string ?? "", description: group["description"]?.string ?? "",
        schema: try #require(group["schema"]),
        tests: (group["tests"]?.array ?? []).map { ($0["data"] ?? .null, $0["valid"]?.bool ?? false) })
    }
  }
}

@Suite struct SchemaTests {
  private func constraint(_ schema: JSONValue, _ vocabulary: GrammarVocabulary = .bytes) throws -> GrammarConstraint {
    try GrammarConstraint(jsonSchema: schema, vocabulary: vocabulary)
  }

  private func constraint(_ text: String) throws -> GrammarConstraint {
    try GrammarConstraint(jsonSchema: text, vocabulary: .bytes)
  }

  @Test func nothingInvalidIsAdmitted() throws {
    var compiled = 0, refused: [String: Int] = [:], valid = 0, admitted = 0
    for group in try SchemaCase.read("suite") {
      let constraint: GrammarConstraint
      do throws(GrammarError) {
        constraint = try GrammarConstraint(jsonSchema: group.schema, vocabulary: .bytes)
      } catch {
        if error == .matchesNothing {
          #expect(!group.tests.contains { $0.isValid }, "\(group.source): \(group.description)")
        } else {
          refused["\(error)".components(separatedBy: "'").dropFirst().first ?? "\(error)", default: 0] += 1
        }
        continue
      }
      compiled += 1
      for (data, isValid) in group.tests {
        let accepts = GrammarWalk.accepts(constraint, data.serialized())
        if isValid {
          valid += 1
          if accepts { admitted += 1 }
        } else {
          #expect(!accepts, "\(group.source): \(group.description): \(data.serialized())")
        }
      }
    }
    // Figures of the suite as it is in the fixtures; they may only rise.
    #expect(compiled >= 300, "compiled \(compiled), refused \(refused)")
    #expect(admitted * 100 >= valid * 85, "admitted \(admitted) of \(valid)")
    if ProcessInfo.processInfo.environment["GOBI_SCHEMA_FIGURES"] != nil {
      print("compiled \(compiled); valid data admitted \(admitted) of \(valid); refused \(refused)")
    }
  }

  /// Everything that is generated is JSON; with GOBI_SCHEMA_OUTPUT it goes to that file, for a validator to judge.
  @Test func whatIsGeneratedIsJSON() throws {
    let output = ProcessInfo.processInfo.environment["GOBI_SCHEMA_OUTPUT"]
    let count = output == nil ? 2 : 20
    var lines: [String] = []
    var random = SeededRandom(seed: 2_026)
    for group in try SchemaCase.read("everyday") + SchemaCase.read("suite") {
      let isEveryday = group.source == "everyday"
      guard isEveryday || output != nil || group.source.contains("2020-12/a") else { continue }
      let constraint: GrammarConstraint
      do { constraint = try self.constraint(group.schema, .gpt2) } catch {
        #expect(!isEveryday, "\(group.description): \(error)")
        continue
      }
      var made = 0
      for _ in 0..<count {
        guard let bytes = GrammarWalk.text(of: constraint, using: &random) else { continue }
        made += 1
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(throws: Never.self, "\(group.description): \(text)") { _ = try JSONValue(parsing: text) }
        let line: [(String, JSONValue)] = [
          ("source", .string(group.source)), ("description", .string(group.description)), ("schema", group.schema),
          ("text", .string(text)),
        ]
        lines.append(JSONValue.object(JSONObject(line)).serialized())
      }
      #expect(made * 2 >= count, "\(group.description): \(made) of \(count) came to an end")
    }
    if let output { try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: output)) }
  }

  @Test(arguments: [
    (#"{"type": "array", "uniqueItems": true}"#, "uniqueItems"), (#"{"type": "string", "format": "colour"}"#, "format"),
    (##"{"type": "array", "unevaluatedItems": false}"##, "unevaluatedItems"),
    (##"{"$dynamicRef": "#a"}"##, "$dynamicRef"),
    (#"{"type": "number", "multipleOf": 0.01}"#, "multipleOf"), (#"{"type": "string", "pattern": "(?=a)"}"#, "pattern"),
    (#"{"oneOf": [{"type": "integer"}, {"type": "number"}]}"#, "oneOf"), (#"{"not": {"minLength": 2}}"#, "not"),
    (#"{"if": {"minLength": 2}, "then": {"maxLength": 4}}"#, "if"),
    (#"{"contains": {}, "maxContains": 2}"#, "maxContains"),
    (#"{"type": "object", "minProperties": 3}"#, "minProperties"),
    (#"{"nullable": true, "type": "string"}"#, "nullable"),
    (#"{"properties": {"a": {"$id": "other.json"}}}"#, "$id"),
  ])
  func refusedKeywords(schema: String, keyword: String) {
    let error = #expect(throws: GrammarError.self) { try constraint(schema) }
    guard case .unsupportedKeyword(_, let named, let reason)? = error else {
      Issue.record("\(schema): \(String(describing: error))")
      return
    }
    #expect(named == keyword && !reason.isEmpty)
  }

  @Test(arguments: [
    (#"{"type": "text"}"#, "type"), (#"{"type": 3}"#, "type"), (#"{"enum": 1}"#, "enum"),
    (#"{"required": "a"}"#, "required"),
    (#"{"minLength": -1}"#, "minLength"), (#"{"minimum": "1"}"#, "minimum"), (#"{"anyOf": []}"#, "anyOf"),
    (#"{"pattern": "("}"#, "pattern"), (#"{"properties": []}"#, "properties"), (#"{"items": 3}"#, ""),
    (#"{"exclusiveMaximum": true}"#, "exclusiveMaximum"), (#"{"multipleOf": 0}"#, "multipleOf"),
  ])
  func malformedKeywords(schema: String, keyword: String) {
    let error = #expect(throws: GrammarError.self) { try constraint(schema) }
    guard case .malformedSchema(_, let named, _)? = error else {
      Issue.record("\(schema): \(String(describing: error))")
      return
    }
    #expect(named == keyword)
  }

  @Test func references() throws {
    #expect(throws: GrammarError.unresolvedReference(pointer: "/properties/a", reference: "#/$defs/x")) {
      try constraint(##"{"properties": {"a": {"$ref": "#/$defs/x"}}}"##)
    }
    #expect(throws: GrammarError.unresolvedReference(pointer: "", reference: "https://elsewhere/schema")) {
      try constraint(#"{"$ref": "https://elsewhere/schema"}"#)
    }
    let escaped = try constraint(##"{"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"const": 1}}}"##)
    #expect(GrammarWalk.accepts(escaped, "1"))
    #expect(throws: GrammarError.matchesNothing) {
      try constraint(
        ##"{"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "required": ["n"], "properties": {"n": {"$ref": "#/$defs/n"}}}}}"##
      )
    }
  }

  @Test func nothingToGenerate() {
    for schema in [
      "false", #"{"enum": []}"#, #"{"allOf": [{"type": "string"}, {"type": "null"}]}"#, #"{"const": 3, "minimum": 4}"#,
    ] {
      #expect(throws: GrammarError.matchesNothing) { try constraint(schema) }
    }
  }

  @Test(arguments: [
    ("minimum", 0.0), ("minimum", 17), ("minimum", -17), ("maximum", 0), ("maximum", 99), ("maximum", -100),
    ("exclusiveMinimum", 3.5), ("exclusiveMaximum", 3.5), ("exclusiveMinimum", -3.25), ("exclusiveMaximum", -3.25),
    ("exclusiveMinimum", 10), ("exclusiveMaximum", 10), ("minimum", 0.05), ("maximum", 0.05), ("maximum", 1e-7),
    ("exclusiveMaximum", 0), ("exclusiveMinimum", 0), ("minimum", 12345678.5),
  ])
  func boundsAreExact(keyword: String, bound: Double) throws {
    let numbers = try constraint(.object(JSONObject([("type", "number"), (keyword, .double(bound))])))
    let integers = try constraint(.object(JSONObject([("type", "integer"), (keyword, .double(bound))])))
    func holds(_ value: Double) -> Bool {
      switch keyword {
      case "minimum": value >= bound
      case "maximum": value <= bound
      case "exclusiveMinimum": value > bound
      default: value < bound
      }
    }
    var random = SeededRandom(seed: 1)
    for step in -400...400 {
      let value = (bound * 8).rounded() / 8 + Double(step) / 8
      let text = value == value.rounded() ? String(Int(value)) : "\(value)"
      // The sign of nothing is not written.
      #expect(GrammarWalk.accepts(numbers, text) == holds(value), "\(text)")
      if value == value.rounded() { #expect(GrammarWalk.accepts(integers, text) == holds(value), "\(text)") }
      for schema in [numbers, integers] where step % 40 == 0 {
        guard let bytes = GrammarWalk.text(of: schema, using: &random) else { continue }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(Double(text).map(holds) ?? false, "\(text)")
      }
    }
  }

  @Test func stringsAreCountedInCharacters() throws {
    let three = try constraint(#"{"type": "string", "minLength": 3, "maxLength": 3}"#)
    for text in [#""abc""#, #""é語😀""#, #""\n\u00e9\uD83D\uDE00""#] {
      #expect(GrammarWalk.accepts(three, text), "\(text)")
    }
    for text in [#""ab""#, #""abcd""#, #""\uD83D""#, #""\uD83D\uDE00""#] {
      #expect(!GrammarWalk.accepts(three, text), "\(text)")
    }
  }
}
