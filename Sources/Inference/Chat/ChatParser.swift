// Content, reasoning and tool calls of an answer, from its text as it comes. Calls themselves are CallReader's work,
// messages in channels are in ChatParser+Harmony.swift.

/// What a parser knows of the request whose answer it reads.
public struct ChatParserOptions: Sendable {
  /// The functions that were offered. Formats without types of their own take them from the schemas.
  public var tools: [ChatTool]
  /// Whether calls are looked for; else what looks like one is content.
  public var parsesCalls: Bool
  /// Whether the prompt ends inside reasoning: ``ChatFormat/startsInReasoning(afterPrompt:)``.
  public var startsInReasoning: Bool
  /// Calls get the same ids from the same seed.
  public var idSeed: UInt64

  /// - Parameters:
  ///   - parsesCalls: nil for where there are tools.
  ///   - idSeed: nil for one by chance.
  public init(
    tools: [ChatTool] = [], parsesCalls: Bool? = nil, startsInReasoning: Bool = false, idSeed: UInt64? = nil
  ) {
    self.tools = tools
    self.parsesCalls = parsesCalls ?? !tools.isEmpty
    self.startsInReasoning = startsInReasoning
    self.idSeed = idSeed ?? .random(in: .min ... .max)
  }
}

/// Reads one answer. Feed it the text as it comes, decoded with ``TextOptions/renderSpecial`` set to what
/// ``ChatFormat/showsSpecial`` says, then call ``finish()``.
///
/// - All events together do not depend on how the text is cut into pieces.
/// - Nothing is told that a later piece could take back: what may be the beginning of a mark is held back until it is
///   or is not one, and a call until all of it was read. White space is held back until it is known what it stands
///   beside.
/// - Nothing is lost but marks, control tokens, and white space beside a mark: what begins as a call and is none comes
///   as content, with an event before it that says why.
/// - Reasoning is set apart where an answer begins with it, or the prompt has begun it; a mark further on is text.
public struct ChatParser: Sendable {
  enum Mode: Sendable, Equatable {
    case content, reasoning
    case call
    /// Messages in channels: what comes next is in `harmony`.
    case message
  }

  public let format: ChatFormat
  let options: ChatParserOptions
  private let contentMarks: MarkSet
  var mode: Mode
  /// Text that is not decided on yet, from `start` on.
  var bytes: [UInt8] = []
  var start = 0
  private var reader: CallReader
  var events: [ChatEvent] = []
  /// White space that may stand beside a mark.
  private var blanks: [UInt8] = []
  /// Whether white space that comes next stands behind a mark.
  private var dropsBlanks = false
  /// Whether reasoning may still open.
  private var mayReason: Bool
  /// Whether a call without a mark may begin here: at the beginning, or behind one.
  private var mayCallBarely: Bool
  var harmony = HarmonyState()
  /// Calls told of so far.
  var callCount = 0
  private var isFinished = false

  public init(_ format: ChatFormat, options: ChatParserOptions = ChatParserOptions()) {
    self.format = format
    self.options = options
    let calls = options.parsesCalls ? format.calls : .none
    contentMarks = options.parsesCalls ? format.contentMarks : format.plainMarks
    reader = CallReader(calls, tools: options.tools, opening: 0)
    mayReason = format.reasoning.open != nil
    mayCallBarely = calls == .llama3
    mode = .content
    if format.calls == .harmony {
      mode = .message
    } else if mayReason, options.startsInReasoning {
      mode = .reasoning
      mayReason = false
      dropsBlanks = true
    }
  }

  // MARK: Feeding

  /// Takes the next piece of text, and returns what is certain now.
  public mutating func append(_ text: String) -> [ChatEvent] {
    guard !isFinished, !text.isEmpty else { return [] }
    bytes.append(contentsOf: text.utf8)
    return run(isEnd: false)
  }

  /// Ends the answer, and returns what was still held back. Further pieces are ignored.
  public mutating func finish() -> [ChatEvent] {
    guard !isFinished else { return [] }
    isFinished = true
    return run(isEnd: true)
  }

  private mutating func run(isEnd: Bool) -> [ChatEvent] {
    events = []
    while advance(isEnd: isEnd) {}
    bytes.removeFirst(start)
    start = 0
    if isEnd, !dropsBlanks { flushBlanks() }
    return events
  }

  /// Decides on the next part of the text; false if there is none, or more must come first.
  private mutating func advance(isEnd: Bool) -> Bool {
    switch mode {
    case .content:
      if mayCallBarely, beginsBareCall(isEnd: isEnd) { return true }
      return advanceText(contentMarks, isEnd: isEnd)
    case .reasoning: return advanceText(format.reasoningMarks, isEnd: isEnd)
    case .call: return advanceCall(isEnd: isEnd)
    case .message: return advanceMessage(isEnd: isEnd)
    }
  }

  // MARK: Text

