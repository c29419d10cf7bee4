// What `gobi capacity` asks of a service: --slo-ttft, --slo-tpot, and how long requests are.
import ArgumentParser
import Capacity

struct ObjectiveArguments: ParsableArguments {
  @Option(help: "Seconds to the first token within which a request is served well.")
  var sloTtft = 2.0

  @Option(help: "Seconds a token after that.")
  var sloTpot = 0.1

  @Option(help: "Tokens of a request's prompt. Default: the longest that the level has time for.")
  var sloPrompt: Int?

  @Option(help: "Tokens of its output. Default: likewise.")
  var sloOutput: Int?

  @Option(help: "Sequences that are decoded together at most. Default: 16, from 32 threads on 64.")
  var sloBatch: Int?

  func options() throws -> ServingOptions {
    var options = ServingOptions()
    options.timeToFirstToken = sloTtft
    options.timePerOutputToken = sloTpot
    options.promptTokens = sloPrompt
    options.outputTokens = sloOutput
    options.mostSequences = sloBatch
    try options.check()
    return options
  }
}
