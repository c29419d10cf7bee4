// The engine as a system under load: what `gobi load` and a capacity run's service measure.
import Inference

/// Serves requests from one model by an ``Engine``. Ends with ``stop()``.
///
/// Times are taken on the engine's thread as it delivers each event: there is no thread, task or wake-up beside it that
/// would take processors from what is measured.
public final class EngineServing: ServingSystem {
  public struct Options: Sendable {
    /// What the engine aims at.
    public var objective: ServiceObjective
    /// Sequences that are evaluated together.
    public var mostSequences = 32
    /// The most bytes of the prefix cache. 0 for none: a figure then owes nothing to what was computed before.
    public var cacheBytes = 0

    public init(objective: ServiceObjective) { self.objective = objective }
  }

  public let name: String
  private let engine: Engine
  private let options: Options
  private let open = OpenRequests()

  /// - Throws: `CapacityError.model` with what the engine has against the model or the options.
  public init(model: Model, label: String, options: Options) throws(CapacityError) {
    var set = EngineOptions()
    set.maximumSequences = options.mostSequences
    set.maximumStepTokens = max(set.maximumStepTokens, options.mostSequences)
    set.timeToFirstToken = .seconds(options.objective.timeToFirstToken)
    set.timePerOutputToken = .seconds(options.objective.timePerOutputToken)
    set.cacheBytes = options.cacheBytes
    do { engine = try Engine(model: model, options: set) } catch { throw .model(label: label, what: "\(error)") }
    name =
      "\(label), engine"
      + (options.cacheBytes > 0 ? " with a prefix cache of \(Quantity.text(Double(options.cacheBytes), "B"))" : "")
    self.options = options
  }

  public func submit(_ request: ServingRequest, to log: RequestLog) {
    guard request.promptTokens + request.outputTokens <= engine.context else {
      let asked = "\(request.promptTokens) and \(request.outputTokens) tokens"
      return log.end(of: request.id, error: "\(asked) are more than a context of \(engine.context)")
    }
    let hasCache = options.cacheBytes > 0
    let prompt = request.content(below: engine.model.configuration.vocabulary).map { Int32($0) }
    let place = open.add()
    do throws(EngineError) {
      let generation = try engine.submit(
        GenerationRequest(
          prompt: prompt, stop: StopRule(maximumTokens: request.outputTokens), usesCache: hasCache)
      ) { [open] event in
        switch event {
        case .started(let cachedTokens): if hasCache { log.reused(cachedTokens, of: request.id) }
        case .token: log.token(of: request.id)
        case .finished(let reason, _, _):
          let isWhole = reason == .length
          if open.remove(place) { log.end(of: request.id, error: isWhole ? nil : "it ended early: \(reason)") }
        case .failed(let error, _):
          if open.remove(place) { log.end(of: request.id, error: error.description) }
        }
      }
      open.keep(generation, at: place)
    } catch {
      if open.remove(place) { log.end(of: request.id, error: error.description) }
    }
  }

  public func cancelAll() { open.cancelAll() }

  /// Drops what is open and waits for the engine's end.
  public func stop() {
    cancelAll()
    engine.shutDown()
    engine.waitForEnd()
  }
}

/// The requests that are not over: a generation that nobody holds is cancelled.
private final class OpenRequests: Sendable {
  private struct State {
    /// By place; nil while the engine is being asked.
    var generations: [Int: Generation?] = [:]
    var next = 0
  }

  private let state = Lock(State())

  /// A place for a request that is about to be made.
  func add() -> Int {
    state.withLock { state in
      state.next += 1
      state.generations.updateValue(nil, forKey: state.next)
      return state.next
    }
  }

  /// Holds `generation`, unless its place is gone: the request is over, or was given up.
  func keep(_ generation: Generation, at place: Int) {
    state.withLock { state in
      if state.generations[place] != nil { state.generations.updateValue(generation, forKey: place) }
    }
  }

  /// Whether the place was still there.
  func remove(_ place: Int) -> Bool {
    // What was held is let go of outside of the lock: that may call back.
    let held = state.withLock { $0.generations.removeValue(forKey: place) }
    return held != nil
  }

  func cancelAll() {
    let all = state.withLock { state in
      defer { state.generations = [:] }
      return state.generations
    }
    for generation in all.values { generation?.cancel() }
  }
}
