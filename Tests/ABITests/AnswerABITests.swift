// Adapters, chat parsers and embedders through their C functions. What they compute is tested in InferenceTests.
import CGobi
import Foundation
import Inference
import Testing

private let tools = """
  [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
   "properties": {"city": {"enum": ["Ulaanbaatar"]}}, "required": ["city"], "additionalProperties": false}}}]
  """

/// A file that is gone at the end.
private final class TemporaryFile {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("gobi-\(UUID().uuidString).gguf").path
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The tiny model, with a template of the same length that has the marks of Hermes in it.
private func hermesModel() throws -> TemporaryFile {
  let file = TemporaryFile()
  let tiny = try TinyModel.path.get()
  let template = try #require(try GGUFFile(path: tiny).valueIfPresent("tokenizer.chat_template", \.string))
  var data = try Data(contentsOf: URL(fileURLWithPath: tiny))
  let place = try #require(data.range(of: Data(template.utf8)))
  let marked = "{# <tool_call> <think> #}{{ messages[0]['content'] }}"
  data.replaceSubrange(
    place, with: Data(marked.utf8) + Data(repeating: UInt8(ascii: " "), count: template.utf8.count - marked.utf8.count))
  try data.write(to: URL(fileURLWithPath: file.path))
  return file
}

/// One event as text, for comparison.
private func taken(_ parser: OpaquePointer?) -> [String] {
  var result: [String] = [], event: UnsafePointer<gobi_chat_event>?
  while gobi_chat_parser_next(parser, &event, nil) == 0, let now = event?.pointee {
    #expect(strlen(now.text) == now.text_length && now.struct_size == MemoryLayout<gobi_chat_event>.size)
    let parts = [now.name, now.text].map { String(cString: $0!) }.filter { !$0.isEmpty }
    result.append(([String(now.kind)] + parts).joined(separator: ":"))
    #expect((Int(now.kind) == GOBI_CHAT_CALL_BEGAN) == (strlen(now.id) > 0))
  }
  return result
}

@Suite struct AnswerABITests {
  @Test func parserTellsCallsFromText() throws {
    let file = try hermesModel()
    let opened = try Opened(file.path)
    var parser: OpaquePointer?
    var options = gobi_chat_options()
    options.struct_size = MemoryLayout<gobi_chat_options>.size
    let prompt = "an answer begins <think>\n"
    let status = tools.withCString { tools in
      prompt.withCString { prompt in
        options.tools = tools
        options.prompt = prompt
        options.prompt_length = strlen(prompt)
        return gobi_chat_parser_create(opened.model, &options, &parser, nil)
      }
    }
    try #require(status == 0)
    defer { gobi_chat_parser_destroy(parser) }
    var shows = true
    #expect(gobi_chat_shows_special(opened.model, &shows, nil) == 0 && !shows)
    var events: [String] = []
    let answer = """
      hm</think>Yes. <tool_call>
      {"name": "weather", "arguments": {"city": "Ulaanbaatar"}}
      </tool_call><tool_call>none</tool_call>
      """
    for character in answer {
      let piece = String(character)
      #expect(gobi_chat_parser_append(parser, piece, piece.utf8.count, nil) == 0)
      events += taken(parser)
    }
    #expect(gobi_chat_parser_finish(parser, nil) == 0)
    events += taken(parser)
    let kinds = [
      GOBI_CHAT_REASONING, GOBI_CHAT_CONTENT, GOBI_CHAT_CALL_BEGAN, GOBI_CHAT_CALL_ARGUMENTS, GOBI_CHAT_CALL_ENDED,
      GOBI_CHAT_MALFORMED_CALL, GOBI_CHAT_CONTENT,
    ]
    // Runs of one kind are pieces of one part.
    var runs: [Int] = []
    for event in events {
      let kind = try #require(Int(event.prefix { $0 != ":" }))
      if runs.last != kind { runs.append(kind) }
    }
    #expect(runs == kinds)
    #expect(events.contains("\(GOBI_CHAT_CALL_BEGAN):weather"))
    #expect(Int(gobi_chat_parser_append(parser, "\u{FF}", 1, nil)) == GOBI_BAD_TEXT, "half a character")
    #expect(outcome { gobi_chat_parser_append(nil, "a", 1, $0) }.status == GOBI_INVALID_ARGUMENT)

    var grammar: OpaquePointer?
    let prefix = text {
      gobi_chat_force_call(opened.model, tools, nil, true, &grammar, $0, $1, $2, nil)
    }
    #expect(prefix.contains("</think>") && prefix.hasSuffix("<tool_call>\n"))
    #expect(grammar != nil)
    gobi_grammar_destroy(grammar)
    func forcing(_ model: OpaquePointer?, _ tools: String, _ name: String?) -> Int {
      Int(gobi_chat_force_call(model, tools, name, false, &grammar, nil, 0, nil, nil))
    }
    #expect(forcing(opened.model, tools, "rain") == GOBI_INVALID_ARGUMENT)
    #expect(forcing(opened.model, "[{}]", nil) == GOBI_BAD_TEXT)
    let plain = try Opened(TinyModel.path.get())
    #expect(forcing(plain.model, tools, nil) == GOBI_UNSUPPORTED)
  }

