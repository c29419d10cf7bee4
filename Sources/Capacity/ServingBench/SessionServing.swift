// A session of the library as a system under load: one thread that batches what is there, step by step. The least that
// serves: prompts in chunks beside decoding, first come first served. What a real scheduler would add is not measured.
import Foundation
import Inference
import Synchronization

/// Serves requests of random tokens from one model. Its thread ends with ``stop()``.
public final class SessionServing: ServingSystem {
  public struct Options: Sendable {
    /// Sequences that are decoded together.
    public var mostSequences = 32
    /// Tokens of a step: what decoding leaves of them goes to prompts.
    public var stepTokens = 256

    public init() {}
  }

  /// A request on its way.
  private struct Job {
    let request: ServingRequest
    let log: RequestLog
    let sequence: SequenceID
    /// Prompt tokens that are still to be evaluated, last first.
    var prompt: [Int32]
    var given = 0
    var next: Int32 = 0
  }

  private struct Inbox {
    var waiting: [(ServingRequest, RequestLog)] = []
    var isStopped = false
    /// Raised by every cancelAll: jobs of an earlier one are dropped.
    var generation = 0
  }

  public let name: String
  private let inbox = Mutex(Inbox())
  private let signal = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let options: Options

  public init(model: Model, label: String, options: Options = Options()) throws(CapacityError) {
    name = "\(label), session"
    self.options = options
    let session: Session
    do { session = try Session(model: model) } catch { throw .model(label: label, what: "\(error)") }
    let loop = ServingLoop(session: session)
    let thread = Thread { [self] in run(loop) }
    thread.stackSize = 8 << 20
    thread.name = "serving"
    thread.start()
  }

  public func submit(_ request: ServingRequest, to log: RequestLog) {
    inbox.withLock { $0.waiting.append((request, log)) }
    signal.signal()
  }

  public func cancelAll() {
    inbox.withLock {
      $0.waiting.removeAll()
      $0.generation += 1
    }
    signal.signal()
  }

  /// Drops what is open and waits for the thread's end.
  public func stop() {
    inbox.withLock { $0.isStopped = true }
    signal.signal()
    ended.wait()
  }

  /// The session and its vocabulary, used by the serving thread alone.
  private struct ServingLoop: @unchecked Sendable {
    let session: Session
    var vocabulary: Int { session.model.configuration.vocabulary }
  }

  // MARK: The thread

  private func run(_ loop: ServingLoop) {
    var jobs: [Job] = []
    var random = RandomSource(seed: 0x5e12)
    var generation = 0
    defer { ended.signal() }
    while true {
      let (arrived, isStopped, current) = take(room: options.mostSequences - jobs.count)
      if isStopped || current != generation {
        for job in jobs { try? loop.session.remove(job.sequence) }
        jobs.removeAll()
        generation = current
      }
      if isStopped { return }
      for (request, log) in arrived { admit(request, log, &jobs, &random, loop) }
      if jobs.isEmpty {
        signal.wait()
      } else {
        step(&jobs, loop)
      }
    }
  }

  private func take(room: Int) -> (arrived: [(ServingRequest, RequestLog)], isStopped: Bool, generation: Int) {
    inbox.withLock { inbox in
      let arrived = Array(inbox.waiting.prefix(max(room, 0)))
      inbox.waiting.removeFirst(arrived.count)
      return (arrived, inbox.isStopped, inbox.generation)
    }
  }

  private func admit(
    _ request: ServingRequest, _ log: RequestLog, _ jobs: inout [Job], _ random: inout RandomSource,
    _ loop: ServingLoop
  ) {
    guard request.promptTokens + request.outputTokens <= loop.session.context else {
      let asked = "\(request.promptTokens) and \(request.outputTokens) tokens"
      return log.end(of: request.id, error: "\(asked) are more than a context of \(loop.session.context)")
    }
    do {
      let sequence = try loop.session.makeSequence()
      let prompt = (0..<request.promptTokens).map { _ in Int32(random.index(below: loop.vocabulary)) }
      jobs.append(Job(request: request, log: log, sequence: sequence, prompt: prompt))
    } catch {
      log.end(of: request.id, error: "\(error)")
    }
  }

  /// One step: a token of every sequence that decodes, and prompt tokens in order of arrival.
  private func step(_ jobs: inout [Job], _ loop: ServingLoop) {
    var batch = Batch()
    var rows: [Int] = []  // of each row of logits, its job
    var left = options.stepTokens
    for index in jobs.indices where jobs[index].prompt.isEmpty {
      batch.add(jobs[index].sequence, jobs[index].next)
      rows.append(index)
      left -= 1
    }
    for index in jobs.indices where !jobs[index].prompt.isEmpty && left > 0 {
      let count = min(left, jobs[index].prompt.count), part = jobs[index].prompt.suffix(count).reversed()
      let isLast = count == jobs[index].prompt.count
      batch.add(jobs[index].sequence, Array(part), output: isLast ? .last : .none)
      jobs[index].prompt.removeLast(count)
      left -= count
      if isLast { rows.append(index) }
    }
    do {
      try loop.session.evaluate(batch)
      for (row, index) in rows.enumerated() {
        jobs[index].next = Int32(SIMDKernels.maximum(try loop.session.logits(row)).index ?? 0)
        jobs[index].given += 1
        jobs[index].log.token(of: jobs[index].request.id)
      }
    } catch {
      for job in jobs { job.log.end(of: job.request.id, error: "\(error)") }
      for job in jobs { try? loop.session.remove(job.sequence) }
      jobs.removeAll()
      return
    }
    for job in jobs where job.given >= job.request.outputTokens {
      job.log.end(of: job.request.id)
      try? loop.session.remove(job.sequence)
    }
    jobs.removeAll { $0.given >= $0.request.outputTokens }
  }
}
