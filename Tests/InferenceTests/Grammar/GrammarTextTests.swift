// Grammars and patterns as text: what they mean, against other matchers, and what is refused.
import Foundation
import Inference
import Testing

@Suite struct GrammarTextTests {
  private func grammar(_ text: String) throws -> GrammarConstraint {
    try GrammarConstraint(grammar: text, vocabulary: .bytes)
  }

  private func regex(_ text: String) throws -> GrammarConstraint {
    try GrammarConstraint(regex: text, vocabulary: .bytes)
  }

  @Test func aGrammarOfSums() throws {
    let sums = try grammar(
      """
      # Sums of products, with brackets.
      root   ::= term ("+" term)*
      term   ::= factor
        ("*" factor)*
      factor ::= [0-9]+ | "(" root ")" | name{1,2}
      name   ::= [a-z_] [^+*()\\n]?
      """)
    for text in ["1", "12+3*4", "(1+(2))*x", "((((7))))", "ab", "abc9"] {
      #expect(GrammarWalk.accepts(sums, text), "\(text)")
    }
    for text in ["", "1+", "(1", "1)", "+1", "((7)", "ab+cd*"] { #expect(!GrammarWalk.accepts(sums, text), "\(text)") }
  }

  @Test func escapesAndClasses() throws {
    let text = try grammar(#"root ::= "\x41\u00e9\U0001F600\n\"\\" [\]\-^] . ["é-ü"]{2} "" ("x" |)"#)
    #expect(GrammarWalk.accepts(text, "Aé😀\n\"\\]語éü"))
    #expect(GrammarWalk.accepts(text, "Aé😀\n\"\\-語üüx"))
    #expect(!GrammarWalk.accepts(text, "Aé😀\n\"\\a語éü"))
  }

  @Test(arguments: [
    ("", "no rule is called 'root'"), ("root ::= other", "no rule is called 'other'"), ("root ::= \"a", "no end"),
    ("root ::= [a", "no ']'"), ("root ::= (\"a\"", "no ')'"), ("root ::= \"a\" )", "unexpected ')'"),
    ("root ::= \"a\"{3,1}", "ends before"), ("root ::= \"a\"{}", "expected {m}"), ("root ::= [z-a]", "ends before"),
    ("root ::= \"\\q\"", "unknown escape"), ("root = \"a\"", "expected a rule"),
    ("root ::= \"a\"\nroot ::= \"b\"", "defined twice"), ("root ::= root \"a\" | \"b\"", "begin with itself"),
    ("root ::= a \"x\" | \"z\"\na ::= b? root\nb ::= \"y\"", "begin with itself"),
    ("root ::= (root)*", "begin with itself"),
    ("root ::= \"a\" root", "no text is allowed"), ("root ::= \"\\uD800\"", "hexadecimal digits of a character"),
    ("root ::= \"a\"{0,900000000}", "limit of"),
  ])
  func refusedGrammars(text: String, reason: String) {
    let error = #expect(throws: GrammarError.self) { try grammar(text) }
    #expect(error.map { "\($0)".contains(reason) } ?? false, "\(error.map { "\($0)" } ?? "")")
  }

  @Test(arguments: [
    "abc", "a|b|", "(a|b)*c", "a{2}", "a{2,}", "a{2,4}b?", "[a-c]+", "[^a-c]", "\\d+\\.\\d*", "\\d\\D\\s\\S", "a.b",
    "(?:ab)+", "(?<n>a)b", "^abc$", "^a|b$", "a+?b*?", "\\x41\\u00e9", "[\\]\\-\\\\]", "é+", "[é-ü]{2}",
    "\\t\\n\\r\\f", "(a(b(c)?)?)?", "(a*)*b", "\\/\\.\\*",
  ])
  func patternsAgainstAnotherEngine(pattern: String) throws {
    let constraint = try regex(pattern)
    let other = try NSRegularExpression(pattern: "\\A(?:\(pattern))\\z")
    var random = SeededRandom(seed: 7)
    let letters = Array("abcé. A-1\\]x{,3}ü/*").map(String.init) + ["\n"]
    for _ in 0..<400 {
      let text = (0..<Int.random(in: 0...6, using: &random)).map { _ in letters.randomElement(using: &random) ?? "" }
        .joined()
      let matches = other.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
      #expect(GrammarWalk.accepts(constraint, text) == matches, "\(pattern) \(text.debugDescription)")
    }
    for _ in 0..<50 {
      guard let bytes = GrammarWalk.text(of: constraint, using: &random) else { continue }
      let text = try #require(String(validating: bytes, as: UTF8.self))
      // Spaces and digits of other scripts are told apart differently: only the plain ones are asked for.
      guard text.unicodeScalars.allSatisfy({ $0.value < 0x80 }) else { continue }
      #expect(
        other.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil, "\(text.debugDescription)")
    }
  }

  @Test(arguments: [
    ("(?=a)b", "look-ahead"), ("(?!a)b", "look-ahead"), ("(?<=a)b", "look-behind"), ("(a)\\1", "back-reference"),
    ("\\bword", "word boundary"), ("\\p{L}", "Unicode property"), ("(?i)a", "'(?i'"), ("(a", "no ')'"), ("a)", "')'"),
    ("[a", "no ']'"), ("*a", "nothing stands before"), ("a**", "follows a quantifier"), ("a{3,1}", "ends before"),
    ("[z-a]", "in order"), ("\\", "ends in an escape"), ("\\q", "unknown escape"), ("\\uD800", "surrogate"),
    ("a^b", "no text"),
  ])
  func refusedPatterns(pattern: String, reason: String) {
    let error = #expect(throws: GrammarError.self) { try regex(pattern) }
    #expect(error.map { "\($0)".contains(reason) } ?? false, "\(error.map { "\($0)" } ?? "")")
  }
}
