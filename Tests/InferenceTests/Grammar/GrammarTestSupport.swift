// What the tests of grammars share: small tokenizers, an independent matcher, walks over masks.
import Foundation
import Inference
import TestSupport
import Testing

/// A vocabulary of given byte strings; its last token ends a generation.
struct ListTokenizer: Tokenizer {
  let pieces: [[UInt8]]
  var vocabularySize: Int { pieces.count + 1 }
  let bos: Int32? = nil
  let eos: Int32? = nil
  var endOfGeneration: Set<Int32> { [Int32(pieces.count)] }
  let addsBOS = false
  let addsEOS = false
  let stripsLeadingSpace = false

  /// The longest piece first.
  func encode(_ text: [UInt8], parseSpecial: Bool, addBOS: Bool?, addEOS: Bool?) -> [Int32] {
    var result: [Int32] = [], rest = text[...]
    while !rest.isEmpty {
      let fitting = pieces.indices.filter { !pieces[$0].isEmpty && rest.starts(with: pieces[$0]) }
      guard let best = fitting.max(by: { pieces[$0].count < pieces[$1].count }) else { return result }
      result.append(Int32(best))
      rest = rest.dropFirst(pieces[best].count)
    }
    return result
  }

  func bytes(of token: Int32, renderSpecial: Bool) -> [UInt8] {
    pieces.indices.contains(Int(token)) ? pieces[Int(token)] : []
  }
  func isSpecial(_ token: Int32) -> Bool { Int(token) == pieces.count }
  func token(for piece: String) -> Int32? { nil }

  /// Every byte, then random strings over `alphabet`.
  static func random(_ alphabet: String, count: Int, seed: UInt64) -> ListTokenizer {
    var random = SeededRandom(seed: seed)
    let letters = alphabet.map { Array(String($0).utf8) }
    var pieces = (0...255).map { [UInt8($0)] }
    for _ in 0..<count {
      pieces.append(
        (0..<Int.random(in: 2...6, using: &random)).flatMap { _ in letters.randomElement(using: &random) ?? [] })
    }
    return ListTokenizer(pieces: pieces)
  }

  static let bytes = ListTokenizer(pieces: (0...255).map { [UInt8($0)] })
}

/// An expression with a text of its own, and a matcher that goes through all possibilities: the oracle.
indirect enum Sample: Sendable {
  case literal(String)
  case oneOf([ClosedRange<UInt32>], inverted: Bool)
  case sequence([Sample])
  case choice([Sample])
  case repeated(Sample, Int, Int?)
  case rule(Int)

  /// A random expression over a few letters. Rules are called behind a letter only, so that none is left-recursive.
  static func random(_ depth: Int, rules: Int, using random: inout SeededRandom) -> Sample {
    let kinds = depth == 0 ? 2 : rules > 0 ? 6 : 5
    switch Int.random(in: 0..<kinds, using: &random) {
    case 0: return .literal(["a", "b", "ab", "é", "\"", "\\", "c\n", ""].randomElement(using: &random) ?? "a")
    case 1:
      let ranges: [[ClosedRange<UInt32>]] = [[0x61...0x63], [0x62...0x62, 0xE0...0x17F], [0x22...0x22], [0x30...0x39]]
      return .oneOf(ranges.randomElement(using: &random) ?? [], inverted: Int.random(in: 0..<6, using: &random) == 0)
    case 2:
      return .sequence(
        (0..<Int.random(in: 1...3, using: &random)).map { _ in .random(depth - 1, rules: rules, using: &random) })
    case 3:
      return .choice(
        (0..<Int.random(in: 1...3, using: &random)).map { _ in .random(depth - 1, rules: rules, using: &random) })
    case 4:
      let minimum = Int.random(in: 0...2, using: &random)
      let maximum = Int.random(in: 0...3, using: &random)
      return .repeated(
        .random(depth - 1, rules: rules, using: &random), minimum, maximum == 3 ? nil : minimum + maximum)
    default: return .sequence([.literal("("), .rule(Int.random(in: 0..<rules, using: &random)), .literal(")")])
    }
  }

  /// All places where a match that starts at each of `starts` can end.
  func ends(_ text: [Unicode.Scalar], _ starts: Set<Int>, _ rules: [Sample]) -> Set<Int> {
    switch self {
    case .literal(let literal):
      let scalars = Array(literal.unicodeScalars)
      return Set(starts.filter { text[$0...].starts(with: scalars) }.map { $0 + scalars.count })
    case .oneOf(let ranges, let inverted):
      return Set(
        starts.filter { start in
          start < text.count && ranges.contains { $0.contains(text[start].value) } != inverted
        }.map { $0 + 1 })
    case .sequence(let parts): return parts.reduce(starts) { $1.ends(text, $0, rules) }
    case .choice(let parts): return parts.reduce(into: Set()) { $0.formUnion($1.ends(text, starts, rules)) }
    case .repeated(let part, let minimum, let maximum):
      var current = starts
      for _ in 0..<minimum { current = part.ends(text, current, rules) }
      var all = current, count = minimum
      while !current.isEmpty, maximum.map({ count < $0 }) ?? true {
        current = part.ends(text, current, rules).subtracting(all)
        all.formUnion(current)
        count += 1
      }
      return all
    case .rule(let rule): return starts.isEmpty ? [] : rules[rule].ends(text, starts, rules)
    }
  }

  func matches(_ text: String, _ rules: [Sample]) -> Bool {
    let scalars = Array(text.unicodeScalars)
    return ends(scalars, [0], rules).contains(scalars.count)
  }

  /// The expression as a grammar's text.
  var grammar: String {
    switch self {
    case .literal(let text):
      return "\"" + text.unicodeScalars.map(Self.escaped).joined() + "\""
    case .oneOf(let ranges, let inverted):
      return "[" + (inverted ? "^" : "")
        + ranges.map { String(format: "\\U%08X-\\U%08X", $0.lowerBound, $0.upperBound) }.joined() + "]"
    case .sequence(let parts): return "(" + parts.map(\.grammar).joined(separator: " ") + ")"
    case .choice(let parts): return "(" + parts.map(\.grammar).joined(separator: " | ") + ")"
    case .repeated(let part, let minimum, let maximum):
      return "(" + part.grammar + "){\(minimum),\(maximum.map(String.init) ?? "")}"
    case .rule(let rule): return "rule-\(rule)"
    }
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\n": "\\n"
    default: String(scalar)
    }
  }
}

