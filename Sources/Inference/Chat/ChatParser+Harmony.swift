// Messages in channels (gpt-oss): a header, then content, reasoning or a call's arguments, up to what ends it.

/// The message that a parser is in.
struct HarmonyState: Sendable {
  /// What its text is; nil before and in its header.
  var body: HarmonyHeader.Target?
  /// Where a call's arguments begin, and how far their end was looked for; bytes from the header on.
  var offset = 0
  var searched = 0
}

extension ChatParser {
  /// A header and what stands before it has at most so many bytes.
  private static let longestHeader = 512

  private static func marks(_ marks: [HarmonyMark]) -> [(mark: HarmonyMark, bytes: [UInt8])] {
    marks.map { ($0, Array($0.rawValue.utf8)) }
  }

  private static let ending = marks(HarmonyMark.ending)
  private static let all = marks(HarmonyMark.allCases)

  /// The first of `marks` from `index` on. Without one, where it may begin: nothing before that is a mark.
  private func find(
    _ marks: [(mark: HarmonyMark, bytes: [UInt8])], from index: Int, isEnd: Bool
  ) -> (mark: HarmonyMark?, index: Int) {
    var index = index
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "<") {
        for (mark, name) in marks {
          let rest = bytes[index...]
          if rest.starts(with: name) { return (mark, index) }
          if !isEnd, rest.count < name.count, name.starts(with: rest) { return (nil, index) }
        }
      }
      index += 1
    }
    return (nil, index)
  }

  /// Decides on a header, or on the body that follows one.
  mutating func advanceMessage(isEnd: Bool) -> Bool {
    if let body = harmony.body { return advanceBody(body, isEnd: isEnd) }
    // A message that no header opens is content.
    var index = start
    while index < bytes.count, bytes[index].isBlank { index += 1 }
    guard index < bytes.count else { return false }
    let text = GrowingText(bytes: bytes, isEnd: isEnd)
    let heads = [HarmonyMark.start.rawValue, HarmonyMark.channel.rawValue, HarmonyMark.message.rawValue, "to="]
    let answers = heads.map { text.has($0, at: index) }
    if !answers.contains(.yes) {
      if answers.contains(.more) { return false }
      harmony.body = .content
      return true
    }
    // A header goes up to its message; another one that opens before that leaves it without.
    var search = index
    if answers[0] == .yes { search += HarmonyMark.start.rawValue.utf8.count }
    while true {
      let (mark, place) = find(Self.all, from: search, isEnd: isEnd)
      let isTooLong = place - start > Self.longestHeader
      guard let mark, !isTooLong else {
        if !isTooLong, !isEnd { return false }
        if isTooLong { return leaveAsContent(.unexpectedText, upTo: search) }
        // The answer ends in a header: that of a call, or one that says nothing yet.
        if case .call = HarmonyHeader(String(decoding: bytes[index...], as: UTF8.self)).target {
          events.append(.malformedCall(.unfinished))
          emitExactly(upTo: bytes.count)
        }
        return false
      }
      switch mark {
      case .channel, .constrain: search = place + mark.rawValue.utf8.count
      case .message:
        let header = HarmonyHeader(String(decoding: bytes[index..<place], as: UTF8.self))
        let body = place + mark.rawValue.utf8.count
        if case .call = header.target, options.parsesCalls {
          harmony = HarmonyState(body: header.target, offset: body - start, searched: body - start)
        } else {
          harmony.body = header.target == .reasoning ? .reasoning : .content
          start = body
        }
        return true
      case .start, .end, .call, .ret: return leaveAsContent(.unexpectedText, upTo: place)
      }
    }
  }

  /// What should be a header comes as content.
  private mutating func leaveAsContent(_ reason: MalformedCall, upTo end: Int) -> Bool {
    events.append(.malformedCall(reason))
    emitExactly(upTo: end)
    harmony.body = .content
    return true
  }

  private mutating func advanceBody(_ target: HarmonyHeader.Target, isEnd: Bool) -> Bool {
    if case .call(let name) = target { return advanceArguments(of: name, isEnd: isEnd) }
    let (mark, place) = find(Self.ending, from: start, isEnd: isEnd)
    mode = target == .reasoning ? .reasoning : .content
    emitExactly(upTo: place)
    mode = .message
    return ended(by: mark)
  }

  /// White space counts here: nothing stands around marks.
  private mutating func emitExactly(upTo end: Int) {
    emit(upTo: end)
    flushBlanks()
  }

  /// Goes behind the mark that ends a message.
  private mutating func ended(by mark: HarmonyMark?) -> Bool {
    guard let mark else { return false }
    // The next message's own beginning stays.
    if mark != .start { start += mark.rawValue.utf8.count }
    harmony.body = nil
    return true
  }

  private mutating func advanceArguments(of name: String, isEnd: Bool) -> Bool {
    let (mark, place) = find(Self.ending, from: start + harmony.searched, isEnd: isEnd)
    harmony.searched = place - start
    guard mark != nil || isEnd, start < bytes.count else { return false }
    let arguments = bytes[start + harmony.offset..<place].trimmingBlanks
    switch CallReader.call(name, arguments, end: place) {
    case .calls(let calls, _):
      for call in calls { emit(call) }
      start = place
    case .malformed(let reason, _):
      events.append(.malformedCall(mark == nil ? .unfinished : reason))
      emitExactly(upTo: place)
    case .more, .text: break
    }
    return ended(by: mark)
  }
}
