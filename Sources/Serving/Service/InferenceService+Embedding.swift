// Embeddings and reranking: a request's texts become requests to an embedding engine, one a text.
import Foundation
import Inference

extension InferenceService {
  private var deadline: Duration { .seconds(limits.seconds) }

  func embed(_ body: [UInt8]) async throws(APIError) -> Answer {
    let (model, fields, tasks) = try await read(body) { fields throws(APIError) in
      try self.submitEmbeddings(fields)
    }
    var data: [JSONValue] = []
    var tokens = 0
    for (index, task) in tasks.enumerated() {
      let result: TextEmbedding
      do throws(EngineError) { result = try await task.value() } catch { throw APIError(error, prompt: "input") }
      tokens += result.usage.inputTokens
      data.append(
        .object([
          ("object", "embedding"), ("index", .init(index)),
          ("embedding", Self.json(fields.shortened(result.values), isBase64: fields.isBase64)),
        ]))
    }
    return .json(
      .object([
        ("object", "list"), ("data", .array(data)), ("model", .string(model.label)), ("usage", UsageSum.prompt(tokens)),
      ]))
  }

  private func submitEmbeddings(
    _ fields: Fields
  ) throws(APIError) -> (ServedModel, EmbeddingFields, [EmbeddingTask]) {
    let (model, engine) = try embedder(fields)
    let request = try EmbeddingFields(
      fields, limits: limits, vocabulary: model.vocabulary, width: model.model.configuration.width)
    var inputs: [[Int32]] = []
    for input in request.inputs {
      switch input {
      case .text(let text): inputs.append(Self.tokens(of: text, model))
      case .tokens(let tokens): inputs.append(Self.withoutEnds(tokens, engine.options))
      }
    }
    try check(inputs, "input")
    var tasks: [EmbeddingTask] = []
    for input in inputs {
      do throws(EngineError) {
        tasks.append(try engine.submit(EmbeddingRequest(.text(input), deadline: deadline)))
      } catch {
        // The others are cancelled as they are let go of.
        throw APIError(error, prompt: "input")
      }
    }
    return (model, request, tasks)
  }

  func rerank(_ body: [UInt8]) async throws(APIError) -> Answer {
    let (model, request, task) = try await read(body) { fields throws(APIError) in
      try self.submitReranking(fields)
    }
    let ranking: Reranking
    do throws(EngineError) { ranking = try await task.value() } catch { throw APIError(error, prompt: "documents") }
    let results = ranking.ranked(request.top).map { entry in
      var pairs: [(String, JSONValue)] = [
        ("index", .init(entry.document)), ("relevance_score", .double(Self.relevance(entry.score, ranking.method))),
      ]
      if request.returnsDocuments {
        pairs.append(("document", .object([("text", .string(request.documents[entry.document]))])))
      }
      return JSONValue.object(pairs)
    }
    return .json(
      .object([
        ("id", .string("rerank-" + Identifier.random())), ("object", "list"), ("model", .string(model.label)),
        ("results", .array(results)), ("usage", UsageSum.prompt(ranking.inputTokens)),
      ]))
  }

  private func submitReranking(_ fields: Fields) throws(APIError) -> (ServedModel, RerankFields, RerankTask) {
    let (model, engine) = try embedder(fields)
    let request = try RerankFields(fields, limits: limits)
    let query = Self.tokens(of: request.query, model)
    let documents = request.documents.map { Self.tokens(of: $0, model) }
    try check([query] + documents, "documents")
    do throws(EngineError) {
      return (
        model, request, try engine.submit(RerankRequest(query: query, documents: documents, deadline: deadline))
      )
    } catch { throw APIError(error, prompt: "documents") }
  }

  private func embedder(_ fields: Fields) throws(APIError) -> (ServedModel, EmbeddingEngine) {
    let model = try choice(fields, generates: false).model
    guard let engine = model.embeddings else { throw .failed("the model has no engine for embeddings") }
    return (model, engine)
  }

  private func check(_ inputs: [[Int32]], _ param: String) throws(APIError) {
    let sum = inputs.reduce(0) { $0 + $1.count }
    guard sum <= limits.promptTokens else {
      throw .invalid(param, "\(sum) tokens in all, expected at most \(limits.promptTokens)")
    }
  }

  /// The engine puts the special tokens around a text itself.
  private static func tokens(of text: String, _ model: ServedModel) -> [Int32] {
    model.tokenizer.encode(text, parseSpecial: false, addBOS: false, addEOS: false)
  }

  /// Tokens that come with the special ones around them, as tokenizers give them, do without.
  private static func withoutEnds(_ tokens: [Int32], _ options: EmbeddingOptions) -> [Int32] {
    let (opening, closing) = (options.opening, options.closing)
    guard tokens.count > opening.count + closing.count, tokens.starts(with: opening),
      tokens.suffix(closing.count).elementsEqual(closing)
    else { return tokens }
    return Array(tokens.dropFirst(opening.count).dropLast(closing.count))
  }

  /// A cross-encoder's score is any number: the logistic function brings it to 0 to 1, as elsewhere.
  private static func relevance(_ score: Float, _ method: Reranking.Method) -> Double {
    method == .crossEncoder ? 1 / (1 + exp(-Double(score))) : Double(score)
  }

  private static func json(_ values: [Float], isBase64: Bool) -> JSONValue {
    if isBase64 {
      let bytes = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
      return .string(Data(bytes).base64EncodedString())
    }
    // By way of the float's own digits: a double's would be twice as many, and say no more.
    return .array(values.map { .double(Double($0.description) ?? Double($0)) })
  }
}

extension EmbeddingFields {
  /// The components that were asked for, scaled to length 1: a model trained for it keeps its sense in the first ones
  /// (Kusupati et al. 2022, "Matryoshka Representation Learning"); any other loses some.
  fileprivate func shortened(_ values: [Float]) -> [Float] {
    guard let dimensions, dimensions < values.count else { return values }
    let kept = values.prefix(dimensions)
    let length = kept.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return length == 0 ? Array(kept) : kept.map { Float(Double($0) / length) }
  }
}
