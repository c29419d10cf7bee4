// Cutting a text into words before they are tokenized. The rules of known models stand in PreTokenizer+Known.

/// A text decoded once: where its characters start and what classes they are in.
struct ScannedText {
  let bytes: [UInt8]
  /// The byte offset of each character, and the end of the text last.
  private(set) var starts: [Int] = []
  private(set) var classes: [CharacterClass] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    starts.reserveCapacity(bytes.count + 1)
    classes.reserveCapacity(bytes.count)
    bytes.withUnsafeBufferPointer { buffer in
      var index = 0
      while index < buffer.count {
        let (value, length) = UTF8Scanner.scalar(buffer, at: index)
        starts.append(index)
        classes.append(.of(value))
        index += length
      }
    }
    starts.append(bytes.count)
  }

  var count: Int { classes.count }

  /// The byte of an ASCII character, made lower case, else 0.
  func asciiLowercase(_ index: Int) -> UInt8 {
    let byte = bytes[starts[index]]
    guard byte < 0x80 else { return 0 }
    return 0x41...0x5A ~= byte ? byte | 0x20 : byte
  }
}

/// A set of characters: in one of some classes, or in none of them.
struct CharacterSet: Sendable {
  private let classes: CharacterClass
  private let isNegated: Bool

  static func any(_ classes: CharacterClass) -> CharacterSet { CharacterSet(classes: classes, isNegated: false) }
  static func none(_ classes: CharacterClass) -> CharacterSet { CharacterSet(classes: classes, isNegated: true) }

  @inline(__always)
  func contains(_ found: CharacterClass) -> Bool { found.isDisjoint(with: classes) == isNegated }
}

/// One alternative of a split pattern. All scan forward once; none goes back further than over what it scanned.
enum SplitRule: Sendable {
  /// `'s 't 're 've 'm 'll 'd`.
  case contraction(ignoringCase: Bool)
  /// `lead? body+ tail*`
  case run(lead: CharacterSet? = nil, CharacterSet, tail: CharacterSet? = nil)
  /// `first body+`
  case led(by: CharacterSet, CharacterSet)
  /// `body{minimum,maximum}`
  case count(CharacterSet, ClosedRange<Int>)
  /// `lead? upper* lower+ contraction?`
  case lowercaseWord(lead: CharacterSet, contraction: Bool)
  /// `lead? upper+ lower* contraction?`
  case uppercaseWord(lead: CharacterSet, contraction: Bool)
  /// `\s*[\r\n]+`
  case lineBreaks
  /// `\s+(?!\S)`: white space but for the last before a word.
  case spacesBeforeLast
  /// `\s+$`
  case spacesAtEnd
  /// These bytes.
  case literal([UInt8])

  /// Where the match at `start` ends, or `start` if there is none, in a text that ends at `end`.
  func match(_ text: borrowing ScannedText, _ start: Int, _ end: Int) -> Int {
    switch self {
    case .contraction(let ignoringCase):
      return text.contraction(start, end, ignoringCase: ignoringCase)
    case .run(let lead, let body, let tail):
      var stop = start
      if let lead, lead.contains(text.classes[start]) {
        stop = text.skip(body, start + 1, end)
        if stop == start + 1 { stop = start }
      }
      if stop == start { stop = text.skip(body, start, end) }
      guard stop > start, let tail else { return stop }
      return text.skip(tail, stop, end)
    case .led(let first, let body):
      guard first.contains(text.classes[start]) else { return start }
      let stop = text.skip(body, start + 1, end)
      return stop > start + 1 ? stop : start
    case .count(let body, let range):
      let stop = text.skip(body, start, start + min(end - start, range.upperBound))
      return stop - start >= range.lowerBound ? stop : start
    case .lowercaseWord(let lead, let contraction):
      return text.casedWord(start, end, lead: lead, contraction: contraction, text.lowercaseWord)
    case .uppercaseWord(let lead, let contraction):
      return text.casedWord(start, end, lead: lead, contraction: contraction, text.uppercaseWord)
    case .lineBreaks:
      let stop = text.skip(.any(.whitespace), start, end)
      let last = text.classes[start..<stop].lastIndex { $0.contains(.lineBreak) }
      return last.map { $0 + 1 } ?? start
    case .spacesBeforeLast:
      let stop = text.skip(.any(.whitespace), start, end)
      return stop == end ? stop : max(start, stop - 1)
    case .spacesAtEnd:
      let stop = text.skip(.any(.whitespace), start, end)
      return stop == end ? stop : start
    case .literal(let bytes):
      return text.literal(bytes, start, end)
    }
  }
}

