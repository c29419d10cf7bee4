// gobi_chat_*, but for gobi_chat_render.
import CGobi
import Inference

final class ChatParserBox: HandleObject {
  static let kind: UInt64 = 14
  static let noun = "parser"
  private var parser: ChatParser
  /// Events that were not taken yet, from `next` on.
  private var events: [ChatEvent] = []
  private var next = 0
  private let event = UnsafeMutablePointer<gobi_chat_event>.allocate(capacity: 1)
  private let text = Lent<CChar>(), id = Lent<CChar>(), name = Lent<CChar>()
  let turn = Exclusive()

  init(_ parser: ChatParser) { self.parser = parser }

  deinit { event.deallocate() }

  func append(_ text: String) { events += parser.append(text) }

  func finish() { events += parser.finish() }

  func take() -> UnsafePointer<gobi_chat_event>? {
    guard next < events.count else {
      events.removeAll(keepingCapacity: true)
      next = 0
      return nil
    }
    defer { next += 1 }
    var result = gobi_chat_event()
    result.struct_size = MemoryLayout<gobi_chat_event>.size
    var (shown, called, function) = ("", "", "")
    let kind: Int
    switch events[next] {
    case .content(let piece): (kind, shown) = (GOBI_CHAT_CONTENT, piece)
    case .reasoning(let piece): (kind, shown) = (GOBI_CHAT_REASONING, piece)
    case .toolCallBegan(let index, let id, let name):
      (kind, result.index, called, function) = (GOBI_CHAT_CALL_BEGAN, index, id, name)
    case .toolCallArguments(let index, let piece):
      (kind, result.index, shown) = (GOBI_CHAT_CALL_ARGUMENTS, index, piece)
    case .toolCallEnded(let index): (kind, result.index) = (GOBI_CHAT_CALL_ENDED, index)
    case .malformedCall(let reason): (kind, shown) = (GOBI_CHAT_MALFORMED_CALL, reason.description)
    }
    result.kind = Int32(kind)
    result.text_length = shown.utf8.count
    result.text = text.set(&shown)
    result.id = id.set(&called)
    result.name = name.set(&function)
    event.initialize(to: result)
    return UnsafePointer(event)
  }
}

/// The tools of a JSON array; none for NULL.
private func tools(_ pointer: UnsafePointer<CChar>?) throws -> [ChatTool] {
  try ChatTool.list(pointer.map { try JSONValue(parsing: text($0, "tools")) })
}

private func parsing(_ handle: OpaquePointer?, _ body: (ChatParserBox) throws -> Void) throws {
  let box = try object(handle, ChatParserBox.self)
  try box.turn.run(ChatParserBox.noun) { try body(box) }
}

@c @implementation public func gobi_chat_shows_special(
  _ model: OpaquePointer!, _ shows: UnsafeMutablePointer<Bool>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try output(shows, "shows").pointee = object(model, ModelBox.self).chatFormat.showsSpecial }
}

@c @implementation public func gobi_chat_parser_create(
  _ model: OpaquePointer!, _ options: UnsafePointer<gobi_chat_options>!,
  _ parser: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(parser, "parser")
    let format = try object(model, ModelBox.self).chatFormat
    let options = try GobiABI.options(options)
    let prompt = try text(options.prompt, options.prompt_length, "prompt")
    let made = ChatParser(
      format,
      options: ChatParserOptions(
        tools: try tools(options.tools), startsInReasoning: format.startsInReasoning(afterPrompt: prompt),
        idSeed: options.id_seed == 0 ? nil : options.id_seed))
    result.pointee = makeHandle(ChatParserBox(made))
  }
}

@c @implementation public func gobi_chat_parser_destroy(_ parser: OpaquePointer!) {
  destroyHandle(parser, ChatParserBox.self)
}

@c @implementation public func gobi_chat_parser_append(
  _ parser: OpaquePointer!, _ text: UnsafePointer<CChar>!, _ length: Int,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let piece = try GobiABI.text(text, length, "text")
    try parsing(parser) { $0.append(piece) }
  }
}

@c @implementation public func gobi_chat_parser_finish(
  _ parser: OpaquePointer!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try parsing(parser) { $0.finish() } }
}

@c @implementation public func gobi_chat_parser_next(
  _ parser: OpaquePointer!, _ event: UnsafeMutablePointer<UnsafePointer<gobi_chat_event>?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(event, "event")
    try parsing(parser) { result.pointee = $0.take() }
  }
}

@c @implementation public func gobi_chat_force_call(
  _ model: OpaquePointer!, _ tools: UnsafePointer<CChar>!, _ name: UnsafePointer<CChar>!, _ in_reasoning: Bool,
  _ grammar: UnsafeMutablePointer<OpaquePointer?>!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(grammar, "grammar")
    let box = try object(model, ModelBox.self)
    let tokenizer = try box.tokenizer.get()
    let choice: ChatToolChoice = try name.map { .named(try utf8($0, "name")) } ?? .required
    let forced = try box.chatFormat.forcedCall(
      choice, tools: GobiABI.tools(tools), vocabulary: tokenizer.grammarVocabulary, inReasoning: in_reasoning)
    try copy(forced.prefix, buffer, capacity, needed)
    result.pointee = makeHandle(GrammarBox(forced.constraint, tokenizer))
  }
}
