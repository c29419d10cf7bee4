// gobi_sampler_* and gobi_sample.
import CGobi
import Inference

final class SamplerBox: HandleObject {
  static let kind: UInt64 = 8
  static let noun = "sampler"
  var sampler: Sampler
  let turn = Exclusive()
  init(_ sampler: Sampler) { self.sampler = sampler }
}

extension SamplingOptions {
  init(_ options: gobi_sampler_options) throws(ABIError) {
    self.init()
    temperature = options.temperature
    topK = Int(options.top_k)
    topP = options.top_p == 0 ? 1 : options.top_p
    minP = options.min_p
    repetitionPenalty = options.repetition_penalty == 0 ? 1 : options.repetition_penalty
    frequencyPenalty = options.frequency_penalty
    presencePenalty = options.presence_penalty
    if options.penalty_window != 0 { penaltyWindow = Int(options.penalty_window) }
    seed = options.seed
    topLogProbabilities = Int(options.top_count)
    let tokens = try array(options.bias_tokens, options.bias_count, "bias_tokens")
    let values = try array(options.bias_values, options.bias_count, "bias_values")
    for (token, value) in zip(tokens, values) where logitBias.updateValue(value, forKey: token) != nil {
      throw ABIError(GOBI_INVALID_ARGUMENT, "bias_tokens: token \(token) comes twice")
    }
  }
}

@c @implementation public func gobi_sampler_create(
  _ options: UnsafePointer<gobi_sampler_options>!, _ sampler: UnsafeMutablePointer<OpaquePointer?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(sampler, "sampler")
    result.pointee = makeHandle(SamplerBox(try Sampler(SamplingOptions(GobiABI.options(options)))))
  }
}

@c @implementation public func gobi_sampler_destroy(_ sampler: OpaquePointer!) {
  destroyHandle(sampler, SamplerBox.self)
}

/// Both ways to sample; `mask` is taken only where there is one.
private func sample(
  _ sampler: OpaquePointer?, _ logits: UnsafePointer<Float>?, _ vocabulary: Int, _ mask: TokenMask?,
  _ choice: UnsafeMutablePointer<gobi_choice>?, _ top: UnsafeMutablePointer<gobi_choice>?, _ topCapacity: Int,
  _ topCount: UnsafeMutablePointer<Int>?
) throws {
  let box = try object(sampler, SamplerBox.self)
  let choice = try output(choice, "choice")
  let logits = try array(logits, vocabulary, "logits")
  guard vocabulary > 0, vocabulary <= Int(Int32.max) else {
    throw ABIError(GOBI_INVALID_ARGUMENT, "vocabulary: \(UInt(bitPattern: vocabulary))")
  }
  try box.turn.run(SamplerBox.noun) {
    // Before the draw, so that a call which fails leaves the sampler as it was.
    if top != nil || topCapacity != 0 {
      try reserve(min(box.sampler.options.topLogProbabilities, vocabulary), top, topCapacity, topCount)
    }
    let chosen = try box.sampler.sample(logits, mask: mask)
    choice.pointee = gobi_choice(token: chosen.token, log_probability: chosen.logProbability)
    topCount?.pointee = chosen.top.count
    guard let top else { return }
    for (index, row) in chosen.top.enumerated() {
      top[index] = gobi_choice(token: row.token, log_probability: row.logProbability)
    }
  }
}

@c @implementation public func gobi_sample(
  _ sampler: OpaquePointer!, _ logits: UnsafePointer<Float>!, _ vocabulary: Int,
  _ choice: UnsafeMutablePointer<gobi_choice>!, _ top: UnsafeMutablePointer<gobi_choice>!, _ top_capacity: Int,
  _ top_count: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try sample(sampler, logits, vocabulary, nil, choice, top, top_capacity, top_count) }
}

@c @implementation public func gobi_sample_masked(
  _ sampler: OpaquePointer!, _ logits: UnsafePointer<Float>!, _ vocabulary: Int, _ mask: UnsafePointer<UInt64>!,
  _ words: Int, _ choice: UnsafeMutablePointer<gobi_choice>!, _ top: UnsafeMutablePointer<gobi_choice>!,
  _ top_capacity: Int, _ top_count: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let allowed = TokenMask(words: try array(mask, words, "mask"))
    try sample(sampler, logits, vocabulary, allowed, choice, top, top_capacity, top_count)
  }
}

@c @implementation public func gobi_sampler_accept(
  _ sampler: OpaquePointer!, _ token: Int32, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let box = try object(sampler, SamplerBox.self)
    guard token >= 0 else { throw ABIError(GOBI_INVALID_ARGUMENT, "token: \(token)") }
    try box.turn.run(SamplerBox.noun) { box.sampler.accept(token) }
  }
}