extension ScannedText {
  @inline(__always)
  fileprivate func skip(_ set: CharacterSet, _ start: Int, _ end: Int) -> Int {
    var index = start
    while index < end, set.contains(classes[index]) { index += 1 }
    return index
  }

  fileprivate func contraction(_ start: Int, _ end: Int, ignoringCase: Bool) -> Int {
    guard start + 1 < end, bytes[starts[start]] == UInt8(ascii: "'") else { return start }
    func letter(_ index: Int) -> UInt8 {
      let lowercase = asciiLowercase(index)
      return ignoringCase || lowercase == bytes[starts[index]] ? lowercase : 0
    }
    let first = letter(start + 1)
    // U+017F, the long s, folds to s; the rule of Llama 3 ignores case and so takes it.
    if ignoringCase, bytes[starts[start + 1]] == 0xC5, bytes[starts[start + 1] + 1] == 0xBF { return start + 2 }
    if "stmd".utf8.contains(first) { return start + 2 }
    guard start + 2 < end else { return start }
    switch (first, letter(start + 2)) {
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return start
    }
  }

  fileprivate func casedWord(
    _ start: Int, _ end: Int, lead: CharacterSet, contraction: Bool, _ word: (Int, Int) -> Int
  ) -> Int {
    var stop = start
    if lead.contains(classes[start]), start + 1 < end {
      stop = word(start + 1, end)
      if stop == start + 1 { stop = start }
    }
    if stop == start { stop = word(start, end) }
    guard contraction, stop > start else { return stop }
    return self.contraction(stop, end, ignoringCase: true)
  }

  /// `upper* lower+`: if no lower case follows the upper ones, the last of them that counts as both ends the word.
  fileprivate func lowercaseWord(_ start: Int, _ end: Int) -> Int {
    let uppers = skip(.any(.upperLike), start, end)
    let stop = skip(.any(.lowerLike), uppers, end)
    if stop > uppers { return stop }
    let both = classes[start..<uppers].lastIndex { !$0.isDisjoint(with: .lowerLike) }
    return both.map { $0 + 1 } ?? start
  }

  fileprivate func uppercaseWord(_ start: Int, _ end: Int) -> Int {
    let uppers = skip(.any(.upperLike), start, end)
    return uppers > start ? skip(.any(.lowerLike), uppers, end) : start
  }

  fileprivate func literal(_ pattern: [UInt8], _ start: Int, _ end: Int) -> Int {
    let first = starts[start]
    guard first + pattern.count <= starts[end], bytes[first..<(first + pattern.count)].elementsEqual(pattern) else {
      return start
    }
    var index = start
    while index < end, starts[index] < first + pattern.count { index += 1 }
    return starts[index] == first + pattern.count ? index : start
  }
}

/// What becomes of the matches of a split pattern; names as in Hugging Face's tokenizer.json.
enum SplitBehavior: String, Sendable {
  case isolated = "Isolated"
  case removed = "Removed"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"
}

/// Cuts a text into words, in stages: each cuts further what the one before has left.
struct PreTokenizer: Sendable {
  enum Stage: Sendable {
    /// - inverted: whether the pattern describes what lies between the matches.
    case split([SplitRule], SplitBehavior = .isolated, inverted: Bool = false)
    /// A space before each part that begins with none.
    case spacePrefix
    /// Space becomes the mark U+2581, put before each part too, or before the first only; then a cut before each.
    case spaceMarks(prefix: MarkPrefix, splits: Bool)
  }

  enum MarkPrefix: String, Sendable {
    case always, never, first
  }

  var stages: [Stage]

  init(_ stages: [Stage] = []) { self.stages = stages }

