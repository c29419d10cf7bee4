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

  /// Before the name of every metric.
  package static let metricPrefix = "gobi_embedding_"

  /// Hands every metric to `metrics`.
  package func write(to metrics: inout some MetricsSink) {
    metrics.counter("requests_submitted", "Requests taken.", submitted)
    metrics.counter("requests_refused", "Requests refused.", refused)
    metrics.outcomes(finished: finished, cancelled: cancelled, failed: failed)
    metrics.gauge("requests_waiting", "Requests that are not finished.", waiting)
    metrics.counter("steps", "Steps run to their end.", steps)
    metrics.counter("chunks", "Chunks evaluated.", chunks)
    metrics.counter("tokens", "Tokens evaluated.", tokens)
    metrics.histogram("queue_seconds", "Submission to first step.", queueTime)
    metrics.histogram("total_seconds", "Submission to result.", totalTime)
  }

  /// The snapshot in the text format of Prometheus, version 0.0.4.
  ///
  /// - Parameter labels: what stands in the braces of every line, such as `model="minilm"`; already escaped.
  public func prometheusText(labels: String = "") -> String {
    var text = MetricsText(prefix: Self.metricPrefix, labels: labels)
    write(to: &text)
    return text.text
  }
}
