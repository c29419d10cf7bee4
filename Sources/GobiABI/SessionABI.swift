// gobi_session_*, gobi_sequence_*, gobi_evaluate, gobi_logits and gobi_embed.
import CGobi
import Inference

final class SessionBox: HandleObject {
  static let kind: UInt64 = 7
  static let noun = "session"
  let session: Session
  init(_ session: Session) { self.session = session }
}

extension SequenceID {
  private static let serialBits = 40

  /// As C holds it: the slot above the serial number, which counts from 1 so that 0 is never a sequence.
  fileprivate var number: gobi_sequence {
    UInt64(slot) << Self.serialBits | (UInt64(serial) + 1) & (1 << Self.serialBits - 1)
  }

  fileprivate init(number: gobi_sequence) {
    self.init(
      slot: Int(number >> UInt64(Self.serialBits)), serial: Int(number & (1 << UInt64(Self.serialBits) - 1)) - 1)
  }
}

private func session(_ handle: OpaquePointer?) throws(ABIError) -> Session {
  try object(handle, SessionBox.self).session
}

@c @implementation public func gobi_session_create(
  _ model: OpaquePointer!, _ options: UnsafePointer<gobi_session_options>!,
  _ session: UnsafeMutablePointer<OpaquePointer?>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let result = try output(session, "session")
    let model = try object(model, ModelBox.self).model
    let options = try GobiABI.options(options)
    let made = try Session(
      model: model,
      options: SessionOptions(
        context: optional(options.context, "context"),
        chunk: optional(options.chunk, "chunk") ?? SessionOptions.defaultChunk,
        kvFormat: kvFormat(options.kv_format), kvBudget: bytes(options.kv_budget)))
    result.pointee = makeHandle(SessionBox(made))
  }
}

@c @implementation public func gobi_session_destroy(_ session: OpaquePointer!) {
  destroyHandle(session, SessionBox.self)
}

@c @implementation public func gobi_session_kv_bytes(
  _ session: OpaquePointer!, _ bytes: UnsafeMutablePointer<UInt64>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try output(bytes, "bytes").pointee = UInt64(GobiABI.session(session).kvBytes) }
}

@c @implementation public func gobi_sequence_create(
  _ session: OpaquePointer!, _ sequence: UnsafeMutablePointer<gobi_sequence>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try output(sequence, "sequence").pointee = GobiABI.session(session).makeSequence().number }
}

@c @implementation public func gobi_sequence_remove(
  _ session: OpaquePointer!, _ sequence: gobi_sequence, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try GobiABI.session(session).remove(SequenceID(number: sequence)) }
}

@c @implementation public func gobi_sequence_position(
  _ session: OpaquePointer!, _ sequence: gobi_sequence, _ position: UnsafeMutablePointer<Int>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    try output(position, "position").pointee = GobiABI.session(session).position(of: SequenceID(number: sequence))
  }
}

@c @implementation public func gobi_sequence_branch(
  _ session: OpaquePointer!, _ sequence: gobi_sequence, _ position: Int,
  _ branch: UnsafeMutablePointer<gobi_sequence>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let all = UInt(bitPattern: position) == .max
    try output(branch, "branch").pointee =
      GobiABI.session(session)
      .branch(SequenceID(number: sequence), at: all ? nil : position).number
  }
}

@c @implementation public func gobi_sequence_set_adapter(
  _ session: OpaquePointer!, _ sequence: gobi_sequence, _ adapter: OpaquePointer!, _ scale: Float,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let adapter = try adapter.map { try object($0, AdapterBox.self).adapter }
    try GobiABI.session(session).setAdapter(adapter, scale: scale, of: SequenceID(number: sequence))
  }
}

@c @implementation public func gobi_sequence_trim(
  _ session: OpaquePointer!, _ sequence: gobi_sequence, _ position: Int,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try GobiABI.session(session).trim(SequenceID(number: sequence), to: position) }
}

