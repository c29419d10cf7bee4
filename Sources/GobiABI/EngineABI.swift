// gobi_engine_*: the engine itself. What a request brings is in GenerationABI.swift.
import CGobi
import Inference

final class EngineBox: HandleObject {
  static let kind: UInt64 = 11
  static let noun = "engine"
  let engine: Engine
  init(_ engine: Engine) { self.engine = engine }
}

private func engine(_ handle: OpaquePointer?) throws(ABIError) -> Engine { try object(handle, EngineBox.self).engine }

extension EngineOptions {
  fileprivate init(_ options: gobi_engine_options) throws(ABIError) {
    self.init()
    session = SessionOptions(
      context: try optional(options.context, "context"),
      chunk: try optional(options.chunk, "chunk") ?? SessionOptions.defaultChunk,
      kvFormat: try GobiABI.kvFormat(options.kv_format), kvBudget: bytes(options.kv_budget))
    maximumSequences = try optional(options.max_sequences, "max_sequences") ?? maximumSequences
    maximumQueue = try optional(options.max_queue, "max_queue") ?? maximumQueue
    maximumStepTokens =
      try optional(options.max_step_tokens, "max_step_tokens") ?? max(maximumStepTokens, maximumSequences)
    timePerOutputToken = try duration(options.time_per_output_token, "time_per_output_token") ?? timePerOutputToken
    timeToFirstToken = try duration(options.time_to_first_token, "time_to_first_token") ?? timeToFirstToken
    aging = try duration(options.aging, "aging") ?? aging
    cacheBytes = options.no_cache ? 0 : bytes(options.cache_bytes) ?? cacheBytes
    swapBytes = bytes(options.swap_bytes) ?? swapBytes
  }
}

@c @implementation public func gobi_engine_create(
  _ model: OpaquePointer!, _ options: UnsafePointer<gobi_engine_options>!,
  _ engine: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(engine, "engine")
    let model = try object(model, ModelBox.self).model
    let made = try Engine(model: model, options: EngineOptions(GobiABI.options(options)))
    result.pointee = makeHandle(EngineBox(made))
  }
}

@c @implementation public func gobi_engine_destroy(_ engine: OpaquePointer!) { destroyHandle(engine, EngineBox.self) }

@c @implementation public func gobi_engine_context(_ engine: OpaquePointer!) -> Int {
  objectIfValid(engine, EngineBox.self)?.engine.context ?? 0
}

@c @implementation public func gobi_engine_drain(
  _ engine: OpaquePointer!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try GobiABI.engine(engine).drain() }
}

@c @implementation public func gobi_engine_shut_down(
  _ engine: OpaquePointer!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try GobiABI.engine(engine).shutDown() }
}

/// When a wait that began now is over, nil for never.
func end(of timeout: Double) throws(ABIError) -> Double? {
  guard !timeout.isNaN else { throw ABIError(GOBI_INVALID_ARGUMENT, "timeout: not a number") }
  return timeout < 0 ? nil : EngineClock.monotonic.now() + timeout
}

/// Waits in pieces, for a wait has a largest length.
func waitForEnd(_ timeout: Double, _ wait: (Duration) -> Bool) throws(ABIError) -> Bool {
  let end = try end(of: timeout)
  while true {
    let left = end.map { max($0 - EngineClock.monotonic.now(), 0) } ?? 100
    if wait(.seconds(min(left, 100))) { return true }
    if left == 0 { return false }
  }
}

@c @implementation public func gobi_engine_wait(
  _ engine: OpaquePointer!, _ timeout: Double, _ ended: UnsafeMutablePointer<Bool>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(ended, "ended")
    let engine = try GobiABI.engine(engine)
    result.pointee = try waitForEnd(timeout) { engine.waitForEnd(timeout: $0) }
  }
}

@c @implementation public func gobi_engine_clear_cache(
  _ engine: OpaquePointer!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try GobiABI.engine(engine).clearCache() }
}

@c @implementation public func gobi_engine_counters(
  _ engine: OpaquePointer!, _ counters: UnsafeMutablePointer<gobi_counters>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let now = try GobiABI.engine(engine).counters
    try fill(counters, "counters") { counters in
      counters.submitted = UInt64(now.submitted)
      counters.refused = UInt64(now.refused)
      counters.finished = UInt64(now.finished)
      counters.cancelled = UInt64(now.cancelled)
      counters.failed = UInt64(now.failed)
      counters.waiting = UInt64(clamping: now.waiting)
      counters.running = UInt64(clamping: now.running)
      counters.paused = UInt64(clamping: now.paused)
      counters.steps = UInt64(now.steps)
      counters.stopped_steps = UInt64(now.stoppedSteps)
      counters.prefill_tokens = UInt64(now.prefillTokens)
      counters.cached_tokens = UInt64(now.cachedTokens)
      counters.generated_tokens = UInt64(now.generatedTokens)
      counters.forced_tokens = UInt64(now.forcedTokens)
      counters.preemptions = UInt64(now.preemptions)
      counters.recomputed_tokens = UInt64(now.recomputedTokens)
      counters.swapped_bytes = UInt64(now.swappedBytes)
      counters.kv_bytes = UInt64(now.kvBytes)
      counters.cache_bytes = UInt64(now.cacheBytes)
      counters.kv_budget = UInt64(now.kvBudget ?? 0)
      counters.evicted_blocks = UInt64(now.evictedBlocks)
      counters.queue_count = UInt64(now.queueTime.count)
      counters.queue_sum = now.queueTime.sum
      counters.first_token_count = UInt64(now.timeToFirstToken.count)
      counters.first_token_sum = now.timeToFirstToken.sum
      counters.output_token_count = UInt64(now.timePerOutputToken.count)
      counters.output_token_sum = now.timePerOutputToken.sum
    }
  }
}

@c @implementation public func gobi_engine_prometheus(
  _ engine: OpaquePointer!, _ labels: UnsafePointer<CChar>!, _ buffer: UnsafeMutablePointer<CChar>!,
  _ capacity: Int, _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let labels = try labels.map { try utf8($0, "labels") } ?? ""
    try copy(GobiABI.engine(engine).counters.prometheusText(labels: labels), buffer, capacity, needed)
  }
}
