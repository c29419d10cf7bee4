// How tokens are chosen, as options of the command line.
import ArgumentParser
import Foundation
import Inference

struct SamplingArguments: ParsableArguments {
  @Flag(help: "Take the most likely token each time: the same as --temperature 0.")
  var greedy = false

  @Option(help: "0 is greedy.")
  var temperature: Float = 0.8

  @Option(help: "Keep the k most likely tokens; 0 keeps all.")
  var topK = 40

  @Option(help: "Keep the most likely tokens that reach this probability together; 1 keeps all.")
  var topP: Float = 0.95

  @Option(help: "Keep tokens at least this fraction as likely as the most likely one; 0 keeps all.")
  var minP: Float = 0.05

  @Option(help: "Divide positive and multiply negative logits of seen tokens by this; 1 does nothing.")
  var repeatPenalty: Float = 1

  @Option(help: "Subtract this from a token's logit for each time it was seen.")
  var frequencyPenalty: Float = 0

  @Option(help: "Subtract this from the logit of seen tokens.")
  var presencePenalty: Float = 0

  @Option(help: "How many of the last tokens count as seen; 0 none, -1 all.")
  var repeatLastN = 64

  @Option(parsing: .singleValue, help: "Add to a token's logit, as 1234=-5 or 1234=-inf; may be repeated.")
  var logitBias: [String] = []

  @Option(help: "The seed. Default: a new one each time.")
  var seed: UInt64?

  func options() throws -> SamplingOptions {
    var options = SamplingOptions()
    options.temperature = greedy ? 0 : temperature
    options.topK = topK
    options.topP = topP
    options.minP = minP
    options.repetitionPenalty = repeatPenalty
    options.frequencyPenalty = frequencyPenalty
    options.presencePenalty = presencePenalty
    options.penaltyWindow = repeatLastN
    options.seed = seed ?? UInt64.random(in: .min ... .max)
    for bias in logitBias {
      let parts = bias.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let token = Int32(parts[0]), let value = Float(parts[1]) else {
        throw Failure("--logit-bias: '\(bias)' is not TOKEN=NUMBER", hint: "For example: --logit-bias 1234=-5")
      }
      options.logitBias[token] = value
    }
    do { try options.validate() } catch { throw Failure("\(error)") }
    return options
  }
}
