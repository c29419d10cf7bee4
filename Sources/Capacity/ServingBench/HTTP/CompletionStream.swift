// What the events of an OpenAI-compatible completion say: tokens as they come, the server's own count, and the end.
import Inference

package struct CompletionStream {
  package init() {}

  /// Events that brought a token or more.
  private(set) var chunks = 0
  /// The server's count of output tokens; nil where it does not tell.
  private(set) var counted: Int?
  /// Its count of prompt tokens that it had from other requests; nil likewise.
  private(set) var cached: Int?
  /// The server said that there is no more.
  private(set) var isOver = false

  private static let mostTokens = TrialSamples.mostTokens

  /// Takes one event's data; true if it brought a token. Throws for an error that the server tells, and for what is not
  /// JSON.
  package mutating func take(_ event: String) throws(HTTPFailure) -> Bool {
    if event == "[DONE]" {
      isOver = true
      return false
    }
    let json: JSONValue
    do { json = try JSONValue(parsing: event, maximumDepth: 32) } catch {
      throw HTTPFailure(what: "an event is not JSON: \(event.prefix(60))")
    }
    if let error = json["error"], !error.isNull {
      throw HTTPFailure(what: "the server says: \(String((error["message"]?.string ?? "an error").prefix(100)))")
    }
    if let count = json["usage"]?["completion_tokens"]?.int, (0...Self.mostTokens).contains(count) { counted = count }
    if let count = json["usage"]?["prompt_tokens_details"]?["cached_tokens"]?.int, (0...Self.mostTokens).contains(count)
    {
      cached = count
    }
    guard let choice = json["choices"]?[0] else { return false }
    let isLast = choice["finish_reason"].map { !$0.isNull } ?? false
    if isLast { isOver = true }
    // The last event may only say why it ends; another without text is a token that is no whole character yet.
    let text = choice["text"]?.string ?? choice["delta"]?["content"]?.string ?? ""
    guard !isLast || !text.isEmpty else { return false }
    chunks += 1
    return true
  }

  /// Tokens beyond those that came one an event: servers put several into one.
  var rest: Int { max((counted ?? chunks) - chunks, 0) }
}
