// What an embedding engine has done so far.

/// A snapshot of an embedding engine. Totals count from its start; the others are what is now.
public struct EmbeddingCounters: Sendable, Equatable {
  /// Requests taken, refused, and how they ended.
  public var submitted = 0
  public var refused = 0
  public var finished = 0
  public var cancelled = 0
  public var failed = 0
  /// Requests that are not finished.
  public var waiting = 0
  /// Steps run to their end, and their chunks and tokens.
  public var steps = 0
  public var chunks = 0
  public var tokens = 0
  public var queueTime = EngineHistogram()
  public var totalTime = EngineHistogram()

  public init() {}

  mutating func add(_ news: Self) {
    finished += news.finished
    failed += news.failed
    steps += news.steps
    chunks += news.chunks
    tokens += news.tokens
    queueTime.add(news.queueTime)
    totalTime.add(news.totalTime)
  }

  /// The snapshot in the text format of Prometheus, version 0.0.4.
  ///
  /// - Parameter labels: what stands in the braces of every line, such as `model="minilm"`; already escaped.
  public func prometheusText(labels: String = "") -> String {
    var text = ""
    func family(_ name: String, _ type: String, _ help: String) {
      text += "# HELP gobi_embedding_\(name) \(help)\n# TYPE gobi_embedding_\(name) \(type)\n"
    }
    func line(_ name: String, _ extra: String, _ value: String) {
      let all = [labels, extra].filter { !$0.isEmpty }.joined(separator: ",")
      text += "gobi_embedding_\(name)\(all.isEmpty ? "" : "{\(all)}") \(value)\n"
    }
    func single(_ name: String, _ type: String, _ help: String, _ value: Int) {
      family(name, type, help)
      line(name, "", "\(value)")
    }
    func histogram(_ name: String, _ help: String, _ value: EngineHistogram) {
      family(name, "histogram", help)
      var sum = 0
      for (index, count) in value.counts.enumerated() {
        sum += count
        let bound = index < EngineHistogram.bounds.count ? "\(EngineHistogram.bounds[index])" : "+Inf"
        line(name + "_bucket", "le=\"\(bound)\"", "\(sum)")
      }
      line(name + "_sum", "", "\(value.sum)")
      line(name + "_count", "", "\(sum)")
    }
    single("requests_submitted_total", "counter", "Requests taken.", submitted)
    single("requests_refused_total", "counter", "Requests refused.", refused)
    family("requests_ended_total", "counter", "Requests by how they ended.")
    line("requests_ended_total", "outcome=\"finished\"", "\(finished)")
    line("requests_ended_total", "outcome=\"cancelled\"", "\(cancelled)")
    line("requests_ended_total", "outcome=\"failed\"", "\(failed)")
    single("requests_waiting", "gauge", "Requests that are not finished.", waiting)
    single("steps_total", "counter", "Steps run to their end.", steps)
    single("chunks_total", "counter", "Chunks evaluated.", chunks)
    single("tokens_total", "counter", "Tokens evaluated.", tokens)
    histogram("queue_seconds", "Submission to first step.", queueTime)
    histogram("total_seconds", "Submission to result.", totalTime)
    return text
  }
}
