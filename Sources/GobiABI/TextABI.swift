// gobi_tokenizer_*, gobi_encode, gobi_decode, gobi_token_*, gobi_decoder_* and gobi_chat_render.
import CGobi
import Inference
import Synchronization

final class TokenizerBox: HandleObject {
  static let kind: UInt64 = 5
  static let noun = "tokenizer"
  let tokenizer: any Tokenizer
  private let sorted = Mutex<GrammarVocabulary?>(nil)
  init(_ tokenizer: any Tokenizer) { self.tokenizer = tokenizer }

  /// Made once for all grammars; who asks while it is made waits.
  var grammarVocabulary: GrammarVocabulary {
    sorted.withLock { known in
      let vocabulary = known ?? GrammarVocabulary(tokenizer)
      known = vocabulary
      return vocabulary
    }
  }

  /// Throws unless the vocabulary has the token.
  func check(_ token: Int32) throws(ABIError) {
    guard token >= 0, Int(token) < tokenizer.vocabularySize else {
      throw ABIError(GOBI_INVALID_ARGUMENT, "token: \(token) is not in 0..<\(tokenizer.vocabularySize)")
    }
  }
}

/// Something that one thread at a time may use: a second one is told so.
final class Exclusive {
  private let inUse = Atomic<Bool>(false)

  func run<R>(_ noun: String, _ body: () throws -> R) throws -> R {
    guard inUse.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
      throw ABIError(GOBI_BUSY, "\(noun): in use by another thread")
    }
    defer { inUse.store(false, ordering: .releasing) }
    return try body()
  }
}

final class DecoderBox: HandleObject {
  static let kind: UInt64 = 6
  static let noun = "decoder"
  let tokenizer: TokenizerBox
  var decoder: StreamDecoder
  let turn = Exclusive()

  init(_ tokenizer: TokenizerBox, _ decoder: StreamDecoder) {
    self.tokenizer = tokenizer
    self.decoder = decoder
  }
}

private func choice(_ value: Int32, _ name: String) throws(ABIError) -> Bool? {
  switch Int(value) {
  case GOBI_ADD_DEFAULT: return nil
  case GOBI_ADD_NEVER: return false
  case GOBI_ADD_ALWAYS: return true
  default: throw ABIError(GOBI_INVALID_ARGUMENT, "\(name): \(value)")
  }
}

@c @implementation public func gobi_tokenizer_create(
  _ model: OpaquePointer!, _ tokenizer: UnsafeMutablePointer<OpaquePointer?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(tokenizer, "tokenizer")
    result.pointee = makeHandle(try object(model, ModelBox.self).tokenizer.get())
  }
}

@c @implementation public func gobi_tokenizer_destroy(_ tokenizer: OpaquePointer!) {
  destroyHandle(tokenizer, TokenizerBox.self)
}

@c @implementation public func gobi_encode(
  _ tokenizer: OpaquePointer!, _ text: UnsafePointer<CChar>!, _ length: Int,
  _ options: UnsafePointer<gobi_encode_options>!, _ tokens: UnsafeMutablePointer<Int32>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let tokenizer = try object(tokenizer, TokenizerBox.self).tokenizer
    let options = try GobiABI.options(options)
    let bytes = try array(text, length, "text").map { UInt8(bitPattern: $0) }
    let ids = tokenizer.encode(
      bytes, parseSpecial: options.parse_special, addBOS: try choice(options.add_bos, "add_bos"),
      addEOS: try choice(options.add_eos, "add_eos"))
    try ids.withUnsafeBufferPointer { try copy($0, tokens, capacity, needed) }
  }
}

@c @implementation public func gobi_decode(
  _ tokenizer: OpaquePointer!, _ tokens: UnsafePointer<Int32>!, _ count: Int, _ render_special: Bool,
  _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int, _ needed: UnsafeMutablePointer<Int>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let box = try object(tokenizer, TokenizerBox.self)
    let ids = Array(try array(tokens, count, "tokens"))
    for id in ids { try box.check(id) }
    try copy(box.tokenizer.decode(ids, renderSpecial: render_special), buffer, capacity, needed)
  }
}

