// Grammars through their C functions: what compiles, what a matcher allows, and answers of the engine and of a session.
import CGobi
import Foundation
import Testing

private let schema = """
  {"type": "object", "properties": {"name": {"enum": ["ada", "bob"]}, "age": {"type": "integer", "maximum": 99,
   "minimum": 0}}, "required": ["name", "age"], "additionalProperties": false}
  """

/// A grammar for the tiny model's tokenizer.
private func grammar(
  _ opened: OpenedEngine, _ kind: Int, _ source: String, compact: Bool = false, states: Int = 0
) -> (grammar: OpaquePointer?, status: Int, message: String) {
  var made: OpaquePointer?
  var options = gobi_grammar_options()
  options.struct_size = MemoryLayout<gobi_grammar_options>.size
  options.compact = compact
  options.states = states
  let result = outcome {
    gobi_grammar_create(opened.tokenizer, Int32(kind), source, source.utf8.count, &options, &made, $0)
  }
  return (made, result.status, result.message)
}

private func state(_ matcher: OpaquePointer?) -> Int {
  var state: Int32 = -1
  #expect(gobi_matcher_state(matcher, &state, nil) == 0)
  return Int(state)
}

private func tokens(_ opened: OpenedEngine, _ text: String) -> [Int32] {
  var options = gobi_encode_options()
  options.struct_size = MemoryLayout<gobi_encode_options>.size
  options.add_bos = Int32(GOBI_ADD_NEVER)
  var tokens = [Int32](repeating: 0, count: 64), count = 0
  #expect(gobi_encode(opened.tokenizer, text, text.utf8.count, &options, &tokens, 64, &count, nil) == 0)
  return Array(tokens[..<count])
}

@Suite struct GrammarABITests {
  @Test(arguments: [
    (GOBI_GRAMMAR_JSON_SCHEMA, "{\"type\": 3}", GOBI_BAD_TEXT), (GOBI_GRAMMAR_JSON_SCHEMA, "{", GOBI_BAD_TEXT),
    (GOBI_GRAMMAR_JSON_SCHEMA, "{\"uniqueItems\": true}", GOBI_UNSUPPORTED),
    (GOBI_GRAMMAR_GBNF, "start ::= \"a\"", GOBI_BAD_TEXT), (GOBI_GRAMMAR_GBNF, "root ::= root", GOBI_BAD_TEXT),
    (GOBI_GRAMMAR_REGEX, "a(?=b)", GOBI_UNSUPPORTED), (GOBI_GRAMMAR_REGEX, "(", GOBI_BAD_TEXT),
    (GOBI_GRAMMAR_REGEX, "[a-z]{2000}", GOBI_UNSUPPORTED), (7, "a", GOBI_INVALID_ARGUMENT),
  ])
  func wrongSourcesAreRefused(_ kind: Int, _ source: String, _ status: Int) throws {
    let opened = try OpenedEngine()
    let result = grammar(opened, kind, source, states: 1_000)
    #expect(result.status == status)
    #expect(!result.message.isEmpty && result.grammar == nil)
  }

