// The API without its transport: a request's endpoint and body in, an answer out. Endpoints that generate are in
// +Generation, those that embed in +Embedding.
import Glibc
import Inference
import NIOPosix
import Synchronization

/// Serves a set of models. Safe to use from any thread.
public final class InferenceService: Sendable {
  public let models: [ServedModel]
  public let limits: ServiceLimits
  /// What takes a while and is no model's work, such as JSON, templates and grammars, happens on these threads: a
  /// schema that takes a second to compile holds up neither connections nor an engine.
  private let workers: NIOThreadPool
  /// Seconds since 1970.
  private let started: Int
  private let draining = Atomic<Bool>(false)

  /// - Parameter models: no two, nor any of their adapters, of the same label.
  public init(models: [ServedModel], limits: ServiceLimits = ServiceLimits(), workerThreads: Int = 2) {
    self.models = models
    self.limits = limits
    started = Self.now()
    workers = NIOThreadPool(numberOfThreads: max(workerThreads, 1))
    workers.start()
  }

  deinit { workers.shutdownGracefully { _ in } }

  static func now() -> Int { time(nil) }

  /// Answers a request. Cancelling the task that calls cancels what was generated for it.
  ///
  /// - Parameter body: the JSON text; empty for endpoints without one.
  public func answer(_ endpoint: Endpoint, body: [UInt8]) async throws(APIError) -> Answer {
    switch endpoint {
    case .models:
      return .json(.object([("object", "list"), ("data", .array(choices.map(card)))]))
    case .model(let label): return .json(card(try choice(named: label)))
    case .health: return health
    case .metrics:
      return .document(status: 200, contentType: "text/plain; version=0.0.4", body: Array(metrics.utf8))
    case .completions: return try await complete(body)
    case .chat: return try await chat(body)
    case .embeddings: return try await embed(body)
    case .rerank: return try await rerank(body)
    }
  }

  // MARK: Models

  /// What a request's `model` names: a model, and perhaps one of its adapters.
  struct Choice: Sendable {
    let model: ServedModel
    var adapter: ServedAdapter?

    var label: String { adapter?.label ?? model.label }
  }

  private var choices: [Choice] {
    models.flatMap { model in [Choice(model: model)] + model.adapters.map { Choice(model: model, adapter: $0) } }
  }

  private func choice(named label: String) throws(APIError) -> Choice {
    guard let choice = choices.first(where: { $0.label == label }) else { throw .unknownModel(label) }
    return choice
  }

  /// What a request names; without a name the only model that the endpoint can use.
  func choice(_ fields: Fields, generates: Bool) throws(APIError) -> Choice {
    guard let label = try fields.string("model") else {
      let usable = models.filter { ($0.engine != nil) == generates }
      guard usable.count == 1 else {
        throw APIError(400, "model is missing", param: "model", code: "missing_field")
      }
      return Choice(model: usable[0])
    }
    let choice = try choice(named: label)
    guard (choice.model.engine != nil) == generates else {
      let use = generates ? "makes embeddings and generates no text" : "generates text and makes no embeddings"
      throw .invalid("model", "'\(label)' \(use)", code: "wrong_model")
    }
    return choice
  }

  private func card(_ choice: Choice) -> JSONValue {
    let model = choice.model
    var pairs: [(String, JSONValue)] = [
      ("id", .string(choice.label)), ("object", "model"), ("created", .init(started)), ("owned_by", "gobi"),
      ("max_model_len", .init(model.context)), ("architecture", .string(model.model.configuration.architecture)),
      ("parameters", .init(model.model.parameters)), ("weight_bytes", .init(model.model.weightBytes)),
      ("task", model.engine == nil ? "embed" : "generate"), ("chat", .bool(model.template != nil)),
    ]
    if let adapter = choice.adapter?.adapter {
      pairs += [
        ("parent", .string(model.label)), ("adapter_rank", .init(adapter.rank)),
        ("adapter_parameters", .init(adapter.parameters)),
      ]
    }
    return .object(pairs)
  }

  // MARK: Work

  /// Parses a body and goes on with it, on a thread that may block.
  func read<R: Sendable>(
    _ body: [UInt8], _ work: @escaping @Sendable (Fields) throws(APIError) -> R
  ) async throws(APIError) -> R {
    guard !isDraining else { throw .draining }
    let nesting = limits.nesting
    return try await run { () throws(APIError) in
      let value: JSONValue
      do throws(JSONError) {
        value = try body.withUnsafeBytesTyped { bytes throws(JSONError) in
          try JSONValue(parsing: bytes, maximumDepth: nesting)
        }
      } catch {
        throw APIError(400, "the body is no JSON: \(error.reason) (byte \(error.offset))", code: "invalid_json")
      }
      guard let object = value.object else { throw APIError(400, "the body is no JSON object", code: "invalid_json") }
      return try work(Fields(object))
    }
  }

  func run<R: Sendable>(_ work: @escaping @Sendable () throws(APIError) -> R) async throws(APIError) -> R {
    let result: Result<R, APIError>
    do {
      result = try await workers.runIfActive {
        do throws(APIError) { return .success(try work()) } catch { return .failure(error) }
      }
    } catch { throw error is CancellationError ? .cancelled : .draining }
    return try result.get()
  }

  // MARK: The end

  public var isDraining: Bool { draining.load(ordering: .acquiring) }

  /// Takes no more requests; returns when those that are there are finished, or were cancelled after `patience`.
  public func drain(patience: Duration) async {
    draining.store(true, ordering: .releasing)
    let models = models
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        do { try await Task.sleep(for: patience) } catch { return }
        for model in models { model.shutDown() }
      }
      for model in models { await model.drained() }
      group.cancelAll()
    }
  }

  private var health: Answer {
    isDraining ? .json(["status": "draining"], status: 503) : .json(["status": "ok"])
  }

  /// The engines' counters in the text format of Prometheus, a label `model` telling them apart.
  var metrics: String {
    PrometheusText.merged(
      models.map { model in
        let labels = "model=\"\(PrometheusText.escaped(model.label))\""
        return model.engine?.counters.prometheusText(labels: labels)
          ?? model.embeddings?.counters.prometheusText(labels: labels) ?? ""
      })
  }
}

extension [UInt8] {
  /// As `withUnsafeBytes`, with the closure's own error type.
  func withUnsafeBytesTyped<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    let result: Result<R, E> = withUnsafeBytes { bytes in
      do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
