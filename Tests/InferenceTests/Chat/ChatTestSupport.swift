// What the tests of answers share: events put together, ways to cut a text, tools. No tests.
import Foundation
import Inference
import TestSupport
import Testing

enum ChatSupport {
  static let seed: UInt64 = 7

  static let tools: JSONValue = [
    [
      "type": "function",
      "function": [
        "name": "get_weather",
        "parameters": [
          "type": "object",
          "properties": ["city": ["type": "string"], "days": ["type": "integer"]], "required": ["city"],
        ],
      ],
    ],
    ["type": "function", "function": ["name": "now"]],
  ]

  static func options(
    parsesCalls: Bool? = nil, reasoning: Bool = false, tools: JSONValue = tools
  ) throws -> ChatParserOptions {
    ChatParserOptions(
      tools: try ChatTool.list(tools), parsesCalls: parsesCalls, startsInReasoning: reasoning, idSeed: seed)
  }

  /// Pieces of text in a row put together.
  static func merged(_ events: some Sequence<ChatEvent>) -> [ChatEvent] {
    var result: [ChatEvent] = []
    for event in events {
      switch (result.last, event) {
      case (.content(let before)?, .content(let text)): result[result.count - 1] = .content(before + text)
      case (.reasoning(let before)?, .reasoning(let text)): result[result.count - 1] = .reasoning(before + text)
      default: result.append(event)
      }
    }
    return result
  }

  static func events(_ format: ChatFormat, _ pieces: [String], _ options: ChatParserOptions) -> [ChatEvent] {
    var parser = ChatParser(format, options: options)
    var events: [ChatEvent] = []
    for piece in pieces { events += parser.append(piece) }
    events += parser.finish()
    // After the end nothing comes.
    #expect(parser.append("x").isEmpty && parser.finish().isEmpty)
    return merged(events)
  }

  /// Every cut in two, single characters, and some cuts by chance give the same events.
  static func checkCuts(
    _ format: ChatFormat, _ text: String, _ options: ChatParserOptions,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let scalars = Array(text.unicodeScalars)
    func string(_ range: Range<Int>) -> String {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[range])
      return String(view)
    }
    let whole = events(format, [text], options)
    let singles = events(format, scalars.indices.map { string($0..<$0 + 1) }, options)
    #expect(singles == whole, "\(format.calls) \(text)", sourceLocation: sourceLocation)
    let step = max(scalars.count / 200, 1)
    for cut in stride(from: 1, to: scalars.count, by: step) {
      let pieces = events(format, [string(0..<cut), string(cut..<scalars.count)], options)
      guard pieces == whole else {
        Issue.record("cut at \(cut): \(pieces), whole: \(whole)", sourceLocation: sourceLocation)
        return
      }
    }
    var random = SeededRandom(seed: UInt64(scalars.count))
    for _ in 0..<5 {
      var pieces: [String] = [], start = 0
      while start < scalars.count {
        let end = min(start + Int.random(in: 1...7, using: &random), scalars.count)
        pieces.append(string(start..<end))
        start = end
      }
      #expect(events(format, pieces, options) == whole, sourceLocation: sourceLocation)
    }
  }
}
