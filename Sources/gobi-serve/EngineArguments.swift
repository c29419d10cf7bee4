// How each model's engine is set up.
import ArgumentParser
import Foundation
import Inference

struct EngineArguments: ParsableArguments {
  @Option(
    name: [.customShort("t"), .long],
    help: "Threads, shared by all models. Default: the least of affinity, container quota and cores.")
  var threads: Int?

  @Option(help: "Use the kernels of this instruction set (see gobi cpu). Default: GOBI_ISA, else the best one.")
  var isa: String?

  @Option(help: "Positions that a prompt and its answer may have together. Default: what the model was trained for.")
  var context: Int?

  @Option(help: "What keys and values are kept as: f32, f16, bf16 or q8. Default: what the processor does best.")
  var kv: String?

  @Option(
    help: """
      MiB that each model's keys and values may take. Default: a quarter of the memory that is free at the start, \
      shared by the models.
      """)
  var kvBudget: Int?

  @Option(help: "MiB of these that the prefix cache may keep; 0 switches it off. Default: half of the budget.")
  var cache: Int?

  @Option(help: "Sequences that are evaluated together.")
  var sequences = 32

  @Option(help: "Requests that may wait; one more is answered with 429.")
  var queue = 1_024

  @Option(
    help: """
      Guess up to this many tokens ahead, 1 to 32: from the request's own text, or by --draft-model. Answers stay the \
      same, and where guessing is measured to lose it stops. 0: never.
      """)
  var speculate = 0

  @Option(help: "Aim: seconds to the first token.")
  var ttft = 2.0

  @Option(help: "Aim: seconds a token after that.")
  var tpot = 0.1

  static let formats: [String: KVFormat] = ["f32": .f32, "f16": .f16, "bf16": .bf16, "q8": .q8]

  func validate() throws {
    func require(_ holds: Bool, _ name: String, _ expected: String) throws {
      guard holds else { throw ValidationError("--\(name): expected \(expected)") }
    }
    try require((1...1_024).contains(threads ?? 1), "threads", "1 to 1024")
    try require((16...Int(Int32.max)).contains(context ?? 16), "context", "16 at least")
    try require(kv.map { Self.formats[$0] != nil } ?? true, "kv", "f32, f16, bf16 or q8")
    try require((1...1 << 30).contains(kvBudget ?? 1), "kv-budget", "1 at least")
    try require((0...1 << 30).contains(cache ?? 0), "cache", "0 at least")
    try require((1...1_024).contains(sequences), "sequences", "1 to 1024")
    try require((0...32).contains(speculate), "speculate", "0 to 32")
    try require((1...1 << 20).contains(queue), "queue", "1 to 1048576")
    try require(ttft > 0 && ttft <= 1e6, "ttft", "a number above 0")
    try require(tpot > 0 && tpot <= 1e6, "tpot", "a number above 0")
    if let isa, ISA(name: isa) == nil {
      throw ValidationError("--isa: expected one of \(ISA.available.map(\.name).joined(separator: ", "))")
    }
  }

  func runtime() throws -> Runtime { try Runtime(threads: threads, isa: isa.flatMap { ISA(name: $0) }) }

  func options(models: Int) throws -> EngineOptions {
    let budget = kvBudget.map { $0 << 20 } ?? Self.freeMemory() / 4 / max(models, 1)
    var options = EngineOptions()
    options.session = SessionOptions(
      context: context, kvFormat: kv.flatMap { Self.formats[$0] }, kvBudget: budget)
    options.cacheBytes = cache.map { $0 << 20 } ?? budget / 2
    options.maximumSequences = sequences
    options.maximumStepTokens = max(options.maximumStepTokens, sequences)
    options.maximumQueue = queue
    if speculate > 0 { options.speculation = SpeculationOptions(maximumDraft: speculate) }
    options.timeToFirstToken = .seconds(ttft)
    options.timePerOutputToken = .seconds(tpot)
    return options
  }

  /// Bytes that the system, or this process's control group, has left; 1 GiB at least.
  private static func freeMemory() -> Int {
    func number(_ path: String) -> Int? {
      FileManager.default.contents(atPath: path).flatMap {
        Int(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
    var free = Int.max
    let lines = FileManager.default.contents(atPath: "/proc/meminfo").map { String(decoding: $0, as: UTF8.self) } ?? ""
    for line in lines.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      let words = line.split(separator: " ")
      if words.count > 1, let kilobytes = Int(words[1]) { free = kilobytes << 10 }
    }
    if let most = number("/sys/fs/cgroup/memory.max"), let used = number("/sys/fs/cgroup/memory.current") {
      free = min(free, most - used)
    }
    return free == .max ? 4 << 30 : max(free, 1 << 30)
  }
}
