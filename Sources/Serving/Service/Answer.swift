// What the service says to a request, whatever carries it.
import Inference

/// An answer, or the beginning of one.
public enum Answer: Sendable {
  case document(status: Int, contentType: String, body: [UInt8])
  case events(EventStream)

  static func json(_ value: JSONValue, status: Int = 200) -> Answer {
    .document(status: status, contentType: "application/json", body: value.bytes)
  }
}
