// gobi_grammar_* and gobi_matcher_*.
import CGobi
import Inference

final class GrammarBox: HandleObject {
  static let kind: UInt64 = 9
  static let noun = "grammar"
  let constraint: GrammarConstraint
  let tokenizer: TokenizerBox

  init(_ constraint: GrammarConstraint, _ tokenizer: TokenizerBox) {
    self.constraint = constraint
    self.tokenizer = tokenizer
  }
}

final class MatcherBox: HandleObject {
  static let kind: UInt64 = 10
  static let noun = "matcher"
  let grammar: GrammarBox
  var state: GrammarState
  var mask: TokenMask
  let turn = Exclusive()

  init(_ grammar: GrammarBox, _ state: GrammarState) {
    self.grammar = grammar
    self.state = state
    mask = TokenMask(count: grammar.constraint.vocabulary.count)
  }
}

extension GrammarLimits {
  fileprivate init(_ options: gobi_grammar_options) throws(ABIError) {
    self.init()
    func bound(_ value: Int, _ name: String, _ most: Int) throws(ABIError) -> Int? {
      guard let value = try optional(value, name) else { return nil }
      guard value <= most else { throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): \(value), at most \(most)") }
      return value
    }
    if let value = try bound(options.source_bytes, "source_bytes", 1 << 26) { sourceBytes = value }
    if let value = try bound(options.states, "states", 1 << 24) { states = value }
    if let value = try bound(options.mask_bytes, "mask_bytes", 1 << 40) { maskBytes = value }
  }
}

@c @implementation public func gobi_grammar_create(
  _ tokenizer: OpaquePointer!, _ kind: Int32, _ text: UnsafePointer<CChar>!, _ length: Int,
  _ options: UnsafePointer<gobi_grammar_options>!, _ grammar: UnsafeMutablePointer<OpaquePointer?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(grammar, "grammar")
    let tokenizer = try object(tokenizer, TokenizerBox.self)
    let options = try GobiABI.options(options)
    let limits = try GrammarLimits(options)
    guard length <= limits.sourceBytes else { throw GrammarError.limit(name: "bytes", maximum: limits.sourceBytes) }
    let source = try GobiABI.text(text, length, "text")
    guard GOBI_GRAMMAR_JSON_SCHEMA...GOBI_GRAMMAR_REGEX ~= Int(kind) else {
      throw ABIError(GOBI_INVALID_ARGUMENT, "kind: \(kind)")
    }
    let vocabulary = tokenizer.grammarVocabulary
    let constraint =
      switch Int(kind) {
      case GOBI_GRAMMAR_GBNF: try GrammarConstraint(grammar: source, vocabulary: vocabulary, limits: limits)
      case GOBI_GRAMMAR_REGEX: try GrammarConstraint(regex: source, vocabulary: vocabulary, limits: limits)
      default:
        try GrammarConstraint(
          jsonSchema: source, vocabulary: vocabulary, whitespace: options.compact ? .none : .flexible, limits: limits)
      }
    result.pointee = makeHandle(GrammarBox(constraint, tokenizer))
  }
}

@c @implementation public func gobi_grammar_destroy(_ grammar: OpaquePointer!) {
  destroyHandle(grammar, GrammarBox.self)
}

@c @implementation public func gobi_matcher_create(
  _ grammar: OpaquePointer!, _ matcher: UnsafeMutablePointer<OpaquePointer?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(matcher, "matcher")
    let grammar = try object(grammar, GrammarBox.self)
    result.pointee = makeHandle(MatcherBox(grammar, grammar.constraint.start()))
  }
}

/// Runs `body` on a matcher that no other thread uses.
private func matching(_ handle: OpaquePointer?, _ body: (MatcherBox) throws -> Void) throws {
  let box = try object(handle, MatcherBox.self)
  try box.turn.run(MatcherBox.noun) { try body(box) }
}

@c @implementation public func gobi_matcher_clone(
  _ matcher: OpaquePointer!, _ clone: UnsafeMutablePointer<OpaquePointer?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(clone, "clone")
    try matching(matcher) { result.pointee = makeHandle(MatcherBox($0.grammar, $0.state)) }
  }
}

@c @implementation public func gobi_matcher_destroy(_ matcher: OpaquePointer!) {
  destroyHandle(matcher, MatcherBox.self)
}

@c @implementation public func gobi_matcher_state(
  _ matcher: OpaquePointer!, _ state: UnsafeMutablePointer<Int32>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(state, "state")
    try matching(matcher) { box in
      let known =
        switch box.state {
        case let state where state.isFinished: GOBI_MATCHER_FINISHED
        case let state where state.isExhausted: GOBI_MATCHER_EXHAUSTED
        case let state where state.isComplete: GOBI_MATCHER_COMPLETE
        default: GOBI_MATCHER_OPEN
        }
      result.pointee = Int32(known)
    }
  }
}

@c @implementation public func gobi_matcher_mask(
  _ matcher: OpaquePointer!, _ mask: UnsafeMutablePointer<UInt64>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    try matching(matcher) { box in
      // Before the work: a caller who asks for the length does not pay for it.
      try reserve(box.mask.words.count, mask, capacity, needed)
      box.state.mask(into: &box.mask)
      try box.mask.words.withUnsafeBufferPointer { try copy($0, mask, capacity, needed) }
    }
  }
}

@c @implementation public func gobi_matcher_accept(
  _ matcher: OpaquePointer!, _ token: Int32, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    try matching(matcher) { box in
      guard box.state.accept(token) else {
        throw ABIError(GOBI_INVALID_ARGUMENT, "token: \(token) is not allowed here")
      }
    }
  }
}

@c @implementation public func gobi_matcher_forced(
  _ matcher: OpaquePointer!, _ tokens: UnsafeMutablePointer<Int32>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    try matching(matcher) { box in
      let forced = box.state.forcedTokens(box.grammar.tokenizer.tokenizer)
      try forced.withUnsafeBufferPointer { try copy($0, tokens, capacity, needed) }
    }
  }
}