@c @implementation public func gobi_sequence_save(
  _ session: OpaquePointer!, _ sequence: gobi_sequence, _ buffer: UnsafeMutableRawPointer!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let saved = try GobiABI.session(session).save(SequenceID(number: sequence))
    try saved.withUnsafeBufferPointer {
      try copy($0, buffer?.assumingMemoryBound(to: UInt8.self), capacity, needed)
    }
  }
}

@c @implementation public func gobi_sequence_restore(
  _ session: OpaquePointer!, _ bytes: UnsafeRawPointer!, _ count: Int,
  _ sequence: UnsafeMutablePointer<gobi_sequence>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let saved = try array(bytes?.assumingMemoryBound(to: UInt8.self), count, "bytes")
    let result = try output(sequence, "sequence")
    result.pointee = try GobiABI.session(session).restore(UnsafeRawBufferPointer(saved)).number
  }
}

private func batch(_ entries: UnsafeBufferPointer<gobi_batch_entry>) throws(ABIError) -> Batch {
  var batch = Batch()
  for entry in entries {
    let wanted: Batch.Output
    switch Int(entry.output) {
    case GOBI_OUTPUT_LAST: wanted = .last
    case GOBI_OUTPUT_NONE: wanted = .none
    case GOBI_OUTPUT_ALL: wanted = .all
    default: throw ABIError(GOBI_INVALID_ARGUMENT, "output: \(entry.output)")
    }
    batch.add(SequenceID(number: entry.sequence), try array(entry.tokens, entry.count, "tokens"), output: wanted)
  }
  return batch
}

@c @implementation public func gobi_evaluate(
  _ session: OpaquePointer!, _ entries: UnsafePointer<gobi_batch_entry>!, _ count: Int, _ cancel: OpaquePointer!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let session = try GobiABI.session(session)
    try session.evaluate(batch(array(entries, count, "entries")), cancel: cancelFlag(cancel))
  }
}

@c @implementation public func gobi_logit_rows(
  _ session: OpaquePointer!, _ rows: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try output(rows, "rows").pointee = GobiABI.session(session).logitRows }
}

@c @implementation public func gobi_logits(
  _ session: OpaquePointer!, _ row: Int, _ logits: UnsafeMutablePointer<UnsafePointer<Float>?>!,
  _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) { try output(logits, "logits").pointee = GobiABI.session(session).logits(row).baseAddress }
}

@c @implementation public func gobi_embed(
  _ session: OpaquePointer!, _ tokens: UnsafePointer<Int32>!, _ types: UnsafePointer<Int32>!, _ count: Int,
  _ what: Int32, _ cancel: OpaquePointer!, _ values: UnsafeMutablePointer<Float>!, _ capacity: Int,
  _ needed: UnsafeMutablePointer<Int>!, _ error: UnsafeMutablePointer<OpaquePointer?>!
) -> gobi_status {
  call(error) {
    let session = try GobiABI.session(session)
    guard GOBI_EMBED_MEAN...GOBI_EMBED_HIDDEN ~= Int(what) else {
      throw ABIError(GOBI_INVALID_ARGUMENT, "what: \(what)")
    }
    let ids = Array(try array(tokens, count, "tokens"))
    guard ids.count <= session.context else {
      throw SessionError.contextExceeded(needed: ids.count, limit: session.context)
    }
    let width = session.model.configuration.width
    // Before the work: a caller who asks for the length does not pay for it.
    try reserve(Int(what) == GOBI_EMBED_HIDDEN ? ids.count * width : width, values, capacity, needed)
    let kinds = try types.map { [Array(try array($0, count, "types"))] }
    let encoding = try session.encode([ids], types: kinds, cancel: cancelFlag(cancel))[0]
    let result: [Float]
    switch Int(what) {
    case GOBI_EMBED_HIDDEN: result = encoding.hidden.values
    case GOBI_EMBED_POOLED:
      guard let pooled = encoding.pooled else {
        throw ABIError(GOBI_UNSUPPORTED, "what: the model has no summary of its own")
      }
      result = pooled
    default: result = encoding.mean
    }
    try result.withUnsafeBufferPointer { try copy($0, values, capacity, needed) }
  }
}
