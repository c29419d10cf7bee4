// What the tests of the C functions share: calls with their errors, opened handles, a model with a tokenizer. No tests.
import CGobi
import Foundation
import Inference
import Testing

/// A call's status and message; the error object is given back.
func outcome(_ body: (UnsafeMutablePointer<OpaquePointer?>) -> gobi_status) -> (status: Int, message: String) {
  var error: OpaquePointer?
  let status = body(&error)
  defer { gobi_error_free(error) }
  #expect(gobi_error_code(error) == status)
  return (Int(status), String(cString: gobi_error_message(error)))
}

/// The text of a two-call function.
func text(
  _ body: (UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>) -> gobi_status
) -> String {
  var needed = 0
  #expect(Int(body(nil, 0, &needed)) == GOBI_BUFFER_TOO_SMALL)
  var buffer = [CChar](repeating: 1, count: needed + 1)
  #expect(Int(body(&buffer, buffer.count, &needed)) == GOBI_OK)
  #expect(buffer.last == 0)
  return String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures/golden")
let llama = golden.appendingPathComponent("llama/model.f32.gguf").path

/// A runtime, a model and a session that give themselves back.
final class Opened {
  var runtime: OpaquePointer?
  var model: OpaquePointer?
  var session: OpaquePointer?

  convenience init() throws { try self.init(llama) }

  init(_ path: String) throws {
    try #require(gobi_runtime_create(nil, &runtime, nil) == 0)
    try #require(gobi_model_open(path, runtime, nil, &model, nil) == 0)
    try #require(gobi_session_create(model, nil, &session, nil) == 0)
  }

  deinit {
    gobi_session_destroy(session)
    gobi_model_close(model)
    gobi_runtime_destroy(runtime)
  }

  func info() -> gobi_model_info {
    var info = gobi_model_info()
    info.struct_size = MemoryLayout<gobi_model_info>.size
    #expect(gobi_model_describe(model, &info, nil) == 0)
    return info
  }

  func evaluate(_ sequence: gobi_sequence, _ tokens: [Int32], cancel: OpaquePointer? = nil) -> Int {
    tokens.withUnsafeBufferPointer { tokens in
      var entry = gobi_batch_entry()
      entry.sequence = sequence
      entry.tokens = tokens.baseAddress
      entry.count = tokens.count
      return Int(gobi_evaluate(session, &entry, 1, cancel, nil))
    }
  }

  func logits(_ count: Int) -> [Float] {
    var row: UnsafePointer<Float>?
    #expect(gobi_logits(session, 0, &row, nil) == 0)
    return Array(UnsafeBufferPointer(start: row, count: count))
  }
}

/// A generated model with a tokenizer, written once for all tests.
enum TinyModel {
  static let path: Result<String, any Error> = Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "gobi-abi-\(ProcessInfo.processInfo.processIdentifier).gguf"
    ).path
    let shape = try #require(SyntheticShape(name: "tiny"))
    let type = try #require(FileType(name: "Q4_0"))
    try SyntheticModel(shape: shape, type: type).write(to: path)
    return path
  }
}

/// An engine over the tiny model.
final class OpenedEngine {
  var runtime: OpaquePointer?
  var model: OpaquePointer?
  var tokenizer: OpaquePointer?
  var engine: OpaquePointer?

  init(_ change: (inout gobi_engine_options) -> Void = { _ in }) throws {
    var options = gobi_engine_options()
    options.struct_size = MemoryLayout<gobi_engine_options>.size
    change(&options)
    try #require(gobi_runtime_create(nil, &runtime, nil) == 0)
    try #require(gobi_model_open(try TinyModel.path.get(), runtime, nil, &model, nil) == 0)
    try #require(gobi_tokenizer_create(model, &tokenizer, nil) == 0)
    try #require(gobi_engine_create(model, &options, &engine, nil) == 0)
  }

  deinit {
    gobi_engine_destroy(engine)
    gobi_tokenizer_destroy(tokenizer)
    gobi_model_close(model)
    gobi_runtime_destroy(runtime)
  }

  /// What `change` makes of a request for 8 tokens with text.
  func submit(
    _ prompt: [Int32], _ change: (inout gobi_request_options) -> Void = { _ in }
  ) -> (generation: OpaquePointer?, status: Int, message: String) {
    var generation: OpaquePointer?
    let result = prompt.withUnsafeBufferPointer { prompt in
      var request = gobi_request_options()
      request.struct_size = MemoryLayout<gobi_request_options>.size
      request.prompt = prompt.baseAddress
      request.prompt_count = prompt.count
      request.tokenizer = tokenizer
      request.max_tokens = 8
      request.ignore_eos = true
      change(&request)
      return outcome { gobi_engine_submit(engine, &request, &generation, $0) }
    }
    return (generation, result.status, result.message)
  }

  func counters() -> gobi_counters {
    var counters = gobi_counters()
    counters.struct_size = MemoryLayout<gobi_counters>.size
    #expect(gobi_engine_counters(engine, &counters, nil) == 0)
    return counters
  }
}

/// What a consumer saw of one generation, to its last event.
struct Seen {
  var tokens: [Int32] = []
  var text = ""
  var kinds: [Int] = []
  var finish = 0
  var status = 0
  var message = ""
  var usage = gobi_usage()

  /// Takes all events and gives the generation back.
  init(_ generation: OpaquePointer?) {
    var event: UnsafePointer<gobi_event>?
    while gobi_generation_next(generation, GOBI_FOREVER, &event, nil) == 0, let now = event?.pointee {
      #expect(now.struct_size == MemoryLayout<gobi_event>.size)
      kinds.append(Int(now.kind))
      if Int(now.kind) == GOBI_EVENT_TOKEN { tokens.append(now.token) }
      #expect(strlen(now.text) == now.text_length)
      text += String(cString: now.text)
      #expect(now.is_last == [GOBI_EVENT_FINISHED, GOBI_EVENT_FAILED].contains(Int(now.kind)))
      (finish, status, message) = (Int(now.finish), Int(now.status), String(cString: now.message))
    }
    usage.struct_size = MemoryLayout<gobi_usage>.size
    #expect(gobi_generation_usage(generation, &usage, nil) == 0)
    gobi_generation_destroy(generation)
  }
}