  @Test func adapterChangesAnswersAndOnlyItsOwn() throws {
    let opened = try OpenedEngine()
    var info = gobi_model_info()
    info.struct_size = MemoryLayout<gobi_model_info>.size
    #expect(gobi_model_describe(opened.model, &info, nil) == 0)
    let file = TemporaryFile()
    let (width, rows) = (Int(info.width), Int(info.heads * info.head_dim))
    var writer = try GGUFWriter(
      path: file.path,
      metadata: [
        ("general.type", .string("adapter")), ("general.architecture", .string("llama")),
        ("adapter.type", .string("lora")), ("adapter.lora.alpha", .float32(8)),
      ],
      tensors: [
        .init(name: "blk.0.attn_q.weight.lora_a", shape: [4, width], format: .f32),
        .init(name: "blk.0.attn_q.weight.lora_b", shape: [rows, 4], format: .f32),
      ])
    for (name, count) in [("a", 4 * width), ("b", rows * 4)] {
      let values = (0..<count).map { Float(($0 * 7_919) % 101) / 50 - 1 }
      try values.withUnsafeBytes { bytes throws in try writer.write(bytes, to: "blk.0.attn_q.weight.lora_\(name)") }
    }
    try writer.finish()

    var adapter: OpaquePointer?
    #expect(gobi_adapter_open(file.path, opened.model, nil, &adapter, nil) == 0)
    defer { gobi_adapter_close(adapter) }
    var described = gobi_adapter_info()
    described.struct_size = MemoryLayout<gobi_adapter_info>.size
    #expect(gobi_adapter_describe(adapter, &described, nil) == 0)
    #expect(described.rank == 4 && described.modules == 1 && described.parameters == UInt64(4 * (width + rows)))
    let prompt: [Int32] = (0..<30).map { $0 + 40 }
    func answer(_ change: (inout gobi_request_options) -> Void) -> [Int32] {
      Seen(opened.submit(prompt, change).generation).tokens
    }
    let plain = answer { _ in }
    let adapted = answer { $0.adapter = adapter }
    #expect(plain.count == 8 && adapted.count == 8 && plain != adapted)
    #expect(answer { _ in } == plain, "nothing of the adapter's keys and values is shared")
    #expect(answer { ($0.adapter, $0.adapter_scale) = (adapter, 1) } == adapted)
    #expect(opened.submit(prompt) { ($0.adapter, $0.adapter_scale) = (adapter, .nan) }.status != GOBI_OK)
    #expect(opened.submit(prompt) { $0.adapter = opened.tokenizer }.status == GOBI_INVALID_ARGUMENT)

    let alone = try Opened(TinyModel.path.get())
    var sequence: gobi_sequence = 0
    #expect(gobi_sequence_create(alone.session, &sequence, nil) == 0)
    let foreign = outcome { gobi_sequence_set_adapter(alone.session, sequence, adapter, 1, $0) }
    #expect(foreign.status == GOBI_OK || foreign.message.contains("adapter"))
    #expect(alone.evaluate(sequence, prompt) == GOBI_OK)
    #expect(outcome { gobi_sequence_set_adapter(alone.session, sequence, nil, 1, $0) }.status == GOBI_INVALID_ARGUMENT)

    let wrong = outcome { gobi_adapter_open(llama, opened.model, nil, &adapter, $0) }
    #expect(wrong.status == GOBI_BAD_FILE && wrong.message.contains(llama))
  }

