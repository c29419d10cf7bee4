// `gobi bench`: tokens a second of prefill and decode, with llama-bench's options and field names.
import ArgumentParser
import Foundation
import Inference

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time prefill and decode of models, beside this machine's roof.",
    discussion: """
      Options take lists, as -p 128,512. Each test runs once to warm up and then -r times. The share of the roof is \
      the multiply-adds done against the measured peak of the precision (MFU), or the bytes read against the measured \
      read bandwidth (MBU), whichever is nearer to its limit.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case md, csv, json, jsonl }

  @Option(name: [.customShort("m"), .long], parsing: .singleValue, help: "A model; may be repeated.")
  var model: [String] = []

  @Option(name: [.customShort("p"), .customLong("n-prompt")], help: "Tokens of the prompt tests; 0 for none.")
  var prompt = IntList([512])

  @Option(name: [.customShort("n"), .customLong("n-gen")], help: "Tokens of the generation tests; 0 for none.")
  var generate = IntList([128])

  @Option(
    name: .customLong("pg", withSingleDash: true), parsing: .singleValue,
    help: "A prompt and a generation in one test, as 512,64; may be repeated.")
  var both: [String] = []

  @Option(name: [.customShort("d"), .customLong("n-depth")], help: "Tokens that the context holds before a test.")
  var depth = IntList([0])

  @Option(name: [.customShort("b"), .customLong("batch-size")], help: "Rows that a prefill works on at once.")
  var batch = IntList([SessionOptions.defaultChunk])

  @Option(name: .customLong("parallel"), help: "Sequences that a generation test decodes together.")
  var parallel = IntList([1])

  @Option(
    parsing: .singleValue,
    help: "A LoRA adapter, file[:scale]; may be repeated: sequences that decode together take them in turn.")
  var lora: [String] = []

  @Option(name: [.customShort("t"), .long], help: "Threads. Default: one a core that may be used.")
  var threads: IntList?

  @Option(help: "Use the kernels of this instruction set.")
  var isa: String?

  @OptionGroup var cache: PanelCacheOption

  @Option(help: "Keys and values. Default: bf16 where the processor multiplies it, else f16.")
  var kv: KVOption?

  @Option(name: [.customShort("r"), .customLong("repetitions")], help: "Runs of each test.")
  var repetitions = 5

  @Option(name: [.customShort("o"), .customLong("output")], help: "md, csv, json or jsonl.")
  var format = Format.md

  @Flag(help: "Leave out the roofs, which take some seconds to measure.")
  var noRoof = false

  func validate() throws {
    if model.isEmpty { throw ValidationError("-m is missing: give at least one model.") }
    if repetitions < 1 { throw ValidationError("--repetitions: expected at least 1") }
    for (name, list, least) in [
      ("-p", prompt, 0), ("-n", generate, 0), ("-d", depth, 0), ("-b", batch, 1), ("--parallel", parallel, 1),
    ] where list.values.contains(where: { $0 < least }) {
      throw ValidationError("\(name): expected at least \(least)")
    }
    if let threads, threads.values.contains(where: { !(1...1_024).contains($0) }) {
      throw ValidationError("-t: expected 1 to 1024")
    }
  }

  func run() throws {
    Interrupt.watch()
    let writer = BenchWriter(format: format, showsRoof: !noRoof)
    writer.begin()
    for path in model {
      for count in threads?.values.map({ Optional($0) }) ?? [nil] {
        var options = RuntimeOptions()
        (options.threads, options.isa) = (count, isa)
        let runtime = try options.runtime()
        let roofs = noRoof ? nil : try BenchRoofs(runtime)
        let bar = ProgressBar("loading")
        let loaded = try Model.open(
          path: path, runtime: runtime,
          options: ModelOptions(
            progress: { bar.update($0) }, cancel: Interrupt.flag, panelCache: cache.folder))
        bar.finish()
        cache.report(loaded)
        if loaded.configuration.isEncoder { throw Failure("\(path): an encoder has no prefill and decode") }
        let adapters = try lora.map { try AdapterArgument.open($0, loaded) }
        for test in try tests() {
          writer.row(
            try BenchTimer(model: loaded, test: test, kv: kv?.format, adapters: adapters).run(repetitions, roofs))
        }
      }
    }
    writer.end()
  }

  /// Every combination, in llama-bench's order.
  private func tests() throws -> [BenchTest] {
    var tests: [BenchTest] = []
    let pairs = try both.map { text -> (Int, Int) in
      guard let list = IntList(argument: text), list.values.count == 2, list.values.allSatisfy({ $0 > 0 }) else {
        throw Failure("-pg: '\(text)' is not PROMPT,GENERATION", hint: "For example: -pg 512,64")
      }
      return (list.values[0], list.values[1])
    }
    for batch in batch.values {
      for depth in depth.values {
        for count in prompt.values where count > 0 {
          tests.append(
            BenchTest(prompt: count, generate: 0, depth: depth, batch: batch, parallel: 1, adapters: lora.count))
        }
        for count in generate.values where count > 0 {
          for parallel in parallel.values {
            tests.append(
              BenchTest(
                prompt: 0, generate: count, depth: depth, batch: batch, parallel: parallel, adapters: lora.count))
          }
        }
        for (prompt, generate) in pairs {
          tests.append(
            BenchTest(
              prompt: prompt, generate: generate, depth: depth, batch: batch, parallel: 1, adapters: lora.count))
        }
      }
    }
    return tests
  }
}

/// Integers between commas.
struct IntList: ExpressibleByArgument, CustomStringConvertible {
  let values: [Int]
  init(_ values: [Int]) { self.values = values }
  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !parts.isEmpty, parts.allSatisfy({ $0 != nil }) else { return nil }
    values = parts.compactMap { $0 }
  }
  var description: String { values.map(String.init).joined(separator: ",") }
  var defaultValueDescription: String { description }
}
