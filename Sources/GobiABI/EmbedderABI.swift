// gobi_embedder_* and gobi_embedding_*.
import CGobi
import Inference

final class EmbedderBox: HandleObject {
  static let kind: UInt64 = 15
  static let noun = "embedder"
  let engine: EmbeddingEngine
  init(_ engine: EmbeddingEngine) { self.engine = engine }
}

final class EmbeddingBox: HandleObject {
  static let kind: UInt64 = 16
  static let noun = "embedding"

  /// A vector or scores of a head, or scores of documents.
  enum Task {
    case embedding(EmbeddingTask)
    case reranking(RerankTask)
  }

  let task: Task
  init(_ task: Task) { self.task = task }

  /// The result if it is there; throws what the request failed for.
  func poll() throws(EngineError) -> [Float]? {
    switch task {
    case .embedding(let task): try task.poll()?.get().values
    case .reranking(let task): try task.poll()?.get().scores
    }
  }

  func cancel() {
    switch task {
    case .embedding(let task): task.cancel()
    case .reranking(let task): task.cancel()
    }
  }

  /// Nil for a reranking without documents, whose result is there.
  func descriptor() throws(EngineError) -> Int32? {
    switch task {
    case .embedding(let task): try task.descriptor()
    case .reranking(let task): try task.descriptor()
    }
  }
}

private func embedder(_ handle: OpaquePointer?) throws(ABIError) -> EmbeddingEngine {
  try object(handle, EmbedderBox.self).engine
}

private func pooling(_ value: Int32) throws(ABIError) -> Pooling? {
  switch Int(value) {
  case GOBI_POOLING_DEFAULT: return nil
  case GOBI_POOLING_MEAN: return .mean
  case GOBI_POOLING_FIRST: return .first
  case GOBI_POOLING_LAST: return .last
  default: throw ABIError(GOBI_INVALID_ARGUMENT, "pooling: \(value)")
  }
}

private func excess(_ value: Int32, overlap: Int = 0) throws(ABIError) -> EmbeddingRequest.Excess {
  switch Int(value) {
  case GOBI_EXCESS_CHUNK: return .chunk(overlap: try optional(overlap, "overlap"))
  case GOBI_EXCESS_REFUSE: return .refuse
  case GOBI_EXCESS_TRUNCATE: return .truncate
  default: throw ABIError(GOBI_INVALID_ARGUMENT, "excess: \(value)")
  }
}

@c @implementation public func gobi_embedder_create(
  _ model: OpaquePointer!, _ options: UnsafePointer<gobi_embedder_options>!,
  _ embedder: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(embedder, "embedder")
    let model = try object(model, ModelBox.self).model
    let options = try GobiABI.options(options)
    var wanted =
      if let tokenizer = options.tokenizer {
        EmbeddingOptions(tokenizer: try object(tokenizer, TokenizerBox.self).tokenizer)
      } else {
        EmbeddingOptions()
      }
    wanted.session.context = try optional(options.context, "context")
    wanted.maximumTokens = try optional(options.chunk_tokens, "chunk_tokens")
    wanted.pooling = try pooling(options.pooling)
    wanted.maximumQueue = try optional(options.max_queue, "max_queue") ?? wanted.maximumQueue
    wanted.maximumQueuedTokens =
      try optional(options.max_queued_tokens, "max_queued_tokens") ?? wanted.maximumQueuedTokens
    wanted.maximumStepTokens = try optional(options.max_step_tokens, "max_step_tokens") ?? wanted.maximumStepTokens
    wanted.maximumStepChunks = try optional(options.max_step_chunks, "max_step_chunks") ?? wanted.maximumStepChunks
    wanted.timeToResult = try duration(options.time_to_result, "time_to_result") ?? wanted.timeToResult
    wanted.aging = try duration(options.aging, "aging") ?? wanted.aging
    result.pointee = makeHandle(EmbedderBox(try EmbeddingEngine(model: model, options: wanted)))
  }
}

@c @implementation public func gobi_embedder_destroy(_ embedder: OpaquePointer!) {
  destroyHandle(embedder, EmbedderBox.self)
}

@c @implementation public func gobi_embedder_drain(
  _ embedder: OpaquePointer!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try GobiABI.embedder(embedder).drain() }
}

@c @implementation public func gobi_embedder_shut_down(
  _ embedder: OpaquePointer!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try GobiABI.embedder(embedder).shutDown() }
}