  @Test func embedderGivesVectorsAndOrder() throws {
    let opened = try Opened(golden.appendingPathComponent("bert").path)
    var embedder: OpaquePointer?
    try #require(gobi_embedder_create(opened.model, nil, &embedder, nil) == 0)
    defer { gobi_embedder_destroy(embedder) }
    let texts: [[Int32]] = [[5, 6, 7], [9, 10, 11, 12, 13], [5, 6, 8]]
    func embedding(_ tokens: [Int32]) -> OpaquePointer? {
      tokens.withUnsafeBufferPointer { tokens in
        var request = gobi_embed_request(), result: OpaquePointer?
        request.struct_size = MemoryLayout<gobi_embed_request>.size
        request.tokens = tokens.baseAddress
        request.token_count = tokens.count
        #expect(gobi_embedder_submit(embedder, &request, &result, nil) == 0)
        return result
      }
    }
    func values(_ embedding: OpaquePointer?) -> [Float] {
      var done = false, needed = 0
      #expect(gobi_embedding_wait(embedding, GOBI_FOREVER, &done, nil) == 0 && done)
      #expect(Int(gobi_embedding_values(embedding, nil, 0, &needed, nil)) == GOBI_BUFFER_TOO_SMALL)
      var values = [Float](repeating: .nan, count: needed)
      #expect(gobi_embedding_values(embedding, &values, needed, nil, nil) == 0)
      gobi_embedding_destroy(embedding)
      return values
    }
    let vectors = texts.map { values(embedding($0)) }
    for (tokens, vector) in zip(texts, vectors) {
      var alone = [Float](repeating: 0, count: 64)
      #expect(
        gobi_embed(opened.session, tokens, nil, tokens.count, Int32(GOBI_EMBED_MEAN), nil, &alone, 64, nil, nil) == 0)
      // The mean is taken in another order of additions.
      #expect(zip(vector, alone).allSatisfy { abs($0 - $1) <= 1e-6 })
      #expect(vector == values(embedding(tokens)))
    }

    var documents = texts.map { tokens in
      let copy = UnsafeMutablePointer<Int32>.allocate(capacity: tokens.count)
      copy.initialize(from: tokens, count: tokens.count)
      return UnsafePointer(copy) as UnsafePointer<Int32>?
    }
    defer { for document in documents { document?.deallocate() } }
    let counts = texts.map(\.count)
    var request = gobi_rerank_request(), reranking: OpaquePointer?
    request.struct_size = MemoryLayout<gobi_rerank_request>.size
    request.query = documents[0]
    request.query_count = counts[0]
    request.document_count = 3
    let status = documents.withUnsafeMutableBufferPointer { documents in
      counts.withUnsafeBufferPointer { counts in
        request.documents = UnsafePointer(documents.baseAddress)
        request.document_tokens = counts.baseAddress
        return gobi_embedder_rerank(embedder, &request, &reranking, nil)
      }
    }
    try #require(status == 0)
    let scores = values(reranking)
    #expect(scores.count == 3 && abs(scores[0] - 1) < 1e-5 && scores[0] >= scores[1] && scores[0] >= scores[2])

    var wrong = gobi_embed_request()
    wrong.struct_size = MemoryLayout<gobi_embed_request>.size
    wrong.pooling = 9
    #expect(outcome { gobi_embedder_submit(embedder, &wrong, &reranking, $0) }.status == GOBI_INVALID_ARGUMENT)
    var ended = false
    #expect(gobi_embedder_drain(embedder, nil) == 0)
    #expect(gobi_embedder_wait(embedder, GOBI_FOREVER, &ended, nil) == 0 && ended)
    wrong.pooling = 0
    (wrong.tokens, wrong.token_count) = (documents[0], counts[0])
    #expect(outcome { gobi_embedder_submit(embedder, &wrong, &reranking, $0) }.status == GOBI_SHUTTING_DOWN)
    #expect(text { gobi_embedder_prometheus(embedder, nil, $0, $1, $2, nil) }.contains("gobi_embedding_steps_total "))
  }
}
