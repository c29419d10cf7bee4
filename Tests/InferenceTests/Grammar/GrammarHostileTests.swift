// Sources that try to take all memory, time or stack: each ends in a typed error, or compiles.
import Foundation
import Inference
import Testing

@Suite struct GrammarHostileTests {
  private func isLimit(_ error: GrammarError?) -> Bool {
    if case .limit? = error { true } else { false }
  }

  @Test(arguments: [
    "((((a{1000}){1000}){1000}){1000})", "(a|b)*a(a|b){60}", "(.{1,200}){1,200}",
    String(repeating: "(", count: 100_000), "(x+x+)+y{20000}{2}", "[^a]{20000}b{20000}c{20000}(d{20000}){9}",
  ])
  func patterns(text: String) {
    #expect(throws: GrammarError.self) { try GrammarConstraint(regex: text, vocabulary: .bytes) }
  }

  @Test func patternsThatAreOnlySlowElsewhere() throws {
    for text in ["(a*)*b", "(a|a)*b", "(a|aa)+c", "(x+x+)+y"] {
      let constraint = try GrammarConstraint(regex: text, vocabulary: .bytes)
      #expect(!GrammarWalk.accepts(constraint, String(repeating: "a", count: 5_000)))
    }
  }

  @Test func grammarsThatDouble() throws {
    var text = "root ::= r0\n"
    for level in 0..<200 { text += "r\(level) ::= r\(level + 1) r\(level + 1)\n" }
    let constraint = try GrammarConstraint(grammar: text + "r200 ::= \"a\" | \"b\"", vocabulary: .bytes)
    var state = constraint.start()
    state.take(Array(repeating: UInt8(ascii: "a"), count: 2_000))
    #expect(state.mask.allowed == [0x61, 0x62])
  }

  @Test func anAmbiguousGrammarStaysBounded() throws {
    let constraint = try GrammarConstraint(
      grammar: "root ::= \"a\" root root | \"a\" root | \"a\"", vocabulary: .bytes)
    var state = constraint.start()
    for _ in 0..<300 { state.take("a".utf8) }
    #expect(state.isComplete)
  }

  @Test func deepNesting() {
    let groups = "root ::= " + String(repeating: "(", count: 5_000) + "\"a\"" + String(repeating: ")", count: 5_000)
    #expect(throws: GrammarError.limit(name: "nesting", maximum: 128)) {
      try GrammarConstraint(grammar: groups, vocabulary: .bytes)
    }
    let chain = (0..<3_000).map { "\($0 == 0 ? "root" : "r\($0)") ::= \"a\" r\($0 + 1)\n" }.joined() + "r3000 ::= \"b\""
    // A long chain of rules is no harm: it compiles, or is refused by a limit.
    do throws(GrammarError) {
      _ = try GrammarConstraint(grammar: chain, vocabulary: .bytes)
    } catch {
      #expect(isLimit(error), "\(error)")
    }
  }

  @Test(arguments: [
    ##"{"$ref": "#"}"##, ##"{"allOf": [{"$ref": "#"}]}"##, ##"{"anyOf": [{"$ref": "#/anyOf/0"}]}"##,
    #"{"minLength": 1000000000, "type": "string"}"#, #"{"type": "array", "maxItems": 99999999999999999999}"#,
    #"{"type": "object", "minProperties": 100000}"#, #"{"pattern": "(a|b)*a(a|b){40}"}"#,
    #"{"type": "integer", "minimum": 1e308, "maximum": 1e309}"#,
  ])
  func schemas(text: String) {
    #expect(throws: GrammarError.self) { try GrammarConstraint(jsonSchema: text, vocabulary: .bytes) }
  }

  @Test func schemasThatMultiplyOut() {
    let group = #"{"anyOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["c"]}]}"#
    let product = "{\"allOf\": [" + Array(repeating: group, count: 40).joined(separator: ",") + "]}"
    #expect(throws: GrammarError.limit(name: "alternatives", maximum: 256)) {
      try GrammarConstraint(jsonSchema: product, vocabulary: .bytes)
    }
    var doubled = "{\"$defs\": {\"s60\": {\"type\": \"string\"}"
    for level in 0..<60 {
      let next = "{\"$ref\": \"#/$defs/s\(level + 1)\"}"
      doubled += ", \"s\(level)\": {\"allOf\": [\(next), \(next)]}"
    }
    #expect(throws: GrammarError.self) {
      try GrammarConstraint(jsonSchema: doubled + "}, \"$ref\": \"#/$defs/s0\"}", vocabulary: .bytes)
    }
  }

  @Test func wideSchemas() throws {
    // 300 optional properties in any selection, whose names begin alike.
    let properties = (0..<300).map { "\"p\($0)\": {\"type\": \"boolean\"}" }.joined(separator: ",")
    let constraint = try GrammarConstraint(
      jsonSchema: "{\"type\": \"object\", \"properties\": {\(properties)}}", vocabulary: .bytes)
    #expect(GrammarWalk.accepts(constraint, #"{"p3":true,"p299": false}"#))
    #expect(!GrammarWalk.accepts(constraint, #"{"p299":true,"p3": false}"#))
  }

  @Test func randomBytesNeverCrash() {
    var random = SeededRandom(seed: 11)
    let letters = Array("()[]{}|*+?^$.\\-,:=\"#abu0 \nroot::=dwsx")
    for _ in 0..<3_000 {
      let text = String(
        (0..<Int.random(in: 0...30, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
      _ = try? GrammarConstraint(regex: text, vocabulary: .bytes)
      _ = try? GrammarConstraint(grammar: "root ::= " + text, vocabulary: .bytes)
    }
  }
}
