// Documents in order of how well they answer a query: by a cross-encoder where the model is one, else by vectors.

public struct RerankRequest: Sendable {
  /// Tokens without special ones.
  public var query: [Int32]
  public var documents: [[Int32]]
  /// What becomes of documents that are longer than the model looks at.
  public var excess: EmbeddingRequest.Excess
  public var priority: Int
  public var deadline: Duration?

  public init(
    query: [Int32], documents: [[Int32]], excess: EmbeddingRequest.Excess = .chunk(overlap: nil), priority: Int = 0,
    deadline: Duration? = nil
  ) {
    self.query = query
    self.documents = documents
    self.excess = excess
    self.priority = priority
    self.deadline = deadline
  }
}

/// Scores of documents.
public struct Reranking: Sendable, Equatable {
  /// Where the scores come from.
  public enum Method: String, Sendable, Equatable {
    /// The model looked at query and document together; a score is its head's output, any real number.
    case crossEncoder = "cross-encoder"
    /// The model looked at each alone; a score is the cosine of their vectors, -1 to 1.
    case cosine
  }

  public var method: Method
  /// A score a document, in the documents' order; greater is better.
  public var scores: [Float]
  /// Tokens evaluated for all of them.
  public var evaluatedTokens: Int
  /// Tokens of query and documents; a query that goes with every document counts once each.
  public var inputTokens: Int

  /// The documents' places, the best first; of equal scores the earlier document first.
  public func ranked(_ most: Int = .max) -> [(document: Int, score: Float)] {
    Array(
      scores.enumerated().sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }.prefix(max(most, 0))
        .map { (document: $0.offset, score: $0.element) })
  }
}

/// A reranking in an engine: one request a document, and by cosine one for the query. Cancelled when nobody holds it.
public final class RerankTask: Sendable {
  private let method: Reranking.Method
  private let tasks: [EmbeddingTask]

  init(method: Reranking.Method, tasks: [EmbeddingTask]) {
    self.method = method
    self.tasks = tasks
  }

  /// Waits for all scores. Throws the first request's error, in the documents' order.
  public func value() async throws(EngineError) -> Reranking {
    var parts: [TextEmbedding] = []
    for task in tasks {
      do throws(EngineError) {
        parts.append(try await task.value())
      } catch {
        cancel()
        throw error
      }
    }
    return reranking(parts)
  }

  /// The scores if all are there, or an error as soon as there is one.
  public func poll() -> Result<Reranking, EngineError>? {
    let outcomes = tasks.map { $0.poll() }
    for case .failure(let error)? in outcomes { return .failure(error) }
    var parts: [TextEmbedding] = []
    for outcome in outcomes {
      guard case .success(let part)? = outcome else { return nil }
      parts.append(part)
    }
    return .success(reranking(parts))
  }

  /// A descriptor that is readable when ``poll()`` may say more than it did: that of the first request without result.
  /// Ask again after every poll that returned nil.
  public func descriptor() throws(EngineError) -> Int32? {
    try (tasks.first { $0.poll() == nil } ?? tasks.last)?.descriptor()
  }

  public func cancel() { for task in tasks { task.cancel() } }

  private func reranking(_ parts: [TextEmbedding]) -> Reranking {
    let scores: [Float]
    switch method {
    case .crossEncoder: scores = parts.map { $0.values.first ?? 0 }
    case .cosine:
      let query = parts.first?.values ?? []
      scores = parts.dropFirst().map { part in
        Float(zip(query, part.values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) })
      }
    }
    return Reranking(
      method: method, scores: scores, evaluatedTokens: parts.reduce(0) { $0 + $1.usage.evaluatedTokens },
      inputTokens: parts.reduce(0) { $0 + $1.usage.inputTokens })
  }
}

extension EmbeddingEngine {
  /// How this engine's model ranks: by its classification head if that gives one score.
  public var rerankMethod: Reranking.Method { model.labels == 1 ? .crossEncoder : .cosine }

  /// Hands a reranking in; nothing of it stays if one of its requests is refused.
  public func submit(_ request: RerankRequest) throws(EngineError) -> RerankTask {
    let method = rerankMethod
    func task(
      _ input: EmbeddingRequest.Input, _ output: EmbeddingRequest.Output
    ) throws(EngineError) -> EmbeddingTask {
      try submit(
        EmbeddingRequest(
          input, output: output, excess: request.excess, priority: request.priority, deadline: request.deadline))
    }
    var tasks: [EmbeddingTask] = []
    let vector = EmbeddingRequest.Output.vector(pooling: nil, normalised: true)
    if method == .cosine { tasks.append(try task(.text(request.query), vector)) }
    for document in request.documents {
      tasks.append(
        method == .cosine
          ? try task(.text(document), vector) : try task(.pair(request.query, document), .labels))
    }
    return RerankTask(method: method, tasks: tasks)
  }

  /// Hands a reranking in and waits for its scores.
  public func rerank(_ request: RerankRequest) async throws(EngineError) -> Reranking {
    try await submit(request).value()
  }
}
