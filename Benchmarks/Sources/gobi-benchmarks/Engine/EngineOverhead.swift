// What the engine costs beside a session that is driven by hand: the same tokens, in turn.
import Capacity
import Foundation
import Inference

/// Decodes `batch` sequences of one prompt token each, by an engine and by a session alone.
struct EngineOverhead {
  let model: Model
  let batch: Int
  let tokens: Int

  struct Result {
    /// Seconds of a step, medians over the rounds.
    let session: Double
    let engine: Double
    /// Of the engine's time, by which it exceeds the session's: median over the rounds, and its 95 % interval.
    let overhead: Double
    let interval: ClosedRange<Double>
  }

  /// - Parameter progress: is told the round.
  func measure(rounds: Int, progress: (Int) -> Void) throws -> Result {
    var options = EngineOptions()
    options.session.context = tokens + 64
    options.maximumSequences = batch
    options.cacheBytes = 0
    let engine = try Engine(model: model, options: options)
    defer { engine.shutDown() }
    let session = try Session(model: model, options: options.session)
    // The first round of each is not counted.
    _ = try (alone(session), served(engine))
    var alones: [Double] = [], serveds: [Double] = [], ratios: [Double] = []
    for round in 0..<rounds {
      progress(round)
      try Interrupt.throwIfRequested()
      // A B B A: what drifts meets both alike.
      let first = try alone(session)
      let second = try served(engine)
      let third = try served(engine)
      let fourth = try alone(session)
      alones.append((first + fourth) / 2)
      serveds.append((second + third) / 2)
      ratios.append((second + third) / (first + fourth) - 1)
    }
    return Result(
      session: Statistics.median(alones) / Double(tokens), engine: Statistics.median(serveds) / Double(tokens),
      overhead: Statistics.median(ratios), interval: Statistics.bootstrapMedian(ratios))
  }

  private func prompt(_ index: Int) -> Int32 { Int32((index + 1) % model.configuration.vocabulary) }

  private func alone(_ session: Session) throws -> Double {
    let start = ContinuousClock.now
    let sequences = try (0..<batch).map { _ in try session.makeSequence() }
    var samplers = try sequences.map { _ in try Sampler() }
    var next = (0..<batch).map(prompt)
    var work = Batch()
    for _ in 0..<tokens {
      work.removeAll()
      for (sequence, token) in zip(sequences, next) { work.add(sequence, token) }
      try session.evaluate(work)
      for index in 0..<batch {
        let chosen = try samplers[index].sample(session.logits(index))
        samplers[index].accept(chosen.token)
        next[index] = chosen.token
      }
    }
    let seconds = (ContinuousClock.now - start) / Duration.seconds(1)
    for sequence in sequences { try session.remove(sequence) }
    return seconds
  }

  /// With a consumer that takes every token of every request when it comes.
  private func served(_ engine: Engine) throws -> Double {
    let start = ContinuousClock.now
    let generations = try (0..<batch).map {
      try engine.submit(GenerationRequest(prompt: [prompt($0)], stop: StopRule(maximumTokens: tokens)))
    }
    var waits = try generations.map { pollfd(fd: try $0.descriptor(), events: Int16(POLLIN), revents: 0) }
    var count = 0
    while generations.contains(where: { !$0.isOver }) {
      guard poll(&waits, nfds_t(waits.count), 10_000) > 0 else { throw AskedError("the engine gave nothing for 10 s") }
      for generation in generations {
        for event in generation.poll() {
          if case .token = event { count += 1 }
        }
      }
    }
    let seconds = (ContinuousClock.now - start) / Duration.seconds(1)
    guard count == batch * tokens else { throw AskedError("\(count) tokens in place of \(batch * tokens)") }
    return seconds
  }
}