  /// The words of `text` as ranges of the bytes that come with them.
  ///
  /// - Parameter atStart: whether the text is the beginning of what is to be tokenized.
  func words(of text: [UInt8], atStart: Bool) -> (bytes: [UInt8], words: [Range<Int>]) {
    guard !text.isEmpty else { return (text, []) }
    guard !stages.isEmpty else { return (text, [0..<text.count]) }
    var text = ScannedText(text)
    var parts = [0..<text.count]
    for stage in stages {
      switch stage {
      case .split(let rules, let behavior, let inverted):
        parts = Self.split(text, parts, rules, behavior, inverted: inverted)
      case .spacePrefix:
        (text, parts) = Self.rewrite(text, parts) { part, _ in
          part.first == UInt8(ascii: " ") ? Array(part) : [UInt8(ascii: " ")] + part
        }
      case .spaceMarks(let prefix, let splits):
        (text, parts) = Self.rewrite(text, parts) { part, isFirst in
          Self.marked(part, prefix: prefix == .always || (prefix == .first && isFirst && atStart))
        }
        if splits {
          parts = Self.split(text, parts, [.count(.any(.spaceMark), 1...1)], .mergedWithNext, inverted: false)
        }
      }
    }
    return (text.bytes, parts.map { text.starts[$0.lowerBound]..<text.starts[$0.upperBound] })
  }

  static let spaceMark: [UInt8] = [0xE2, 0x96, 0x81]

  private static func marked(_ part: ArraySlice<UInt8>, prefix: Bool) -> [UInt8] {
    let marked = part.replaced([0x20], by: spaceMark)
    return prefix && !marked.starts(with: spaceMark) ? spaceMark + marked : marked
  }

  private static func rewrite(
    _ text: ScannedText, _ parts: [Range<Int>], _ change: (ArraySlice<UInt8>, Bool) -> [UInt8]
  ) -> (ScannedText, [Range<Int>]) {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    for part in parts {
      let range = text.starts[part.lowerBound]..<text.starts[part.upperBound]
      bytes += change(text.bytes[range], range.lowerBound == 0)
      ends.append(bytes.count)
    }
    let result = ScannedText(bytes)
    var index = 0
    let ranges = ends.map { end in
      let start = index
      while result.starts[index] < end { index += 1 }
      return start..<index
    }
    return (result, ranges.filter { !$0.isEmpty })
  }

  private static func split(
    _ text: ScannedText, _ parts: [Range<Int>], _ rules: [SplitRule], _ behavior: SplitBehavior, inverted: Bool
  ) -> [Range<Int>] {
    var result: [Range<Int>] = []
    result.reserveCapacity(parts.count)
    var pieces = SplitPieces(behavior: behavior)
    for part in parts {
      var index = part.lowerBound
      var gap = index
      while index < part.upperBound {
        var stop = index
        for rule in rules {
          stop = rule.match(text, index, part.upperBound)
          if stop > index { break }
        }
        guard stop > index else {
          index += 1
          continue
        }
        if gap < index { pieces.add(gap..<index, isMatch: inverted, to: &result) }
        pieces.add(index..<stop, isMatch: !inverted, to: &result)
        index = stop
        gap = stop
      }
      if gap < part.upperBound { pieces.add(gap..<part.upperBound, isMatch: inverted, to: &result) }
      pieces.finish(&result)
    }
    return result
  }
}

/// Joins matches and what lies between them as a behaviour asks.
private struct SplitPieces {
  let behavior: SplitBehavior
  private var held: (range: Range<Int>, isMatch: Bool)?

  init(behavior: SplitBehavior) { self.behavior = behavior }

  @inline(__always)
  mutating func add(_ range: Range<Int>, isMatch: Bool, to result: inout [Range<Int>]) {
    switch behavior {
    case .isolated: result.append(range)
    case .removed: if !isMatch { result.append(range) }
    case .mergedWithPrevious: join(range, isMatch, when: isMatch && held?.isMatch == false, &result)
    case .mergedWithNext: join(range, isMatch, when: !isMatch && held?.isMatch == true, &result)
    case .contiguous: join(range, isMatch, when: held?.isMatch == isMatch, &result)
    }
  }

  private mutating func join(_ range: Range<Int>, _ isMatch: Bool, when joins: Bool, _ result: inout [Range<Int>]) {
    if joins, let before = held {
      held = (before.range.lowerBound..<range.upperBound, isMatch)
    } else {
      if let before = held { result.append(before.range) }
      held = (range, isMatch)
    }
  }

  mutating func finish(_ result: inout [Range<Int>]) {
    if let held { result.append(held.range) }
    held = nil
  }
}
