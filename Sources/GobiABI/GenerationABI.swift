// gobi_engine_submit and gobi_generation_*.
import CGobi
import Glibc
import Inference

/// Waits until the descriptor is readable, at most `seconds` where they are given; perhaps for less.
func wait(for descriptor: Int32, seconds: Double?) {
  var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  _ = poll(&entry, 1, seconds.map { Int32(min($0 * 1e3, 1e6).rounded(.up)) } ?? -1)
}

final class GenerationBox: HandleObject {
  static let kind: UInt64 = 12
  static let noun = "generation"
  let generation: Generation
  /// The event that the consumer holds.
  let event = EventBuffer()
  let turn = Exclusive()

  init(_ generation: Generation) { self.generation = generation }

  /// The next event, at most after `timeout` seconds.
  func next(timeout: Double) throws -> EngineEvent? {
    let end = try end(of: timeout)
    while true {
      if let event = generation.poll(maximum: 1).first { return event }
      if generation.isOver || timeout == 0 { return nil }
      let left = end.map { $0 - EngineClock.monotonic.now() }
      if let left, left <= 0 { return nil }
      wait(for: try generation.descriptor(), seconds: left)
    }
  }
}

extension GenerationRequest {
  fileprivate init(_ options: gobi_request_options) throws {
    self.init(prompt: Array(try array(options.prompt, options.prompt_count, "prompt")))
    sampling = try SamplingOptions(GobiABI.options(options.sampling))
    let grammar = try options.grammar.map { try object($0, GrammarBox.self) }
    let tokenizer = try (options.tokenizer.map { try object($0, TokenizerBox.self) } ?? grammar?.tokenizer)?.tokenizer
    constraint = grammar?.constraint
    text = tokenizer.map {
      TextOptions(tokenizer: $0, renderSpecial: options.render_special, atTextStart: options.at_text_start)
    }
    var tokens = Set(try array(options.stop_tokens, options.stop_token_count, "stop_tokens"))
    if let tokenizer, !options.ignore_eos { tokens.formUnion(tokenizer.endOfGeneration) }
    stop = StopRule(
      tokens: tokens,
      strings: try array(options.stop_strings, options.stop_string_count, "stop_strings").map {
        try utf8($0, "stop_strings")
      },
      maximumTokens: try optional(options.max_tokens, "max_tokens"))
    adapter = try options.adapter.map { try object($0, AdapterBox.self).adapter }
    adapterScale = options.adapter_scale == 0 ? 1 : options.adapter_scale
    priority = Int(options.priority)
    deadline = try duration(options.deadline, "deadline")
    usesCache = !options.no_cache
    cacheKey = options.cache_key
  }
}

@c @implementation public func gobi_engine_submit(
  _ engine: OpaquePointer!, _ request: UnsafePointer<gobi_request_options>!,
  _ generation: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(generation, "generation")
    let engine = try object(engine, EngineBox.self).engine
    let made = try engine.submit(GenerationRequest(options(request)))
    result.pointee = makeHandle(GenerationBox(made))
  }
}

@c @implementation public func gobi_generation_destroy(_ generation: OpaquePointer!) {
  destroyHandle(generation, GenerationBox.self)
}

@c @implementation public func gobi_generation_cancel(_ generation: OpaquePointer!) -> gobi_status {
  guard let box = objectIfValid(generation, GenerationBox.self) else { return gobi_status(GOBI_INVALID_ARGUMENT) }
  box.generation.cancel()
  return gobi_status(GOBI_OK)
}

@c @implementation public func gobi_generation_next(
  _ generation: OpaquePointer!, _ timeout: Double, _ event: UnsafeMutablePointer<UnsafePointer<gobi_event>?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(event, "event")
    let box = try object(generation, GenerationBox.self)
    try box.turn.run(GenerationBox.noun) {
      result.pointee = try box.next(timeout: timeout).map { box.event.set($0) }
    }
  }
}

@c @implementation public func gobi_generation_descriptor(
  _ generation: OpaquePointer!, _ descriptor: UnsafeMutablePointer<Int32>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    try output(descriptor, "descriptor").pointee = object(generation, GenerationBox.self).generation.descriptor()
  }
}

@c @implementation public func gobi_generation_usage(
  _ generation: OpaquePointer!, _ usage: UnsafeMutablePointer<gobi_usage>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let now = try object(generation, GenerationBox.self).generation.usage
    try fill(usage, "usage") { usage in
      usage.prompt_tokens = UInt64(now.promptTokens)
      usage.cached_tokens = UInt64(now.cachedTokens)
      usage.completion_tokens = UInt64(now.completionTokens)
      usage.forced_tokens = UInt64(now.forcedTokens)
      usage.preemptions = UInt64(now.preemptions)
      usage.recomputed_tokens = UInt64(now.recomputedTokens)
      usage.peak_kv_bytes = UInt64(now.peakKVBytes)
      usage.queue_time = now.queueTime ?? -1
      usage.time_to_first_token = now.timeToFirstToken ?? -1
      usage.decode_time = now.decodeTime
      usage.time_per_output_token = now.timePerOutputToken ?? -1
    }
  }
}
