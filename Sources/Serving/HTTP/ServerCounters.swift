// What the server itself counts, beside the engines' counters.
import Synchronization

final class ServerCounters: Sendable {
  private struct Key: Hashable {
    let route: String
    let status: Int
  }

  private struct Values: Sendable {
    var requests: [Key: Int] = [:]
    var seconds: [String: Histogram] = [:]
    var inFlight = 0
    var vanished = 0
    var stalled = 0
    var bodyBytes = 0
  }

  private struct Histogram: Sendable {
    static let bounds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300]
    var counts = [Int](repeating: 0, count: bounds.count + 1)
    var sum = 0.0

    mutating func add(_ value: Double) {
      counts[Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count] += 1
      sum += value
    }
  }

  private let values = Mutex(Values())

  func began() { values.withLock { $0.inFlight += 1 } }

  /// - Parameter seconds: from the request's head to the response's end.
  func ended(route: String, status: Int, seconds: Double) {
    values.withLock { values in
      values.inFlight -= 1
      values.requests[Key(route: route, status: status), default: 0] += 1
      values.seconds[route, default: Histogram()].add(seconds)
    }
  }

  func vanished() { values.withLock { $0.vanished += 1 } }
  func stalled() { values.withLock { $0.stalled += 1 } }

  var inFlight: Int { values.withLock { $0.inFlight } }

  // MARK: Bytes of bodies

  /// Sets `count` bytes aside if all bodies together stay within `limit`.
  func reserve(_ count: Int, limit: Int) -> Bool {
    values.withLock { values in
      guard values.bodyBytes + count <= limit else { return false }
      values.bodyBytes += count
      return true
    }
  }

  func release(_ count: Int) { values.withLock { $0.bodyBytes -= count } }

  // MARK: As text

  /// In the text format of Prometheus, version 0.0.4.
  func prometheusText(connections: Int) -> String {
    let values = values.withLock { $0 }
    var text = ""
    func family(_ name: String, _ type: String, _ help: String) {
      text += "# HELP gobi_http_\(name) \(help)\n# TYPE gobi_http_\(name) \(type)\n"
    }
    func single(_ name: String, _ type: String, _ help: String, _ value: Int) {
      family(name, type, help)
      text += "gobi_http_\(name) \(value)\n"
    }
    family("requests_total", "counter", "Requests answered, by route and status.")
    for (key, count) in values.requests.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }) {
      text += "gobi_http_requests_total{route=\"\(key.route)\",status=\"\(key.status)\"} \(count)\n"
    }
    family("request_seconds", "histogram", "From a request's head to the end of its answer.")
    for (route, histogram) in values.seconds.sorted(by: { $0.key < $1.key }) {
      var sum = 0
      for (index, count) in histogram.counts.enumerated() {
        sum += count
        let bound = index < Histogram.bounds.count ? "\(Histogram.bounds[index])" : "+Inf"
        text += "gobi_http_request_seconds_bucket{route=\"\(route)\",le=\"\(bound)\"} \(sum)\n"
      }
      text += "gobi_http_request_seconds_sum{route=\"\(route)\"} \(histogram.sum)\n"
      text += "gobi_http_request_seconds_count{route=\"\(route)\"} \(sum)\n"
    }
    single("requests_in_flight", "gauge", "Requests that are being answered.", values.inFlight)
    single("connections", "gauge", "Open connections.", connections)
    single("body_bytes", "gauge", "Bytes of bodies in memory.", values.bodyBytes)
    single("clients_vanished_total", "counter", "Requests whose client went away.", values.vanished)
    single("readers_stalled_total", "counter", "Connections closed because the client did not read.", values.stalled)
    return text
  }
}
