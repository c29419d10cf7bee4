// What can go wrong between text and tokens: tokenizers and chat templates. Nothing here reads a file.

public enum TextError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A tokenizer's description lacks what it needs, or contradicts itself; `key` names the place in it.
  case malformedTokenizer(key: String, reason: String)
  /// A kind of tokenizer, or of a step in one, that is not known here.
  case unsupportedTokenizer(key: String, value: String)
  /// A chat template that cannot be parsed; `line` counts from 1.
  case templateSyntax(line: Int, reason: String)
  /// A chat template failed while rendering; `line` counts from 1.
  case templateFailed(line: Int, reason: String)
  /// A chat template refused the conversation by calling `raise_exception`; the message is its own.
  case templateRefused(message: String)
  /// A chat template went beyond one of ``ChatTemplate/Limits``.
  case templateLimit(name: String, maximum: Int, line: Int)

  public var description: String {
    switch self {
    case .malformedTokenizer(let key, let reason): "tokenizer, \(key): \(reason)"
    case .unsupportedTokenizer(let key, let value): "tokenizer, \(key): '\(value)' is not supported"
    case .templateSyntax(let line, let reason): "chat template, line \(line): \(reason)"
    case .templateFailed(let line, let reason): "chat template, line \(line): \(reason)"
    case .templateRefused(let message): "the chat template refuses the conversation: \(message)"
    case .templateLimit(let name, let maximum, let line):
      "chat template, line \(line): goes beyond the limit of \(maximum) for \(name)"
    }
  }
}
