// `gobi load`: the arrival rate that a model serves within an objective, by an open loop against an engine.
import ArgumentParser
import Capacity
import Foundation
import Inference

struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Find how many requests a second a model serves within an objective, and its goodput there.",
    discussion: """
      Requests arrive at random times (Poisson) whatever has become of those before, and latency counts from the time \
      when each was due. A rate passes if --share of all requests are shown to keep --ttft and --tpot, with --confidence: \
      for 99 % each that takes 459 requests without a miss, 662 with one, 838 with two. The largest such rate is found by bisection, \
      or --rate tries one. With --url a server is driven instead, over plain HTTP: completions are streamed, and asked \
      to end by count (ignore_eos). Exit code 1 if no rate passed.
      """)

  @OptionGroup var arguments: ModelArguments

  @Option(
    help: """
      A server's completions endpoint (http://host:port/v1/completions) in place of an engine; -m is then the name that \
      the server knows the model by. GOBI_API_KEY in the environment is sent as the bearer's key.
      """)
  var url: String?

  @Option(help: "With --url: seconds without a byte after which a request has failed.")
  var timeout = 60.0

  @Option(help: "Seconds to the first token that a request may take.")
  var ttft = 2.0

  @Option(help: "Seconds a token that it may take after that.")
  var tpot = 0.1

  @Option(help: "Of all requests, the share that must keep both.")
  var share = 0.99

  @Option(help: "With which that share must be shown: less of either takes fewer requests, and says less.")
  var confidence = 0.99

  @Option(name: [.customShort("p"), .long], help: "Tokens of a prompt.")
  var prompt = 128

  @Option(name: [.customShort("n"), .long], help: "Tokens of an output.")
  var output = 32

  @Option(
    help: """
      Draw prompts and outputs from this trace (CSV or JSON lines) instead; -p and -n limit them. A trace with prefix \
      hashes goes in order, and what prompts share is counted.
      """)
  var trace: String?

  @Option(help: "Without --url: sequences that are evaluated together.")
  var sequences = 32

  @Option(help: "Without --url: MB of the engine's prefix cache. Default: none, so that a figure owes nothing to it.")
  var prefixCache = 0

  @Option(help: "Requests a second: try this rate alone.")
  var rate: Double?

  @Option(help: "Seconds for the whole search.")
  var seconds: Double = 600

  @Option(help: "Seeds arrivals and lengths.")
  var seed: UInt64 = 1

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    for (name, value) in [
      ("ttft", ttft), ("tpot", tpot), ("seconds", seconds), ("rate", rate ?? 1), ("timeout", timeout),
    ]
    where !(value > 0 && value.isFinite) {
      throw ValidationError("--\(name): expected a number above 0")
    }
    for (name, value) in [("share", share), ("confidence", confidence)] where !(0.5...0.9999).contains(value) {
      throw ValidationError("--\(name): expected 0.5 to 0.9999")
    }
    for (name, value, range) in [("sequences", sequences, 1...1024), ("prefix-cache", prefixCache, 0...1 << 24)]
    where !range.contains(value) {
      throw ValidationError("--\(name): expected \(range.lowerBound) to \(range.upperBound)")
    }
    for (name, value) in [("prompt", prompt), ("output", output)] where !(1...1 << 24).contains(value) {
      throw ValidationError("--\(name): expected 1 to \(1 << 24)")
    }
  }

  func run() throws {
    Interrupt.watch()
    let (lengths, lengthsName) = try requestLengths()
    let objective = ServiceObjective(
      timeToFirstToken: ttft, timePerOutputToken: tpot, share: share, confidence: confidence)
    let system = try url.map { try endpoint($0) } ?? engine(objective)
    defer { system.stop() }
    let driver = LoadDriver { Interrupt.isRequested }
    var plan = ServingBench.Plan(
      objective: objective, lengths: lengths, lengthsName: lengthsName,
      firstRate: try rate ?? ServingBench.firstRate(of: system, lengths, driver, seed: seed), seconds: seconds)
    if rate != nil { plan.search.mostTrials = 1 }
    let bar = ProgressBar("load")
    let began = FigureSampler.now()
    let result = try ServingBench(driver: driver, seed: seed).measure(system, plan) { number, rate in
      bar.update(
        min((FigureSampler.now() - began) / seconds, 1), detail: "trial \(number + 1): \(fixed(rate, 3)) requests/s")
    }
    bar.finish()
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      Console.write([UInt8](try encoder.encode(result.withoutSamples)))
      Console.out("")
    } else {
      Console.out(TextReport.lines(of: result).joined(separator: "\n"))
    }
    if result.knee.passed == nil { throw ExitCode(ExitStatus.checkFailed.rawValue) }
  }

  private func engine(_ objective: ServiceObjective) throws -> any ServingSystem {
    let model = try arguments.load()
    if model.configuration.isEncoder { throw Failure("\(model.path): an encoder generates no tokens") }
    guard prompt + output <= model.defaultContext else {
      throw Failure(
        "prompts of \(prompt) and outputs of \(output) tokens do not fit a context of \(model.defaultContext)",
        hint: "Give smaller -p and -n.")
    }
    var options = EngineServing.Options(objective: objective)
    options.mostSequences = sequences
    options.cacheBytes = prefixCache * 1_000_000
    return try EngineServing(model: model, label: (model.path as NSString).lastPathComponent, options: options)
  }

  private func endpoint(_ text: String) throws -> any ServingSystem {
    var options = HTTPServing.Options(model: arguments.model)
    options.silencePatience = timeout
    options.key = ProcessInfo.processInfo.environment["GOBI_API_KEY"].flatMap { $0.isEmpty ? nil : $0 }
    return try HTTPServing(HTTPEndpoint(text), options: options)
  }

  private func requestLengths() throws -> (RequestLengths, String) {
    guard let trace else {
      return (.fixed(prompt: prompt, output: output), "prompts of \(prompt), outputs of \(output) tokens")
    }
    let (limited, changed) = try ServingTrace(path: trace).limited(prompt: prompt, output: output)
    let name = (trace as NSString).lastPathComponent
    let cut = "\(limited.rows.count) rows of \(name), \(changed) of them cut to \(prompt) and \(output) tokens"
    return limited.hasHashes ? (.inOrder(limited), "in order from \(cut)") : (.drawn(limited), "drawn from \(cut)")
  }
}
