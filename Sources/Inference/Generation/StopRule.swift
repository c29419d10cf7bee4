// When generation ends: token ids, strings that may come in pieces, a count. Does not sample.

/// Why generation ended.
public enum FinishReason: Sendable, Equatable {
  /// The model ended its turn, with this token.
  case endOfGeneration(Int32)
  /// One of the stop strings was about to appear.
  case stopString(String)
  /// The text satisfies its grammar, and nothing can follow.
  case grammarComplete
  /// The number of tokens that was asked for. Of a text with a grammar this is all but sure to be a beginning only.
  case length
  /// No room was left in the context.
  case contextFull
  case cancelled
}

/// What ends a generation.
public struct StopRule: Sendable, Equatable {
  /// Tokens that end it and do not appear in the text.
  public var tokens: Set<Int32>
  /// Texts that end it and do not appear; empty ones are ignored.
  public var strings: [String]
  /// At most this many tokens; nil for no limit.
  public var maximumTokens: Int?

  public init(tokens: Set<Int32> = [], strings: [String] = [], maximumTokens: Int? = nil) {
    self.tokens = tokens
    self.strings = strings.filter { !$0.isEmpty }
    self.maximumTokens = maximumTokens
  }
}

/// Looks for stop strings in text that comes in pieces, and holds back what may yet become one.
public struct StopMatcher: Sendable {
  private let stops: [(text: String, bytes: [UInt8])]
  private var held: [UInt8] = []

  public init(strings: [String]) {
    stops = strings.filter { !$0.isEmpty }.map { ($0, Array($0.utf8)) }
  }

  /// Adds a piece. Returns the text that is certain to belong to the output, and the stop string if one is complete:
  /// the earliest in the text, the first of the list among those that start at the same place.
  public mutating func append(_ piece: String) -> (text: String, stop: String?) {
    guard !stops.isEmpty else { return (piece, nil) }
    held += Array(piece.utf8)
    for start in held.indices {
      if let stop = stops.first(where: { held[start...].starts(with: $0.bytes) }) {
        let text = String(decoding: held[..<start], as: UTF8.self)
        held = []
        return (text, stop.text)
      }
    }
    let certain = held.count - longestOpenEnd()
    let text = String(decoding: held[..<certain], as: UTF8.self)
    held.removeFirst(certain)
    return (text, nil)
  }

  /// What was held back, when nothing more comes.
  public mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }

  /// The length of the longest end of `held` with which a stop string begins.
  private func longestOpenEnd() -> Int {
    var longest = 0
    for stop in stops {
      var length = min(stop.bytes.count - 1, held.count)
      while length > longest {
        if held.suffix(length).elementsEqual(stop.bytes.prefix(length)) { longest = length }
        length -= 1
      }
    }
    return longest
  }
}
