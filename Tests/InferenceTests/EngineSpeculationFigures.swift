// What drafts bring on a published model, by the clock. Prints figures; asserts only that the tokens are the same.
import Foundation
import Inference
import TestSupport
import Testing

@Suite struct EngineSpeculationFigures {
  private static let isAsked = ProcessInfo.processInfo.environment["GOBI_SPECULATION_FIGURES"] != nil

  /// Text that says itself again, and text that does not.
  private static let cases: [(name: String, prompt: String, temperature: Float)] = [
    (
      "JSON records",
      "[\n"
        + (1...6).map {
          "  {\"id\": \($0), \"name\": \"item \($0)\", \"price\": \($0)0.5, \"tags\": [\"new\", \"sale\"]},\n"
        }
        .joined(), 0
    ),
    (
      "code again",
      """
      def read_table(path, separator):
          rows = []
          with open(path) as file:
              for line in file:
                  rows.append(line.strip().split(separator))
          return rows

      # The same function again, with a comment on every line:
      def read_table(path, separator):
      """, 0
    ),
    ("a story, greedy", "Once upon a time in a small town by the sea there lived", 0),
    ("a story, temperature 1", "Once upon a time in a small town by the sea there lived", 1),
  ]

  @Test(.enabled(if: isAsked && RealModels.exists(RealModels.smolLM2), "GOBI_SPECULATION_FIGURES, and a model"))
  func tokensASecond() throws {
    let path = ProcessInfo.processInfo.environment["GOBI_SPECULATION_MODEL"] ?? RealModels.smolLM2
    let model = try Model.open(path: path, runtime: Runtime())
    let draft = try ProcessInfo.processInfo.environment["GOBI_DRAFT_MODEL"].map {
      try Model.open(path: $0, runtime: model.runtime)
    }
    let tokenizer = try TokenizerLoader.tokenizer(of: GGUFFile(path: path))
    for count in [1, 8] {
      for (name, prompt, temperature) in Self.cases {
        let requests = (0..<count).map { index in
          var asked = GenerationRequest(
            prompt: tokenizer.encode(prompt + (index == 0 ? "" : " "), parseSpecial: false),
            stop: StopRule(maximumTokens: 200))
          asked.sampling.temperature = temperature
          asked.sampling.seed = UInt64(index)
          return asked
        }
        // In turn, so that what else the machine does meets all alike.
        var figures: [[Double]] = [[], []]
        var usage = GenerationUsage(), tokens: [[SampledToken]] = []
        for round in 0..<6 {
          var options = EngineOptions()
          if round % 2 == 1 { options.speculation = SpeculationOptions(draftModel: draft) }
          let engine = try Engine(model: model, options: options)
          let start = ContinuousClock().now
          let open = try requests.map { try engine.submit($0) }
          var answers: [[EngineEvent]] = open.map { _ in [] }
          while open.contains(where: { !$0.isOver }) {
            for index in open.indices { answers[index] += open[index].poll() }
            usleep(1_000)
          }
          let seconds =
            Double((ContinuousClock().now - start).components.attoseconds) * 1e-18
            + Double((ContinuousClock().now - start).components.seconds)
          let chosen = answers.map { Answer($0).tokens }
          if round == 0 { tokens = chosen } else { #expect(chosen == tokens) }
          figures[round % 2].append(Double(chosen.reduce(0) { $0 + $1.count }) / seconds)
          if round == 5 { usage = try #require(Answer(answers[0]).usage) }
        }
        let (plain, drafted) = (figures[0].sorted()[1], figures[1].sorted()[1])
        print(
          String(
            format: "%d x %@: %.1f tokens/s without, %.1f with drafts (%.2f times); drafted %d, accepted %d of %d",
            count, name, plain, drafted, drafted / plain, usage.draftedTokens, usage.acceptedTokens,
            usage.completionTokens))
      }
    }
  }
}
