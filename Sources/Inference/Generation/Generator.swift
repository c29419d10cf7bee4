// A generation: a prompt, then token after token through session, sampler, decoder and stop rule.

/// What a step of a generation brings.
public enum GenerationEvent: Sendable, Equatable {
  /// A token, and the text that can be shown now: whole characters, nothing that may become a stop string.
  case token(SampledToken, text: String)
  /// The end, and what text was still held back.
  case finished(FinishReason, text: String)
}

/// Generates text after a prompt, step by step. Used by one thread at a time.
public final class Generator: @unchecked Sendable {
  public let session: Session
  /// The sequence that grows; the caller may go on with it, or removes it.
  public let sequence: SequenceID
  /// Has seen the prompt and every token chosen.
  public var sampler: Sampler { state.sampler }
  public let stop: StopRule
  /// Stops the generation, inside a step too.
  public let cancel: CancelFlag
  /// Tokens chosen so far, a stop token included.
  public private(set) var tokens: [Int32] = []
  public private(set) var finishReason: FinishReason?

  /// What the grammar has read so far, where the generation has one.
  public var grammarState: GrammarState? { state.grammar }
  /// Tokens that were not sampled, for the grammar allowed nothing else.
  public var forcedTokenCount: Int { state.forcedCount }

  /// Tokens that the session has not seen yet.
  private var pending: [Int32] = []
  private var batch = Batch()
  private var state: GenerationState

  /// Prepares to continue `sequence` with `prompt`; nothing is evaluated yet.
  ///
  /// - Parameters:
  ///   - prompt: tokens that follow what the sequence holds; one at least.
  ///   - renderSpecial: whether control tokens show as their names.
  ///   - atTextStart: whether the first generated token opens a text; see ``StreamDecoder``.
  ///   - constraint: the texts that may be generated; its vocabulary is that of `tokenizer`.
  public init(
    session: Session, sequence: SequenceID, prompt: some Collection<Int32>, tokenizer: any Tokenizer,
    sampler: Sampler, stop: StopRule, renderSpecial: Bool = false, atTextStart: Bool = false,
    constraint: GrammarConstraint? = nil, cancel: CancelFlag = CancelFlag()
  ) throws(GenerationError) {
    guard !prompt.isEmpty else { throw .emptyPrompt }
    if let maximum = stop.maximumTokens, maximum < 0 {
      throw .invalidOption(name: "maximumTokens", reason: "\(maximum) is negative")
    }
    if let constraint, constraint.vocabulary.count != tokenizer.vocabularySize {
      throw .invalidOption(name: "constraint", reason: "it was made for another vocabulary")
    }
    self.session = session
    self.sequence = sequence
    self.stop = stop
    self.cancel = cancel
    state = GenerationState(
      prompt: prompt, sampler: sampler, stop: stop,
      text: TextOptions(tokenizer: tokenizer, renderSpecial: renderSpecial, atTextStart: atTextStart),
      constraint: constraint, vocabulary: session.model.configuration.vocabulary)
    pending = Array(prompt)
  }

  /// The next event, or nil after the end. The first call evaluates the prompt.
  ///
  /// - Throws: ``GenerationError``. A step that failed can be tried again: the sequence is as it was before it.
  public func next() throws(GenerationError) -> GenerationEvent? {
    if finishReason != nil { return nil }
    if let reason = state.end { return finish(reason) }
    if cancel.isCancelled { return finish(.cancelled) }
    let chosen: ChosenToken
    do {
      if let forced = try state.chooseForced() {
        chosen = forced
      } else {
        batch.removeAll()
        batch.add(sequence, pending)
        try session.evaluate(batch, cancel: cancel)
        chosen = try state.choose(session.logits(0))
        pending.removeAll(keepingCapacity: true)
      }
    } catch SessionError.cancelled {
      return finish(.cancelled)
    } catch SessionError.contextExceeded where !tokens.isEmpty {
      return finish(.contextFull)
    } catch let error as GenerationError {
      throw error
    } catch let error as SessionError {
      throw .session(error)
    } catch {
      throw .session(.kernel(KernelError(.unknown(0), "\(error)")))
    }
    tokens.append(chosen.token)
    pending.append(chosen.token)
    return noted(chosen.event)
  }

  /// Ends here, and gives out what the decoder and the matcher still hold.
  private func finish(_ reason: FinishReason) -> GenerationEvent { noted(state.finish(reason)) }

  private func noted(_ event: GenerationEvent) -> GenerationEvent {
    if case .finished(let reason, _) = event { finishReason = reason }
    return event
  }

  /// All events as an asynchronous sequence, made by a thread of its own: Swift's cooperative pool is not blocked.
  ///
  /// Ending the iteration early, or cancelling its task, stops the generation.
  public func events() -> AsyncThrowingStream<GenerationEvent, any Error> {
    AsyncThrowingStream { continuation in
      continuation.onTermination = { reason in
        if case .cancelled = reason { self.cancel.cancel() }
      }
      let started = BackgroundThread.run {
        do {
          while let event = try self.next() { continuation.yield(event) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      if !started {
        continuation.finish(throwing: GenerationError.session(.outOfMemory(bytes: BackgroundThread.stackBytes)))
      }
    }
  }
}
