// How long a mask takes over a vocabulary of 150,000 tokens. Prints figures; asserts only that the masks are right.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct GrammarLatencyTests {
  private static let isAsked = ProcessInfo.processInfo.environment["GOBI_MASK_FIGURES"] != nil

  private static let schemas: [(name: String, schema: String, text: String)] = [
    (
      "tool call",
      #"{"type":"object","properties":{"name":{"enum":["search","open","write_file"]},"arguments":{"type":"object","properties":{"query":{"type":"string"},"limit":{"type":"integer","minimum":1,"maximum":100},"fresh":{"type":"boolean"}},"required":["query"]}},"required":["name","arguments"]}"#,
      #"{"name": "search", "arguments": {"query": "the height of the Eiffel tower in metres, before 1950", "limit": 25, "fresh": true}}"#
    ),
    (
      "record",
      #"{"type":"object","properties":{"title":{"type":"string","maxLength":80},"when":{"type":"string","format":"date-time"},"id":{"type":"string","format":"uuid"},"mail":{"type":"string","format":"email"},"score":{"type":"number","minimum":0,"maximum":10},"tags":{"type":"array","items":{"type":"string","pattern":"^[a-z][a-z0-9-]{0,15}$"},"maxItems":5}},"required":["title","when","score"]}"#,
      #"{"title": "Überraschung: \"Grün\" is a colour, 颜色 too", "when": "2024-05-17T09:30:00Z", "id": "123e4567-e89b-12d3-a456-426614174000", "mail": "jane.doe@example.com", "score": 7.25, "tags": ["colour", "language-1", "x"]}"#
    ),
    (
      "tree",
      ##"{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"label":{"type":"string"},"weight":{"type":"number"},"children":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["label"]}}}"##,
      #"{"label": "root of it all", "children": [{"label": "left", "weight": -1.5e3, "children": []}, {"label": "right", "children": [{"label": "leaf"}, {"label": "another leaf\n", "weight": 2}]}]}"#
    ),
    (
      "any JSON", "true",
      #"{"menu": {"id": "file", "value": "File", "popup": {"menuitem": [{"value": "New", "onclick": "CreateNewDoc()"}, {"value": "Open", "n": [1, 2.5, null, true]}]}}, "text": "A longer sentence, as a model would write it, with commas."}"#
    ),
  ]

  @Test(.enabled(if: isAsked && RealModels.exists(RealModels.qwenTiktoken), "GOBI_MASK_FIGURES, and a vocabulary"))
  func masks() throws {
    let file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: RealModels.qwenTiktoken)))
    let special: [String: Int32] = ["<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645]
    let tokenizer = try TokenizerLoader.tiktoken(file: file, preTokenizer: "qwen2", special: special)
    let clock = ContinuousClock()
    var start = clock.now
    let vocabulary = GrammarVocabulary(tokenizer)
    print("vocabulary of \(vocabulary.count) tokens made ready in \(clock.now - start)")
    var all: [Double] = [], first: [Double] = []
    for (name, schema, text) in Self.schemas {
      start = clock.now
      let constraint = try GrammarConstraint(jsonSchema: schema, vocabulary: vocabulary)
      let compile = clock.now - start
      var cold: [Double] = [], warm: [Double] = []
      var mask = TokenMask(count: vocabulary.count)
      for round in 0..<20 {
        var state = constraint.start()
        for token in tokenizer.encode(text, parseSpecial: false, addBOS: false) {
          start = clock.now
          state.mask(into: &mask)
          let time = (clock.now - start).microseconds
          if round == 0 { cold.append(time) } else { warm.append(time) }
          #expect(mask[token])
          state.take(token: token)
        }
        #expect(state.isComplete)
      }
      print(
        "\(name): \(constraint.stateCount) states in \(compile); first text \(Self.line(cold)); later \(Self.line(warm))"
      )
      all += cold + warm
      first += cold
    }
    print("all: \(Self.line(all)); first texts only: \(Self.line(first))")
  }

  private static func line(_ times: [Double]) -> String {
    let sorted = times.sorted()
    func at(_ part: Double) -> String { String(format: "%.1f", sorted[Int(Double(sorted.count - 1) * part)]) }
    return "\(times.count) masks, median \(at(0.5)) µs, p99 \(at(0.99)) µs, maximum \(at(1)) µs"
  }
}

extension Duration {
  fileprivate var microseconds: Double { Double(components.attoseconds) * 1e-12 + Double(components.seconds) * 1e6 }
}