extension GrammarState {
  /// Reads bytes or a token, and records an issue if that is refused.
  mutating func take(_ bytes: some Sequence<UInt8>, sourceLocation: SourceLocation = #_sourceLocation) {
    let isTaken = accept(bytes)
    #expect(isTaken, sourceLocation: sourceLocation)
  }

  mutating func take(token: Int32, sourceLocation: SourceLocation = #_sourceLocation) {
    let isTaken = accept(token)
    #expect(isTaken, sourceLocation: sourceLocation)
  }

  /// Records an issue if bytes or a token are not refused.
  mutating func refuse(_ bytes: some Sequence<UInt8>, sourceLocation: SourceLocation = #_sourceLocation) {
    let isTaken = accept(bytes)
    #expect(!isTaken, sourceLocation: sourceLocation)
  }

  mutating func refuse(token: Int32, sourceLocation: SourceLocation = #_sourceLocation) {
    let isTaken = accept(token)
    #expect(!isTaken, sourceLocation: sourceLocation)
  }
}

/// Walks over masks.
enum GrammarWalk {
  /// A text of tokens that the mask allows; nil where it was not complete after `limit` tokens. Behind half of them it
  /// takes what closes things.
  static func text(
    of constraint: GrammarConstraint, limit: Int = 400, using random: inout SeededRandom,
    at each: (GrammarState, TokenMask) -> Void = { _, _ in }
  ) -> [UInt8]? {
    var state = constraint.start(), bytes: [UInt8] = []
    var mask = TokenMask(count: constraint.vocabulary.count)
    for step in 0..<limit {
      state.mask(into: &mask)
      each(state, mask)
      let allowed = mask.allowed
      guard !allowed.isEmpty else { return nil }
      let ends = allowed.filter { constraint.vocabulary.endOfGeneration.contains($0) }
      let closing = step > limit / 8
      if let end = ends.first, closing || allowed.count == 1 || Int.random(in: 0..<4, using: &random) == 0 {
        return state.accept(end) ? bytes : nil
      }
      var choice = allowed.randomElement(using: &random) ?? 0
      if closing {
        let closers = allowed.filter { token in
          let piece = constraint.vocabulary.bytes(of: token)
          return piece.count == 1 && [0x22, 0x5D, 0x7D, 0x29].contains(piece.first ?? 0)
        }
        choice = closers.randomElement(using: &random) ?? choice
      }
      if constraint.vocabulary.endOfGeneration.contains(choice) { continue }
      guard state.accept(choice) else { return nil }
      bytes += constraint.vocabulary.bytes(of: choice)
    }
    return nil
  }

  /// Whether the whole of a text is accepted, byte by byte.
  static func accepts(_ constraint: GrammarConstraint, _ text: String) -> Bool {
    var state = constraint.start()
    return state.accept(text.utf8) && state.isComplete
  }

  /// The mask by trying every token.
  static func bruteForceMask(_ state: GrammarState) -> TokenMask {
    var mask = TokenMask(count: state.constraint.vocabulary.count)
    for token in 0..<Int32(mask.count) {
      var copy = state
      mask[token] = copy.accept(token)
    }
    return mask
  }
}

extension GrammarVocabulary {
  static let bytes = GrammarVocabulary(ListTokenizer.bytes)

  static let gpt2: GrammarVocabulary = {
    // The fixture is a part of the checkout.
    let file = try? GGUFFile(path: Fixtures.path("tokenizers/ggml-vocab-gpt-2.gguf"))
    let tokenizer = file.flatMap { try? TokenizerLoader.tokenizer(of: $0) }
    return GrammarVocabulary(tokenizer ?? ListTokenizer.bytes)
  }()
}
