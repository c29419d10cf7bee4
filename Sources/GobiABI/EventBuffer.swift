// The event that gobi_generation_next lends: a C struct, and the memory that its pointers lead to.
import CGobi
import Inference

/// One event of C, written over by the next.
final class EventBuffer {
  private let event = UnsafeMutablePointer<gobi_event>.allocate(capacity: 1)
  private let text = Lent<CChar>()
  private let message = Lent<CChar>()
  private let top = Lent<gobi_choice>()

  deinit { event.deallocate() }

  func set(_ next: EngineEvent) -> UnsafePointer<gobi_event> {
    var result = gobi_event()
    result.struct_size = MemoryLayout<gobi_event>.size
    result.token = -1
    result.is_last = next.isLast
    var (shown, said) = ("", "")
    var choices: [gobi_choice] = []
    switch next {
    case .started(let cached):
      result.kind = Int32(GOBI_EVENT_STARTED)
      result.cached_tokens = cached
    case .token(let sampled, let piece):
      result.kind = Int32(GOBI_EVENT_TOKEN)
      result.token = sampled.token
      result.log_probability = sampled.logProbability
      choices = sampled.top.map { gobi_choice(token: $0.token, log_probability: $0.logProbability) }
      shown = piece
    case .finished(let reason, let rest, _):
      result.kind = Int32(GOBI_EVENT_FINISHED)
      shown = rest
      (result.finish, said) = tell(reason)
      if case .endOfGeneration(let token) = reason { result.token = token }
    case .failed(let error, _):
      result.kind = Int32(GOBI_EVENT_FAILED)
      let failure = ABIError(error)
      result.status = failure.status
      said = failure.message
    }
    result.text_length = shown.utf8.count
    result.text = text.set(&shown)
    result.message = message.set(&said)
    result.top_count = choices.count
    result.top = choices.withUnsafeBufferPointer { top.set($0, end: gobi_choice()) }
    event.initialize(to: result)
    return UnsafePointer(event)
  }

  private func tell(_ reason: FinishReason) -> (Int32, message: String) {
    switch reason {
    case .endOfGeneration: (Int32(GOBI_FINISH_STOP_TOKEN), "")
    case .stopString(let string): (Int32(GOBI_FINISH_STOP_STRING), string)
    case .grammarComplete: (Int32(GOBI_FINISH_GRAMMAR), "")
    case .length: (Int32(GOBI_FINISH_LENGTH), "")
    case .contextFull: (Int32(GOBI_FINISH_CONTEXT), "")
    case .cancelled: (Int32(GOBI_FINISH_CANCELLED), "")
    }
  }
}
