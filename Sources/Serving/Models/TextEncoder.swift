import Inference
final class TextEncoder: Sendable {
  let context: Int
  init(model: Model, options: EngineOptions) throws(EngineError) { context = 0 }
  func drain() {}
  func shutDown() {}
  func ended() async {}
}
extension InferenceService {
  func embed(_ body: [UInt8]) async throws(APIError) -> Answer { throw .draining }
  func rerank(_ body: [UInt8]) async throws(APIError) -> Answer { throw .draining }
}
