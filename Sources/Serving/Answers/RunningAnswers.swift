// The answers to one request while they are generated: as one document, or as a stream of chunks.
import Inference

/// Generations and what is made of them. Letting go of it cancels them.
struct RunningAnswers: Sendable {
  let head: AnswerHead
  let generations: [Generation]
  /// One a generation.
  var choices: [any AnswerChoice]
  /// Answers to each prompt; they stand side by side.
  let answersPerPrompt: Int
  /// The request's field that the prompt came from.
  let prompt: String
  let includesUsage: Bool

  func cancel() { for generation in generations { generation.cancel() } }

  /// Waits for all of them.
  func document() async throws(APIError) -> JSONValue {
    var choices = choices
    var usage = UsageSum()
    // One after the other: the events of those that come later wait in their tickets.
    for (index, generation) in generations.enumerated() {
      for await event in generation {
        if let addition = try Addition(event, prompt: prompt) { choices[index].collect(addition) }
      }
      usage.add(generation.usage, prompt: index / answersPerPrompt)
    }
    return head.document(choices: choices.map { $0.whole() }, usage: usage.json)
  }

  /// Waits until the first of them is on its way, so that what fails before can still be answered with a status.
  func events() async throws(APIError) -> EventStream {
    let first = await Self.nextEvents(of: generations[0])
    switch first.first {
    case .failed(let error, _)?: throw APIError(error, prompt: prompt)
    case .finished(.cancelled, _, _)?: throw .cancelled
    default: break
    }
    return EventStream(answers: self, first: first)
  }

  /// The next event of a generation, and what else is there by then; empty after the end.
  static func nextEvents(of generation: Generation) async -> [EngineEvent] {
    var iterator = generation.makeAsyncIterator()
    guard let event = await iterator.next(isolation: nil) else { return [] }
    return [event] + generation.poll(maximum: 255)
  }
}

/// Server-sent events: chunks of all answers as they come, and `[DONE]`.
public struct EventStream: Sendable {
  let answers: RunningAnswers
  /// Events of the first generation that were taken already.
  let first: [EngineEvent]

  /// Ends all generations; ``run(_:)`` returns soon.
  public func cancel() { answers.cancel() }

  /// Hands out the stream's bytes, whole events at a time. The next are asked for when `write` has returned: until then
  /// they wait in the engine, which goes on with others.
  ///
  /// An answer that fails ends the stream with an error object in place of `[DONE]`.
  public func run(_ write: ([UInt8]) async throws -> Void) async throws {
    var choices = answers.choices
    let text = ChunkText(answers.head, showsUsage: answers.includesUsage)
    var bytes: [UInt8] = []
    for index in choices.indices { for entry in choices[index].opening() { text.append(entry, to: &bytes) } }
    if !bytes.isEmpty { try await write(bytes) }
    let failure = try await withThrowingTaskGroup(of: (Int, [EngineEvent]).self) { group -> APIError? in
      for (index, generation) in answers.generations.enumerated() {
        let taken = index == 0 ? first : []
        group.addTask { (index, taken.isEmpty ? await RunningAnswers.nextEvents(of: generation) : taken) }
      }
      while let (index, events) = try await group.next() {
        bytes.removeAll(keepingCapacity: true)
        do throws(APIError) {
          for event in events {
            guard let addition = try Addition(event, prompt: answers.prompt) else { continue }
            for entry in choices[index].stream(addition) { text.append(entry, to: &bytes) }
          }
        } catch {
          group.cancelAll()
          return error
        }
        if !bytes.isEmpty { try await write(bytes) }
        guard let last = events.last, !last.isLast else { continue }
        let generation = answers.generations[index]
        group.addTask { (index, await RunningAnswers.nextEvents(of: generation)) }
      }
      return nil
    }
    if let failure {
      answers.cancel()
      return try await write(ChunkText.event(failure.json.serialized()))
    }
    var end: [UInt8] = []
    if answers.includesUsage {
      var usage = UsageSum()
      for (index, generation) in answers.generations.enumerated() {
        usage.add(generation.usage, prompt: index / answers.answersPerPrompt)
      }
      end += text.usage(usage.json)
    }
    try await write(end + ChunkText.event("[DONE]"))
  }
}

/// Chunks as text. What is the same in all of them is made once.
struct ChunkText: Sendable {
  private let opening: String
  private let closing: String

  init(_ head: AnswerHead, showsUsage: Bool) {
    opening = head.chunkOpening
    closing = showsUsage ? "],\"usage\":null}" : "]}"
  }

  func append(_ entry: JSONValue, to bytes: inout [UInt8]) {
    bytes += Self.event(opening + entry.serialized() + closing)
  }

  func usage(_ usage: JSONValue) -> [UInt8] { Self.event(opening + "],\"usage\":" + usage.serialized() + "}") }

  static func event(_ data: String) -> [UInt8] { Array("data: \(data)\n\n".utf8) }
}
