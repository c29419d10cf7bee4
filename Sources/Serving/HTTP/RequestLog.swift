// What is written down of a request: counters always, a line where the log's level is `info`.
import HTTPTypes
import HummingbirdCore
import Logging

struct RequestLog: Sendable {
  /// The client's own name for the request, or one made up. The response has it as `x-request-id`.
  let id: String
  /// The endpoint's path; unknown paths are one, so that nobody can fill the metrics with names.
  var route = "other"
  private let began = ContinuousClock.now
  private let line: String
  private let logger: Logger
  private let counters: ServerCounters

  init(_ request: Request, _ logger: Logger, _ counters: ServerCounters) {
    let given = HTTPField.Name("x-request-id").flatMap { request.headers[$0] } ?? ""
    let isUsable = (1...128).contains(given.utf8.count) && given.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    id = isUsable ? given : "req_" + Identifier.random()
    line = "\(request.method) \(request.uri.path.prefix(200))"
    self.logger = logger
    self.counters = counters
  }

  func end(_ status: Int) {
    let time = ContinuousClock.now - began
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    counters.ended(route: route, status: status, seconds: seconds)
    logger.info("\(line)", metadata: ["status": "\(status)", "seconds": "\(seconds)", "request": "\(id)"])
  }
}