@c @implementation public func gobi_embedder_wait(
  _ embedder: OpaquePointer!, _ timeout: Double, _ ended: UnsafeMutablePointer<Bool>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(ended, "ended")
    let engine = try GobiABI.embedder(embedder)
    result.pointee = try waitForEnd(timeout) { engine.waitForEnd(timeout: $0) }
  }
}

@c @implementation public func gobi_embedder_prometheus(
  _ embedder: OpaquePointer!, _ labels: UnsafePointer<CChar>!, _ buffer: UnsafeMutablePointer<CChar>!,
  _ capacity: Int, _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let labels = try labels.map { try utf8($0, "labels") } ?? ""
    try copy(GobiABI.embedder(embedder).counters.prometheusText(labels: labels), buffer, capacity, needed)
  }
}

@c @implementation public func gobi_embedder_submit(
  _ embedder: OpaquePointer!, _ request: UnsafePointer<gobi_embed_request>!,
  _ embedding: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(embedding, "embedding")
    let engine = try GobiABI.embedder(embedder)
    let request = try options(request)
    let tokens = Array(try array(request.tokens, request.token_count, "tokens"))
    let second = try request.second.map { Array(try array($0, request.second_count, "second")) }
    let asked = EmbeddingRequest(
      second.map { .pair(tokens, $0) } ?? .text(tokens),
      output: request.labels
        ? .labels : .vector(pooling: try pooling(request.pooling), normalised: !request.unnormalised),
      excess: try excess(request.excess, overlap: request.overlap), priority: Int(request.priority),
      deadline: try duration(request.deadline, "deadline"))
    result.pointee = makeHandle(EmbeddingBox(.embedding(try engine.submit(asked))))
  }
}

@c @implementation public func gobi_embedder_rerank(
  _ embedder: OpaquePointer!, _ request: UnsafePointer<gobi_rerank_request>!,
  _ embedding: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(embedding, "embedding")
    let engine = try GobiABI.embedder(embedder)
    let request = try options(request)
    let counts = try array(request.document_tokens, request.document_count, "document_tokens")
    let documents = try zip(array(request.documents, request.document_count, "documents"), counts).map {
      Array(try array($0, $1, "documents"))
    }
    let asked = RerankRequest(
      query: Array(try array(request.query, request.query_count, "query")), documents: documents,
      excess: try excess(request.excess), priority: Int(request.priority),
      deadline: try duration(request.deadline, "deadline"))
    result.pointee = makeHandle(EmbeddingBox(.reranking(try engine.submit(asked))))
  }
}

@c @implementation public func gobi_embedding_destroy(_ embedding: OpaquePointer!) {
  destroyHandle(embedding, EmbeddingBox.self)
}

@c @implementation public func gobi_embedding_cancel(_ embedding: OpaquePointer!) -> gobi_status {
  guard let box = objectIfValid(embedding, EmbeddingBox.self) else { return gobi_status(GOBI_INVALID_ARGUMENT) }
  box.cancel()
  return gobi_status(GOBI_OK)
}

@c @implementation public func gobi_embedding_wait(
  _ embedding: OpaquePointer!, _ timeout: Double, _ done: UnsafeMutablePointer<Bool>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(done, "done")
    let box = try object(embedding, EmbeddingBox.self)
    let end = try end(of: timeout)
    while true {
      result.pointee = try box.poll() != nil
      let left = end.map { $0 - EngineClock.monotonic.now() }
      guard !result.pointee, left.map({ $0 > 0 }) ?? true, let descriptor = try box.descriptor() else { return }
      wait(for: descriptor, seconds: left)
    }
  }
}

@c @implementation public func gobi_embedding_values(
  _ embedding: OpaquePointer!, _ values: UnsafeMutablePointer<Float>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    guard let found = try object(embedding, EmbeddingBox.self).poll() else {
      throw ABIError(GOBI_INVALID_ARGUMENT, "embedding: the result is not there yet")
    }
    try found.withUnsafeBufferPointer { try copy($0, values, capacity, needed) }
  }
}

@c @implementation public func gobi_embedding_descriptor(
  _ embedding: OpaquePointer!, _ descriptor: UnsafeMutablePointer<Int32>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(descriptor, "descriptor")
    result.pointee = try object(embedding, EmbeddingBox.self).descriptor() ?? -1
  }
}
