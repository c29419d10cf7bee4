// Loads against an HTTP server: streams as servers send them, and every way in which one fails is a failed request with
// its reason.
import Capacity
import Foundation
import Inference
import Testing

@Suite struct HTTPServingTests {
  /// One load of `count` requests of 3 tokens against a server that answers so.
  private func load(
    _ count: Int = 1, key: String? = nil, patience: Double = 5, silence: Double = 5,
    _ answer: @escaping @Sendable (String) -> [SmallServer.Act]
  ) throws -> (records: [RequestRecord], requests: [String]) {
    let server = try SmallServer(answer)
    defer { server.stop() }
    let records = try load(count, port: server.port, key: key, patience: patience, silence: silence)
    return (records, server.requests)
  }

  private func load(
    _ count: Int, port: UInt16, key: String? = nil, patience: Double = 5, silence: Double = 5
  ) throws -> [RequestRecord] {
    var options = HTTPServing.Options(model: "a \"model\"")
    options.key = key
    options.silencePatience = silence
    let system = try HTTPServing(HTTPEndpoint("http://127.0.0.1:\(port)/v1/completions?x=1"), options: options)
    let rows = (0..<count).map { "\(Double($0) * 0.001),5,3" }
    let trace = try ServingTrace(text: (["time,input_tokens,output_tokens"] + rows).joined(separator: "\n"), name: "t")
    let stream = try ArrivalStream(.trace(trace, speed: 1), lengths: .drawn(trace), seed: 1)
    return try LoadDriver().run(stream, against: system, patience: patience).records
  }

  @Test func manyRequestsAtOnceAreAnswered() throws {
    let (records, requests) = try load(40) { _ in SmallServer.stream(3) }
    #expect(records.count == 40 && requests.count == 40)
    for record in records {
      #expect(record.error == nil && record.tokens == 3 && record.isDone)
      #expect(try #require(record.firstToken) >= record.sent && record.lastToken ?? 0 >= record.firstToken ?? 1)
    }
    // No two share a prefix that a server could keep.
    #expect(Set(requests.compactMap { $0.components(separatedBy: "\"prompt\":").last }).count == 40)
  }

  @Test func theRequestIsWhatTheEndpointWants() throws {
    let request = try #require(try load(key: "sk-1") { _ in SmallServer.stream(3) }.requests.first)
    let parts = request.components(separatedBy: "\r\n\r\n")
    let head = parts[0].components(separatedBy: "\r\n")
    #expect(head[0] == "POST /v1/completions?x=1 HTTP/1.1")
    for line in ["Authorization: Bearer sk-1", "Content-Type: application/json", "Connection: close"] {
      #expect(head.contains(line))
    }
    #expect(head.contains { $0.hasPrefix("Host: 127.0.0.1:") })
    let body = try JSONValue(parsing: parts[1])
    #expect(body["model"]?.string == "a \"model\"" && body["max_tokens"]?.int == 3)
    #expect(body["stream"] == .bool(true) && body["ignore_eos"] == .bool(true))
    #expect(body["prompt"]?.string?.split(separator: " ").count == 5)
    #expect(try load { _ in SmallServer.stream(3) }.requests.allSatisfy { !$0.contains("Authorization") })
  }

  @Test func tokensThatComeTogetherAreCounted() throws {
    let record = try load { _ in SmallServer.stream(2, usage: 3) }.records[0]
    #expect(record.error == nil && record.tokens == 3)
  }

  @Test func aBodyByLengthAndOneToTheEnd() throws {
    let body = (0..<3).map { SmallServer.event(" \($0)") }.joined() + "data: [DONE]\r\n\r\n"
    for head in ["Content-Length: \(body.utf8.count)\r\n", ""] {
      let record = try load { _ in [.send(SmallServer.head + head + "\r\n" + body)] }.records[0]
      #expect(record.error == nil && record.tokens == 3)
    }
  }

  @Test(arguments: [
    (
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\nbusy, sorry\n",
      "HTTP 503 Service Unavailable: busy"
    ),
    ("HTTP/1.1 401 Unauthorized\r\n\r\n", "HTTP 401"), ("", "without an answer"), ("SSH-2.0-x\r\n", "not an HTTP/1.1"),
    (SmallServer.head + "\r\n" + SmallServer.event("a"), "broke off after 1"),
    (SmallServer.head + "Transfer-Encoding: chunked\r\n\r\n" + SmallServer.chunk(SmallServer.event("a")), "broke off"),
    (SmallServer.head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "a chunk without a size"),
    (SmallServer.head + "Content-Length: -4\r\n\r\n", "a length that is none"),
    (SmallServer.head + "\r\ndata: {\"choices\": [\n\n", "is not JSON"),
    (SmallServer.head + "\r\ndata: {\"error\":{\"message\":\"out of memory\"}}\n\n", "out of memory"),
    (SmallServer.head + String(repeating: "x", count: 20_000) + "\r\n", "header line is too long"),
  ]) func answersThatAreWrong(_ text: String, _ what: String) throws {
    let record = try load { _ in [.send(text)] }.records[0]
    #expect(record.isDone && record.error?.contains(what) == true, "\(record.error ?? "no error")")
  }