  private mutating func advanceText(_ marks: MarkSet, isEnd: Bool) -> Bool {
    var index = start
    while index < bytes.count {
      guard marks.mayBegin(bytes[index]) else {
        index += 1
        continue
      }
      switch marks.match(bytes, at: index, isEnd: isEnd) {
      case .none: index += 1
      case .partial:
        emit(upTo: index)
        return false
      case .found(let mark, let length):
        emit(upTo: index)
        if found(mark, length: length) { return true }
        index += length
      }
    }
    emit(upTo: index)
    return false
  }

  /// Acts on the mark at `start`; false if it is text here.
  private mutating func found(_ mark: Mark, length: Int) -> Bool {
    switch (mode, mark) {
    case (.content, .openReasoning) where mayReason:
      mode = .reasoning
      mayReason = false
      dropBlanks()
    case (.reasoning, .closeReasoning):
      mode = .content
      dropBlanks()
    case (.content, .call):
      mode = .call
      reader = CallReader(reader.style, tools: options.tools, opening: length)
      return true
    case (_, .hidden): break
    case (.content, .silent): dropBlanks()
    // Where the prompt has opened the reasoning, some models open it once more.
    case (.reasoning, .openReasoning) where dropsBlanks: blanks = []
    default: return false
    }
    start += length
    return true
  }

  private mutating func dropBlanks() {
    blanks = []
    dropsBlanks = true
  }

  /// Whether a call that no mark opens begins at `start`, white space aside.
  private mutating func beginsBareCall(isEnd: Bool) -> Bool {
    var index = start
    while index < bytes.count, bytes[index].isBlank { index += 1 }
    guard index < bytes.count else { return false }
    let byte = bytes[index]
    guard byte == UInt8(ascii: "{") || byte == UInt8(ascii: ";") && callCount > 0 else {
      // A mark may stand here, and a hidden one says nothing.
      if !contentMarks.mayBegin(byte) { mayCallBarely = false }
      return false
    }
    emit(upTo: index)
    mode = .call
    reader = CallReader(reader.style, tools: options.tools, opening: 0)
    return true
  }

  // MARK: Calls

  private mutating func advanceCall(isEnd: Bool) -> Bool {
    guard start < bytes.count else { return false }
    let progress = reader.read(bytes, from: start, isEnd: isEnd)
    guard progress != .more else { return false }
    mode = .content
    switch progress {
    case .more: break
    case .calls(let calls, let end):
      for call in calls { emit(call) }
      start = end
      dropBlanks()
      mayCallBarely = format.calls == .llama3
    case .malformed(let reason, let end):
      events.append(.malformedCall(reason))
      mayCallBarely = false
      emit(upTo: end)
    case .text(let end):
      mayCallBarely = false
      emit(upTo: end)
    }
    return true
  }

  mutating func emit(_ call: ReadCall) {
    let index = callCount
    callCount += 1
    mayReason = false
    let id =
      call.id.flatMap { $0.isEmpty ? nil : $0 } ?? Self.id(options.idSeed, index, isShort: format.calls == .mistral)
    events.append(.toolCallBegan(index: index, id: id, name: call.name))
    events.append(.toolCallArguments(index: index, call.arguments))
    events.append(.toolCallEnded(index: index))
  }

  /// An id that is not met twice. Mistral's templates want nine letters and digits.
  static func id(_ seed: UInt64, _ index: Int, isShort: Bool) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    var random = SplitMix(state: seed &+ UInt64(index) &* 0xD134_2543_DE82_EF95)
    let text = (0..<(isShort ? 9 : 24)).map { _ in letters[Int(random.next() % UInt64(letters.count))] }
    return (isShort ? "" : "call_") + String(decoding: text, as: UTF8.self)
  }

  // MARK: Telling

  /// Tells of the text up to `end`, white space at its end held back.
  mutating func emit(upTo end: Int) {
    guard start < end else { return }
    var last = end
    while last > start, bytes[last - 1].isBlank { last -= 1 }
    if last > start {
      var first = start
      if dropsBlanks {
        blanks = []
        while first < last, bytes[first].isBlank { first += 1 }
      }
      tell(blanks + bytes[first..<last])
      blanks = []
      dropsBlanks = false
    }
    blanks += bytes[last..<end]
    start = end
  }

  /// Tells of white space that stands beside no mark.
  mutating func flushBlanks() {
    if !blanks.isEmpty { tell(blanks) }
    blanks = []
  }

  private mutating func tell(_ text: [UInt8]) {
    let text = String(decoding: text, as: UTF8.self)
    if mode != .reasoning {
      mayReason = false
      mayCallBarely = false
    }
    // The last event is taken out to be added to: then its text is not copied.
    switch (events.last, mode == .reasoning) {
    case (.reasoning, true), (.content, false):
      switch events.removeLast() {
      case .reasoning(var before):
        before += text
        events.append(.reasoning(before))
      case .content(var before):
        before += text
        events.append(.content(before))
      default: break
      }
    case (_, true): events.append(.reasoning(text))
    case (_, false): events.append(.content(text))
    }
  }
}

/// Numbers for ids: Steele, Lea, Flood, "Fast splittable pseudorandom number generators".
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