  @Test func matcherFollowsAText() throws {
    let opened = try OpenedEngine()
    let compiled = grammar(opened, GOBI_GRAMMAR_REGEX, "ab(c?|d+)").grammar
    var matcher: OpaquePointer?, clone: OpaquePointer?
    #expect(gobi_matcher_create(compiled, &matcher, nil) == 0)
    gobi_grammar_destroy(compiled)  // the matcher keeps it
    defer { gobi_matcher_destroy(matcher) }
    #expect(state(matcher) == GOBI_MATCHER_OPEN)
    for token in tokens(opened, "ab") { #expect(gobi_matcher_accept(matcher, token, nil) == 0) }
    #expect(state(matcher) == GOBI_MATCHER_COMPLETE)
    #expect(gobi_matcher_clone(matcher, &clone, nil) == 0)
    defer { gobi_matcher_destroy(clone) }
    let c = tokens(opened, "c")[0], d = tokens(opened, "d")[0], end = gobi_token_eos(opened.tokenizer)
    #expect(gobi_matcher_accept(clone, c, nil) == 0 && state(clone) == GOBI_MATCHER_EXHAUSTED)
    #expect(outcome { gobi_matcher_accept(clone, d, $0) }.status == GOBI_INVALID_ARGUMENT)
    #expect(gobi_matcher_accept(clone, end, nil) == 0 && state(clone) == GOBI_MATCHER_FINISHED)

    var words = 0
    #expect(Int(gobi_matcher_mask(matcher, nil, 0, &words, nil)) == GOBI_BUFFER_TOO_SMALL)
    var mask = [UInt64](repeating: .max, count: words)
    #expect(gobi_matcher_mask(matcher, &mask, words, nil, nil) == 0)
    func allows(_ token: Int32) -> Bool { mask[Int(token) / 64] >> UInt64(token % 64) & 1 == 1 }
    #expect(allows(c) && allows(d) && allows(end) && !allows(tokens(opened, "a")[0]))
    #expect(gobi_matcher_mask(clone, &mask, words, nil, nil) == 0)
    #expect(mask.allSatisfy { $0 == 0 }, "after an ending token")
  }

  /// Whatever the logits say, what the masks allow is valid.
  @Test func sampledByMaskIsValid() throws {
    let opened = try OpenedEngine()
    let compiled = grammar(opened, GOBI_GRAMMAR_JSON_SCHEMA, schema, compact: true).grammar
    defer { gobi_grammar_destroy(compiled) }
    let end = gobi_token_eos(opened.tokenizer)
    var random = SystemRandomNumberGenerator()
    for seed in 0..<20 {
      var options = gobi_sampler_options()
      options.struct_size = MemoryLayout<gobi_sampler_options>.size
      options.temperature = 1
      options.seed = UInt64(seed)
      var sampler: OpaquePointer?, matcher: OpaquePointer?
      #expect(gobi_sampler_create(&options, &sampler, nil) == 0)
      #expect(gobi_matcher_create(compiled, &matcher, nil) == 0)
      defer {
        gobi_sampler_destroy(sampler)
        gobi_matcher_destroy(matcher)
      }
      var written: [Int32] = []
      while state(matcher) != GOBI_MATCHER_FINISHED, written.count < 200 {
        var forced = [Int32](repeating: 0, count: 1_024), count = 0
        #expect(gobi_matcher_forced(matcher, &forced, forced.count, &count, nil) == 0)
        for token in forced[..<count] {
          #expect(gobi_matcher_accept(matcher, token, nil) == 0)
          written.append(token)
        }
        var mask = [UInt64](repeating: 0, count: 64)
        var words = 0
        #expect(gobi_matcher_mask(matcher, &mask, mask.count, &words, nil) == 0)
        // A model's vocabulary may be larger than its tokenizer's.
        let logits = (0..<words * 64 + 100).map { _ in Float.random(in: -4...4, using: &random) }
        var choice = gobi_choice()
        #expect(gobi_sample_masked(sampler, logits, logits.count, mask, words, &choice, nil, 0, nil, nil) == 0)
        #expect(gobi_matcher_accept(matcher, choice.token, nil) == 0)
        if choice.token != end { written.append(choice.token) }
      }
      let json = text { gobi_decode(opened.tokenizer, written, written.count, false, $0, $1, $2, nil) }
      let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
      #expect(object?.count == 2 && ["ada", "bob"].contains(object?["name"] as? String), "\(json)")
      #expect((0...99).contains(object?["age"] as? Int ?? -1), "\(json)")
      #expect(!json.contains(" "))
    }
  }

  @Test func engineHoldsAnswersToAGrammar() throws {
    let opened = try OpenedEngine()
    let compiled = grammar(opened, GOBI_GRAMMAR_GBNF, "root ::= (\"yes\" | \"no\") \", certainly\"").grammar
    var sampling = gobi_sampler_options()
    sampling.struct_size = MemoryLayout<gobi_sampler_options>.size
    sampling.temperature = 1
    for seed in 0..<4 {
      sampling.seed = UInt64(seed)
      let seen = withUnsafePointer(to: sampling) { sampling in
        Seen(
          opened.submit([20, 30, 40]) {
            $0.grammar = compiled
            $0.tokenizer = seed % 2 == 0 ? nil : opened.tokenizer
            $0.sampling = sampling
            $0.max_tokens = 100
            $0.ignore_eos = false
          }.generation)
      }
      #expect(["yes, certainly", "no, certainly"].contains(seen.text))
      #expect(seen.finish == GOBI_FINISH_GRAMMAR)
      #expect(seen.usage.forced_tokens > 0)
    }
    gobi_grammar_destroy(compiled)
    #expect(opened.counters().forced_tokens > 0)
    #expect(opened.submit([20]) { $0.grammar = opened.tokenizer }.status == GOBI_INVALID_ARGUMENT)
  }
}
