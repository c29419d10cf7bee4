// What the tests of the engine share: a clock that tests move, requests, and what a session alone answers. No tests.
import Inference
import Synchronization
import TestSupport
import Testing

/// Time that passes only where a test or a step says so.
final class VirtualClock: Sendable {
  private let time = Mutex(0.0)
  private let steps = Mutex<[StepShape]>([])
  private let draftSteps = Mutex<[StepShape]>([])
  let secondsOfStep: @Sendable (StepShape) -> Double
  let secondsOfDraft: @Sendable (StepShape) -> Double

  init(
    _ secondsOfStep: @escaping @Sendable (StepShape) -> Double = { _ in 0.001 },
    draft: @escaping @Sendable (StepShape) -> Double = { _ in 0.0001 }
  ) {
    secondsOfDraft = draft
    self.secondsOfStep = secondsOfStep
  }

  var now: Double { time.withLock { $0 } }
  /// Every step that was run.
  var shapes: [StepShape] { steps.withLock { $0 } }
  /// Every step of the draft model.
  var draftShapes: [StepShape] { draftSteps.withLock { $0 } }
  func advance(_ seconds: Double) { time.withLock { $0 += seconds } }

  var engineClock: EngineClock {
    EngineClock(
      now: { self.now },
      charge: { shape in
        self.steps.withLock { $0.append(shape) }
        self.advance(self.secondsOfStep(shape))
      },
      chargeDraft: { shape in
        self.draftSteps.withLock { $0.append(shape) }
        self.advance(self.secondsOfDraft(shape))
      })
  }
}

/// An engine whose steps the test runs.
struct ManualEngine {
  let engine: Engine
  let clock: VirtualClock
  let scheduler: Scheduler

  init(_ model: Model, _ options: EngineOptions, clock: VirtualClock = VirtualClock()) throws {
    self.clock = clock
    engine = try Engine(model: model, options: options, clock: clock.engineClock, hasThread: false)
    scheduler = try #require(engine.scheduler)
  }

  /// Turns until nothing is left to do. Fails if that takes too many.
  func finish(turns limit: Int = 20_000) {
    for _ in 0..<limit where scheduler.turn() != .stepped { return }
    Issue.record("still working after \(limit) turns")
  }
}

/// What a consumer saw of one request.
struct Answer {
  var cached: Int?
  var tokens: [SampledToken] = []
  var text = ""
  var last: EngineEvent?

  init(_ events: [EngineEvent]) {
    for event in events {
      #expect(last == nil, "an event after the last")
      switch event {
      case .started(let count):
        #expect(cached == nil && tokens.isEmpty)
        cached = count
      case .token(let token, let piece):
        tokens.append(token)
        text += piece
      case .finished(_, let rest, _):
        text += rest
        last = event
      case .failed: last = event
      }
    }
  }

  var reason: FinishReason? {
    if case .finished(let reason, _, _) = last { reason } else { nil }
  }

  var error: EngineError? {
    if case .failed(let error, _) = last { error } else { nil }
  }

  var usage: GenerationUsage? {
    switch last {
    case .finished(_, _, let usage), .failed(_, let usage): usage
    default: nil
    }
  }
}

extension Model {
  /// What a session alone gives: the oracle. Knows nothing of the engine.
  func alone(_ request: GenerationRequest, context: Int) throws -> [SampledToken] {
    let session = try Session(model: self, options: SessionOptions(context: context))
    let sequence = try session.makeSequence()
    var sampler = try Sampler(request.sampling)
    for token in request.prompt { sampler.accept(token) }
    try session.evaluate(Batch(sequence, request.prompt))
    var tokens: [SampledToken] = []
    while tokens.count < request.stop.maximumTokens ?? .max {
      let chosen = try sampler.sample(session.logits(0))
      if request.stop.tokens.contains(chosen.token) { break }
      sampler.accept(chosen.token)
      tokens.append(chosen)
      guard try session.position(of: sequence) < context else { break }
      try session.evaluate(Batch(sequence, CollectionOfOne(chosen.token)))
    }
    return tokens
  }
}

func engineModel(_ name: String = "qwen3", threads: Int = 1) throws -> Model {
  try Golden.model(name, runtime: Runtime(threads: threads))
}

/// Tokens that differ with every seed.
func tokens(_ count: Int, seed: UInt64, vocabulary: Int = 384) -> [Int32] {
  var random = SeededRandom(seed: seed)
  return (0..<count).map { _ in Int32(random.next() % UInt64(vocabulary)) }
}

func request(
  _ prompt: [Int32], most: Int, priority: Int = 0, deadline: Duration? = nil, usesCache: Bool = true
) -> GenerationRequest {
  GenerationRequest(
    prompt: prompt, stop: StopRule(maximumTokens: most), priority: priority, deadline: deadline, usesCache: usesCache)
}
