// One test of `gobi bench`: prepares the context, times the work, works out the figures.
import Foundation
import Inference

/// What a test evaluates.
struct BenchTest {
  let prompt: Int, generate: Int, depth: Int, batch: Int, parallel: Int
  /// That sequences have in turn.
  let adapters: Int

  /// As llama-bench names it: pp512, tg128, pp512+tg64, @ d4096.
  var name: String {
    var parts: [String] = []
    if prompt > 0 { parts.append("pp\(prompt)") }
    if generate > 0 { parts.append("tg\(generate)" + (parallel > 1 ? " × \(parallel)" : "")) }
    return parts.joined(separator: "+") + (adapters > 0 ? ", \(adapters) LoRA" : "")
      + (depth > 0 ? " @ d\(depth)" : "")
  }
}

struct BenchResult {
  let model: Model
  let test: BenchTest
  let time: Date
  /// Nanoseconds of each run.
  let samples: [Double]
  let share: BenchRoofs.Share?

  private var tokens: Double { Double(test.prompt + test.generate * test.parallel) }
  var rates: [Double] { samples.map { tokens / $0 * 1e9 } }

  static func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
  static func deviation(_ x: [Double]) -> Double {
    guard x.count > 1 else { return 0 }
    let mean = mean(x)
    return (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count - 1)).squareRoot()
  }
}

struct BenchTimer {
  let model: Model
  let test: BenchTest
  let kv: KVFormat?
  let adapters: [(adapter: Adapter, scale: Float)]

  func run(_ repetitions: Int, _ roofs: BenchRoofs?) throws -> BenchResult {
    let context = test.depth + test.prompt + test.generate
    let session = try Session(
      model: model, options: SessionOptions(context: context, chunk: test.batch, kvFormat: kv))
    var random = SeededRandom(seed: 1)
    let bases =
      try adapters.isEmpty
      ? [session.makeSequence()] : adapters.map { try session.makeSequence(adapter: $0.adapter, scale: $0.scale) }
    for base in bases where test.depth > 0 {
      try session.evaluate(
        Batch(base, tokens(test.depth, &random), output: .none), cancel: Interrupt.flag)
    }
    let date = Date()
    var samples: [Double] = []
    for repetition in 0...repetitions {
      // A branch shares the context before the test, so that it is computed once.
      let sequences = try (0..<test.parallel).map { try session.branch(bases[$0 % bases.count]) }
      let start = ContinuousClock.now
      try work(session, sequences, &random)
      let seconds = (ContinuousClock.now - start).seconds
      if repetition > 0 { samples.append(seconds * 1e9) }
      for sequence in sequences { try session.remove(sequence) }
    }
    let seconds = BenchResult.mean(samples) * 1e-9
    return BenchResult(
      model: model, test: test, time: date, samples: samples,
      share: try roofs?.share(model: model, test: test, seconds: seconds))
  }

  private func work(_ session: Session, _ sequences: [SequenceID], _ random: inout SeededRandom) throws {
    if test.prompt > 0 {
      try session.evaluate(Batch(sequences[0], tokens(test.prompt, &random)), cancel: Interrupt.flag)
    }
    var batch = Batch()
    for _ in 0..<test.generate {
      batch.removeAll()
      for sequence in sequences { batch.add(sequence, token(&random)) }
      try session.evaluate(batch, cancel: Interrupt.flag)
    }
  }

  private func token(_ random: inout SeededRandom) -> Int32 {
    Int32(random.next() % UInt64(model.configuration.vocabulary))
  }
  private func tokens(_ count: Int, _ random: inout SeededRandom) -> [Int32] {
    (0..<count).map { _ in token(&random) }
  }
}
