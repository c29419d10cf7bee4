// The API without its transport, over tiny random models. What an official client makes of it: scripts/check-openai.sh.
import Foundation
import Inference
import Serving
import TestSupport
import Testing

@Suite struct ServiceTests {
  let service: InferenceService

  init() throws { service = try TinyService.make() }

  private let prompt: JSONValue = ["model": "llama", "prompt": "Once upon", "max_tokens": 12, "seed": 5]

  private func with(_ body: JSONValue, _ changes: JSONValue) -> JSONValue {
    var object = body.object ?? JSONObject()
    for (key, value) in changes.object ?? JSONObject() { object[key] = value }
    return .object(object)
  }

  @Test func aStreamIsItsDocument() async throws {
    for n in 1...3 {
      let body = with(prompt, ["n": .int(Int64(n)), "logprobs": 2])
      let whole = try await service.document(.completions, body)
      let events = try await service.events(
        .completions, with(body, ["stream": true, "stream_options": ["include_usage": true]]))
      for index in 0..<n {
        let own = events.compactMap { $0["choices"]?[0] }.filter { $0["index"]?.int == index }
        let choice = try #require(whole["choices"]?[index])
        #expect(own.map { $0["text"]?.string ?? "" }.joined() == choice["text"]?.string)
        #expect(own.last?["finish_reason"] == choice["finish_reason"])
        let values = own.flatMap { $0["logprobs"]?["token_logprobs"]?.array ?? [] }
        #expect(values == choice["logprobs"]?["token_logprobs"]?.array && !values.isEmpty)
      }
      #expect(events.last?["choices"] == [])
      #expect(events.last?["usage"]?["completion_tokens"] == whole["usage"]?["completion_tokens"])
    }
  }

  @Test func theFirstOfSeveralIsTheOneAlone() async throws {
    let alone = try await service.document(.completions, prompt)
    let several = try await service.document(.completions, with(prompt, ["n": 4]))
    #expect(several["choices"]?[0]?["text"] == alone["choices"]?[0]?["text"])
    #expect(Set((several["choices"]?.array ?? []).map { $0["text"]?.string ?? "" }).count == 4)
    #expect(several["usage"]?["prompt_tokens"] == 9)
  }

  @Test func formatsHold() async throws {
    let schema: JSONValue = [
      "type": "object", "required": ["a"], "additionalProperties": false,
      "properties": ["a": ["type": "integer", "minimum": 0, "maximum": 99]],
    ]
    let body: JSONValue = [
      "messages": [["role": "user", "content": "x"]], "seed": 3, "max_tokens": 80,
      "response_format": ["type": "json_schema", "json_schema": ["name": "x", "schema": schema]],
    ]
    let choice = try #require(try await service.document(.chat, body)["choices"]?[0])
    #expect(choice["finish_reason"] == "stop")
    let text = try #require(choice["message"]?["content"]?.string)
    let value = try #require(try JSONValue(parsing: text)["a"]?.int)
    #expect((0...99).contains(value))
  }

  @Test func callsAreForced() async throws {
    let tool: JSONValue = [
      "type": "function",
      "function": [
        "name": "f",
        "parameters": [
          "type": "object", "required": ["x"], "additionalProperties": false, "properties": ["x": ["enum": [1, 2]]],
        ],
      ],
    ]
    let body: JSONValue = [
      "messages": [["role": "user", "content": "x"]], "tools": [tool], "tool_choice": "required", "seed": 1,
      "parallel_tool_calls": false, "max_tokens": 100,
    ]
    let choice = try await service.document(.chat, body)["choices"]?[0]
    let calls = try #require(choice?["message"]?["tool_calls"]?.array)
    #expect(choice?["finish_reason"] == "tool_calls" && calls.count == 1)
    let arguments = try JSONValue(parsing: calls[0]["function"]?["arguments"]?.string ?? "")
    #expect(calls[0]["function"]?["name"] == "f" && [1, 2].contains(arguments["x"]?.int))
  }