  @Test func nobodyListens() throws {
    let server = try SmallServer { _ in [] }
    server.stop()
    let record = try load(1, port: server.port)[0]
    #expect(record.error?.contains("cannot connect") == true)
    var options = HTTPServing.Options(model: "m")
    options.mostOpen = 0
    let full = try HTTPServing(HTTPEndpoint("http://127.0.0.1:\(server.port)"), options: options)
    let log = try LoadDriver().run(
      ArrivalStream(.constant(rate: 100), lengths: .fixed(prompt: 1, output: 1), seed: 1), against: full, patience: 1
    ) { $0.records.count >= 2 }
    #expect(log.records.allSatisfy { $0.error?.contains("were open") == true })
  }

  @Test func aServerThatHangsIsGivenUp() throws {
    let silent = try load(silence: 0.2) { _ in [.hang] }.records[0]
    #expect(silent.error?.contains("no byte for") == true)
    let half = try load(silence: 0.2) { _ in [.send(SmallServer.head + "\r\n" + SmallServer.event("a")), .hang] }
    #expect(half.records[0].error?.contains("no byte for") == true && half.records[0].tokens == 1)
    // The load's own patience ends first: the request stays open, or its connection is seen to be let go.
    let open = try load(patience: 0.2) { _ in [.hang] }.records[0]
    #expect(open.tokens == 0 && (!open.isDone || open.ended ?? 0 >= 0.2 && open.error?.contains("ended") == true))
  }

  @Test(arguments: [
    "https://a/b", "ftp://a/b", "http://", "", "http://a:0/", "http://a:99999/", "http://u:p@a/", "http://a/\r\nX: y",
    "a:80/v1", "http://a/ b", "http://a/#x",
  ]) func addressesThatAreNone(_ text: String) {
    #expect(throws: CapacityError.self) { try HTTPEndpoint(text) }
  }

  @Test func addressesThatAre() throws {
    let plain = try HTTPEndpoint("http://node7")
    #expect(plain.host == "node7" && plain.port == 80 && plain.path == "/")
    let six = try HTTPEndpoint("HTTP://[::1]:8080/v1/completions?a=b")
    #expect(six.host == "::1" && six.port == 8080 && six.path == "/v1/completions?a=b")
    var options = HTTPServing.Options(model: "m")
    options.key = "a\r\nX: y"
    #expect(throws: CapacityError.self) { try HTTPServing(plain, options: options) }
  }

  /// However the bytes are cut, the same answer comes out; and whatever they are, none ends the process.
  @Test func piecesAndRubbish() throws {
    let events = SmallServer.event("é") + ": a comment\r\nevent: x\r\ndata: one\r\ndata: two\r\n\r\ndata:three\r\r"
    let text = SmallServer.head + "Transfer-Encoding: chunked\r\n\r\n" + SmallServer.chunk(events) + "0\r\nA: b\r\n\r\n"
    let bytes = Array("HTTP/1.1 100 Continue\r\n\r\n\(text)".utf8)
    var random = RandomSource(seed: 3)
    for size in [1, 2, 7, 1000] {
      var response = HTTPResponse()
      var stream = ServerSentEvents()
      var found: [String] = []
      for first in stride(from: 0, to: bytes.count, by: size) {
        found += try stream.take(try response.take(Array(bytes[first..<min(first + size, bytes.count)])))
      }
      #expect(response.isDone && response.status == 200 && found.count == 3)
      #expect(found.last == "three" && found[1] == "one\ntwo" && found[0].contains("é"))
    }
    for _ in 0..<2000 {
      var edited = bytes
      for _ in 0..<4 { edited[random.index(below: edited.count)] = UInt8(random.index(below: 256)) }
      var response = HTTPResponse()
      var stream = ServerSentEvents()
      var completion = CompletionStream()
      do {
        for event in try stream.take(try response.take(edited)) { _ = try completion.take(event) }
      } catch { #expect(!error.what.isEmpty) }
    }
  }
}
