// What an engine has done so far, and how that reads for Prometheus.

/// Counts of values by upper bound, and their sum.
public struct EngineHistogram: Sendable, Equatable {
  /// Seconds.
  public static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
  /// Inline, so that a snapshot shares no memory with the engine: nothing is allocated for it under the desk's lock.
  private var bins = InlineArray<14, Int>(repeating: 0)
  /// Values up to each bound and beyond the one before; the last counts those beyond all.
  public var counts: [Int] { bins.indices.map { bins[$0] } }
  public private(set) var sum = 0.0
  public var count: Int { bins.indices.reduce(0) { $0 + bins[$1] } }

  public static func == (a: Self, b: Self) -> Bool {
    a.sum == b.sum && a.bins.indices.allSatisfy { a.bins[$0] == b.bins[$0] }
  }

  /// Each bound as Prometheus writes it, and how many values are not beyond it.
  package var cumulative: [(bound: String, count: Int)] {
    var sum = 0
    return counts.enumerated().map { index, count in
      sum += count
      return (index < Self.bounds.count ? "\(Self.bounds[index])" : "+Inf", sum)
    }
  }

  mutating func add(_ other: Self) {
    for index in bins.indices { bins[index] += other.bins[index] }
    sum += other.sum
  }

  mutating func add(_ value: Double) {
    bins[Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count] += 1
    sum += value
  }
}

/// A snapshot of an engine. Totals count from its start; the others are what is now.
public struct EngineCounters: Sendable, Equatable {
  /// Requests taken, refused, and how they ended.
  public var submitted = 0
  public var refused = 0
  public var finished = 0
  public var cancelled = 0
  public var failed = 0
  /// Requests before their first step.
  public var waiting = 0
  /// Sequences that are evaluated together now, and those that make room for others.
  public var running = 0
  public var paused = 0
  /// Steps run to their end, and steps stopped because of a cancellation.
  public var steps = 0
  public var stoppedSteps = 0
  /// Prompt tokens computed, prompt tokens that the cache had, tokens generated, and of these those that grammars forced.
  public var prefillTokens = 0
  public var cachedTokens = 0
  public var generatedTokens = 0
  public var forcedTokens = 0
  /// Tokens that were guessed and evaluated ahead, and those of them that were chosen.
  public var draftedTokens = 0
  public var acceptedTokens = 0
  public var preemptions = 0
  /// Positions computed again after a preemption, and bytes moved out instead.
  public var recomputedTokens = 0
  public var swappedBytes = 0
  /// Bytes of keys and values, the cache's among them, and the budget if there is one.
  public var kvBytes = 0
  public var cacheBytes = 0
  public var kvBudget: Int?
  /// Bytes of the draft model's keys and values, which the budget does not count.
  public var draftKVBytes = 0
  public var evictedBlocks = 0
  public var queueTime = EngineHistogram()
  public var timeToFirstToken = EngineHistogram()
  public var timePerOutputToken = EngineHistogram()

  public init() {}

  /// Adds the totals of `news`, and takes over how many blocks were ever evicted.
  mutating func add(_ news: Self) {
    finished += news.finished
    cancelled += news.cancelled
    failed += news.failed
    steps += news.steps
    stoppedSteps += news.stoppedSteps
    prefillTokens += news.prefillTokens
    cachedTokens += news.cachedTokens
    generatedTokens += news.generatedTokens
    forcedTokens += news.forcedTokens
    draftedTokens += news.draftedTokens
    acceptedTokens += news.acceptedTokens
    preemptions += news.preemptions
    recomputedTokens += news.recomputedTokens
    swappedBytes += news.swappedBytes
    evictedBlocks = news.evictedBlocks
    queueTime.add(news.queueTime)
    timeToFirstToken.add(news.timeToFirstToken)
    timePerOutputToken.add(news.timePerOutputToken)
  }

  /// Before the name of every metric.
  package static let metricPrefix = "gobi_engine_"

  /// Hands every metric to `metrics`.
  package func write(to metrics: inout some MetricsSink) {
    metrics.counter("requests_submitted", "Requests taken.", submitted)
    metrics.counter("requests_refused", "Requests refused.", refused)
    metrics.outcomes(finished: finished, cancelled: cancelled, failed: failed)
    metrics.gauge("requests_waiting", "Requests before their first step.", waiting)
    metrics.gauge("sequences_running", "Sequences that are evaluated together.", running)
    metrics.gauge("sequences_paused", "Sequences that make room for others.", paused)
    metrics.counter("steps", "Steps run to their end.", steps)
    metrics.counter("steps_stopped", "Steps stopped because of a cancellation.", stoppedSteps)
    metrics.counter("prefill_tokens", "Prompt tokens computed.", prefillTokens)
    metrics.counter("cached_tokens", "Prompt tokens that the prefix cache had.", cachedTokens)
    metrics.counter("generated_tokens", "Tokens generated.", generatedTokens)
    metrics.counter("forced_tokens", "Of these, tokens that a grammar forced.", forcedTokens)
    metrics.counter("drafted_tokens", "Tokens guessed and evaluated ahead.", draftedTokens)
    metrics.counter("accepted_tokens", "Of these, tokens that were chosen.", acceptedTokens)
    metrics.counter("preemptions", "Sequences that had to make room.", preemptions)
    metrics.counter("recomputed_tokens", "Positions computed again after a preemption.", recomputedTokens)
    metrics.counter("swapped_bytes", "Bytes of keys and values moved out of the budget.", swappedBytes)
    metrics.counter("cache_evicted_blocks", "Blocks that the prefix cache gave up.", evictedBlocks)
    metrics.gauge("kv_bytes", "Bytes of keys and values in use.", kvBytes)
    metrics.gauge("cache_bytes", "Of these, bytes that the prefix cache holds.", cacheBytes)
    metrics.gauge("draft_kv_bytes", "Bytes of the draft model's keys and values.", draftKVBytes)
    if let kvBudget { metrics.gauge("kv_budget_bytes", "The most bytes of keys and values.", kvBudget) }
    metrics.histogram("queue_seconds", "Submission to first step.", queueTime)
    metrics.histogram("time_to_first_token_seconds", "Submission to first token.", timeToFirstToken)
    metrics.histogram("time_per_output_token_seconds", "Mean time between a request's tokens.", timePerOutputToken)
  }

  /// The snapshot in the text format of Prometheus, version 0.0.4.
  ///
  /// - Parameter labels: what stands in the braces of every line, such as `model="smollm2"`; already escaped.
  public func prometheusText(labels: String = "") -> String {
    var text = MetricsText(prefix: Self.metricPrefix, labels: labels)
    write(to: &text)
    return text.text
  }
}
