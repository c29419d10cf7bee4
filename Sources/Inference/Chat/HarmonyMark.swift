// gpt-oss's answers: messages, each with a header that says where it goes.

/// The control tokens around messages.
enum HarmonyMark: String, CaseIterable {
  case start = "<|start|>"
  case channel = "<|channel|>"
  case constrain = "<|constrain|>"
  case message = "<|message|>"
  case end = "<|end|>"
  case call = "<|call|>"
  case ret = "<|return|>"

  /// Those that end a message, by themselves or because the next begins.
  static let ending: [Self] = [.end, .call, .ret, .start]
}

/// A message's header, from behind `<|start|>` up to `<|message|>`.
struct HarmonyHeader {
  enum Target: Sendable, Equatable {
    case content, reasoning
    case call(String)
  }

  let target: Target

  init(_ text: String) {
    let parts = text.split(separator: HarmonyMark.channel.rawValue, maxSplits: 1)
    let channel =
      text.contains(HarmonyMark.channel.rawValue) ? parts.last?.prefix { !$0.isWhitespace && $0 != "<" } : nil
    if let to = text.firstRange(of: "to=") {
      var name = text[to.upperBound...].prefix { !$0.isWhitespace && $0 != "<" }
      if name.hasPrefix("functions.") { name = name.dropFirst("functions.".count) }
      target = .call(String(name))
    } else {
      target = channel == "analysis" ? .reasoning : .content
    }
  }
}