  @Test func embeddingsInEveryForm() async throws {
    let floats = try await service.document(.embeddings, ["input": ["abc", "abc", "xyz"]])
    let vectors = (floats["data"]?.array ?? []).map { ($0["embedding"]?.array ?? []).compactMap(\.double) }
    #expect(vectors.count == 3 && vectors[0] == vectors[1] && vectors[0] != vectors[2])
    let coded = try await service.document(
      .embeddings, ["input": "abc", "encoding_format": "base64", "model": "bert"])
    let data = try #require(Data(base64Encoded: coded["data"]?[0]?["embedding"]?.string ?? ""))
    let decoded = data.withUnsafeBytes { raw in
      (0..<raw.count / 4).map { Float(bitPattern: raw.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
    }
    #expect(decoded == vectors[0].map { Float($0) })
    let short = try await service.document(.embeddings, ["input": "abc", "dimensions": 7])
    let kept = (short["data"]?[0]?["embedding"]?.array ?? []).compactMap(\.double)
    #expect(kept.count == 7 && abs(kept.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
  }

  @Test(arguments: [
    (#"{"prompt": "x", "temperature": 3}"#, "temperature"), (#"{"prompt": "x", "n": 0}"#, "n"),
    (#"{"prompt": "x", "logit_bias": {"600": 1}}"#, "logit_bias"), (#"{"prompt": [1, 512]}"#, "prompt[1]"),
    (#"{"prompt": "x", "suffix": "y"}"#, "suffix"), (#"{"prompt": "x", "seed": 1e300}"#, "seed"),
    (#"{"prompt": "x", "regex": "("}"#, "regex"), (#"{"prompt": ""}"#, "prompt"), (#"{"n": 1}"#, "prompt"),
    (#"{"prompt": "x", "max_tokens": 3000}"#, "max_tokens"), (#"{"prompt": "x", "stop": [1]}"#, "stop"),
  ])
  func fieldsAreNamed(body: String, param: String) async {
    let error = await service.refusal(.completions, body)
    #expect(error?.status == 400 && error?.param == param, "\(body): \(String(describing: error))")
  }

  @Test func hostileJSONIsRefused() async {
    for body in [
      "", "nil", "[]", "{", #"{"a": 1e999}"#, String(repeating: "[", count: 100_000),
      String(repeating: #"{"a":"#, count: 100_000), "{\"a\": \"\u{1}\"}",
    ] {
      #expect(await service.refusal(.chat, body)?.code == "invalid_json")
    }
  }

  @Test func modelsAreTheRightOnes() async {
    #expect(await service.refusal(.completions, #"{"model": "x", "prompt": "x"}"#)?.code == "model_not_found")
    #expect(await service.refusal(.completions, #"{"model": "bert", "prompt": "x"}"#)?.code == "wrong_model")
    #expect(await service.refusal(.embeddings, #"{"model": "llama", "input": "x"}"#)?.code == "wrong_model")
  }

  @Test func metricsOfSeveralModelsAreOneText() async throws {
    let other = try TinyService.make()
    let both = InferenceService(models: service.models + other.models)
    guard case .document(200, _, let bytes) = try await both.answer(.metrics, body: []) else { throw Unexpected() }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let types = lines.filter { $0.hasPrefix("# TYPE") }
    #expect(Set(types).count == types.count && types.count > 20)
    // A family's samples stand below its own head, and nowhere else.
    var family = ""
    for line in lines {
      if line.hasPrefix("# TYPE") { family = String(line.split(separator: " ")[2]) }
      if !line.hasPrefix("#") { #expect(line.hasPrefix(family)) }
    }
    #expect(lines.count { $0.hasPrefix("gobi_engine_steps_total{") } == 2)
  }

  @Test func whoLetsGoCancels() async throws {
    // So much that a busy machine does not come to its end before it is cancelled.
    let service = try TinyService.make(context: 30_000)
    let body = with(prompt, ["max_tokens": 29_000, "ignore_eos": true, "stream": true, "n": 16])
    guard case .events(let stream) = try await service.answer(.completions, body: Array(body.serialized().utf8)) else {
      throw Unexpected()
    }
    stream.cancel()
    try await stream.run { _ in }
    let document = Task { await service.refusal(.completions, with(body, ["stream": false]).serialized()) }
    document.cancel()
    let error = await document.value
    #expect(error == nil || error?.code == "cancelled")
    let engine = try #require(service.models[0].engine)
    engine.drain()
    await engine.ended()
    #expect(engine.counters.running == 0 && engine.counters.cancelled >= 1)
  }

  @Test func itDrains() async throws {
    let body = with(prompt, ["max_tokens": 100, "ignore_eos": true])
    let service = service
    let running = Task { try await service.document(.completions, body) }
    while service.models[0].engine?.counters.submitted == 0 { await Task.yield() }
    await service.drain(patience: .seconds(60))
    #expect(try await running.value["usage"]?["completion_tokens"] == 100)
    #expect(await service.refusal(.completions, body.serialized())?.status == 503)
    guard case .document(503, _, _) = try await service.answer(.health, body: []) else { throw Unexpected() }
  }
}
