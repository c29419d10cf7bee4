// The engine through its C functions: answers, events, the ways to end, and use from several threads.
import CGobi
import Foundation
import Testing

private let prompt: [Int32] = (0..<80).map { $0 % 60 + 20 }

/// Waits, at most for seconds, until `condition` holds.
private func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<2_000 where !condition() { usleep(5_000) }
  return condition()
}

@Suite struct EngineABITests {
  @Test func answersAreThoseOfASession() throws {
    let opened = try OpenedEngine()
    let alone = try Opened(TinyModel.path.get())
    let vocabulary = Int(alone.info().vocabulary)
    var sequence: gobi_sequence = 0
    #expect(gobi_sequence_create(alone.session, &sequence, nil) == 0)
    var expected: [Int32] = [], next = prompt
    for _ in 0..<8 {
      #expect(alone.evaluate(sequence, next) == GOBI_OK)
      let logits = alone.logits(vocabulary)
      next = [Int32(try #require(logits.indices.max { (logits[$0], $1) < (logits[$1], $0) }))]
      expected += next
    }
    let words = text { gobi_decode(opened.tokenizer, expected, expected.count, false, $0, $1, $2, nil) }

    for turn in 0..<2 {
      let seen = Seen(opened.submit(prompt).generation)
      #expect(seen.tokens == expected)
      #expect(seen.text == words)
      #expect(seen.finish == GOBI_FINISH_LENGTH)
      #expect(seen.kinds.first == GOBI_EVENT_STARTED && seen.kinds.last == GOBI_EVENT_FINISHED)
      #expect(seen.usage.prompt_tokens == 80 && seen.usage.completion_tokens == 8)
      // The last token of a prompt is always computed, for its logits.
      #expect(seen.usage.cached_tokens == (turn == 0 ? 0 : 79))
      #expect(seen.usage.time_to_first_token >= seen.usage.queue_time && seen.usage.queue_time >= 0)
    }
    #expect(eventually { opened.counters().finished == 2 })
    let counters = opened.counters()
    #expect(counters.submitted == 2 && counters.generated_tokens == 16 && counters.cached_tokens == 79)
    #expect(counters.first_token_count == 2 && counters.cache_bytes > 0)
    let metrics = text { gobi_engine_prometheus(opened.engine, "model=\"tiny\"", $0, $1, $2, nil) }
    #expect(metrics.contains("gobi_engine_generated_tokens_total{model=\"tiny\"} 16\n"))
    #expect(gobi_engine_clear_cache(opened.engine, nil) == 0)
    #expect(eventually { opened.counters().cache_bytes == 0 })
  }

  @Test func stopStringsAndTokensEnd() throws {
    let opened = try OpenedEngine()
    let whole = Seen(opened.submit(prompt).generation)
    let third = whole.tokens[2]
    let stopped = [third].withUnsafeBufferPointer { tokens in
      Seen(
        opened.submit(prompt) {
          $0.stop_tokens = tokens.baseAddress
          $0.stop_token_count = 1
        }.generation)
    }
    #expect(stopped.finish == GOBI_FINISH_STOP_TOKEN)
    #expect(stopped.tokens == Array(whole.tokens.prefix { $0 != third }))

    let word = String(try #require(whole.text.last { $0.isASCII }))
    let cut = word.withCString { word in
      withUnsafePointer(to: Optional(word)) { strings in
        Seen(
          opened.submit(prompt) {
            $0.stop_strings = strings
            $0.stop_string_count = 1
          }.generation)
      }
    }
    #expect(cut.finish == GOBI_FINISH_STOP_STRING && cut.message == word)
    #expect(cut.text == String(whole.text.prefix { String($0) != word }))
  }

  @Test func whatCannotBeServedIsRefused() throws {
    let opened = try OpenedEngine {
      $0.context = 100
      $0.kv_budget = 1 << 20
    }
    #expect(gobi_engine_context(opened.engine) == 100 && gobi_engine_context(opened.model) == 0)
    #expect(opened.submit([]).status == GOBI_INVALID_ARGUMENT)
    #expect(opened.submit([-1]).status == GOBI_INVALID_ARGUMENT)
    #expect(opened.submit(Array(repeating: 20, count: 101)).status == GOBI_CONTEXT_EXCEEDED)
    #expect(opened.submit(prompt) { $0.priority = 101 }.message.contains("priority"))
    #expect(opened.submit(prompt) { $0.deadline = -.infinity }.status == GOBI_INVALID_ARGUMENT)
    #expect(opened.submit(prompt) { $0.deadline = .nan }.status == GOBI_INVALID_ARGUMENT)
    #expect(opened.submit(prompt) { $0.max_tokens = -1 }.status == GOBI_INVALID_ARGUMENT)
    #expect(
      opened.submit(prompt) { $0.tokenizer = $0.tokenizer.map { _ in opened.model! } }.status == GOBI_INVALID_ARGUMENT)
    let late = Seen(opened.submit(prompt) { $0.deadline = 1e-9 }.generation)
    #expect(late.kinds == [GOBI_EVENT_FAILED] && late.status == GOBI_DEADLINE_EXCEEDED && !late.message.isEmpty)
    // What is no request at all does not reach the engine.
    #expect(opened.counters().refused == 4)
    var engine: OpaquePointer?
    let encoder = try Opened(golden.appendingPathComponent("bert").path)
    #expect(Int(gobi_engine_create(encoder.model, nil, &engine, nil)) == GOBI_INVALID_ARGUMENT)
  }

  @Test func queueIsBounded() throws {
    let opened = try OpenedEngine {
      $0.max_queue = 1
      $0.max_sequences = 1
    }
    var taken: [OpaquePointer?] = [], statuses: Set<Int> = []
    for _ in 0..<20 {
      let result = opened.submit(prompt) { $0.max_tokens = 1_000 }
      statuses.insert(result.status)
      if result.status == GOBI_OK { taken.append(result.generation) }
    }
    #expect(statuses == [GOBI_OK, GOBI_QUEUE_FULL])
    for generation in taken { gobi_generation_destroy(generation) }
    #expect(eventually { opened.counters().cancelled == UInt64(taken.count) })
  }

  @Test func descriptorTellsOfEvents() throws {
    let opened = try OpenedEngine()
    let generation = opened.submit(prompt).generation
    var descriptor: Int32 = -1
    #expect(gobi_generation_descriptor(generation, &descriptor, nil) == 0)
    var event: UnsafePointer<gobi_event>?
    var isOver = false, entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while !isOver {
      #expect(poll(&entry, 1, 10_000) == 1)
      while gobi_generation_next(generation, 0, &event, nil) == 0, let now = event?.pointee { isOver = now.is_last }
    }
    #expect(poll(&entry, 1, 0) == 0)
    #expect(gobi_generation_next(generation, GOBI_FOREVER, &event, nil) == 0 && event == nil)
    #expect(Int(gobi_generation_next(generation, .nan, &event, nil)) == GOBI_INVALID_ARGUMENT)
    gobi_generation_destroy(generation)
  }

  /// One thread waits for events that other requests' turns hold back, a second one is told, and cancels.
  @Test func waitingConsumerIsCancelledFromAnotherThread() throws {
    let opened = try OpenedEngine { $0.max_sequences = 1 }
    let before = (0..<8).map { _ in opened.submit(prompt) { $0.max_tokens = 0 }.generation }
    nonisolated(unsafe) let waiting = opened.submit(prompt) { $0.priority = -100 }.generation
    nonisolated(unsafe) var seen: Seen?
    let ended = DispatchSemaphore(value: 0)
    Thread {
      seen = Seen(waiting)
      ended.signal()
    }.start()
    var event: UnsafePointer<gobi_event>?
    #expect(eventually { Int(gobi_generation_next(waiting, 0, &event, nil)) == GOBI_BUSY })
    #expect(gobi_generation_cancel(waiting) == 0)
    ended.wait()
    #expect(seen?.finish == GOBI_FINISH_CANCELLED)
    for generation in before { gobi_generation_destroy(generation) }
  }

  /// Drafts by look-up and by a model change no token.
  @Test func draftsAreCountedAndChangeNothing() throws {
    let opened = try OpenedEngine()
    let plain = Seen(opened.submit(prompt) { $0.max_tokens = 40 }.generation)
    let drafting = try OpenedEngine { options in
      options.look_up = true
      options.max_draft = 4
    }
    let seen = Seen(drafting.submit(prompt) { $0.max_tokens = 40 }.generation)
    #expect(seen.tokens == plain.tokens)
    #expect(seen.usage.accepted_tokens <= seen.usage.drafted_tokens)
    #expect(eventually { drafting.counters().drafted_tokens == seen.usage.drafted_tokens })
    let without = Seen(
      drafting.submit(prompt) {
        $0.max_tokens = 40
        $0.no_speculation = true
      }.generation)
    #expect(without.tokens == plain.tokens && without.usage.drafted_tokens == 0)

    var options = gobi_engine_options(), engine: OpaquePointer?
    options.struct_size = MemoryLayout<gobi_engine_options>.size
    options.draft_model = opened.model
    options.max_draft = 33
    #expect(outcome { gobi_engine_create(opened.model, &options, &engine, $0) }.message.contains("maximumDraft"))
    options.max_draft = 4
    #expect(gobi_engine_create(opened.model, &options, &engine, nil) == 0)
    swap(&engine, &opened.engine)
    gobi_engine_destroy(engine)
    let doubled = Seen(opened.submit(prompt) { $0.max_tokens = 40 }.generation)
    #expect(doubled.tokens == plain.tokens && doubled.usage.accepted_tokens <= doubled.usage.drafted_tokens)
  }

  @Test func drainedEngineFinishesAndEnds() throws {
    let opened = try OpenedEngine()
    let generation = opened.submit(prompt).generation
    #expect(gobi_engine_drain(opened.engine, nil) == 0)
    #expect(opened.submit(prompt).status == GOBI_SHUTTING_DOWN)
    var ended = false
    #expect(gobi_engine_wait(opened.engine, GOBI_FOREVER, &ended, nil) == 0 && ended)
    #expect(Seen(generation).finish == GOBI_FINISH_LENGTH)
  }

  @Test func destroyedEngineEndsWhatItServes() throws {
    let opened = try OpenedEngine()
    var ended = true
    #expect(gobi_engine_wait(opened.engine, 0.001, &ended, nil) == 0 && !ended)
    let generation = opened.submit(prompt) { $0.max_tokens = 0 }.generation
    gobi_engine_destroy(opened.engine)
    opened.engine = nil
    #expect(Seen(generation).finish == GOBI_FINISH_CANCELLED)
  }
}