@c @implementation public func gobi_token_piece(
  _ tokenizer: OpaquePointer!, _ token: Int32, _ render_special: Bool, _ buffer: UnsafeMutablePointer<CChar>!,
  _ capacity: Int, _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let box = try object(tokenizer, TokenizerBox.self)
    try box.check(token)
    try copy(box.tokenizer.bytes(of: token, renderSpecial: render_special), buffer, capacity, needed)
  }
}

@c @implementation public func gobi_token_bos(_ tokenizer: OpaquePointer!) -> Int32 {
  objectIfValid(tokenizer, TokenizerBox.self)?.tokenizer.bos ?? -1
}

@c @implementation public func gobi_token_eos(_ tokenizer: OpaquePointer!) -> Int32 {
  objectIfValid(tokenizer, TokenizerBox.self)?.tokenizer.eos ?? -1
}

@c @implementation public func gobi_token_named(_ tokenizer: OpaquePointer!, _ piece: UnsafePointer<CChar>!) -> Int32 {
  guard let piece else { return -1 }
  return objectIfValid(tokenizer, TokenizerBox.self)?.tokenizer.token(for: String(cString: piece)) ?? -1
}

@c @implementation public func gobi_token_is_special(_ tokenizer: OpaquePointer!, _ token: Int32) -> Bool {
  guard let box = objectIfValid(tokenizer, TokenizerBox.self), (try? box.check(token)) != nil else { return false }
  return box.tokenizer.isSpecial(token)
}

@c @implementation public func gobi_token_ends_generation(_ tokenizer: OpaquePointer!, _ token: Int32) -> Bool {
  objectIfValid(tokenizer, TokenizerBox.self)?.tokenizer.endOfGeneration.contains(token) ?? false
}

@c @implementation public func gobi_decoder_create(
  _ tokenizer: OpaquePointer!, _ render_special: Bool, _ at_text_start: Bool,
  _ decoder: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(decoder, "decoder")
    let box = try object(tokenizer, TokenizerBox.self)
    let made = StreamDecoder(
      tokenizer: box.tokenizer, renderSpecial: render_special, atTextStart: at_text_start)
    result.pointee = makeHandle(DecoderBox(box, made))
  }
}

@c @implementation public func gobi_decoder_destroy(_ decoder: OpaquePointer!) {
  destroyHandle(decoder, DecoderBox.self)
}

@c @implementation public func gobi_decoder_append(
  _ decoder: OpaquePointer!, _ token: Int32, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let box = try object(decoder, DecoderBox.self)
    try box.tokenizer.check(token)
    try box.turn.run(DecoderBox.noun) {
      var next = box.decoder  // kept only if the text fits
      try copy(next.append(token), buffer, capacity, needed)
      box.decoder = next
    }
  }
}

@c @implementation public func gobi_decoder_finish(
  _ decoder: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let box = try object(decoder, DecoderBox.self)
    try box.turn.run(DecoderBox.noun) {
      var next = box.decoder
      try copy(next.finish(), buffer, capacity, needed)
      box.decoder = next
    }
  }
}

@c @implementation public func gobi_chat_render(
  _ model: OpaquePointer!, _ messages: UnsafePointer<CChar>!, _ tools: UnsafePointer<CChar>!,
  _ add_generation_prompt: Bool, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let box = try object(model, ModelBox.self)
    guard let list = try JSONValue(parsing: text(messages, "messages")).array else {
      throw ABIError(GOBI_BAD_TEXT, "messages: no JSON array")
    }
    let described = try tools.map { try JSONValue(parsing: String(cString: $0)) }
    let template = try box.template.get()
    let tokenizer = (try? box.tokenizer.get())?.tokenizer
    func piece(_ token: Int32?) -> JSONValue {
      guard let tokenizer, let token else { return .string("") }
      return .string(String(decoding: tokenizer.bytes(of: token, renderSpecial: true), as: UTF8.self))
    }
    let rendered = try template.render(
      messages: list, tools: described, addGenerationPrompt: add_generation_prompt,
      variables: ["bos_token": piece(tokenizer?.bos), "eos_token": piece(tokenizer?.eos)])
    try copy(rendered, buffer, capacity, needed)
  }
}
