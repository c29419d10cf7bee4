// Completions and chats: a checked request becomes requests to an engine, one an answer.
import Inference

extension InferenceService {
  func complete(_ body: [UInt8]) async throws(APIError) -> Answer {
    let (answers, isStreamed) = try await read(body) { fields throws(APIError) in
      try self.completion(fields)
    }
    return try await answer(answers, isStreamed: isStreamed)
  }

  func chat(_ body: [UInt8]) async throws(APIError) -> Answer {
    let (answers, isStreamed) = try await read(body) { fields throws(APIError) in
      try self.conversation(fields)
    }
    return try await answer(answers, isStreamed: isStreamed)
  }

  private func answer(_ answers: RunningAnswers, isStreamed: Bool) async throws(APIError) -> Answer {
    do throws(APIError) {
      return isStreamed ? .events(try await answers.events()) : .json(try await answers.document())
    } catch {
      // What a drain's end cut off can be asked for elsewhere.
      throw error == .cancelled && isDraining ? .draining : error
    }
  }

  private func completion(_ fields: Fields) throws(APIError) -> (RunningAnswers, Bool) {
    let choice = try choice(fields, generates: true)
    let model = choice.model
    let request = try CompletionRequest(fields, limits: limits, vocabulary: model.vocabulary)
    var prompts: [[Int32]] = []
    for prompt in request.prompts {
      switch prompt {
      case .text(let text): prompts.append(model.tokens(of: text))
      case .tokens(let tokens): prompts.append(tokens)
      }
    }
    let work = GenerationWork(
      choice: choice, prompts: prompts, prompt: "prompt", sampling: request.sampling,
      constraint: try model.grammars.constraint(for: request.format))
    let generations = try work.submit(limits)
    let choices = generations.indices.map { index in
      let prompt = index / request.sampling.choices
      let echo = request.echo ? Self.text(of: request.prompts[prompt], model) : nil
      return CompletionChoice(
        index: index, tokenizer: model.tokenizer, reportsLogProbabilities: request.logProbabilities != nil, echo: echo)
    }
    let answers = RunningAnswers(
      head: head(choice, "cmpl-", "text_completion", "text_completion"), generations: generations, choices: choices,
      answersPerPrompt: request.sampling.choices, prompt: "prompt", includesUsage: request.stream.includesUsage)
    return (answers, request.stream.isStreamed)
  }

  private static func text(of prompt: CompletionRequest.Prompt, _ model: ServedModel) -> String {
    switch prompt {
    case .text(let text): text
    case .tokens(let tokens): model.tokenizer.decode(tokens)
    }
  }

  private func conversation(_ fields: Fields) throws(APIError) -> (RunningAnswers, Bool) {
    let choice = try choice(fields, generates: true)
    let model = choice.model
    let request = try ChatRequest(fields, limits: limits, vocabulary: model.vocabulary)
    let prompt = try ChatPrompt(request, model)
    let work = GenerationWork(
      choice: choice, prompts: [prompt.tokens], prompt: "messages", sampling: request.sampling,
      constraint: prompt.constraint, rendersSpecial: prompt.rendersSpecial)
    let generations = try work.submit(limits)
    let choices = generations.indices.map { index in
      ChatChoice(
        index: index, tokenizer: model.tokenizer, parser: prompt.parser(),
        reportsLogProbabilities: request.reportsLogProbabilities)
    }
    let answers = RunningAnswers(
      head: head(choice, "chatcmpl-", "chat.completion", "chat.completion.chunk"), generations: generations,
      choices: choices, answersPerPrompt: request.sampling.choices, prompt: "messages",
      includesUsage: request.stream.includesUsage)
    return (answers, request.stream.isStreamed)
  }

  private func head(_ choice: Choice, _ prefix: String, _ object: String, _ chunk: String) -> AnswerHead {
    AnswerHead(
      id: prefix + Identifier.random(), object: object, chunkObject: chunk, created: Self.now(), model: choice.label,
      fingerprint: choice.model.fingerprint(choice.adapter?.adapter))
  }
}

/// Names for answers, calls and requests.
enum Identifier {
  static func random() -> String {
    let text = String(UInt64.random(in: 0 ... .max), radix: 36) + String(UInt64.random(in: 0 ... .max), radix: 36)
    return String(text.prefix(24))
  }
}

/// Prompts, and how each is to be answered.
struct GenerationWork: Sendable {
  let choice: InferenceService.Choice
  let prompts: [[Int32]]
  /// The request's field that the prompts came from.
  let prompt: String
  let sampling: SamplingFields
  var constraint: GrammarConstraint?
  /// Whether control tokens show as their names.
  var rendersSpecial = false

  /// Hands everything in: the answers to a prompt one after the other, prompt by prompt. If one is refused, all are.
  func submit(_ limits: ServiceLimits) throws(APIError) -> [Generation] {
    let model = choice.model
    guard let engine = model.engine else { throw .failed("the model has no engine") }
    try check(limits, engine)
    let stop = StopRule(
      tokens: sampling.ignoresEnd ? [] : model.tokenizer.endOfGeneration, strings: sampling.stop,
      maximumTokens: sampling.maximumTokens)
    var generations: [Generation] = []
    for tokens in prompts {
      for index in 0..<sampling.choices {
        let request = GenerationRequest(
          prompt: tokens, sampling: sampling.options(choice: index), stop: stop,
          text: TextOptions(tokenizer: model.tokenizer, renderSpecial: rendersSpecial), constraint: constraint,
          priority: sampling.priority, deadline: .seconds(limits.seconds), cacheKey: sampling.cacheKey,
          adapter: choice.adapter?.adapter)
        do throws(EngineError) {
          generations.append(try engine.submit(request))
        } catch {
          // The others are cancelled as they are let go of.
          throw APIError(error, prompt: prompt)
        }
      }
    }
    return generations
  }

  private func check(_ limits: ServiceLimits, _ engine: Engine) throws(APIError) {
    // More than the queue ever has room for would be told to try again for ever.
    let answers = prompts.count * sampling.choices, context = engine.context
    let most = min(limits.batch, max(engine.options.maximumQueue, 1))
    guard answers <= most else {
      throw .invalid(sampling.choices > 1 ? "n" : prompt, "\(answers) answers, expected at most \(most) together")
    }
    for tokens in prompts {
      guard !tokens.isEmpty else { throw .invalid(prompt, "no tokens") }
      guard tokens.count < context else { throw .tooLong(tokens.count, limit: context, param: prompt) }
    }
    let sum = prompts.reduce(0) { $0 + $1.count }
    guard sum <= limits.promptTokens else {
      throw .invalid(prompt, "\(sum) tokens in all, expected at most \(limits.promptTokens)")
    }
    if let maximum = sampling.maximumTokens, maximum > context {
      throw .invalid(
        sampling.maximumField, "\(maximum) tokens; the model's context has \(context) positions",
        code: "context_length_exceeded")
    }
  }
}
