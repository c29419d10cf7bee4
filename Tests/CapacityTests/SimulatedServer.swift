// A service whose answers are known, in time that nobody waits for.
import Capacity
import Synchronization

/// Time that passes only when somebody sleeps.
final class SimulatedClock: LoadClock {
  private let time = Mutex(0.0)
  var now: Double { time.withLock { $0 } }
  func sleep(until later: Double) { time.withLock { $0 = max($0, later) } }
}

/// One server without a choice: requests wait in line, and each takes the same time. Answers are known at once.
final class SimulatedServer: ServingSystem {
  let name = "simulated"
  let secondsToFirst: Double
  let secondsPerToken: Double
  private let freeAt = Mutex(0.0)
  let submitted = Mutex(0)

  init(secondsToFirst: Double, secondsPerToken: Double) {
    self.secondsToFirst = secondsToFirst
    self.secondsPerToken = secondsPerToken
  }

  func submit(_ request: ServingRequest, to log: RequestLog) {
    submitted.withLock { $0 += 1 }
    freeAt.withLock { free in
      var time = max(free, log.now) + secondsToFirst
      log.token(of: request.id, at: time)
      for _ in 1..<request.outputTokens {
        time += secondsPerToken
        log.token(of: request.id, at: time)
      }
      log.end(of: request.id, at: time)
      free = time
    }
  }

  /// The next load starts at zero.
  func cancelAll() {}
  func reset() { freeAt.withLock { $0 = 0 } }
}

/// What a load against such a server comes to, with an objective that a few requests show.
func simulatedService(model: String, precision: String, sequences: Int = 4) throws -> ServingResult {
  let server = SimulatedServer(secondsToFirst: 0.1, secondsPerToken: 0.01), clock = SimulatedClock()
  let objective = ServiceObjective(timeToFirstToken: 0.5, timePerOutputToken: 0.1, share: 0.9, confidence: 0.9)
  let plan = ServingBench.Plan(
    objective: objective, lengths: .fixed(prompt: 8, output: 3), lengthsName: "prompts of 8, outputs of 3 tokens",
    firstRate: 3, warmUp: 2)
  var result = try ServingBench(driver: LoadDriver(clock: clock), seed: 4).measure(server, plan) { _, _ in
    server.reset()
  }
  result.describes(model: model, precision: precision, mostSequences: sequences, depth: 9, window: nil)
  return result
}
