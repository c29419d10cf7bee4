// Engines' counters for swift-metrics: for programs whose metrics go through its factories. Programs that have none use
// `prometheusText` and link nothing of this.
import CoreMetrics
import Inference
import Synchronization

/// Hands an engine's counters on to swift-metrics, under the names that its Prometheus text has.
///
///     let metrics = EngineMetrics(engine, dimensions: [("model", "smollm2")])
///     await metrics.run(every: .seconds(10))        // or metrics.update() whenever it suits
///
/// Totals become counters that grow by what was new since the last update; what is now becomes gauges. A histogram
/// becomes the counters `…_bucket` (by `le`, cumulative), `…_sum` (seconds) and `…_count`. Safe to use from any thread.
public final class EngineMetrics: Sendable {
  /// What was handed on so far.
  private let state: Mutex<Handlers>
  private let write: @Sendable (inout Handlers) -> Void

  /// - Parameters:
  ///   - dimensions: of every metric, in swift-metrics' sense.
  ///   - factory: the one that the program was bootstrapped with, by default.
  public convenience init(
    _ engine: Engine, dimensions: [(String, String)] = [], factory: (any MetricsFactory)? = nil
  ) {
    self.init(EngineCounters.metricPrefix, dimensions, factory) { engine.counters.write(to: &$0) }
  }

  public convenience init(
    _ engine: EmbeddingEngine, dimensions: [(String, String)] = [], factory: (any MetricsFactory)? = nil
  ) {
    self.init(EmbeddingCounters.metricPrefix, dimensions, factory) { engine.counters.write(to: &$0) }
  }

  private init(
    _ prefix: String, _ dimensions: [(String, String)], _ factory: (any MetricsFactory)?,
    _ write: @escaping @Sendable (inout Handlers) -> Void
  ) {
    state = Mutex(Handlers(prefix: prefix, dimensions: dimensions, factory: factory ?? MetricsSystem.factory))
    self.write = write
  }

  /// Brings swift-metrics up to date.
  public func update() { state.withLock { write(&$0) } }

  /// Updates at once and then every `interval`, until its task is cancelled; the last time then.
  public func run(every interval: Duration = .seconds(10)) async {
    repeat { update() } while (try? await Task.sleep(for: interval)) != nil
    update()
  }
}

/// The metrics of one engine, made when they are first written.
private struct Handlers: MetricsSink {
  private struct Key: Hashable {
    let name: String
    var label = ""
  }

  let prefix: String
  let dimensions: [(String, String)]
  let factory: any MetricsFactory
  private var counters: [Key: (handler: Counter, value: Int)] = [:]
  private var sums: [String: (handler: FloatingPointCounter, value: Double)] = [:]
  private var gauges: [String: Gauge] = [:]

  init(prefix: String, dimensions: [(String, String)], factory: any MetricsFactory) {
    self.prefix = prefix
    self.dimensions = dimensions
    self.factory = factory
  }

  private mutating func total(_ name: String, _ value: Int, _ extra: (String, String)? = nil) {
    let key = Key(name: name, label: extra?.1 ?? "")
    var entry =
      counters[key]
      ?? (Counter(label: prefix + name, dimensions: dimensions + (extra.map { [$0] } ?? []), factory: factory), 0)
    if value > entry.value { entry.handler.increment(by: value - entry.value) }
    entry.value = value
    counters[key] = entry
  }

  mutating func counter(_ name: String, _ help: String, _ value: Int) { total(name + "_total", value) }

  mutating func gauge(_ name: String, _ help: String, _ value: Int) {
    let gauge = gauges[name] ?? Gauge(label: prefix + name, dimensions: dimensions, factory: factory)
    gauge.record(value)
    gauges[name] = gauge
  }

  mutating func outcomes(finished: Int, cancelled: Int, failed: Int) {
    for (outcome, value) in [("finished", finished), ("cancelled", cancelled), ("failed", failed)] {
      total("requests_ended_total", value, ("outcome", outcome))
    }
  }

  mutating func histogram(_ name: String, _ help: String, _ value: EngineHistogram) {
    for (bound, count) in value.cumulative { total(name + "_bucket", count, ("le", bound)) }
    total(name + "_count", value.count)
    var entry =
      sums[name]
      ?? (FloatingPointCounter(label: prefix + name + "_sum", dimensions: dimensions, factory: factory), 0)
    if value.sum > entry.value { entry.handler.increment(by: value.sum - entry.value) }
    entry.value = value.sum
    sums[name] = entry
  }
}
