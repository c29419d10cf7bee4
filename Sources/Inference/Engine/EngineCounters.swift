// What an engine has done so far, and how that reads for Prometheus.

/// Counts of values by upper bound, and their sum.
public struct EngineHistogram: Sendable, Equatable {
  /// Seconds.
  public static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
  /// Values up to each bound and beyond the one before; the last counts those beyond all.
  public private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
  public private(set) var sum = 0.0
  public var count: Int { counts.reduce(0, +) }

  mutating func add(_ other: Self) {
    for index in counts.indices { counts[index] += other.counts[index] }
    sum += other.sum
  }

  mutating func add(_ value: Double) {
    counts[Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count] += 1
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
  public var preemptions = 0
  /// Positions computed again after a preemption, and bytes moved out instead.
  public var recomputedTokens = 0
  public var swappedBytes = 0
  /// Bytes of keys and values, the cache's among them, and the budget if there is one.
  public var kvBytes = 0
  public var cacheBytes = 0
  public var kvBudget: Int?
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
    preemptions += news.preemptions
    recomputedTokens += news.recomputedTokens
    swappedBytes += news.swappedBytes
    evictedBlocks = news.evictedBlocks
    queueTime.add(news.queueTime)
    timeToFirstToken.add(news.timeToFirstToken)
    timePerOutputToken.add(news.timePerOutputToken)
  }

  /// The snapshot in the text format of Prometheus, version 0.0.4.
  ///
  /// - Parameter labels: what stands in the braces of every line, such as `model="smollm2"`; already escaped.
  public func prometheusText(labels: String = "") -> String {
    var text = ""
    func family(_ name: String, _ type: String, _ help: String) {
      text += "# HELP gobi_engine_\(name) \(help)\n# TYPE gobi_engine_\(name) \(type)\n"
    }
    func line(_ name: String, _ extra: String, _ value: String) {
      let all = [labels, extra].filter { !$0.isEmpty }.joined(separator: ",")
      text += "gobi_engine_\(name)\(all.isEmpty ? "" : "{\(all)}") \(value)\n"
    }
    func counter(_ name: String, _ help: String, _ value: Int) {
      family(name + "_total", "counter", help)
      line(name + "_total", "", "\(value)")
    }
    func gauge(_ name: String, _ help: String, _ value: Int) {
      family(name, "gauge", help)
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
    counter("requests_submitted", "Requests taken.", submitted)
    counter("requests_refused", "Requests refused.", refused)
    family("requests_ended_total", "counter", "Requests by how they ended.")
    line("requests_ended_total", "outcome=\"finished\"", "\(finished)")
    line("requests_ended_total", "outcome=\"cancelled\"", "\(cancelled)")
    line("requests_ended_total", "outcome=\"failed\"", "\(failed)")
    gauge("requests_waiting", "Requests before their first step.", waiting)
    gauge("sequences_running", "Sequences that are evaluated together.", running)
    gauge("sequences_paused", "Sequences that make room for others.", paused)
    counter("steps", "Steps run to their end.", steps)
    counter("steps_stopped", "Steps stopped because of a cancellation.", stoppedSteps)
    counter("prefill_tokens", "Prompt tokens computed.", prefillTokens)
    counter("cached_tokens", "Prompt tokens that the prefix cache had.", cachedTokens)
    counter("generated_tokens", "Tokens generated.", generatedTokens)
    counter("forced_tokens", "Of these, tokens that a grammar forced.", forcedTokens)
    counter("preemptions", "Sequences that had to make room.", preemptions)
    counter("recomputed_tokens", "Positions computed again after a preemption.", recomputedTokens)
    counter("swapped_bytes", "Bytes of keys and values moved out of the budget.", swappedBytes)
    counter("cache_evicted_blocks", "Blocks that the prefix cache gave up.", evictedBlocks)
    gauge("kv_bytes", "Bytes of keys and values in use.", kvBytes)
    gauge("cache_bytes", "Of these, bytes that the prefix cache holds.", cacheBytes)
    if let kvBudget { gauge("kv_budget_bytes", "The most bytes of keys and values.", kvBudget) }
    histogram("queue_seconds", "Submission to first step.", queueTime)
    histogram("time_to_first_token_seconds", "Submission to first token.", timeToFirstToken)
    histogram("time_per_output_token_seconds", "Mean time between a request's tokens.", timePerOutputToken)
    return text
  }
}
