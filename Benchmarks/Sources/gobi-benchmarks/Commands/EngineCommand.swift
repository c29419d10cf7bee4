// `gobi-benchmarks engine`: what the engine costs beside a bare session.
import ArgumentParser
import Capacity
import Foundation
import Inference

struct EngineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine", abstract: "The engine's decode beside that of a session driven by hand, interleaved.")
  @Argument(help: "A GGUF file, or a folder with safetensors.") var model: String
  @Option(help: "Sequences together; several, parted by commas.") var batch = "1,32"
  @Option(help: "Tokens of each.") var tokens = 128
  @Option(help: "Rounds of two runs of each.") var rounds = 10
  @Option(help: "Threads. Default: the least of affinity, container quota and cores.") var threads: Int?

  private var batches: [Int]? {
    let parsed = batch.split(separator: ",").map { Int($0) }
    return parsed.allSatisfy { $0.map { (1...1_024).contains($0) } ?? false } ? parsed.compactMap { $0 } : nil
  }

  func validate() throws {
    guard let batches, !batches.isEmpty else { throw ValidationError("--batch: expected numbers from 1 to 1024") }
    guard (1...8_192).contains(tokens) else { throw ValidationError("--tokens: expected 1 to 8192") }
    guard (3...1_000).contains(rounds) else { throw ValidationError("--rounds: expected 3 to 1000") }
  }

  func run() throws {
    runCommand {
      let loaded: Model
      do { loaded = try Model.open(path: model, runtime: Runtime(threads: threads)) } catch {
        throw AskedError("\(error)")
      }
      Console.line("batch  session ms/step  engine ms/step  overhead        95 % interval")
      for batch in batches ?? [] {
        let work = EngineOverhead(model: loaded, batch: batch, tokens: tokens)
        let result = try work.measure(rounds: rounds) {
          Console.progress("batch \(batch): round \($0 + 1) of \(rounds)")
        }
        Console.progress("")
        let text = { (share: Double) in String(format: "%+.2f %%", share * 100) }
        Console.line(
          "\(batch)".right(5) + String(format: "%.3f", result.session * 1e3).right(17)
            + String(format: "%.3f", result.engine * 1e3).right(16) + text(result.overhead).right(10)
            + "\(text(result.interval.lowerBound)) to \(text(result.interval.upperBound))".right(21))
      }
      return 0
    }
  }
}
