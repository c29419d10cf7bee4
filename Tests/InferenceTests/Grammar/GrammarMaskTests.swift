// Masks against trying every token, random grammars against a matcher that knows no automata, branches and roll-backs.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct GrammarMaskTests {
  /// Random grammars with rules that call one another.
  private func random(_ seed: UInt64, rules: Int) throws -> (rules: [Sample], constraint: GrammarConstraint)? {
    var random = SeededRandom(seed: seed)
    let samples = (0...rules).map { _ in Sample.random(3, rules: rules, using: &random) }
    let text = samples.enumerated().map { "\($0 == 0 ? "root" : "rule-\($0 - 1)") ::= \($1.grammar)" }
    let tokenizer = ListTokenizer.random("abé\"\\()c\n0", count: 60, seed: seed)
    do throws(GrammarError) {
      let constraint = try GrammarConstraint(
        grammar: text.joined(separator: "\n"), vocabulary: GrammarVocabulary(tokenizer))
      return (samples, constraint)
    } catch {
      guard error == .matchesNothing else { throw error }
      return nil  // A rule that needs itself.
    }
  }

  @Test(arguments: UInt64(0)..<60)
  func randomGrammarsAgreeWithTheMatcher(seed: UInt64) throws {
    guard let (samples, constraint) = try random(seed, rules: Int(seed % 3)) else { return }
    let rules = Array(samples.dropFirst())
    var generator = SeededRandom(seed: seed)
    var texts = Set<String>()
    for _ in 0..<12 {
      let bytes = GrammarWalk.text(of: constraint, limit: 60, using: &generator) { state, mask in
        #expect(mask == GrammarWalk.bruteForceMask(state))
      }
      guard let bytes else { continue }
      let text = try #require(String(validating: bytes, as: UTF8.self))
      texts.insert(text)
      #expect(samples[0].matches(text, rules), "\(text.debugDescription)")
    }
    // Changed a little, a text may match or not; both have to say the same.
    for text in texts where text.unicodeScalars.count < 40 {
      for _ in 0..<4 {
        var scalars = Array(text.unicodeScalars)
        let place = Int.random(in: 0...scalars.count, using: &generator)
        let letter: Unicode.Scalar = ["a", "b", "é", "(", ")", "0"].randomElement(using: &generator) ?? "a"
        if Bool.random(using: &generator), place < scalars.count {
          scalars.remove(at: place)
        } else {
          scalars.insert(letter, at: place)
        }
        let changed = String(String.UnicodeScalarView(scalars))
        #expect(
          GrammarWalk.accepts(constraint, changed) == samples[0].matches(changed, rules), "\(changed.debugDescription)")
      }
    }
  }

  @Test func everyCutIntoTokensIsAccepted() throws {
    let vocabulary = GrammarVocabulary(ListTokenizer.random("{}[]\":,0 1ae\\n", count: 400, seed: 3))
    let constraint = try GrammarConstraint.anyJSON(vocabulary: vocabulary)
    let text = Array(#"{"a0": [1, 0, {"e": "n\n"}], "e": {"1": [[]]}}"#.utf8)
    var random = SeededRandom(seed: 5)
    for _ in 0..<50 {
      var state = constraint.start(), place = 0
      while place < text.count {
        let fitting = (0..<Int32(vocabulary.count)).filter { token in
          let piece = vocabulary.bytes(of: token)
          return !piece.isEmpty && text[place...].starts(with: piece)
        }
        let token = try #require(fitting.randomElement(using: &random))
        let mask = state.mask
        #expect(mask[token])
        state.take(token: token)
        place += vocabulary.bytes(of: token).count
      }
      #expect(state.isComplete)
      #expect(state.mask[vocabulary.endOfGeneration[0]])
    }
  }

  @Test func masksOfARealVocabulary() throws {
    let constraint = try GrammarConstraint(
      jsonSchema: #"""
        {"type": "object", "properties": {"name": {"type": "string", "maxLength": 7}, "tags": {"type": "array",
        "items": {"enum": ["red", "green"]}}, "more": {}}, "required": ["name"]}
        """#, vocabulary: .gpt2)
    var state = constraint.start()
    for piece in [
      "{", "\"na", "me\": \"a", "b\\u00e9", "\", \"", "more\": [", "{\"x\": \"", "y\"}, -1.", "5e", "3]", "}",
    ] {
      #expect(state.mask == GrammarWalk.bruteForceMask(state), "before \(piece)")
      state.take(piece.utf8)
    }
    #expect(state.isComplete && state.isExhausted)
    #expect(state.mask.allowed == constraint.vocabulary.endOfGeneration)
  }

  @Test func copiesAreBranches() throws {
    let constraint = try GrammarConstraint(regex: "(ab|ac)+", vocabulary: .bytes)
    var first = constraint.start()
    first.take("a".utf8)
    let kept = first
    var second = first
    first.take("b".utf8)
    second.take("c".utf8)
    #expect(first.isComplete && second.isComplete && !kept.isComplete)
    first.refuse("b".utf8)
    #expect(first.isComplete, "a refusal changes nothing")
    #expect(kept.mask.allowed == [0x62, 0x63])
  }

  @Test func whatIsForced() throws {
    let tokenizer = ListTokenizer(
      pieces: (0...255).map { [UInt8($0)] } + ["{\"", "na", "name", "\":", "\": \"", "x"].map { Array($0.utf8) })
    let constraint = try GrammarConstraint(
      jsonSchema: #"{"properties": {"name": {"type": "string"}}, "required": ["name"], "type": "object"}"#,
      vocabulary: GrammarVocabulary(tokenizer), whitespace: .none)
    let state = constraint.start()
    #expect(String(decoding: state.forcedBytes(), as: UTF8.self) == "{\"name\":\"")
    // `":` is not forced, for `": "` would be longer, and is not allowed here: without white space it is.
    let forced = state.forcedTokens(tokenizer)
    #expect(tokenizer.decode(forced).hasPrefix("{\"name\":"))
    var after = state
    for token in forced { after.take(token: token) }
    let flexible = try GrammarConstraint(
      jsonSchema: #"{"const": {"name": 1}}"#, vocabulary: GrammarVocabulary(tokenizer))
    #expect(flexible.start().forcedBytes() == Array(#"{"name":1}"#.utf8))
  }

  @Test func endsOnlyWhereTheTextIsComplete() throws {
    let constraint = try GrammarConstraint(regex: "a{2,3}", vocabulary: .bytes)
    var state = constraint.start()
    let end = constraint.vocabulary.endOfGeneration[0]
    #expect(!state.mask[end])
    state.refuse(token: end)
    state.take("aa".utf8)
    #expect(state.mask.allowed == [0x61, end])
    state.take(token: end)
    #expect(state.isFinished)
    #expect(state.mask.isEmpty)
    state.refuse(token: 0x61)
  }

  @Test func aDeepTextStopsAtTheLimit() throws {
    var limits = GrammarLimits()
    limits.depth = 20
    let constraint = try GrammarConstraint.anyJSON(
      vocabulary: GrammarVocabulary(ListTokenizer.random("[[]]{", count: 30, seed: 1)), limits: limits)
    var state = constraint.start()
    var depth = 0
    while state.accept("[".utf8) {
      depth += 1
      if depth < 40 { #expect(state.mask == GrammarWalk.bruteForceMask(state)) }
    }
    #expect((20...22).contains(depth))
    state.take(Array(repeating: UInt8(ascii: "]"), count: depth))
    #expect(state.isComplete)
  }
}
